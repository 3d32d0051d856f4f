"""The control group of a host's own, without which two hosts' systemds share one and kill by it.

systemd-nspawn puts its payload below the group it was started in. A group per host also ends with
all that is in it when the container's supervisor was killed, and carries the memory limit. The
limit is best effort: it needs a memory controller, and programs in the host still see all of the
computer's memory.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from cairn.errors import SandboxError
from cairn.sandbox import commands

if TYPE_CHECKING:
    from collections.abc import Callable

    from cairn.sandbox.records import HostRecord

_TREE: Final = Path("/sys/fs/cgroup")
_ENTER: Final = """\
while [ "$1" != -- ]; do echo $$ > "$1/cgroup.procs"; shift; done
shift
exec "$@"
"""


def is_unified() -> bool:
    """Tell whether the computer has control groups version 2 only."""
    return (_TREE / "cgroup.controllers").exists()


def enter(record: HostRecord, progress: Callable[[str], None]) -> list[str]:
    """Make the host's group and return the words to put before the command that shall run in it.

    Raises:
        SandboxError: The computer lets us make no group.
    """
    if _has_systemd():
        return _scope(record)
    folders = _folders(record)
    try:
        for folder in folders:
            folder.mkdir(exist_ok=True)
    except OSError as error:
        raise SandboxError(f"cannot make the control group {error.filename}: {error}") from error
    if record.memory is not None:
        folders += _limited(record, record.memory, progress)
    return ["sh", "-c", _ENTER, "sh", *map(str, folders), "--"]


def leave(record: HostRecord) -> None:
    """End whatever still runs in the host's group and remove the group."""
    if _has_systemd():
        unit = f"{_name(record)}.scope"
        if commands.succeeds(["systemctl", "is-active", "--quiet", unit]):
            commands.run(["systemctl", "kill", "--signal=KILL", unit], why=f"end {unit}")
        return
    for folder in [*_folders(record), _memory_folder(record)]:
        _remove(folder)


def _has_systemd() -> bool:
    return Path("/run/systemd/system").is_dir()


def _name(record: HostRecord) -> str:
    return f"cairn-{record.machine}"


def _folders(record: HostRecord) -> list[Path]:
    """Return the group's folder in each hierarchy that systemd-nspawn makes groups in."""
    trees = [_TREE] if is_unified() else [_TREE / "unified", _TREE / "systemd"]
    return [tree / _name(record) for tree in trees if (tree / "cgroup.procs").exists()]


def _memory_folder(record: HostRecord) -> Path:
    return (_TREE if is_unified() else _TREE / "memory") / _name(record)


def _limited(record: HostRecord, memory: int, progress: Callable[[str], None]) -> list[Path]:
    folder = _memory_folder(record)
    try:
        folder.mkdir(exist_ok=True)
        if is_unified():
            (_TREE / "cgroup.subtree_control").write_text("+memory")
        file = "memory.max" if is_unified() else "memory.limit_in_bytes"
        (folder / file).write_text(str(memory))
    except OSError as error:
        progress(f"{record.name} has no memory limit: this computer cannot set it ({error})")
        return []
    return [] if is_unified() else [folder]


def apart(name: str) -> list[str]:
    """Return the words that put a program into a scope of systemd's, none without systemd.

    Else it would end, or linger, with the login session of who started it.
    """
    if not _has_systemd():
        return []
    return ["systemd-run", "--scope", "--quiet", "--collect", f"--unit={name}"]


def _scope(record: HostRecord) -> list[str]:
    limit = [f"--property=MemoryMax={record.memory}"] if record.memory is not None else []
    start = apart(_name(record))
    return [*start, "--slice=machine.slice", "--property=Delegate=yes", *limit, "--"]


def _remove(folder: Path) -> None:
    """End the processes in a group and remove it; the kernel needs a moment in between.

    Raises:
        SandboxError: Something in it does not end.
    """
    until = time.monotonic() + 10
    while folder.exists():
        _kill_all(folder)
        for inner, _, _ in os.walk(folder, topdown=False):
            with contextlib.suppress(OSError):
                Path(inner).rmdir()
        if time.monotonic() > until:
            raise SandboxError(f"processes in the control group {folder} do not end")
        time.sleep(0.02)


def _kill_all(folder: Path) -> None:
    for file in folder.glob("**/cgroup.procs"):
        with contextlib.suppress(OSError):
            for pid in map(int, file.read_text().split()):
                if pid > 0:  # 0 stands for a process of another namespace, and for ourselves
                    os.kill(pid, signal.SIGKILL)
