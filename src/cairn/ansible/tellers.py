"""Several runs in one start of Ansible: each event goes to the run that it is about."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING

from cairn.ansible.teller import Teller
from cairn.ansible.workspace import title

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cairn.ansible import events
    from cairn.ansible.job import RoleRun


class Tellers:
    """One teller for each run; a failure ends its own run and leaves the later ones untold."""

    def __init__(
        self, runs: Sequence[RoleRun], out: IO[str], logs: Sequence[IO[str]], password: str = ""
    ) -> None:
        hidden = (password, *(text for run in runs for text in run.hidden))
        self._all = [
            Teller(run, out, log, hidden, number)
            for number, (run, log) in enumerate(zip(runs, logs, strict=True))
        ]
        self._numbers = {title(run): number for number, run in enumerate(runs)}
        self._current: int | None = None

    def hear(self, event: events.Event) -> bool:
        """Take one event of ansible-runner; False says that it is to be kept nowhere else."""
        play = (event.get("event_data") or {}).get("play")
        self._current = self._numbers.get(str(play), self._current)
        return self._all[self._current or 0].hear(event)

    def finish(self, status: int) -> None:
        """Tell the end of every run that has begun.

        Where Ansible failed before it came to a play, several runs are told no end at all: whose
        fault it is shows when each is run by itself.

        Args:
            status: Exit status of ansible-playbook.
        """
        if self._current is None and len(self._all) > 1 and status:
            return
        last = len(self._all) - 1 if status == 0 else self._current or 0
        for teller in self._all[:last]:
            teller.finish(0)
        self._all[last].finish(status)

    def fail(self, message: str) -> None:
        """Tell of every run that it could not begin."""
        for teller in self._all:
            teller.fail(message)
