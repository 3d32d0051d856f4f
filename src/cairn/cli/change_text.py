"""What an `up` would change, as text: a word per resource, the diff of each file."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cairn.stack.changes import Change, FileChange

_COLOURS = {"+": "green", "-": "red", "@": "cyan"}


def lines(node: str, changes: Sequence[Change]) -> Iterator[str]:
    """Write the changes for a person, the sum at the end."""
    if not changes:
        yield f"{node}: nothing would change."
        return
    for change in changes:
        yield click.style(f"{change.verb} {change.resource}", bold=True)
        for reason in change.reasons:
            yield f"    {reason}"
        for file in change.files:
            yield from _file(file)
    files = sum(len(change.files) for change in changes)
    yield f"\n{node}: {_count(len(changes), 'resource')} and {_count(files, 'file')} would change."


def as_json(changes: Sequence[Change]) -> list[dict[str, Any]]:
    """Return the changes for a program: the fields of `Change` and `FileChange`."""
    return [dataclasses.asdict(change) for change in changes]


def _file(file: FileChange) -> Iterator[str]:
    for line in file.diff:
        yield "    " + click.style(line, fg=_COLOURS.get(line[:1]))


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
