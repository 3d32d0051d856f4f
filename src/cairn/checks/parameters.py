"""The thresholds of the checks: typed, each with its source, from `policies/controls/`."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, TypeVar

from cairn.checks import tightness
from cairn.checks.tables import UNREADABLE, content_of
from cairn.errors import PolicyError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from cairn.checks.tightness import Loosened

Kind = TypeVar("Kind")
_WANTED = {"name", "value", "why", "source"}


@dataclass(frozen=True, slots=True)
class Parameters:
    """Thresholds by name; asking for one that is absent or of another type is an error.

    Attributes:
        ways: Which way asks for more (`cairn.checks.tightness.WAYS`), of those that have one.
        loosened: What a later file loosened, each on a waiver.
    """

    values: Mapping[str, Any] = field(default_factory=dict)
    ways: Mapping[str, str] = field(default_factory=dict)
    loosened: tuple[Loosened, ...] = ()

    def number(self, name: str) -> int:
        """Return a whole number (days, months, hours, counts: the name says which)."""
        return self._typed(name, int)

    def fraction(self, name: str) -> float:
        """Return a number that need not be whole."""
        return float(self._typed(name, (int, float)))

    def text(self, name: str) -> str:
        """Return a text."""
        return self._typed(name, str)

    def words(self, name: str) -> frozenset[str]:
        """Return a set of words."""
        return self._typed(name, frozenset)

    def table(self, name: str) -> dict[str, Any]:
        """Return a map, as of operating systems and days."""
        return self._typed(name, dict)

    def _typed(self, name: str, kind: type[Kind] | tuple[type, ...]) -> Kind:
        if name not in self.values:
            raise PolicyError(f"no parameter `{name}`; add it to policies/controls/parameters.yaml")
        value = self.values[name]
        if not isinstance(value, kind) or isinstance(value, bool):
            raise PolicyError(f"parameter `{name}` has the wrong type ({type(value).__name__})")
        return value  # type: ignore[return-value]


def load(files: Iterable[Path], today: date | None = None) -> Parameters:
    """Read parameter files; a later file tightens an earlier one, and loosens on a waiver only.

    Each file holds `parameters:`, a list of maps with `name`, `value`, `why` and `source`, and
    where they apply `tighter` and `waiver`.

    Args:
        files: The files, that of the first bundle first.
        today: The day on which waivers count; this one (UTC) if absent.

    Raises:
        PolicyError: A file cannot be read, a parameter lacks one of the four, or is looser than
            before without a waiver that counts.
    """
    day = today or datetime.now(UTC).date()
    values: dict[str, Any] = {}
    ways: dict[str, str] = {}
    loosened: list[Loosened] = []
    for file in files:
        before = dict(values)
        for entry in _entries(file):
            name, value = str(entry["name"]), _settled(entry["value"])
            if name not in before:
                ways |= {name: entry["tighter"]} if "tighter" in entry else {}
            elif not tightness.is_as_tight(before[name], value, ways.get(name)):
                limit = before.get("waiver_longest_days")
                loosened.append(tightness.excused(file, entry, before[name], day, limit))
            values[name] = value
    return Parameters(values, ways, tuple(loosened))


def _settled(value: Any) -> Any:  # noqa: ANN401 - whatever the YAML held
    return frozenset(map(str, value)) if isinstance(value, list) else value


def _entries(file: Path) -> list[dict[str, Any]]:
    try:
        content = content_of(file)
        entries: list[dict[str, Any]] = content["parameters"]
        for entry in entries:
            if not _WANTED <= set(entry) <= _WANTED | {"tighter", "waiver"}:
                raise PolicyError(
                    f"{file}: parameter `{entry.get('name', '?')}` needs name, value, why and "
                    "source; tighter and waiver may stand beside them"
                )
            if entry.get("tighter", "lower") not in tightness.WAYS:
                raise PolicyError(
                    f"{file}: parameter `{entry['name']}`: tighter is one of "
                    f"{', '.join(tightness.WAYS)}"
                )
    except (*UNREADABLE, KeyError, TypeError, AttributeError) as error:
        raise PolicyError(f"{file}: is no list of parameters ({type(error).__name__})") from error
    return entries


def months_after(day: date, months: int) -> date:
    """Return the day that many months later, the last of the month where there is no such day."""
    years, month = divmod(day.month - 1 + months, 12)
    for last in (day.day, 30, 29, 28):
        try:
            return date(day.year + years, month + 1, last)
        except ValueError:
            continue
    raise AssertionError(day)  # every month has a 28th
