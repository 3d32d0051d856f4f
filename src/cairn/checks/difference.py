"""What one policy asks otherwise than another: checks, thresholds, demands."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cairn.checks import controls, tightness

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cairn.checks.registry import Catalogue, Check

#: What can have become of a thing; `looser` and `gone` ask for less than before.
KINDS = ("new", "gone", "changed", "tighter", "looser")
_WORDS = ("title", "severity", "waivable", "applies", "needs", "supports", "remediation")


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that is otherwise.

    Attributes:
        kind: One of `KINDS`.
        what: `check STO-02`, `threshold tls_lowest` or `demand GDPR 35`.
        told: Before and after in short.
    """

    kind: str
    what: str
    told: str


def between(before: Catalogue, after: Catalogue) -> tuple[Change, ...]:
    """Return all changes: checks by id, then thresholds, then demands."""
    return (*_checks(before, after), *_thresholds(before, after), *_demands(before, after))


def _checks(before: Catalogue, after: Catalogue) -> Iterator[Change]:
    old, new = ({one.id: one for one in each.checks} for each in (before, after))
    for name in sorted(old.keys() | new.keys()):
        what = f"check {name}"
        if name not in old:
            yield Change("new", what, new[name].title)
        elif name not in new:
            yield Change("gone", what, old[name].title)
        elif told := "; ".join(_otherwise(old[name], new[name])):
            yield Change("changed", what, told)


def _otherwise(old: Check, new: Check) -> Iterator[str]:
    for word in _WORDS:
        was, now = getattr(old, word), getattr(new, word)
        if was != now:
            yield f"{word} {_plain(was)} -> {_plain(now)}"
    if inspect.getsource(old.function) != inspect.getsource(new.function):
        yield "it asks otherwise, or says so in other words"


def _plain(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _thresholds(before: Catalogue, after: Catalogue) -> Iterator[Change]:
    old, new = before.parameters, after.parameters
    for name in sorted(old.values.keys() | new.values.keys()):
        what = f"threshold {name}"
        if name not in old.values:
            yield Change("new", what, tightness.told(new.values[name]))
        elif name not in new.values:
            yield Change("gone", what, tightness.told(old.values[name]))
        elif old.values[name] != new.values[name]:
            was, now = old.values[name], new.values[name]
            tighter = tightness.is_as_tight(was, now, old.ways.get(name))
            yield Change("tighter" if tighter else "looser", what, _threshold(name, after, was))


def _threshold(name: str, after: Catalogue, was: object) -> str:
    told = f"{tightness.told(was)} -> {tightness.told(after.parameters.values[name])}"
    for one in after.parameters.loosened:
        if one.name == name:
            told += f" (until {one.expires} by {one.approved_by}: {one.reason})"
    return told


def _demands(before: Catalogue, after: Catalogue) -> Iterator[Change]:
    old, new = (
        {
            f"demand {file.framework} {one.id}": one
            for file in controls.read(each)
            for one in file.demands
        }
        for each in (before, after)
    )
    for what in dict.fromkeys((*old, *new)):
        if what not in old:
            yield Change("new", what, f"{new[what].status}: {new[what].title}")
        elif what not in new:
            yield Change("gone", what, f"{old[what].status}: {old[what].title}")
        elif (old[what].status, old[what].checks) != (new[what].status, new[what].checks):
            was, now = old[what], new[what]
            yield Change(
                "changed", what,
                f"{was.status} ({_plain(was.checks)}) -> {now.status} ({_plain(now.checks)})",
            )  # fmt: skip
