"""A host put together from image, network, rules and container, and taken apart again.

Each function begins from whatever an earlier attempt left behind; the caller holds the host's lock.
"""

from __future__ import annotations

import contextlib
import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

from cairn.errors import SandboxError
from cairn.sandbox import (
    control_group,
    egress,
    furnishing,
    image,
    keys,
    machine,
    network,
    package_cache,
    places,
    processes,
    records,
)
from cairn.sandbox.reservations import Reservation

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from cairn.sandbox.places import HostPlaces
    from cairn.sandbox.records import HostRecord


def start(wish: HostRecord, progress: Callable[[str], None]) -> HostRecord:
    """Start a stopped or new host and wait until it answers SSH.

    Raises:
        SandboxError: It did not come up; it was taken apart again.
    """
    here = places.of_host(wish.node, wish.host)
    _clear_leftovers(wish, here)
    record = _put_together(wish, here, progress)
    try:
        with _checkout_lock():
            record = _boot(record, here, progress)
        machine.wait_for_ssh(record, here)
    except SandboxError:
        stop(record)
        raise
    progress(f"{record.name} answers SSH at {record.address}")
    return record


def refresh(record: HostRecord, wish: HostRecord, progress: Callable[[str], None]) -> HostRecord:
    """Bring a running host's ways out up to date; memory and volumes wait for its next start."""
    _refuse_other_system(record.os, wish)
    if (record.memory, record.volumes) != (wish.memory, wish.volumes):
        progress(f"{record.name} runs: new memory or volumes count from its next restart")
    record = dataclasses.replace(wish, process=record.process, host_key=record.host_key)
    with _checkout_lock():
        records.keep(record)
        package_cache.serve(Reservation.of(record), _running_hosts(), progress)
        egress.apply(Reservation.of(record), _running_hosts(), progress)
    machine.wait_for_ssh(record, places.of_host(record.node, record.host))
    return record


def stop(record: HostRecord) -> None:
    """Power a host off and take away what only running hosts need."""
    here = places.of_host(record.node, record.host)
    if record.process is not None:
        processes.end(record.process, patience=machine.STOP_LIMIT)
    _clear_leftovers(record, here)
    with _checkout_lock():
        if records.find(record.node, record.host) is not None:
            records.keep(dataclasses.replace(record, process=None))
        _settle(record)


def remove(node: str, host: str) -> None:
    """Stop a host and erase it, its record last, so that a cut removal can be repeated."""
    record = records.find(node, host)
    here = places.of_host(node, host)
    if record is not None:
        stop(record)
    machine.unmount(here)
    machine.erase(here.folder)
    with contextlib.suppress(OSError):
        here.folder.parent.rmdir()
    if record is not None:
        _drop_unused_volumes(record)
        with _checkout_lock():
            records.drop(record)


def _drop_unused_volumes(record: HostRecord) -> None:
    """Remove the volumes that nothing was ever written to; an empty folder inside one is data."""
    above = places.volumes(record.node, record.host)
    for volume in record.volumes:
        folder = above / volume.lstrip("/")
        while folder != places.sandbox():
            try:
                folder.rmdir()
            except OSError:
                break
            folder = folder.parent


def delete_volumes(node: str, host: str | None = None) -> None:
    """Delete the data volumes of a host that was removed, or of all hosts of a node."""
    above = places.sandbox() / "volumes" / node
    machine.erase(above / host if host else above)
    with contextlib.suppress(OSError):
        above.rmdir()


def tidy() -> None:
    """Remove the checkout's network, folder, key and lock once no host is left; volumes stay."""
    if not places.sandbox().exists() and not network.exists(places.bridge()):
        return
    with _checkout_lock():
        if any((places.sandbox() / "hosts").glob("*/*")) or records.read():
            return
        _take_network_down()
        lock = places.sandbox() / ".lock"
        for entry in places.sandbox().iterdir():
            if entry.is_dir() and entry.name != "volumes":
                machine.erase(entry)
            elif not entry.is_dir() and entry != lock:
                entry.unlink()
        lock.unlink()  # last: who waits for it finds nothing half removed
    with places.locked(places.SANDBOXES / ".lock"):
        _remove_empty_folders()


