"""Whether a threshold asks for as much as the one before it, and the waiver where it does not."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from cairn.errors import PolicyError
from cairn.spec.legal import SHORTEST_REASON

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

#: Which way a threshold asks for more: numbers and versions, then sets of words.
WAYS = ("lower", "higher", "fewer", "more")
#: Longest time of a waiver where no earlier file has `waiver_longest_days`.
_LONGEST_DAYS = 365


@dataclass(frozen=True, slots=True)
class Loosened:
    """A threshold that asks for less than the bundle before it, and who took that on.

    Attributes:
        before: The value that it replaces, as text.
        after: The value in force, as text.
    """

    name: str
    before: str
    after: str
    reason: str
    approved_by: str
    expires: date


def is_as_tight(before: object, after: object, way: str | None) -> bool:
    """Whether a value asks for at least as much as the one before; without a way only the same."""
    if before == after and type(before) is type(after):
        return True
    if way is None:
        return False
    if isinstance(before, dict) and isinstance(after, dict):
        return before.keys() <= after.keys() and all(
            is_as_tight(_words(value), _words(after[key]), way) for key, value in before.items()
        )
    if isinstance(before, frozenset) and isinstance(after, frozenset):
        return {"fewer": after <= before, "more": after >= before}.get(way, False)
    old, new = _number(before), _number(after)
    if old is None or new is None or isinstance(before, str) is not isinstance(after, str):
        return False
    return {"lower": new <= old, "higher": new >= old}.get(way, False)


def _words(value: object) -> object:
    return frozenset(map(str, value)) if isinstance(value, list) else value


def _number(value: object) -> tuple[float, ...] | None:
    """Return a number or a version (`1.2`) as something that has an order."""
    if isinstance(value, bool):
        return None
    if isinstance(value, (int, float)):
        return (float(value),)
    parts = value.split(".") if isinstance(value, str) else []
    return tuple(map(float, parts)) if parts and all(map(str.isdigit, parts)) else None


def excused(
    file: Path, entry: Mapping[str, Any], before: object, today: date, longest: int | None
) -> Loosened:
    """Return what a threshold was loosened to, on the waiver that stands beside it.

    Raises:
        PolicyError: There is no waiver, it says too little, has expired or runs too long.
    """
    name = entry["name"]
    where = f"{file}: parameter `{name}`"
    waiver = entry.get("waiver")
    if waiver is None:
        raise PolicyError(
            f"{where} is looser than the bundle before it ({told(before)}); keep that value, or "
            "write a waiver with reason, approved_by and expires beside it"
        )
    faults = _faults(waiver, today, longest or _LONGEST_DAYS)
    if faults:
        raise PolicyError(f"{where} is loosened on a waiver that does not count: {faults[0]}")
    return Loosened(
        name, told(before), told(entry["value"]),
        waiver["reason"], waiver["approved_by"], waiver["expires"],
    )  # fmt: skip


def _faults(waiver: object, today: date, longest: int) -> list[str]:
    if not isinstance(waiver, dict) or set(waiver) != {"reason", "approved_by", "expires"}:
        return ["it needs exactly reason, approved_by and expires"]
    reason, approver, expires = (waiver[key] for key in ("reason", "approved_by", "expires"))
    if type(expires) is not date:
        return ["expires is no day like 2027-03-31"]
    rules = {
        f"its reason has fewer than {SHORTEST_REASON} characters": isinstance(reason, str)
        and len(reason.strip()) >= SHORTEST_REASON,
        "approved_by is no mail address": isinstance(approver, str) and "@" in approver,
        f"it expired on {expires}": expires >= today,
        f"it runs until {expires}, longer than {longest} days": expires
        <= today + timedelta(days=longest),
    }
    return [wrong for wrong, right in rules.items() if not right]


def told(value: object) -> str:
    """Return a threshold as a short text."""
    if isinstance(value, (frozenset, list)):
        return ", ".join(sorted(map(str, value)))
    if isinstance(value, dict):
        return ", ".join(f"{key}: {told(each)}" for key, each in value.items())
    return str(value)
