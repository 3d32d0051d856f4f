"""Roles of one host that are looked at in the same moment share one start of Ansible."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cairn.ansible.run import run_roles

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from cairn.ansible.job import Connection, RoleRun
    from cairn.ansible.outcome import Outcome
    from cairn.provider.turns import Turns

#: Seconds that the first who asks after a host waits for others; the engine asks for all at once.
GATHERING = 0.2


@dataclass(slots=True)
class Survey:
    """What is to be looked at on one host, who asked for it, and the work itself."""

    runs: list[RoleRun] = field(default_factory=list)
    tell: list[Callable[[str], Awaitable[None]]] = field(default_factory=list)
    waiting: int = 0
    work: asyncio.Task[list[Outcome]] | None = None


class Surveys:
    """Gathers what is asked of a host; starting Ansible costs more than most roles."""

    def __init__(self, turns: Turns) -> None:
        self._turns = turns
        self._open: dict[Connection, Survey] = {}

    async def look(self, run: RoleRun, tell: Callable[[str], Awaitable[None]]) -> Outcome:
        """Run a role in check mode, together with others of its host.

        Whoever is cancelled leaves; with the last one the work ends.

        Args:
            run: What is looked at.
            tell: Called with the name of each task as it begins.
        """
        survey = self._open.get(run.connection)
        if survey is None:
            survey = self._open[run.connection] = Survey()
            survey.work = asyncio.create_task(self._perform(run.connection, survey))
        number = len(survey.runs)
        survey.runs.append(run)
        survey.tell.append(tell)
        return (await _shared(survey))[number]

    async def _perform(self, connection: Connection, survey: Survey) -> list[Outcome]:
        try:
            await asyncio.sleep(GATHERING)
        finally:
            del self._open[connection]
        async with self._turns.of(None):
            return await run_roles(survey.runs, survey.tell)


async def _shared(survey: Survey) -> list[Outcome]:
    """Wait for work that others wait for too."""
    assert survey.work is not None  # noqa: S101 - whoever made the survey has begun it
    survey.waiting += 1
    try:
        return await asyncio.shield(survey.work)
    finally:
        survey.waiting -= 1
        if survey.waiting == 0 and not survey.work.done():
            survey.work.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await survey.work