def _clear_leftovers(record: HostRecord, here: HostPlaces) -> None:
    """Take away the mount and the cable that a killed container or a cut start left."""
    control_group.leave(record.group)
    machine.unmount(here)
    machine.forget(record)
    network.cut(record.link)


def _put_together(
    wish: HostRecord,
    here: HostPlaces,
    progress: Callable[[str], None],
) -> HostRecord:
    """Mount the host's root, furnished when it is new, and return the record with its host key."""
    package_cache.program(progress)
    with _checkout_lock():
        operator = keys.operator_key()
    made = places.read_json(here.furnished)
    if made:
        _refuse_other_system(made["os"], wish)
        machine.mount(_same_base(Path(made["base"]), wish), here)
        return dataclasses.replace(wish, host_key=made["host_key"])
    base = image.ensure(image.of_system(wish.os), progress)
    machine.erase(here.upper)
    machine.mount(base, here)
    host_key = furnishing.furnish(here.root, wish.host, Reservation.of(wish), operator)
    here.known_hosts.write_text(f"{wish.address} {host_key}\n", encoding="ascii")
    made = {"os": wish.os, "base": str(base), "host_key": host_key}
    places.write_json(here.furnished, made)
    return dataclasses.replace(wish, host_key=host_key)


def _boot(
    record: HostRecord,
    here: HostPlaces,
    progress: Callable[[str], None],
) -> HostRecord:
    reservation = Reservation.of(record)
    records.keep(record)  # from here on the host can be removed, whatever cuts its start
    network.connect(reservation)
    package_cache.serve(reservation, [*_running_hosts(), record], progress)
    egress.apply(reservation, [*_running_hosts(), record], progress)
    for volume in record.volumes:
        (places.volumes(record.node, record.host) / volume.lstrip("/")).mkdir(
            parents=True,
            exist_ok=True,
        )
    progress(f"booting {record.name} ({record.os}) at {record.address}")
    record = dataclasses.replace(record, process=machine.boot(record, here, progress))
    records.keep(record)
    return record


def _settle(record: HostRecord) -> None:
    """Leave the network as the hosts that still run need it; take it down with the last one."""
    others = _running_hosts()
    if others:
        egress.apply(Reservation.of(record), others, lambda _: None)
    else:
        _take_network_down()


def _take_network_down() -> None:
    package_cache.close()
    egress.clear()
    network.disconnect()


def _running_hosts() -> list[HostRecord]:
    return [record for record in records.read() if record.runs]


def _checkout_lock() -> AbstractContextManager[None]:
    return places.locked(places.sandbox() / ".lock")


def _refuse_other_system(made: str, wish: HostRecord) -> None:
    if made != wish.os:
        raise SandboxError(
            f"{wish.name} was made with {made}, not {wish.os}; "
            f"run `cairn sandbox remove {wish.name}` first",
        )


def _same_base(base: Path, wish: HostRecord) -> Path:
    if not base.is_dir():
        raise SandboxError(
            f"the base image {base} that {wish.name} was made from is gone; "
            f"run `cairn sandbox remove {wish.name}`, then start it anew",
        )
    return base


def _remove_empty_folders() -> None:
    for folder in (places.sandbox() / "volumes", places.sandbox()):
        with contextlib.suppress(OSError):
            folder.rmdir()
    left = [entry.name for entry in places.SANDBOXES.iterdir()]
    if left == [".lock"]:
        (places.SANDBOXES / ".lock").unlink()
        with contextlib.suppress(OSError):
            places.SANDBOXES.rmdir()
            places.SANDBOXES.parent.rmdir()
