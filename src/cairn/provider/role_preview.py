"""The preview of a role: each rendered file's diff and what is sent, with nothing touched."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any

from cairn.provider.artefacts import wanted
from cairn.provider.wire import Secret, Values, has_secret, has_unknown, plain

if TYPE_CHECKING:
    from collections.abc import Iterator

_NOWHERE = "/dev/null"
_ATTRIBUTES = ("mode", "owner", "group")


def file_diffs(old_inputs: Values, inputs: Values) -> Iterator[str]:
    """Return one text for each rendered file that an apply would change, in order of path.

    Args:
        old_inputs: The inputs of the last apply, empty when there was none.
        inputs: The inputs of the one to come; they may be unknown or secret in part.
    """
    old, new = _files(old_inputs), _files(inputs)
    if new is None:
        yield "The files are known only during the update."
        return
    for path in sorted((old or {}) | new):
        before, after = (old or {}).get(path), new.get(path)
        if plain(before) != plain(after):
            yield file_diff(path, before, after)


def artefact_news(old_inputs: Values, inputs: Values) -> Iterator[str]:
    """Return one line for each artefact that an apply would send, by name, version and digest."""
    before = {one.sha256 for one in wanted(old_inputs)}
    for one in wanted(inputs):
        if one.sha256 not in before:
            yield f"sends {one.name} {one.version} (sha256:{one.sha256}) if the host lacks it"


def file_diff(path: str, before: Any, after: Any) -> str:  # noqa: ANN401 - any value
    """Return the unified diff of one file; a secret content is not shown."""
    old_name, new_name = (path if before else _NOWHERE), (path if after else _NOWHERE)
    if has_secret(before) or has_secret(after):
        return f"--- {old_name}\n+++ {new_name}\n(the content is secret and not shown)"
    if has_unknown(after):
        return f"--- {old_name}\n+++ {new_name}\n(known only during the update)"
    lines = list(
        difflib.unified_diff(_lines(before), _lines(after), old_name, new_name, lineterm="")
    )
    return "\n".join([*(lines or [f"--- {old_name}", f"+++ {new_name}"]), *_modes(before, after)])


def _modes(before: Any, after: Any) -> list[str]:  # noqa: ANN401 - any value
    if not before or not after:
        return []
    return [
        f"{name} {before.get(name)} -> {after.get(name)}"
        for name in _ATTRIBUTES
        if before.get(name) != after.get(name)
    ]


def _lines(file: Any) -> list[str]:  # noqa: ANN401 - any value
    return str(file["content"]).splitlines() if file else []


def _files(inputs: Values) -> dict[str, Any] | None:
    """Return the files by path, None when not even the paths are known."""
    files = inputs.get("files") or {}
    if isinstance(files, Secret):
        files = plain(files)
        return {path: Secret(file) for path, file in files.items()} if files else {}
    return files if isinstance(files, dict) else None
