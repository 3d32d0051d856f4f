"""What ansible-runner tells about a run, boiled down to tasks, changes and failures."""

from __future__ import annotations

import difflib
import json
import re
from typing import Any

from cairn.ansible.outcome import Change

#: A diff longer than this is cut: the list of drift is for reading.
LONGEST_DIFF = 40
LONGEST_LINE = 200
_UNNAMED = "(a task without a name)"
#: Where modules say what they are about, the most telling first.
_SUBJECTS = ("path", "dest", "name", "src", "key", "cmd", "command")

#: Actions that never leave the controller.
_ON_CONTROLLER = frozenset(
    {"assert", "fail", "debug", "set_fact", "validate_argument_spec", "include_tasks", "meta"}
)

Event = dict[str, Any]


def task_of(event: Event) -> str:
    """Return the name of the task that an event is about, without the name of the role."""
    data = event.get("event_data", {})
    name = str(data.get("task") or data.get("name") or _UNNAMED)
    role = data.get("role")
    return name.removeprefix(f"{role} : ") if role else name


def touches_host(event: Event) -> bool:
    """Tell whether a task does its work on the host and not in Ansible itself."""
    action = str(event.get("event_data", {}).get("task_action", ""))
    return action.removeprefix("ansible.builtin.") not in _ON_CONTROLLER


def changes_of(event: Event, secret_paths: frozenset[str]) -> list[Change]:
    """Return what a finished task changed: one entry per item of a loop.

    Args:
        event: An event of ansible-runner.
        secret_paths: Files whose diff must not be shown.
    """
    if event.get("event") != "runner_on_ok":
        return []
    result = event["event_data"].get("res") or {}
    results = result.get("results") if isinstance(result.get("results"), list) else None
    return [
        _change(event, one, secret_paths)
        for one in (results if results is not None else [result])
        if isinstance(one, dict) and one.get("changed")
    ]


def _change(event: Event, result: Event, secret_paths: frozenset[str]) -> Change:
    what = _subject(event, result)
    diff = "(the content is secret)" if what in secret_paths else short_diff(result.get("diff"))
    return Change(task_of(event), what, diff)


def _subject(event: Event, result: Event) -> str:
    invoked = (result.get("invocation") or {}).get("module_args") or {}
    asked = event["event_data"].get("task_args")
    for source in (result, invoked, asked if isinstance(asked, dict) else {}):
        for key in _SUBJECTS:
            if source.get(key):
                return _text(source[key])
    return _label(result.get("item"))


def _label(item: Any) -> str:  # noqa: ANN401 - whatever a role loops over
    """Return what an item of a loop is about: of a map its path or name, else all of it."""
    if isinstance(item, dict):
        return next((str(item[key]) for key in _SUBJECTS if item.get(key)), _text(item))
    return _text(item) if item else ""


def _text(value: Any) -> str:  # noqa: ANN401 - whatever a module answers
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return ", ".join(value)
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)


def short_diff(diff: Any) -> str:  # noqa: ANN401 - modules answer in three shapes
    """Return a module's diff as a few lines of unified diff."""
    parts = diff if isinstance(diff, list) else [diff] if diff else []
    lines: list[str] = []
    for part in parts:
        if isinstance(part, dict):
            lines += _lines(part)
    cut = [line[:LONGEST_LINE] for line in lines[:LONGEST_DIFF]]
    if len(lines) > LONGEST_DIFF:
        cut.append(f"… {len(lines) - LONGEST_DIFF} more lines")
    return "\n".join(cut)


def _lines(part: dict[str, Any]) -> list[str]:
    if part.get("prepared"):
        return str(part["prepared"]).splitlines()
    before, after = part.get("before", ""), part.get("after", "")
    if isinstance(before, dict) and isinstance(after, dict):
        keys = sorted(key for key in before | after if before.get(key) != after.get(key))
        return [f"{key}: {_text(before.get(key))} -> {_text(after.get(key))}" for key in keys]
    old, new = _text(before).splitlines(), _text(after).splitlines()
    return list(difflib.unified_diff(old, new, lineterm="", n=1))[2:]


def message_of(event: Event) -> str:
    """Return what the module said about its failure; of a loop, what the first bad item said."""
    result = event["event_data"].get("res") or {}
    for one in result.get("results") or []:
        if isinstance(one, dict) and (one.get("failed") or one.get("unreachable")):
            item = _label(one.get("item"))
            return f"{item}: {_said(one)}" if item else _said(one)
    return _said(result)


def _said(result: dict[str, Any]) -> str:
    if "censored" in result:
        return "it handles a secret, so its message is kept back"
    message = str(result.get("msg") or "").strip()
    detail = str(result.get("stderr") or result.get("module_stderr") or "").strip()
    if "Traceback (most recent call last)" in detail:
        return _crash(detail)
    if not detail and message in {"", "non-zero return code"}:
        detail = str(result.get("stdout") or result.get("module_stdout") or "").strip()
    tail = "\n".join(detail.splitlines()[-3:])
    return f"{message}: {tail}" if tail and tail not in message else message or "no message"


def _crash(detail: str) -> str:
    """Return the errors in the tracebacks of a module that has crashed, without the tracebacks."""
    errors = re.findall(r"^\w[\w.]*(?:Error|Exception|Exit)\b.*", detail, re.MULTILINE)
    return "the module crashed: " + ("; ".join(errors) or detail.splitlines()[-1])
