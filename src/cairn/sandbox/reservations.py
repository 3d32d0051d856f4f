"""Addresses of sandbox hosts: a network per checkout, an address per host, for life.

Kept in the checkout's private folder, so that a preview can name addresses without root. Networks
come from 198.18.0.0/15 (RFC 2544, never routed), which hospitals do not use themselves.
"""

from __future__ import annotations

import hashlib
import ipaddress
from dataclasses import dataclass
from ipaddress import IPv4Network
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from cairn import house
from cairn.errors import SandboxError
from cairn.sandbox import places, records

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from cairn.sandbox.records import HostRecord

POOL: Final = IPv4Network("198.18.0.0/15")
#: Port of the package cache on the computer's address of each sandbox network.
PACKAGE_CACHE_PORT: Final = 3142
_FIRST_HOST = 10
_LAST_HOST = 254


@dataclass(frozen=True, slots=True)
class Reservation:
    """What a host will be reached by, known before the host exists.

    Attributes:
        address: The host's IPv4 address.
        gateway: The computer's address on the same network.
        package_cache: URL of the package cache for apt.
    """

    address: str
    gateway: str
    package_cache: str

    @classmethod
    def of(cls, record: HostRecord) -> Reservation:
        """Return the reservation that a host was started with."""
        return cls(record.address, record.gateway, _cache_url(record.gateway))

    @property
    def network(self) -> IPv4Network:
        """The checkout's network."""
        return IPv4Network(f"{self.address}/24", strict=False)


def reserve(node: str, host: str) -> Reservation:
    """Reserve the address of a host, or return the one it has already.

    Pure bookkeeping under a lock on the checkout: no root, no program, nothing started.

    Raises:
        SandboxError: Names that cannot be host names, a network that is used up.
    """
    places.of_host(node, host)
    file = _file()
    with places.locked(file.with_suffix(".lock")):
        content = places.read_json(file) or _from_records() or _anew()
        network, addresses = IPv4Network(content["network"]), content["addresses"]
        name = f"{node}/{host}"
        if name not in addresses:
            addresses[name] = _next_address(network, addresses.values())
            places.write_json(file, content)
    gateway = str(network[1])
    return Reservation(addresses[name], gateway, _cache_url(gateway))


def release() -> None:
    """Forget all reservations of this checkout: for when its last host is removed."""
    if house.root().exists():
        _file().unlink(missing_ok=True)
        _file().with_suffix(".lock").unlink(missing_ok=True)


def choose_network(seed: str, taken: Collection[IPv4Network]) -> IPv4Network:
    """Choose a /24 by the hash of a seed, passing over those that overlap a taken one.

    Raises:
        SandboxError: All 512 are taken.
    """
    candidates = list(POOL.subnets(new_prefix=24))
    start = int.from_bytes(hashlib.sha256(seed.encode()).digest()[:8], "big")
    for step in range(len(candidates)):
        network = candidates[(start + step) % len(candidates)]
        if not any(network.overlaps(other) for other in taken):
            return network
    raise SandboxError(f"no free network left in {POOL}; remove sandboxes that are not needed")


def taken_networks() -> dict[IPv4Network, str]:
    """Return the networks this checkout must not take, each with who has it.

    Asks the computer's routing table (addresses of its own bring a route with them) and the
    records of other checkouts.
    """
    mine = house.checkout_id()
    claims = {
        IPv4Network(f"{record.address}/24", strict=False): f"the sandbox of {record.checkout}"
        for checkout_id in records.checkout_ids()
        if checkout_id != mine
        for record in records.read(checkout_id)
    }
    routes = Path("/proc/net/route").read_text(encoding="ascii").splitlines()
    return claims | parse_routes(routes, but=places.bridge())


def parse_routes(lines: Iterable[str], *, but: str) -> dict[IPv4Network, str]:
    """Return the networks of /proc/net/route, without default routes and one interface's own.

    Args:
        lines: The table; destination and mask are little-endian hexadecimal (proc(5)).
        but: Interface to leave out.
    """
    networks = {}
    for line in list(lines)[1:]:
        interface, destination, *_, mask = line.split()[:8]
        network = IPv4Network((_from_hex(destination), str(_from_hex(mask))))
        if interface != but and network.prefixlen > 0:
            networks[network] = f"interface {interface} of this computer"
    return networks


def confirm(reservation: Reservation) -> None:
    """Refuse to build a network that somebody else has taken since it was reserved.

    Raises:
        SandboxError: Says who has it and how to get another.
    """
    for network, holder in taken_networks().items():
        if network.overlaps(reservation.network):
            raise SandboxError(
                f"network {reservation.network} of this sandbox is now used by {holder}; "
                f"run `cairn sandbox remove --all`, then start again with new addresses",
            )


def _file() -> Path:
    return house.private() / "sandbox-addresses.json"


def _anew() -> dict[str, Any]:
    network = choose_network(str(house.root()), taken_networks().keys())
    return {"network": str(network), "addresses": {}}


def _from_records() -> dict[str, Any]:
    """Recover from hosts that exist what a cleaned checkout has forgotten."""
    known = records.read()
    if not known:
        return {}
    network = Reservation.of(known[0]).network
    return {"network": str(network), "addresses": {r.name: r.address for r in known}}


def _cache_url(gateway: str) -> str:
    return f"http://{gateway}:{PACKAGE_CACHE_PORT}"


def _next_address(network: IPv4Network, used: Collection[str]) -> str:
    for number in range(_FIRST_HOST, _LAST_HOST + 1):
        if str(network[number]) not in used:
            return str(network[number])
    raise SandboxError(
        f"all {_LAST_HOST - _FIRST_HOST + 1} addresses of {network} were given out; "
        "run `cairn sandbox remove --all` to begin anew",
    )


def _from_hex(word: str) -> ipaddress.IPv4Address:
    return ipaddress.IPv4Address(int.from_bytes(bytes.fromhex(word), "little"))
