"""One container: its root put together, its boot, its end."""

from __future__ import annotations

import os
import shutil
import socket
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

import psutil

from cairn.errors import SandboxError
from cairn.sandbox import commands, control_group, furnishing, places, processes

if TYPE_CHECKING:
    from collections.abc import Callable

    from cairn.sandbox.places import HostPlaces
    from cairn.sandbox.processes import Process
    from cairn.sandbox.records import HostRecord

#: Seconds a host gets to answer SSH; it takes two, more on a busy computer.
BOOT_LIMIT = 90.0
#: Where systemd-nspawn keeps what it forgets when it is killed.
_NSPAWN: Final = "/run/systemd/nspawn"
#: Seconds a host gets to power itself off before it is killed.
STOP_LIMIT = 45.0


def mount(base: Path, here: HostPlaces) -> None:
    """Lay the host's own writable layer over the base image.

    Raises:
        SandboxError: The kernel refuses the overlay.
    """
    if os.path.ismount(here.root):
        return
    for folder in (here.upper, here.work, here.root):
        folder.mkdir(parents=True, exist_ok=True)
    options = f"lowerdir={base},upperdir={here.upper},workdir={here.work}"
    argv = ["mount", "-t", "overlay", "cairn-sandbox", "-o", options, str(here.root)]
    commands.run(argv, why=f"mount the root of {here.folder.name}")


def unmount(here: HostPlaces) -> None:
    """Take the host's root apart again; what it wrote stays in its layer."""
    while os.path.ismount(here.root):
        found = here.root.stat()
        Path(f"{_NSPAWN}/locks/inode-{found.st_dev}:{found.st_ino}").unlink(missing_ok=True)
        if not commands.succeeds(["umount", here.root]):
            commands.run(["umount", "--lazy", here.root], why=f"unmount {here.root}")


def forget(record: HostRecord) -> None:
    """Remove what systemd-nspawn leaves under /run when it is killed; it would refuse to start."""
    for folder in Path(_NSPAWN).glob(f"*/{record.machine}"):
        while os.path.ismount(folder):
            commands.run(["umount", "--lazy", folder], why=f"unmount {folder}")
        shutil.rmtree(folder)


def boot(record: HostRecord, here: HostPlaces, progress: Callable[[str], None]) -> Process:
    """Boot the host in a session of its own, detached from the caller.

    Returns:
        The container's supervising process.
    """
    start = control_group.enter(
        record.group, of_machine=True, memory=record.memory, progress=progress
    )
    return processes.launch([*start, *_command(record, here)], here.log, extra=_environment())


def wait_for_ssh(record: HostRecord, here: HostPlaces) -> None:
    """Wait until the host lets the operator in by SSH under its pinned key.

    Raises:
        SandboxError: It died or did not answer in time; quotes the end of its boot log.
    """
    until = time.monotonic() + BOOT_LIMIT
    while time.monotonic() < until:
        if not record.runs:
            raise SandboxError(
                f"{record.name} ended while it booted: {processes.last_words(here.log)}"
            )
        if _listens(record.address) and commands.succeeds(_ssh(record, here), timeout=15):
            return
        time.sleep(0.1)
    raise SandboxError(
        f"{record.name} did not answer SSH at {record.address} within {BOOT_LIMIT:.0f} s: "
        f"{processes.last_words(here.log)}",
    )


def erase(folder: Path) -> None:
    """Remove a folder with all that is in it; refuses while something is mounted below it."""
    mounted = [m.mountpoint for m in psutil.disk_partitions(all=True)]
    inside = [name for name in mounted if Path(name).is_relative_to(folder)]
    if inside:
        raise SandboxError(f"{inside[0]} is still mounted; run `umount {inside[0]}` and try again")
    if folder.exists():
        shutil.rmtree(folder)


def _command(record: HostRecord, here: HostPlaces) -> list[str]:
    above = places.volumes(record.node, record.host)
    binds = [f"--bind={above / volume.lstrip('/')}:{volume}" for volume in record.volumes]
    return [
        "systemd-nspawn",
        "--quiet",
        "--register=no",
        "--keep-unit",
        "--boot",
        f"--directory={here.root}",
        f"--machine={record.machine}",
        f"--hostname={record.host}",
        f"--network-bridge={places.bridge()}",
        "--resolv-conf=off",
        "--timezone=off",
        "--link-journal=no",
        *binds,
    ]


def _environment() -> dict[str, str]:
    extra: dict[str, str] = {}
    if not control_group.is_unified():
        # Debian 13 boots under cgroup v2 only; a computer with hybrid cgroups must be told.
        extra["SYSTEMD_NSPAWN_UNIFIED_HIERARCHY"] = "1"
    return extra


def _listens(address: str) -> bool:
    try:
        with socket.create_connection((address, 22), timeout=1):
            return True
    except OSError:
        return False


def _ssh(record: HostRecord, here: HostPlaces) -> list[str]:
    options = (
        "BatchMode=yes",
        "ConnectTimeout=5",
        "IdentitiesOnly=yes",
        "StrictHostKeyChecking=yes",
        "GlobalKnownHostsFile=/dev/null",
        f"UserKnownHostsFile={here.known_hosts}",
    )
    arguments = [word for option in options for word in ("-o", option)]
    whom = f"{furnishing.OPERATOR}@{record.address}"
    return ["ssh", "-F", "none", "-i", record.key_file, *arguments, whom, "true"]
