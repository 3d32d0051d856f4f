"""From YAML text to a tree with places, over the events of libyaml.

What YAML can do and a spec must not is refused here, each with its place: anchors and aliases,
tags, merge keys, duplicate keys, several documents, keys that are not text, empty values, deep
nesting, template placeholders. Resolving is that of YAML 1.2 (see `scalars`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import yaml

from cairn.spec import scalars
from cairn.spec.syntax import syntax_fault
from cairn.spec.tree import Fault, Loc, Place, Spot, Tree

#: Deepest nesting that is read; the models have at most 6 levels.
MOST_LEVELS = 20

_PLACEHOLDER = re.compile(r"\{\{|\$\{|<%|\{%")
_LINES = re.compile(r"\r\n|\r|\n")


#: libyaml gives every event its marks, though the stubs of PyYAML say it might not.
_Event: TypeAlias = Any


class _Dropped:
    """Stands for a key whose value is read and thrown away."""


_DROPPED: Final = _Dropped()


@dataclass(slots=True)
class _Open:
    """A map or list that is being read."""

    value: dict[str, Any] | list[Any]
    spot: Spot
    key: str | _Dropped | None = None


class _Stop(Exception):
    """Nothing that follows can be understood."""


def read(text: str, file: str) -> Tree:
    """Read one YAML document.

    Args:
        text: The document, UTF-8 text without control characters (see `text.read`).
        file: How it is called in messages.

    Returns:
        The tree; `faults` holds what was refused, and what could be read is there beside it. After
        a fault that nothing can be understood behind, `cut` is true.
    """
    builder = _Builder(text, file)
    try:
        for event in yaml.parse(text, Loader=yaml.CSafeLoader):
            builder.take(event)
    except yaml.MarkedYAMLError as error:
        builder.cut()
        builder.tree.faults.append(_misread(error, text))
    except _Stop:
        builder.cut()
    return builder.tree


def _misread(error: yaml.MarkedYAMLError, text: str) -> Fault:
    mark = error.problem_mark or error.context_mark
    lines = _LINES.split(text)
    last = max((number for number, line in enumerate(lines) if line.strip()), default=0)
    line, column = (mark.line, mark.column) if mark else (0, 0)
    if line > last:
        line, column = last, len(lines[last].rstrip())
    column = min(column, len(lines[line]))
    place = Place(line, column, 0)
    return Fault((), Spot(place, place), syntax_fault(error, lines[line], column))


def _is_text(key: str) -> bool:
    try:
        return isinstance(scalars.resolve(key), str)
    except ValueError:
        return False


class _Builder:
    """Puts events together, with an explicit stack so that no nesting can exhaust Python's."""

    def __init__(self, text: str, file: str) -> None:
        start = Place(0, 0, 0)
        self.tree = Tree(file, text, None, Spot(start, start))
        self._open: list[_Open] = []
        self._documents = 0

    def cut(self) -> None:
        """Close what is open: the document ends here."""
        self.tree.cut = True
        while self._open:
            closed = self._open.pop()
            self._put(closed.value, closed.spot)

    def take(self, event: _Event) -> None:
        """Take the next event."""
        kind = type(event)
        if kind is yaml.ScalarEvent:
            self._scalar(event)
        elif kind is yaml.MappingStartEvent:
            self._start(event, {})
        elif kind is yaml.SequenceStartEvent:
            self._start(event, [])
        elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
            closed = self._open.pop()
            closed.spot.end = event.end_mark
            self._put(closed.value, closed.spot)
        elif kind is yaml.AliasEvent:
            self._alias(event)
        elif kind is yaml.DocumentStartEvent:
            self._document(event)

    def _document(self, event: _Event) -> None:
        self._documents += 1
        if self._documents > 1:
            self._refuse(event, "a second document begins here; keep one per file, without `---`")
            raise _Stop

    def _scalar(self, event: _Event) -> None:
        text, spot = event.value, Spot(event.start_mark, event.end_mark)
        if event.anchor or event.tag:
            self._decorated(event)
        plain = not event.style
        if len(text) + (0 if plain else 2) != spot.end.index - spot.start.index:
            self.tree.altered.append((spot, text))
        if self._key_is_next():
            self._key(text, spot, plain=plain)
            return
        value = self._resolved(event, spot) if plain else text
        if plain and isinstance(value, str) and _PLACEHOLDER.search(value):
            self._placeholder(spot)
        self._put(value, spot)

    def _resolved(self, event: _Event, spot: Spot) -> str | float | None:
        try:
            value = scalars.resolve(event.value)
        except ValueError:
            spot.spoiled = True
            self._refuse(event, "this number has too many digits; put it in quotes if it is none")
            return None
        if value is None and self._loc():
            spot.spoiled = True
            self._refuse(event, "has no value; give one, or remove the key")
        return value

    def _start(self, event: _Event, value: dict[str, Any] | list[Any]) -> None:
        if event.anchor or event.tag:
            self._decorated(event)
        if len(self._open) == MOST_LEVELS:
            self._refuse(event, f"nested deeper than {MOST_LEVELS} levels; a spec has at most 6")
            raise _Stop
        self._open.append(_Open(value, Spot(event.start_mark, event.end_mark)))

    def _alias(self, event: _Event) -> None:
        self._refuse(event, "aliases (`*`) are not allowed; write the value out")
        spot = Spot(event.start_mark, event.end_mark, spoiled=True)
        if self._key_is_next():
            self._drop_key()
        else:
            self._put(None, spot)

    def _key_is_next(self) -> bool:
        top = self._open[-1] if self._open else None
        return top is not None and top.key is None and isinstance(top.value, dict)

    def _key(self, text: str, spot: Spot, *, plain: bool) -> None:
        top = self._open[-1]
        fault = ""
        if plain and text == "<<":
            fault = "merge keys (`<<`) are not allowed; write the keys out"
        elif plain and not _is_text(text):
            fault = "a key must be text; put it in quotes"
        if fault:
            self.tree.faults.append(Fault(self._loc(), spot, fault))
            self._drop_key()
        elif text in top.spot.keys:
            message = (
                f"is given twice, first on line {top.spot.keys[text].start.line + 1}; keep one"
            )
            self.tree.faults.append(Fault((*self._loc(), text), spot, message))
            top.key = _DROPPED
        else:
            top.key = text
            top.spot.keys[text] = spot

    def _drop_key(self) -> None:
        self._open[-1].key = _DROPPED
        self._open[-1].spot.gaps = True

    def _put(self, value: Any, spot: Spot) -> None:  # noqa: ANN401 - any YAML
        if not self._open:
            self.tree.value, self.tree.root = value, spot
            return
        top = self._open[-1]
        if isinstance(top.value, list):
            top.spot.under[len(top.value)] = spot
            top.value.append(value)
        elif top.key is None:
            self._compound_key(spot)
        else:
            if isinstance(top.key, str):
                top.value[top.key] = value
                top.spot.under[top.key] = spot
            top.key = None

    def _compound_key(self, spot: Spot) -> None:
        if self.tree.cut:
            pass  # the key was never read to its end
        elif self.tree.text.startswith("{{", max(spot.start.index - 1, 0)):
            self._placeholder(spot)
            self._open[-1].spot.spoiled = True
        else:
            message = "a key must be text, not a list or a map; check the braces and brackets"
            self.tree.faults.append(Fault(self._loc(), spot, message))
        self._drop_key()

    def _placeholder(self, spot: Spot) -> None:
        spot.spoiled = True
        message = "a template placeholder is never filled in here; write the value itself"
        self.tree.faults.append(Fault(self._loc(), spot, message))

    def _decorated(self, event: _Event) -> None:
        if event.anchor:
            self._refuse(event, "anchors (`&`) are not allowed; write each value out")
        else:
            self._refuse(event, "tags (`!`) are not allowed; write the plain value")

    def _refuse(self, event: _Event, message: str) -> None:
        spot = Spot(event.start_mark, event.end_mark)
        self.tree.faults.append(Fault(self._loc(), spot, message))

    def _loc(self) -> Loc:
        """Return where the next value goes."""
        steps: list[str | int] = []
        for level in self._open:
            if isinstance(level.value, list):
                steps.append(len(level.value))
            elif isinstance(level.key, str):
                steps.append(level.key)
        return tuple(steps)
