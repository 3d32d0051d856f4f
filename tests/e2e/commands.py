"""What a command said, and a command at work whose screen is watched."""

from __future__ import annotations

import json
import os
import signal
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psutil

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

#: Seconds that one command may take on a slow and busy computer.
PATIENCE = 900.0


@dataclass(frozen=True, slots=True)
class Said:
    """What a program said and how it ended."""

    status: int
    out: str
    err: str

    @property
    def all(self) -> str:
        """Both streams, one after the other."""
        return self.out + self.err

    @property
    def json(self) -> Any:  # noqa: ANN401 - JSON
        """Standard output as a program would read it."""
        return json.loads(self.out)


@dataclass
class Work:
    """A command that runs in a process group of its own, as a terminal would start it."""

    process: subprocess.Popen[str]
    screen: Path

    def seen(self) -> str:
        """Return what stands on its screen so far."""
        return self.screen.read_text(errors="replace")

    def wait_for(self, text: str, *, timeout: float = PATIENCE) -> None:
        """Wait until a text stands on the screen; the test fails when the command ends before."""
        deadline = time.monotonic() + timeout
        while text not in self.seen():
            assert self.process.poll() is None, f"it ended before `{text}`:\n{self.seen()}"
            assert time.monotonic() < deadline, f"no `{text}` after {timeout} s:\n{self.seen()}"
            time.sleep(0.1)

    def press_ctrl_c(self) -> None:
        """Send what a terminal sends for Ctrl-C: SIGINT to the whole process group."""
        os.killpg(self.process.pid, signal.SIGINT)

    def pulumi(self) -> psutil.Process:
        """Return the Pulumi CLI that this command has started."""
        (found,) = [
            child
            for child in psutil.Process(self.process.pid).children()
            if child.name() == "pulumi"
        ]
        return found

    def end(self) -> Said:
        """Wait for the end and return what stands on the screen."""
        status = self.process.wait(timeout=PATIENCE)
        return checked(Said(status, self.seen(), ""))


def checked(said: Said) -> Said:
    """Return what was said; nobody ever sees a traceback or an unforeseen error."""
    assert "Traceback (most recent call last)" not in said.all, said.all
    assert "does not foresee" not in said.all, said.all
    return said
