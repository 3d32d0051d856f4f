"""Several roles of a host in as few starts of Ansible as can be."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from cairn.ansible import run as running
from cairn.ansible.job import Connection
from cairn.ansible.logs import new_log
from cairn.ansible.run import run_roles

if TYPE_CHECKING:
    from collections.abc import Callable

    from cairn.ansible.job import RoleRun
    from cairn.ansible.outcome import Outcome

BROKEN = "- name: No task at all\n  ansible.builtin.copy:\n  also: [this\n"


@pytest.fixture
def starts(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many runs each start of Ansible had."""
    counted, start = [], running._start

    async def counting(runs: Any) -> Any:  # noqa: ANN401 - passed on
        counted.append(len(runs))
        return await start(runs)

    monkeypatch.setattr(running, "_start", counting)
    return counted


@pytest.fixture
def others(
    prepare: Callable[..., RoleRun], roles: Path, tmp_path: Path
) -> Callable[..., list[RoleRun]]:
    """Returns a function that makes runs in check mode of roles like `tiny` with these names."""

    def made(*names: str, **more: Any) -> list[RoleRun]:  # noqa: ANN401 - fields of a run
        run = prepare(check=True, **more)
        for name in names:
            (roles / name).symlink_to(roles / "tiny")
        return [
            replace(run, role=name, log=str(new_log(tmp_path / "runs", "node", "host-1", name)))
            for name in names
        ]

    return made


def look(runs: list[RoleRun]) -> tuple[list[Outcome], list[list[str]]]:
    """Run all and return each one's outcome and tasks."""
    tasks: list[list[str]] = [[] for _ in runs]

    async def note(number: int, name: str) -> None:
        tasks[number].append(name)

    def noting(number: int) -> Any:  # noqa: ANN401 - a function
        return lambda name: note(number, name)

    return asyncio.run(run_roles(runs, [noting(number) for number in range(len(runs))])), tasks


def test_roles_that_are_well_share_one_start_and_each_has_its_own_answer(
    others: Callable[..., list[RoleRun]], starts: list[int]
) -> None:
    one, two = others("one", "two")
    outcomes, tasks = look([one, replace(two, files={})])
    assert starts == [2]
    assert [len(outcome.changes) for outcome in outcomes] == [1, 0]
    assert [each[0] for each in tasks] == ["Put the rendered files in place"] * 2
    assert [outcome.log for outcome in outcomes] == [Path(one.log), Path(two.log)]
    assert "one on host-1" in Path(one.log).read_text()
    assert "one on host-1" not in Path(two.log).read_text()


def test_a_role_that_fails_keeps_no_other_from_its_turn(
    others: Callable[..., list[RoleRun]], starts: list[int]
) -> None:
    one, two, three = others("one", "two", "three")
    outcomes, _ = look([one, replace(two, variables={"tiny_word": "without a folder"}), three])
    assert [outcome.ok for outcome in outcomes] == [True, False, True]
    assert "role two: `Write the word down` failed: " in outcomes[1].sentence()
    assert starts == [3, 1]


def test_a_role_that_cannot_be_read_is_named_and_the_others_are_looked_at(
    others: Callable[..., list[RoleRun]], starts: list[int], roles: Path
) -> None:
    runs = others("one", "three")
    (roles / "broken" / "tasks").mkdir(parents=True)
    (roles / "broken" / "tasks" / "main.yml").write_text(BROKEN)
    outcomes, _ = look([runs[0], replace(runs[0], role="broken"), runs[1]])
    assert [outcome.ok for outcome in outcomes] == [True, False, True]
    assert outcomes[1].failure is not None
    assert outcomes[1].failure.role == "broken"
    assert starts == [3, 1, 1, 1]


def test_a_host_that_does_not_answer_is_asked_once(
    others: Callable[..., list[RoleRun]], starts: list[int]
) -> None:
    way = Connection(address="127.0.0.1", port=1, user="nobody", host_key="ssh-ed25519 AAAA")
    outcomes, _ = look(others("one", "two", connection=way))
    failures = [outcome.failure for outcome in outcomes]
    assert [failure and failure.role for failure in failures] == ["one", "two"]
    assert all(failure and failure.unreachable for failure in failures)
    assert starts == [2]


def test_what_one_role_hides_is_hidden_in_the_log_of_every_role(
    others: Callable[..., list[RoleRun]],
) -> None:
    one, two = others("one", "two", variables={"tiny_word": "correct-horse"})
    look([one, replace(two, secrets=("correct-horse",))])
    assert "correct-horse" not in Path(one.log).read_text()
