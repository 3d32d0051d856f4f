"""The control files of a policy: all demands of a framework, each with status and reason.

Which checks support a demand is said once, in the checks themselves (`supports`); a control file
says what that leaves open.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from cairn.checks.tables import UNREADABLE, content_of
from cairn.errors import PolicyError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from cairn.checks.registry import Catalogue

#: Words that are no clause by themselves but begin one, as in `Tab 7` or `ATNA ITI-19`.
_CLAUSE = re.compile(r"(?:Tab|ATNA|CT) \S+|\S+")
#: A remark behind a clause, as in `21(2)(e) (CIR 6.4)`; `73(1)(b)` has none.
_REMARK = re.compile(r" \([^)]*\)")


class Status(StrEnum):
    """How far checks answer a demand."""

    AUTOMATED = "automated"
    PARTIAL = "partial"
    MANUAL = "manual"
    INHERITED = "inherited"
    NOT_APPLICABLE = "not-applicable"
    LATER = "later"


#: Statuses of a demand that at least one check supports, and of none else.
ASKED = frozenset({Status.AUTOMATED, Status.PARTIAL})


@dataclass(frozen=True, slots=True)
class Demand:
    """One demand of a framework.

    Attributes:
        checks: Ids of the checks that support it.
        reason: Why it is not automated, or what the checks leave open.
        unverified: Clauses whose number and meaning nobody has compared with the text.
    """

    id: str
    title: str
    status: Status
    reason: str
    checks: tuple[str, ...]
    unverified: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ControlFile:
    """All demands of a framework, in the order of its text."""

    framework: str
    title: str
    version: str
    demands: tuple[Demand, ...]

    @property
    def counts(self) -> Mapping[Status, int]:
        """Number of demands of each status; they add up to all demands."""
        found = Counter(one.status for one in self.demands)
        return {status: found[status] for status in Status}


def clauses(supported: str) -> Iterator[tuple[str, str]]:
    """Give family and clause of each clause in a word of `supports`, as `ISO A.8.20 A.8.22`."""
    family, _, rest = supported.partition(" ")
    for clause in _CLAUSE.findall(_REMARK.sub("", rest).removeprefix("PS3.15 ")):
        yield family, clause


def supporters(policy: Catalogue) -> dict[str, dict[str, tuple[str, ...]]]:
    """Return the ids of the checks that support each clause, by family and clause."""
    found: dict[str, dict[str, tuple[str, ...]]] = {}
    for check in policy.checks:
        for family, clause in dict.fromkeys(
            each for supported in check.supports for each in clauses(supported)
        ):
            of_family = found.setdefault(family, {})
            of_family[clause] = (*of_family.get(clause, ()), check.id)
    return found


def read(policy: Catalogue) -> tuple[ControlFile, ...]:
    """Return the control files of all bundles in force, in the order of bundles and names.

    Raises:
        PolicyError: A file cannot be read, says too little, names a check that does not exist,
            calls a demand automated that no check supports, or lists a framework once more.
    """
    supported = supporters(policy)
    found: dict[str, ControlFile] = {}
    for file, content in _files(policy):
        one = _control_file(file, content, policy, supported)
        if one.framework in found:
            raise PolicyError(f"{file}: framework {one.framework} is listed in another file too")
        found[one.framework] = one
    return tuple(found.values())


def _files(policy: Catalogue) -> Iterator[tuple[Path, dict[str, Any]]]:
    for bundle in policy.bundles:
        for file in sorted((bundle.folder / "controls").glob("*.yaml")):
            content = _load(file)
            if {"framework", "controls"} <= set(content):
                yield file, content


def _load(file: Path) -> dict[str, Any]:
    try:
        content = content_of(file)
    except UNREADABLE as error:
        raise PolicyError(f"{file}: cannot be read ({type(error).__name__})") from error
    if not isinstance(content, dict):
        raise PolicyError(f"{file}: is no map of controls or parameters")
    return content


def _control_file(
    file: Path,
    content: Mapping[str, Any],
    policy: Catalogue,
    supported: Mapping[str, Mapping[str, tuple[str, ...]]],
) -> ControlFile:
    name = str(content["framework"])
    try:
        demands = tuple(
            _demand(entry, name, policy, supported.get(name, {})) for entry in content["controls"]
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise PolicyError(f"{file}: a control has no id or no status ({error})") from error
    except PolicyError as error:
        raise PolicyError(f"{file}: {error}") from error
    twice = [name for name, times in Counter(one.id for one in demands).items() if times > 1]
    if twice:
        raise PolicyError(f"{file}: control {twice[0]} is listed twice")
    title, version = str(content.get("title", "")), str(content.get("version", ""))
    return ControlFile(name, title, version, demands)


def _demand(
    entry: Mapping[str, Any],
    framework: str,
    policy: Catalogue,
    supported: Mapping[str, tuple[str, ...]],
) -> Demand:
    name = str(entry["id"])
    own = policy.find(name)
    checks = tuple(map(str, entry.get("checks", [own.id] if own else supported.get(name, ()))))
    for one in checks:
        if policy.find(one) is None:
            raise PolicyError(f"control {name} names check {one}, which does not exist")
    return Demand(
        id=name,
        title=str(entry.get("title") or (own.title if own else "")),
        status=_status(name, str(entry["status"]), checks),
        reason=str(entry.get("reason", "")),
        checks=checks,
        unverified=_unverified(entry.get("unverified", ()), f"{framework} {name}"),
    )


def _status(name: str, said: str, checks: tuple[str, ...]) -> Status:
    if said not in set(Status):
        raise PolicyError(f"control {name} has status {said}; use one of {', '.join(Status)}")
    status = Status(said)
    if status in ASKED and not checks:
        raise PolicyError(f"control {name} is called {status}, and no check supports it")
    return status


def _unverified(said: object, clause: str) -> tuple[str, ...]:
    """Return the clauses in doubt: the demand itself, or those that an entry lists."""
    if isinstance(said, bool):
        return (clause,) if said else ()
    return tuple(map(str, said)) if isinstance(said, (list, tuple)) else ()
