"""A document as plain values, and beside them the place in the file that each value came from."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from cairn.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

#: Keys and list positions (from 0) that lead from the top of a document to a value.
Loc: TypeAlias = tuple[str | int, ...]

#: Keys that name an item of a list for people, the first that is there.
_NAMING = ("name", "id", "aet", "check")
LINE_BREAK = re.compile(r"\r\n|\r|\n")
_SHOWABLE = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._/-]{0,39}")


@dataclass(frozen=True, slots=True)
class Place:
    """A position in a file, all three counted in characters from 0; libyaml's marks are alike."""

    line: int
    column: int
    index: int


class Spot:
    """Where one value stands, and the values inside it.

    Attributes:
        start: First character.
        end: The character after the last.
        keys: Places of the keys, if the value is a map.
        under: Places of the values inside, by key or list position.
        spoiled: Something was said about this value already; more would be noise.
        gaps: The map lost keys while it was read, so that none may be called missing.
    """

    __slots__ = ("end", "gaps", "keys", "spoiled", "start", "under")

    def __init__(self, start: Place, end: Place, *, holds: bool = False) -> None:
        self.start = start
        self.end = end
        # Most values are scalars: they share two empty maps that nobody writes to.
        self.keys: dict[str, Spot] = {} if holds else _NO_KEYS
        self.under: dict[str | int, Spot] = {} if holds else _NOTHING
        self.spoiled = False
        self.gaps = False


_NO_KEYS: dict[str, Spot] = {}
_NOTHING: dict[str | int, Spot] = {}


@dataclass(frozen=True, slots=True)
class Fault:
    """Something wrong at a place, not yet put into words that show a path.

    Paths are shown only after the search for secrets, so that no message shows one.
    """

    loc: Loc
    at: Spot
    message: str


@dataclass(slots=True)
class Tree:
    """One document.

    Attributes:
        file: The path as the user gave it.
        text: The whole file.
        value: Maps, lists, text, numbers and booleans; `None` where nothing could be read.
        root: Place of `value`.
        faults: What is wrong so far.
        altered: Scalars whose value does not stand in the file letter by letter (escapes, folding).
        cut: Behind the last fault nothing can be understood, so nothing more is said.
    """

    file: str
    text: str
    value: Any
    root: Spot
    faults: list[Fault] = field(default_factory=list)
    altered: list[tuple[Spot, str]] = field(default_factory=list)
    cut: bool = False

    def spot(self, loc: Loc) -> Spot:
        """Return the place of the value at `loc`, or of the nearest value around it."""
        spot = self.root
        for step in loc:
            if step not in spot.under:
                break
            spot = spot.under[step]
        return spot

    def key_spot(self, loc: Loc) -> Spot:
        """Return the place of the key of the value at `loc`; of the value itself in a list."""
        above = self.spot(loc[:-1])
        return above.keys.get(str(loc[-1]), self.spot(loc)) if loc else self.root

    def fault(self, loc: Loc, message: str, *, at_key: bool = False) -> None:
        """Note what is wrong with the value (or with its key) at `loc`."""
        self.faults.append(Fault(loc, self.key_spot(loc) if at_key else self.spot(loc), message))

    def each(self, pattern: str) -> Iterator[tuple[Loc, Any]]:
        """Find values by a dotted path in which `*` stands for every item of a list.

        Nothing is assumed about the document: whatever is not there or of another shape is left
        out.

        Args:
            pattern: As in `hosts.*.machine.existing`.

        Yields:
            The place and the value.
        """
        found: list[tuple[Loc, Any]] = [((), self.value)]
        for step in pattern.split("."):
            found = [inner for loc, value in found for inner in _inside(loc, value, step)]
        yield from found

    def texts(self, pattern: str) -> Iterator[tuple[Loc, str]]:
        """Find values like `each`, but only those that are text and not spoken of already."""
        for loc, value in self.each(pattern):
            if isinstance(value, str) and not self.spot(loc).spoiled:
                yield loc, value

    def where(self, loc: Loc) -> str:
        """Return the dotted path for people: items by name, else by their number from 1."""
        value, spot, shown = self.value, self.root, []
        for step in loc:
            value = _step(value, step)
            key = spot.keys.get(str(step))
            spot = spot.under.get(step, spot)
            label = _label(value, spot, step) if isinstance(step, int) else step
            if _SHOWABLE.fullmatch(label) is None or (key is not None and key.spoiled):
                break
            shown.append(label)
        return ".".join(shown)

    def problems(self) -> list[Problem]:
        """Return all faults as problems, each once, sorted by place."""
        return sorted({self.problem(fault) for fault in self.faults})

    def problem(self, fault: Fault) -> Problem:
        """Return a fault as a problem, with its path in words."""
        start = fault.at.start
        if start.index >= len(self.text):
            start = inside(start, LINE_BREAK.split(self.text))
        return Problem(
            self.file, start.line + 1, start.column + 1, self.where(fault.loc), fault.message
        )


def inside(place: Place, lines: Sequence[str]) -> Place:
    """Return a place, or the end of the last line with text if the place is behind that.

    libyaml notices what is missing at the end only after empty lines, and counts one line more if
    the last one is not ended.
    """
    last = max((number for number, line in enumerate(lines) if line.strip()), default=0)
    if place.line > last:
        return Place(last, len(lines[last].rstrip()), place.index)
    return Place(place.line, min(place.column, len(lines[place.line])), place.index)


def _inside(loc: Loc, value: Any, step: str) -> Iterator[tuple[Loc, Any]]:  # noqa: ANN401 - any YAML
    if step == "*" and isinstance(value, list):
        for index, item in enumerate(value):
            yield (*loc, index), item
    elif isinstance(value, dict) and step in value:
        yield (*loc, step), value[step]


def _step(value: Any, step: str | int) -> Any:  # noqa: ANN401 - any YAML
    try:
        return value[step]
    except (KeyError, IndexError, TypeError):
        return None


def _label(item: Any, spot: Spot, index: int) -> str:  # noqa: ANN401 - any YAML
    for key in _NAMING:
        name = item.get(key) if isinstance(item, dict) else None
        if isinstance(name, str) and _SHOWABLE.fullmatch(name) and not spot.under[key].spoiled:
            return name
    return str(index + 1)
