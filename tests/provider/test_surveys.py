"""What is asked of a host at once is asked together, and ends when nobody waits for it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from cairn.ansible.job import Connection, RoleRun
from cairn.provider import surveys
from cairn.provider.surveys import Surveys
from cairn.provider.turns import Turns

if TYPE_CHECKING:
    from collections.abc import Sequence


class Ansible:
    """Stands in for the runs: remembers what was started, waits to be let go on."""

    def __init__(self) -> None:
        self.started: list[list[str]] = []
        self.cancelled = 0
        self.begun, self.go_on = asyncio.Event(), asyncio.Event()

    async def run(self, runs: Sequence[RoleRun], _: object) -> list[str]:
        self.started.append([run.role for run in runs])
        self.begun.set()
        try:
            await self.go_on.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        return [f"{run.host}: {run.role}" for run in runs]


@pytest.fixture
def ansible(monkeypatch: pytest.MonkeyPatch) -> Ansible:
    stand_in = Ansible()
    monkeypatch.setattr(surveys, "run_roles", stand_in.run)
    monkeypatch.setattr(surveys, "GATHERING", 0.01)
    return stand_in


def ask(all_of_them: Surveys, host: str, role: str) -> asyncio.Task[Any]:
    way = Connection(address=host, user="cairn")
    run = RoleRun("node", host, role, "/roles", "/log", "/work", way)
    return asyncio.ensure_future(all_of_them.look(run, _silent))


async def _silent(_: str) -> None:
    """Say nothing."""


def test_the_roles_of_a_host_are_asked_together_and_hosts_apart(ansible: Ansible) -> None:
    async def story() -> list[Any]:
        all_of_them = Surveys(Turns(4))
        asked = [ask(all_of_them, *who) for who in (("a", "one"), ("b", "one"), ("a", "two"))]
        ansible.go_on.set()
        return await asyncio.gather(*asked)

    assert asyncio.run(story()) == ["a: one", "b: one", "a: two"]
    assert sorted(ansible.started) == [["one"], ["one", "two"]]


def test_who_comes_later_is_answered_by_a_start_of_its_own(ansible: Ansible) -> None:
    async def story() -> None:
        all_of_them = Surveys(Turns(4))
        first = ask(all_of_them, "a", "one")
        await ansible.begun.wait()
        second = ask(all_of_them, "a", "two")
        ansible.go_on.set()
        await asyncio.gather(first, second)

    asyncio.run(story())
    assert ansible.started == [["one"], ["two"]]


def test_one_that_is_cancelled_leaves_the_others_their_answer(ansible: Ansible) -> None:
    async def story() -> Any:  # noqa: ANN401 - the answer
        all_of_them = Surveys(Turns(4))
        first, second = (ask(all_of_them, "a", role) for role in ("one", "two"))
        await ansible.begun.wait()
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        ansible.go_on.set()
        return await second

    assert asyncio.run(story()) == "a: two"
    assert ansible.cancelled == 0


@pytest.mark.parametrize("begun", [True, False])
def test_when_all_are_cancelled_the_work_has_ended(ansible: Ansible, *, begun: bool) -> None:
    async def story() -> None:
        all_of_them = Surveys(Turns(4))
        asked = [ask(all_of_them, "a", role) for role in ("one", "two")]
        await (ansible.begun.wait() if begun else asyncio.sleep(0))
        for task in asked:
            task.cancel()
        await asyncio.gather(*asked, return_exceptions=True)

    asyncio.run(story())
    assert ansible.cancelled == (1 if begun else 0)
    assert ansible.started == ([["one", "two"]] if begun else [])
