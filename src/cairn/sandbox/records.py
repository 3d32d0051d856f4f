"""What the sandbox remembers: one record per started host, one file per checkout."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict

from cairn import house
from cairn.sandbox import places
from cairn.sandbox.processes import Process

if TYPE_CHECKING:
    from collections.abc import Iterator


class Way(TypedDict):
    """One declared way out: destination, port and protocol (`tcp` or `udp`).

    `to` is a host name, an address, a network in CIDR notation, or `resolvers`.
    """

    to: str
    port: int
    protocol: str


@dataclass(frozen=True, slots=True)
class HostRecord:
    """A sandbox host as it was last started.

    Attributes:
        checkout: Path of the checkout that the host belongs to.
        node: Name of the node.
        host: Name of the host.
        os: `debian-13` or `debian-12`.
        address: IPv4 address on the sandbox's bridge.
        gateway: The computer's address on that bridge.
        machine: Name of the container; also part of its interface's name.
        host_key: Public SSH host key, `ssh-ed25519 AAAA...`.
        key_file: Private key of the sandbox on the computer.
        memory: Memory limit in bytes, None for no limit.
        volumes: Absolute paths on the host that are folders of the computer.
        egress: Declared ways out.
        process: The container's process, None when the host is stopped.
    """

    checkout: str
    node: str
    host: str
    os: str
    address: str
    gateway: str
    machine: str
    host_key: str
    key_file: str
    memory: int | None = None
    volumes: list[str] = field(default_factory=list)
    egress: list[Way] = field(default_factory=list)
    process: Process | None = None

    @property
    def name(self) -> str:
        """Node and host, as the commands show them."""
        return f"{self.node}/{self.host}"

    @property
    def runs(self) -> bool:
        """Whether the container's process lives."""
        return self.process is not None and self.process.lives()

    @property
    def is_orphan(self) -> bool:
        """Whether the checkout that the host belongs to is gone."""
        return not Path(self.checkout).is_dir()

    @property
    def log(self) -> Path:
        """What the host printed on its console since its last start."""
        return Path(self.key_file).parent / "hosts" / self.node / self.host / "boot.log"

    @property
    def group(self) -> str:
        """Name of the control group that the host runs in."""
        return f"cairn-{self.machine}"

    @property
    def link(self) -> str:
        """Name of the computer's end of the host's network cable."""
        return f"vb-{self.machine}"


def _file(checkout_id: str) -> Path:
    return places.SANDBOXES / checkout_id / "hosts.json"


def _from_json(content: dict[str, Any]) -> HostRecord:
    process = content.pop("process", None)
    return HostRecord(**content, process=Process(**process) if process else None)


def read(checkout_id: str | None = None) -> list[HostRecord]:
    """Return the records of a checkout (this one by default), by node and host."""
    content = places.read_json(_file(checkout_id or house.checkout_id()))
    return [_from_json(content[name]) for name in sorted(content)]


def read_all() -> list[HostRecord]:
    """Return the records of all checkouts of the computer."""
    return [record for name in checkout_ids() for record in read(name)]


def checkout_ids() -> Iterator[str]:
    """Yield the ids of all checkouts that have a sandbox on the computer."""
    if places.SANDBOXES.is_dir():
        for folder in sorted(places.SANDBOXES.iterdir()):
            if folder.is_dir():
                yield folder.name


def find(node: str, host: str) -> HostRecord | None:
    """Return the record of a host of this checkout."""
    return next((r for r in read() if (r.node, r.host) == (node, host)), None)


def keep(record: HostRecord) -> None:
    """Write a host's record; the caller holds the checkout's lock."""
    file = _file(house.checkout_id())
    content = places.read_json(file)
    content[record.name] = dataclasses.asdict(record)
    places.write_json(file, content)


def drop(record: HostRecord) -> None:
    """Forget a host's record; the caller holds the checkout's lock."""
    file = _file(house.checkout_id())
    content = places.read_json(file)
    content.pop(record.name, None)
    places.write_json(file, content)
