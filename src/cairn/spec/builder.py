"""Events of libyaml put together into a tree, and refused where a spec must not use YAML's powers.

Refused, each with its place: anchors and aliases, tags, merge keys, duplicate keys, several
documents, keys that are not text, empty values, deep nesting, template placeholders.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import yaml

from cairn.spec import scalars
from cairn.spec.tree import Fault, Loc, Place, Spot, Tree

#: Deepest nesting that is read; the models have at most 6 levels.
MOST_LEVELS = 20

_PLACEHOLDER = re.compile(r"\{\{|\$\{|<%|\{%")
_FILLED_IN = "a template placeholder is never filled in here; write the value itself"

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


class Stop(Exception):
    """Nothing that follows can be understood."""


class Builder:
    """Puts events together, with an explicit stack so that no nesting can exhaust Python's."""

    def __init__(self, text: str, file: str) -> None:
        start = Place(0, 0, 0)
        self.tree = Tree(file, text, None, Spot(start, start))
        self._open: list[_Open] = []
        self._documents = 0
        self._may_be_filled_in = _PLACEHOLDER.search(text) is not None
        #: How many levels were open where a template placeholder began, while it is open.
        self._muted: int | None = None

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
            self._end(event)
        elif kind is yaml.AliasEvent:
            self._alias(event)
        elif kind is yaml.DocumentStartEvent:
            self._document(event)

    def _document(self, event: _Event) -> None:
        self._documents += 1
        if self._documents > 1:
            self._refuse(event, "a second document begins here; keep one per file, without `---`")
            raise Stop

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
        if self._may_be_filled_in and isinstance(value, str) and _PLACEHOLDER.search(value):
            self._note(self._loc(), spot, _FILLED_IN, spoils=True)
        self._put(value, spot)

    def _resolved(self, event: _Event, spot: Spot) -> str | float | None:
        try:
            value = scalars.resolve(event.value)
        except ValueError:
            message = "this number has too many digits; put it in quotes if it is none"
            self._note(self._loc(), spot, message, spoils=True)
            return None
        if value is None and self._open:
            message = "has no value; give one, or remove the key"
            self._note(self._loc(), spot, message, spoils=True)
        return value

    def _start(self, event: _Event, value: dict[str, Any] | list[Any]) -> None:
        spot = Spot(event.start_mark, event.end_mark, holds=True)
        if event.anchor or event.tag:
            self._decorated(event)
        if len(self._open) == MOST_LEVELS:
            message = f"nested deeper than {MOST_LEVELS} levels; a spec has at most 6"
            self._note((), spot, message)
            raise Stop
        if event.flow_style and self.tree.text.startswith("{{", spot.start.index):
            self._note(self._loc(), spot, _FILLED_IN, spoils=True)
            if self._muted is None:
                self._muted = len(self._open)
        self._open.append(_Open(value, spot))

    def _end(self, event: _Event) -> None:
        closed = self._open.pop()
        closed.spot.end = event.end_mark
        if len(self._open) == self._muted:
            self._muted = None
        self._put(closed.value, closed.spot)

    def _alias(self, event: _Event) -> None:
        self._refuse(event, "aliases (`*`) are not allowed; write the value out")
        spot = Spot(event.start_mark, event.end_mark)
        spot.spoiled = True
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
            self._note(self._loc(), spot, fault)
            self._drop_key()
        elif text in top.spot.keys:
            message = (
                f"is given twice, first on line {top.spot.keys[text].start.line + 1}; keep one"
            )
            self._note((*self._loc(), text), spot, message)
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
        # One that was cut off may be anything; one that is a placeholder was spoken of.
        if not self.tree.cut and not spot.spoiled:
            message = "a key must be text, not a list or a map; check the braces and brackets"
            self._note(self._loc(), spot, message)
        self._drop_key()

    def _decorated(self, event: _Event) -> None:
        if event.anchor:
            self._refuse(event, "anchors (`&`) are not allowed; write each value out")
        else:
            self._refuse(event, "tags (`!`) are not allowed; write the plain value")

    def _refuse(self, event: _Event, message: str) -> None:
        self._note(self._loc(), Spot(event.start_mark, event.end_mark), message)

    def _note(self, loc: Loc, spot: Spot, message: str, *, spoils: bool = False) -> None:
        spot.spoiled |= spoils
        if self._muted is None:
            self.tree.faults.append(Fault(loc, spot, message))

    def _loc(self) -> Loc:
        """Return where the next value goes."""
        steps: list[str | int] = []
        for level in self._open:
            if isinstance(level.value, list):
                steps.append(len(level.value))
            elif isinstance(level.key, str):
                steps.append(level.key)
        return tuple(steps)


def _is_text(key: str) -> bool:
    try:
        return isinstance(scalars.resolve(key), str)
    except ValueError:
        return False
