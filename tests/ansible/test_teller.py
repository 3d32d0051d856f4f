"""What a run tells."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

from cairn.ansible.teller import Teller

if TYPE_CHECKING:
    from collections.abc import Callable

    from cairn.ansible.job import RoleRun


def _event(kind: str, result: dict[str, Any], **data: object) -> dict[str, Any]:
    about = {"task": "Do it", "task_action": "ansible.builtin.copy", "res": result, **data}
    return {"event": kind, "event_data": about}


def _told(run: RoleRun, *heard: dict[str, Any], status: int) -> list[dict[str, Any]]:
    out = io.StringIO()
    teller = Teller(run, out, io.StringIO())
    for event in heard:
        assert teller.hear(event) is False
    teller.finish(status)
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_a_secret_that_is_a_word_of_the_protocol_breaks_nothing(
    prepare: Callable[..., RoleRun],
) -> None:
    failed = _event("runner_on_failed", {"msg": "the message is true"})
    (end,) = _told(prepare(secrets=("message", "event")), failed, status=2)
    assert end["message"] == "the [secret] is true"


def test_a_rescued_failure_is_no_failure(prepare: Callable[..., RoleRun]) -> None:
    failed = _event("runner_on_failed", {"msg": "no"})
    assert _told(prepare(), failed, status=0) == [{"event": "done", "run": 0}]


def test_the_last_failure_is_the_one_that_is_told(prepare: Callable[..., RoleRun]) -> None:
    first = _event("runner_on_failed", {"msg": "the new rules lock us out"})
    last = _event("runner_on_failed", {"msg": "the old rules are back"})
    (end,) = _told(prepare(), first, last, status=2)
    assert end["message"] == "the old rules are back"


def test_a_failure_that_is_ignored_is_none(prepare: Callable[..., RoleRun]) -> None:
    ignored = _event("runner_on_failed", {"msg": "no"}, ignore_errors=True)
    (end,) = _told(prepare(), ignored, status=4)
    assert end["message"] == "exit status 4"


def test_a_failed_preflight_has_begun_nothing(prepare: Callable[..., RoleRun]) -> None:
    refused = _event("runner_on_failed", {"msg": "no"}, task_action="ansible.builtin.assert")
    (end,) = _told(prepare(), refused, status=2)
    assert end["begun"] is False


def test_an_unreachable_host_after_some_work_has_begun(prepare: Callable[..., RoleRun]) -> None:
    done = _event("runner_on_ok", {"changed": False})
    lost = _event("runner_on_unreachable", {"msg": "EOF on stream"})
    (end,) = _told(prepare(), done, lost, status=4)
    assert (end["unreachable"], end["begun"]) == (True, True)
