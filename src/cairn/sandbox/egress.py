"""The ways out of the sandbox: one nftables table per checkout, default drop.

It governs what leaves the sandbox's bridge through the computer (forwarded) or to the computer
(input). Between hosts of one sandbox packets stay on the bridge: there the hosts' own firewalls
decide, as between two machines on one switch in a hospital. Other tables are never touched; where
another table of the computer drops forwarded packets (Docker's does), that verdict stands too.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cairn.errors import SandboxError
from cairn.sandbox import commands, furnishing, places
from cairn.sandbox.reservations import PACKAGE_CACHE_PORT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from cairn.sandbox.records import HostRecord, Way
    from cairn.sandbox.reservations import Reservation

#: Characters of host names, addresses and networks: nothing that means something to nftables.
_DESTINATION = re.compile(r"[A-Za-z0-9][A-Za-z0-9.:/_-]*")

_TABLE = """\
table inet {table}
delete table inet {table}
table inet {table} {{
    chain declared {{
{declared}
    }}
    chain forward {{
        type filter hook forward priority filter; policy accept;
        iifname "{bridge}" oifname "{bridge}" accept
        iifname "{bridge}" ct state established,related accept
        iifname "{bridge}" jump declared
        iifname "{bridge}" counter drop
        oifname "{bridge}" ct state established,related accept
        oifname "{bridge}" counter drop
    }}
    chain input {{
        type filter hook input priority filter; policy accept;
        iifname "{bridge}" ct state established,related accept
        iifname "{bridge}" ip protocol icmp accept
        iifname "{bridge}" ip daddr {gateway} tcp dport {cache_port} accept
        iifname "{bridge}" jump declared
        iifname "{bridge}" counter drop
    }}
    chain postrouting {{
        type nat hook postrouting priority srcnat; policy accept;
        ip saddr {network} oifname != "{bridge}" masquerade
    }}
}}
"""


@dataclass(frozen=True, order=True, slots=True)
class Opening:
    """One packet filter rule: from one host to some addresses, one port, one protocol.

    Attributes:
        source: The host's IPv4 address.
        destination: IPv4 address or network in CIDR notation.
        port: Destination port.
        protocol: `tcp` or `udp`.
        name: Whose way out it is, for the rule's comment.
    """

    source: str
    destination: str
    port: int
    protocol: str
    name: str

    def __str__(self) -> str:
        return (
            f"ip saddr {self.source} ip daddr {self.destination} "
            f'{self.protocol} dport {self.port} accept comment "{self.name}"'
        )


def apply(
    reservation: Reservation,
    hosts: Sequence[HostRecord],
    progress: Callable[[str], None],
) -> None:
    """Make the rules of this checkout exactly those of its hosts, in one transaction.

    Destination names are resolved now; a name without an address gets no way out, and that is
    said, because a hospital's names need not exist where its spec is rehearsed.

    Raises:
        SandboxError: nftables refused the rules.
    """
    rules = render(places.label(), places.bridge(), reservation, openings(hosts, progress))
    commands.run(["nft", "-f", "-"], stdin=rules, why="set the sandbox's packet filter")


def clear() -> None:
    """Remove this checkout's table."""
    table = f"cairn_{places.label()}"
    rules = f"table inet {table}\ndelete table inet {table}\n"
    commands.run(["nft", "-f", "-"], stdin=rules, why="remove the sandbox's packet filter")


def render(
    label: str,
    bridge: str,
    reservation: Reservation,
    allowed: Iterable[Opening],
) -> str:
    """Return the nftables input that replaces a checkout's table as a whole."""
    return _TABLE.format(
        table=f"cairn_{label}",
        bridge=bridge,
        gateway=reservation.gateway,
        network=reservation.network,
        cache_port=PACKAGE_CACHE_PORT,
        declared="\n".join(f"        {opening}" for opening in sorted(set(allowed))),
    )


def openings(
    hosts: Sequence[HostRecord],
    progress: Callable[[str], None],
) -> list[Opening]:
    """Return the packet filter rules of all declared ways out, names resolved now."""
    known: dict[str, list[str]] = {}
    found = []
    for record in hosts:
        for way in record.egress:
            if way["to"] not in known:
                known[way["to"]] = destinations(way["to"])
                if not known[way["to"]]:
                    progress(f"`{way['to']}` has no address here: no way out to it")
            found += [
                Opening(record.address, address, way["port"], way["protocol"], record.name)
                for address in known[way["to"]]
            ]
    return found


def checked(way: Way) -> Way:
    """Return a way out as it will be kept, with a whole number for its port.

    Raises:
        SandboxError: Says what is wrong with which way out.
    """
    if way["protocol"] not in {"tcp", "udp"}:
        raise SandboxError(f"egress to `{way['to']}`: protocol must be tcp or udp")
    if not _DESTINATION.fullmatch(way["to"]):
        raise SandboxError(f"egress to `{way['to']}`: that is no host name, address or network")
    if isinstance(way["port"], bool) or way["port"] not in range(1, 65536):
        raise SandboxError(f"egress to `{way['to']}`: port must be a number from 1 to 65535")
    return {"to": way["to"], "port": int(way["port"]), "protocol": way["protocol"]}


def destinations(to: str) -> list[str]:
    """Return the IPv4 addresses or networks that a destination stands for, perhaps none.

    Args:
        to: Host name, address, network in CIDR notation, `anywhere`, or `resolvers` for the
            nameservers that the hosts were given.
    """
    if to == "anywhere":
        return ["0.0.0.0/0"]
    if to == "resolvers":
        return furnishing.nameservers(furnishing.resolver_lines())
    try:
        network = ipaddress.ip_network(to, strict=False)
    except ValueError:
        return _resolve(to)
    return [str(network)] if isinstance(network, ipaddress.IPv4Network) else []


def _resolve(name: str) -> list[str]:
    try:
        answer = commands.run(["getent", "ahostsv4", "--", name], why="resolve", timeout=10)
    except SandboxError:
        return []
    return sorted({line.split()[0] for line in answer.splitlines() if line.strip()})
