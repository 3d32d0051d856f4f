"""From YAML text to a tree with places, over the events of libyaml (see `builder`)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import yaml

from cairn.spec.builder import Builder, Stop
from cairn.spec.syntax import syntax_fault
from cairn.spec.tree import LINE_BREAK, Fault, Place, Spot, inside

if TYPE_CHECKING:
    from cairn.spec.tree import Tree

_OPENED = re.compile(r"quoted scalar|flow (sequence|mapping)$")


def read(text: str, file: str) -> Tree:
    """Read one YAML document.

    Args:
        text: The document, UTF-8 text without control characters (see `text.decode`).
        file: How it is called in messages.

    Returns:
        The tree; `faults` holds what was refused, and what could be read is there beside it. After
        a fault that nothing can be understood behind, `cut` is true.
    """
    builder = Builder(text, file)
    parser = yaml.CSafeLoader(text)
    try:
        # What `yaml.parse` does, without asking twice for each event.
        while (event := parser.get_event()) is not None:
            builder.take(event)
    except yaml.MarkedYAMLError as error:
        builder.cut()
        builder.tree.faults.append(_misread(error, text))
    except Stop:
        builder.cut()
    finally:
        parser.dispose()
    return builder.tree


def _misread(error: yaml.MarkedYAMLError, text: str) -> Fault:
    mark = _pointed_at(error)
    lines = LINE_BREAK.split(text)
    start = inside(Place(mark.line, mark.column, 0) if mark else Place(0, 0, 0), lines)
    return Fault((), Spot(start, start), syntax_fault(error, lines[start.line], start.column))


def _pointed_at(error: yaml.MarkedYAMLError) -> yaml.Mark | None:
    """Return where somebody would look: of what was never closed, the place where it was opened."""
    opened, noticed = error.context_mark, error.problem_mark
    if opened and noticed and opened.line != noticed.line and _OPENED.search(error.context or ""):
        return opened
    return noticed or opened
