"""Runs the Pulumi CLI so that Ctrl-C is its own to answer and nothing of it stays behind."""

from __future__ import annotations

import contextlib
import secrets
import signal
import subprocess
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path
    from types import FrameType

#: Names one run of the CLI in the environment of all that it starts.
MARK = "CAIRN_PULUMI_RUN"
#: Seconds that plugins have to end after the CLI; the provider itself takes at most five.
GRACE = 8.0


@dataclass(frozen=True, slots=True)
class Ended:
    """How a run of the CLI ended.

    Attributes:
        status: Its exit status; negative for the signal that killed it.
        out: What it printed on standard output, empty where that is the caller's own.
        err: The same of standard error.
        stopped: Somebody asked for the end: Ctrl-C, SIGTERM, or a terminal that went away.
    """

    status: int
    out: str
    err: str
    stopped: bool


@dataclass(slots=True)
class _Wishes:
    """The signals that came while the CLI ran."""

    child: subprocess.Popen[str] | None = None
    came: list[int] = field(default_factory=list)

    def note(self, number: int, _frame: FrameType | None) -> None:
        """Remember a signal, and pass it on as Ctrl-C where the CLI has not had it already.

        A terminal sends Ctrl-C to the whole group of processes; a second one would make the CLI
        drop its work instead of finishing in order.
        """
        self.came.append(number)
        if number != signal.SIGINT and self.child is not None and self.child.poll() is None:
            self.child.send_signal(signal.SIGINT)


def run(
    command: Sequence[str], *, cwd: Path, environment: Mapping[str, str], capture: bool
) -> Ended:
    """Run the CLI to its own end, whatever signal comes, and end what it leaves behind.

    Args:
        command: The program and its arguments.
        cwd: The folder it works in.
        environment: Its whole environment.
        capture: Whether its output is returned; otherwise it goes where the caller's goes.
    """
    mark = secrets.token_hex(8)
    pipe = subprocess.PIPE if capture else None
    wishes = _Wishes()
    with _noting(wishes):
        child = subprocess.Popen(
            command,
            cwd=cwd,
            env={**environment, MARK: mark},
            stdin=subprocess.DEVNULL if capture else None,
            stdout=pipe,
            stderr=pipe,
            text=True,
        )
        wishes.child = child
        out, err = child.communicate()
        if child.returncode < 0:
            _end_what_is_left(mark)
    return Ended(child.returncode, out or "", err or "", stopped=bool(wishes.came))


@contextlib.contextmanager
def _noting(wishes: _Wishes) -> Iterator[None]:
    """Have the signals that end a program noted for the time of the block."""
    if threading.current_thread() is not threading.main_thread():
        yield  # Python takes signals in its main thread only
        return
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, wishes.note) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _end_what_is_left(mark: str) -> None:
    """Wait for the plugins of a CLI that was killed, then kill those that do not notice.

    Sandbox hosts carry the mark as well, because the provider starts them; they go on.
    """
    deadline = time.monotonic() + GRACE
    while (left := _plugins(mark)) and time.monotonic() < deadline:
        for process in left:
            with contextlib.suppress(psutil.Error):
                if process.name().startswith("pulumi-language"):
                    process.kill()  # it never notices
        time.sleep(0.1)
    for process in _plugins(mark):
        with contextlib.suppress(psutil.Error):
            process.kill()


def _plugins(mark: str) -> list[psutil.Process]:
    """Return the programs that Pulumi itself started and that still run."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.environ().get(MARK) == mark and _is_plugin(process):
                found.append(process)
    return found


def _is_plugin(process: psutil.Process) -> bool:
    if process.status() == psutil.STATUS_ZOMBIE:
        return False
    return any("pulumi-language" in word or "pulumi-resource" in word for word in process.cmdline())
