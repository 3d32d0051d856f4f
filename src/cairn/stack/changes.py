"""What an `up` would change, read from Pulumi's preview and told file by file."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

#: Pulumi's marker of a value that is known only after the change (sdk `UNKNOWN`).
UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
#: Pulumi's marker of a secret inside a map (sdk special signature).
SIGNATURE = "4dabf18193072939515e22adb298388d"

#: Inputs that have words of their own in a preview.
_TOLD_APART = {"files", "artefacts", "digest", "connection", "triggers"}
_VERBS = {
    "create": "make",
    "update": "change",
    "delete": "remove",
    "replace": "replace",
    "create-replacement": "make anew",
    "delete-replaced": "remove the old",
    "read": "read",
}


@dataclass(frozen=True, slots=True)
class FileChange:
    """One file on a host: its path and the unified diff, line by line without newlines."""

    path: str
    diff: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Change:
    """One resource that an `up` would touch.

    Attributes:
        resource: Name of the resource, `<host>-<thing>`.
        type: `Machine`, `Role`, `Verification` or the component's name.
        verb: What would happen, as a word.
        files: Rendered files that differ.
        reasons: Everything else that differs: variables, the role's own code, drift.
    """

    resource: str
    type: str
    verb: str
    files: tuple[FileChange, ...]
    reasons: tuple[str, ...]


def changes(preview: Mapping[str, Any]) -> tuple[Change, ...]:
    """Read the steps of `pulumi preview --json` that change something."""
    return tuple(
        _change(step)
        for step in preview.get("steps", ())
        if step["op"] in _VERBS and "cairn:index:" in step["urn"]
    )


def _change(step: Mapping[str, Any]) -> Change:
    old = (step.get("oldState") or {}).get("inputs") or {}
    new = (step.get("newState") or {}).get("inputs") or {}
    urn_type, name = step["urn"].split("::")[2:4]
    return Change(
        resource=name,
        type=urn_type.rsplit(":", 1)[-1],
        verb=_VERBS[step["op"]],
        files=tuple(_files(old.get("files") or {}, new.get("files") or {})),
        reasons=tuple(_reasons(step, old, new)),
    )


def _files(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[FileChange]:
    for path in sorted({*old, *new}):
        before, after = old.get(path), new.get(path)
        if before != after:
            yield FileChange(path, tuple(_diff(path, before, after)))


def _diff(path: str, before: Any, after: Any) -> Iterator[str]:  # noqa: ANN401 - JSON
    if _is_secret(before) or _is_secret(after):
        yield f"{path}: (secret; not shown)"
        return
    yield from difflib.unified_diff(
        str(before["content"]).splitlines() if before else [],
        str(after["content"]).splitlines() if after else [],
        f"{path} (now)" if before else "/dev/null",
        path if after else "/dev/null",
        lineterm="",
    )
    if before and after:
        for what in ("mode", "owner", "group"):
            if before[what] != after[what]:
                yield f"{what} {before[what]} -> {after[what]}"


def _is_secret(value: Any) -> bool:  # noqa: ANN401 - JSON
    if isinstance(value, Mapping):
        return SIGNATURE in value or any(_is_secret(inner) for inner in value.values())
    return False


def _reasons(
    step: Mapping[str, Any], old: Mapping[str, Any], new: Mapping[str, Any]
) -> Iterator[str]:
    drift = ((step.get("oldState") or {}).get("outputs") or {}).get("drift") or ()
    for each in drift:
        yield f"repair: {each['task']} ({each['what']})" if isinstance(each, Mapping) else str(each)
    yield from _sent(old.get("artefacts") or {}, new.get("artefacts") or {})
    if not old or not new:
        return
    if old.get("digest") != new.get("digest"):
        yield "the role's own files changed"
    yield from _machine(old.get("connection"), new.get("connection"))
    if old.get("triggers") != new.get("triggers"):
        yield "the hosts are asked again"
    for name in sorted({*old, *new} - _TOLD_APART):
        if old.get(name) != new.get(name):
            yield from _values(name, old.get(name), new.get(name))


def _sent(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    for name, one in new.items():
        if old.get(name) != one:
            yield f"sends {name} {one['version']} (sha256:{one['sha256']}) if the host lacks it"


def _machine(old: Any, new: Any) -> Iterator[str]:  # noqa: ANN401 - JSON
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        if old.get("host_key") != new.get("host_key"):
            yield "another machine answers there: its host key changed"
    elif old != new:
        yield "the machine is made anew"


def _values(name: str, old: Any, new: Any) -> Iterator[str]:  # noqa: ANN401 - JSON
    if _is_plain_map(old) and _is_plain_map(new):
        for key in sorted({*old, *new}):
            if old.get(key) != new.get(key):
                yield from _values(key, old.get(key), new.get(key))
        return
    hidden = _is_secret(old) or _is_secret(new)
    yield f"{name}: " + ("(secret) changed" if hidden else f"{_short(old)} -> {_short(new)}")


def _is_plain_map(value: Any) -> bool:  # noqa: ANN401 - JSON
    return isinstance(value, Mapping) and SIGNATURE not in value


def _short(value: Any) -> str:  # noqa: ANN401 - JSON
    text = "(known after the change)" if value == UNKNOWN else str(value)
    return text if len(text) <= 120 else f"{text[:117]}..."  # noqa: PLR2004 - a line's worth
