"""The thresholds of the checks: typed, each with its source, from `policies/controls/`."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any, TypeVar

import yaml

from cairn.errors import PolicyError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

Kind = TypeVar("Kind")
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True)
class Parameters:
    """Thresholds by name; asking for one that is absent or of another type is an error."""

    values: Mapping[str, Any] = field(default_factory=dict)

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


def load(files: Iterable[Path]) -> Parameters:
    """Read parameter files; a later file wins over an earlier one.

    Each file holds `parameters:`, a list of maps with `name`, `value`, `why` and `source`.

    Raises:
        PolicyError: A file cannot be read, or a parameter lacks one of the four.
    """
    values: dict[str, Any] = {}
    for file in files:
        values |= {entry["name"]: _settled(entry["value"]) for entry in _entries(file)}
    return Parameters(values)


def _settled(value: Any) -> Any:  # noqa: ANN401 - whatever the YAML held
    return frozenset(map(str, value)) if isinstance(value, list) else value


def _entries(file: Path) -> list[dict[str, Any]]:
    try:
        content = yaml.load(file.read_text(encoding="utf-8"), _LOADER)  # noqa: S506 - a safe loader
        entries: list[dict[str, Any]] = content["parameters"]
        for entry in entries:
            if set(entry) != {"name", "value", "why", "source"}:
                raise PolicyError(
                    f"{file}: parameter `{entry.get('name', '?')}` needs exactly name, value, "
                    "why and source"
                )
    except (OSError, ValueError, yaml.YAMLError, KeyError, TypeError, AttributeError) as error:
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
