"""A control group of its own for each long-lived program of the sandbox: who is in it is known.

systemd-nspawn puts its payload below the group it was started in; without one per host, two hosts'
systemds share a group and kill by it. What is in a group can be ended by its name alone, also when
who started it was killed before the process number could be written down. The group of a host
carries its memory limit. The limit is best effort: it needs a memory controller, and programs in
the host still see all of the computer's memory.
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

_TREE: Final = Path("/sys/fs/cgroup")
_ENTER: Final = """\
while [ "$1" != -- ]; do echo $$ > "$1/cgroup.procs"; shift; done
shift
exec "$@"
"""


def _silent(_: str) -> None:
    """Say nothing."""


def is_unified() -> bool:
    """Tell whether the computer has control groups version 2 only."""
    return (_TREE / "cgroup.controllers").exists()


def enter(
    name: str,
    *,
    of_machine: bool = False,
    memory: int | None = None,
    progress: Callable[[str], None] = _silent,
) -> list[str]:
    """Make a group and return the words to put before the command that shall run in it.

    With systemd on the computer it is a scope: the program does not end, or linger, with the login
    session of who started it.

    Args:
        name: Name of the group, unique on the computer.
        of_machine: Whether a whole machine runs in it, which makes groups of its own below.
        memory: Limit in bytes, None for none.
        progress: Called when the computer cannot limit the memory.

    Raises:
        SandboxError: The computer lets us make no group.
    """
    if _has_systemd():
        return _scope(name, of_machine=of_machine, memory=memory)
    folders = _folders(name)
    try:
        for folder in folders:
            folder.mkdir(exist_ok=True)
    except OSError as error:
        raise SandboxError(f"cannot make the control group {error.filename}: {error}") from error
    if memory is not None:
        folders += _limited(name, memory, progress)
    return ["sh", "-c", _ENTER, "sh", *map(str, folders), "--"]


def leave(name: str) -> None:
    """End what still runs in a group and remove it; nothing to do where there is none."""
    if _has_systemd():
        unit = f"{name}.scope"
        if commands.succeeds(["systemctl", "is-active", "--quiet", unit]):
            commands.run(["systemctl", "kill", "--signal=KILL", unit], why=f"end {unit}")
        return
    for folder in [*_folders(name), _memory_folder(name)]:
        _remove(folder)


def _has_systemd() -> bool:
    return Path("/run/systemd/system").is_dir()


def _folders(name: str) -> list[Path]:
    """Return the group's folder in each hierarchy that systemd-nspawn makes groups in."""
    trees = [_TREE] if is_unified() else [_TREE / "unified", _TREE / "systemd"]
    return [tree / name for tree in trees if (tree / "cgroup.procs").exists()]


def _memory_folder(name: str) -> Path:
    return (_TREE if is_unified() else _TREE / "memory") / name


def _limited(name: str, memory: int, progress: Callable[[str], None]) -> list[Path]:
    folder = _memory_folder(name)
    try:
        folder.mkdir(exist_ok=True)
        if is_unified():
            (_TREE / "cgroup.subtree_control").write_text("+memory")
        file = "memory.max" if is_unified() else "memory.limit_in_bytes"
        (folder / file).write_text(str(memory))
    except OSError as error:
        progress(f"{name} has no memory limit: this computer cannot set it ({error})")
        return []
    return [] if is_unified() else [folder]


def _scope(name: str, *, of_machine: bool, memory: int | None) -> list[str]:
    options = ["--slice=machine.slice", "--property=Delegate=yes"] if of_machine else []
    if memory is not None:
        options.append(f"--property=MemoryMax={memory}")
    start = ["systemd-run", "--scope", "--quiet", "--collect", f"--unit={name}"]
    return [*start, *options, "--"]


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
