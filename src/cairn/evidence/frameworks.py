"""What a report says about each demand of each framework, and what no check covers.

A control file of a policy bundle (`controls/*.yaml`) lists all demands of a framework, each with
its status. Where a framework has none yet, the clauses that checks support stand in for it, and
the report says that they are not all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

from cairn.errors import PolicyError
from cairn.evidence.parts import Control, Framework, worst

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from cairn.checks.registry import Catalogue
    from cairn.checks.verdicts import Verdict

#: Families of clauses by their first word, as people call them.
FAMILIES = {
    "cairn-catalogue": "What was wanted of this policy pack",
    "ANSSI": "ANSSI, configuration recommendations for GNU/Linux",
    "BSI": "BSI IT-Grundschutz",
    "CIS-D12": "CIS Debian Linux 12 Benchmark",
    "CIS-D13": "CIS Debian Linux 13 Benchmark",
    "DICOM": "DICOM PS3.15",
    "EHDS": "European Health Data Space, Regulation (EU) 2025/327",
    "EUCAIM-HB": "EUCAIM Data Holders Handbook",
    "GDPR": "General Data Protection Regulation, (EU) 2016/679",
    "GS++": "BSI Grundschutz++",
    "IHE": "IHE IT Infrastructure",
    "ISO": "ISO/IEC 27001:2022, Annex A",
    "NIS2": "NIS 2 Directive, (EU) 2022/2555",
    "TEHDAS": "TEHDAS2 requirements",
}
#: Statuses of demands that no check of the pack answers, or not all of.
UNCOVERED = frozenset({"partial", "manual", "inherited", "later"})
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def frameworks(policy: Catalogue, verdicts: Mapping[str, list[Verdict]]) -> tuple[Framework, ...]:
    """Return every framework that the bundles in force speak of, sorted by title.

    Args:
        policy: The catalogue with its bundles.
        verdicts: Verdicts of each check, by its id.

    Raises:
        PolicyError: A control file cannot be read.
    """
    listed = [_from_file(file, policy, verdicts) for file in _files(policy)]
    known = {one.name.casefold() for one in listed}
    derived = [one for one in _from_clauses(policy, verdicts) if one.name.casefold() not in known]
    return tuple(sorted((*listed, *derived), key=lambda one: (one.title.casefold(), one.name)))


def unverified(policy: Catalogue) -> dict[str, tuple[str, ...]]:
    """Return the clauses of each check that nobody has compared with their source."""
    return {
        str(one["id"]): tuple(map(str, one["unverified"]))
        for file in _files(policy)
        for one in _read(file)["controls"]
        if one.get("unverified")
    }


def _files(policy: Catalogue) -> Iterator[Path]:
    for bundle in policy.bundles:
        for file in sorted((bundle.folder / "controls").glob("*.yaml")):
            if {"framework", "controls"} <= set(_read(file)):
                yield file


def _read(file: Path) -> dict[str, Any]:
    try:
        content = yaml.load(file.read_text(encoding="utf-8"), _LOADER)  # noqa: S506 - a safe loader
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise PolicyError(f"{file}: cannot be read ({type(error).__name__})") from error
    if not isinstance(content, dict):
        raise PolicyError(f"{file}: is no map of controls or parameters")
    return content


def _from_file(file: Path, policy: Catalogue, verdicts: Mapping[str, list[Verdict]]) -> Framework:
    content = _read(file)
    try:
        controls = [_control(entry, policy, verdicts) for entry in content["controls"]]
    except (KeyError, TypeError, AttributeError) as error:
        raise PolicyError(f"{file}: a control has no id or no status ({error})") from error
    except PolicyError as error:
        raise PolicyError(f"{file}: {error}") from error
    name = str(content["framework"])
    return Framework(
        name=name,
        title=str(content.get("title") or FAMILIES.get(name, name)),
        version=str(content.get("version", "")),
        total=True,
        controls=tuple(controls),
    )


def _control(
    entry: Mapping[str, Any], policy: Catalogue, verdicts: Mapping[str, list[Verdict]]
) -> Control:
    """Return one demand; without `checks`, the check of the same id answers it."""
    own = policy.find(str(entry["id"]))
    checks = [str(one) for one in entry.get("checks", [own.id] if own else [])]
    unknown = [one for one in checks if policy.find(one) is None]
    if unknown:
        raise PolicyError(f"control {entry['id']} names check {unknown[0]}, which does not exist")
    return Control(
        id=str(entry["id"]),
        title=str(entry.get("title") or (own.title if own else "")),
        status=str(entry["status"]),
        reason=str(entry.get("reason", "")),
        checks=tuple(checks),
        verdict=_worst(checks, verdicts),
    )


def _from_clauses(policy: Catalogue, verdicts: Mapping[str, list[Verdict]]) -> Iterator[Framework]:
    families: dict[str, dict[str, list[str]]] = {}
    for check in policy.checks:
        for clause in check.supports:
            family, _, rest = clause.partition(" ")
            for part in _clauses(rest):
                families.setdefault(family, {}).setdefault(part, []).append(check.id)
    for family, clauses in families.items():
        controls = [
            Control(
                id=clause,
                title="",
                status="supported",
                reason="",
                checks=tuple(checks),
                verdict=_worst(checks, verdicts),
            )
            for clause, checks in sorted(clauses.items())
        ]
        title = FAMILIES.get(family, family)
        yield Framework(name=family, title=title, version="", total=False, controls=tuple(controls))


def _clauses(text: str) -> list[str]:
    """Split `A.8.20 A.8.22`; what is in brackets, and the name of a part, stays together."""
    if " (" in text or text.startswith(("PS3.15 ", "ATNA ", "CT ", "Tab ")):
        return [text]
    return text.split() or [text]


def _worst(checks: Iterable[str], verdicts: Mapping[str, list[Verdict]]) -> Verdict | None:
    found = [verdict for check in checks for verdict in verdicts.get(check, ())]
    return worst(found) if found else None
