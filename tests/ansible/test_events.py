"""What ansible-runner tells, boiled down."""

from __future__ import annotations

from typing import Any

from cairn.ansible import events


def _ok(result: dict[str, Any], **data: object) -> events.Event:
    return {
        "event": "runner_on_ok",
        "event_data": {"task": "base : Do it", "role": "base", "res": result, **data},
    }


def test_the_name_of_the_role_is_left_out_of_a_task() -> None:
    assert events.task_of(_ok({})) == "Do it"


def test_each_changed_item_of_a_loop_is_one_change() -> None:
    results = [{"changed": True, "path": "/a"}, {"changed": False, "path": "/b"}]
    changes = events.changes_of(_ok({"changed": True, "results": results}), frozenset())
    assert [change.what for change in changes] == ["/a"]


def test_packages_of_one_task_are_named_together() -> None:
    result = {"changed": True, "invocation": {"module_args": {"name": ["chrony", "auditd"]}}}
    (change,) = events.changes_of(_ok(result), frozenset())
    assert change.what == "chrony, auditd"


def test_a_secret_file_shows_no_diff() -> None:
    result = {"changed": True, "path": "/key", "diff": [{"before": "a", "after": "b"}]}
    (change,) = events.changes_of(_ok(result), frozenset({"/key"}))
    assert change.diff == "(the content is secret)"


def test_a_changed_mode_is_told_as_an_arrow() -> None:
    diff = {"before": {"mode": "0600", "path": "/a"}, "after": {"mode": "0644", "path": "/a"}}
    assert events.short_diff(diff) == "mode: 0600 -> 0644"


def test_a_long_diff_is_cut_and_says_so() -> None:
    after = "\n".join(str(number) for number in range(500))
    lines = events.short_diff({"before": "", "after": after}).splitlines()
    assert len(lines) == events.LONGEST_DIFF + 1
    assert lines[-1].endswith("more lines")


def test_the_message_of_a_loop_is_that_of_its_first_bad_item() -> None:
    result = {
        "msg": "One or more items failed",
        "results": [{"failed": False}, {"failed": True, "item": "/srv", "msg": "no such disk"}],
    }
    assert events.message_of(_ok(result)) == "/srv: no such disk"


def test_the_message_of_a_hidden_result_says_that_it_is_hidden() -> None:
    assert "kept back" in events.message_of(_ok({"censored": "..."}))


def test_an_assertion_does_not_touch_the_host_and_a_copy_does() -> None:
    assert not events.touches_host(_ok({}, task_action="ansible.builtin.assert"))
    assert events.touches_host(_ok({}, task_action="ansible.builtin.copy"))


def test_an_item_that_is_a_map_is_called_by_its_path() -> None:
    item = {"owner": "root", "path": "/etc/motd"}
    result = {"results": [{"failed": True, "item": item, "msg": "no"}]}
    assert events.message_of(_ok(result)) == "/etc/motd: no"


def test_a_crashed_module_is_told_by_its_errors_and_not_by_its_traceback() -> None:
    trace = "Traceback (most recent call last):\n  File x\nOSError: [Errno 28] No space left: 'a'\n"
    assert events.message_of(_ok({"msg": "no json", "module_stderr": trace})) == (
        "the module crashed: OSError: [Errno 28] No space left: 'a'"
    )
