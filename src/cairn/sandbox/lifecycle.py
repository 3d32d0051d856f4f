"""Starting, stopping and removing sandbox hosts, from whatever state the last attempt left."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypedDict

from cairn import house
from cairn.errors import SandboxError
from cairn.sandbox import assembly, commands, furnishing, places, records, reservations
from cairn.sandbox import egress as ways_out
from cairn.sandbox.records import HostRecord

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager

    from cairn.sandbox.records import Way


class Connection(TypedDict):
    """How a host is reached by SSH."""

    local: bool
    address: str
    port: int
    user: str
    key_file: str | None
    host_key: str | None
    become_password: str | None


@dataclass(frozen=True, slots=True)
class Running:
    """A sandbox host that answers SSH.

    Attributes:
        connection: How it is reached.
        machine: Name of its container.
        pid: Its supervising process on the computer.
    """

    connection: Connection
    machine: str
    pid: int


def _silent(_: str) -> None:
    """Say nothing."""


def start(  # noqa: PLR0913 - all but the first two are by keyword
    node: str,
    host: str,
    *,
    os: str = "debian-13",
    memory: int | None = None,
    volumes: Sequence[str] = (),
    egress: Sequence[Way] = (),
    progress: Callable[[str], None] = _silent,
) -> Running:
    """Start a sandbox host and return when it answers SSH; one that runs is left running.

    Args:
        node: Name of the node.
        host: Name of the host within the node.
        os: `debian-13` or `debian-12`; fixed when the host is first made.
        memory: Limit in bytes, best effort; None for none.
        volumes: Absolute paths on the host that are kept in folders of the computer and outlive
            the host.
        egress: Declared ways out; all else is dropped. A running host's ways are replaced.
        progress: Called with one line per step.

    Raises:
        SandboxError: Says what failed and what to do; what was half made is cleaned up by the
            next call.
    """
    _require()
    wish = _wish(node, host, os=os, memory=memory, volumes=volumes, ways=egress)
    with _host_lock(node, host):
        record = records.find(node, host)
        if record is not None and record.runs:
            return _running(assembly.refresh(record, wish, progress))
        return _running(assembly.start(wish, progress))


def stop(node: str, host: str) -> None:
    """Power a host off; what it wrote stays. Nothing to do for one that is stopped or unknown."""
    _require()
    if records.find(node, host) is not None:
        with _host_lock(node, host):
            assembly.stop(_known(node, host))


def restart(node: str, host: str, *, progress: Callable[[str], None] = _silent) -> Running:
    """Stop a host and start it again as it was last asked for.

    Raises:
        SandboxError: There is no such host, or it does not come back.
    """
    _require()
    _known(node, host)
    with _host_lock(node, host):
        record = _known(node, host)
        assembly.stop(record)
        return _running(assembly.start(record, progress))


def remove(node: str, host: str, *, delete_data: bool = False) -> None:
    """Remove a host without trace; its volumes stay unless their deletion is asked for.

    Also cleans up after a start that was cut short, and does nothing where nothing is left.
    """
    _require()
    if places.of_host(node, host).folder.exists() or records.find(node, host):
        with _host_lock(node, host):
            assembly.remove(node, host)
    if delete_data:
        assembly.delete_volumes(node, host)
    assembly.tidy()


def find(node: str, host: str) -> Running | None:
    """Return a host of this checkout if it runs."""
    record = records.find(node, host)
    return _running(record) if record is not None and record.runs else None


def hosts(*, all_checkouts: bool = False) -> list[HostRecord]:
    """Return the sandbox hosts of this checkout, or of all checkouts of the computer."""
    return records.read_all() if all_checkouts else records.read()


def _require() -> None:
    commands.require_root()
    commands.require_programs()


def _host_lock(node: str, host: str) -> AbstractContextManager[None]:
    return places.locked(places.of_host(node, host).folder / ".lock")


def _known(node: str, host: str) -> HostRecord:
    record = records.find(node, host)
    if record is None:
        raise SandboxError(f"there is no sandbox host {node}/{host}; run `cairn sandbox list`")
    return record


def _wish(  # noqa: PLR0913 - all by keyword
    node: str,
    host: str,
    *,
    os: str,
    memory: int | None,
    volumes: Sequence[str],
    ways: Sequence[Way],
) -> HostRecord:
    for volume in volumes:
        if not volume.startswith("/") or ".." in volume.split("/") or ":" in volume:
            raise SandboxError(f"volume `{volume}` must be an absolute path without `..` or `:`")
    reservation = reservations.reserve(node, host)
    return HostRecord(
        checkout=str(house.root()),
        node=node,
        host=host,
        os=os,
        address=reservation.address,
        gateway=reservation.gateway,
        machine=f"c{places.label()}-{reservation.address.rsplit('.', 1)[1]}",
        host_key="",
        key_file=str(places.sandbox() / "ssh_key"),
        memory=None if memory is None else int(memory),
        volumes=sorted(volumes),
        egress=[ways_out.checked(way) for way in ways],
    )


def _running(record: HostRecord) -> Running:
    connection = Connection(
        local=False,
        address=record.address,
        port=22,
        user=furnishing.OPERATOR,
        key_file=record.key_file,
        host_key=record.host_key,
        become_password=None,
    )
    return Running(connection, record.machine, record.process.pid if record.process else 0)
