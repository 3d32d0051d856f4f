"""Long-lived programs of the sandbox: started apart from the caller, known again, ended."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cairn.errors import SandboxError
from cairn.sandbox import commands

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True, slots=True)
class Process:
    """A process that is told from a later one with the same number by the time it started.

    Attributes:
        pid: Process number.
        born: Start time in clock ticks since the computer's boot (field 22 of proc_pid_stat(5)),
            which does not move when somebody sets the computer's clock.
    """

    pid: int
    born: int

    @classmethod
    def of(cls, pid: int) -> Process:
        """Return the process that has this number now.

        Raises:
            ProcessLookupError: There is none.
        """
        _, born = _state_and_birth(pid)
        return cls(pid, born)

    def lives(self) -> bool:
        """Tell whether the process still runs (a zombie does not)."""
        try:
            state, born = _state_and_birth(self.pid)
        except ProcessLookupError:
            return False
        return born == self.born and state != "Z"


def launch(
    argv: Sequence[str],
    log: Path,
    *,
    extra: Mapping[str, str] | None = None,
    keep_open: Sequence[int] = (),
) -> Process:
    """Start a program in a session of its own; it outlives the caller.

    Args:
        argv: The program and its arguments.
        log: File that gets what it prints, emptied first.
        extra: Variables beyond the usual environment.
        keep_open: File descriptors that the program inherits.
    """
    with log.open("wb") as output:
        process = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env=commands.environment() | dict(extra or {}),
            pass_fds=keep_open,
        )
    return Process.of(process.pid)


def end(process: Process, *, patience: float) -> None:
    """Ask a process to end and wait for it; kill it when it takes too long.

    Args:
        process: The process; nothing to do when it has ended.
        patience: Seconds between asking and killing.

    Raises:
        SandboxError: Even killing it did not end it.
    """
    for sign, limit in ((signal.SIGTERM, patience), (signal.SIGKILL, 10.0)):
        if process.lives():
            os.kill(process.pid, sign)
        if _ends(process, limit):
            return
    raise SandboxError(f"process {process.pid} of the sandbox does not end, not even by SIGKILL")


def last_words(log: Path) -> str:
    """Return the last lines of a program's log, for an error message."""
    try:
        lines = log.read_text(errors="replace").splitlines()
    except OSError:
        lines = []
    last = " / ".join(line.strip() for line in lines[-4:] if line.strip())
    return f"its log {log} ends with: {last or 'nothing at all'}"


def _state_and_birth(pid: int) -> tuple[str, int]:
    try:
        line = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        raise ProcessLookupError(pid) from None
    # The program's name, the second field, stands in brackets and may hold spaces and brackets.
    fields = line.rpartition(")")[2].split()
    return fields[0], int(fields[19])


def _ends(process: Process, limit: float) -> bool:
    until = time.monotonic() + limit
    while process.lives():
        if time.monotonic() > until:
            return False
        time.sleep(0.05)
    _reap(process.pid)
    return True


def _reap(pid: int) -> None:
    """Collect a child that has ended, so that no zombie stays in a long-lived caller."""
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return
