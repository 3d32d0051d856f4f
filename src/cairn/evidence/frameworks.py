"""What a report says about each demand of each framework, and what no check covers.

A control file of a policy bundle (`controls/*.yaml`) lists all demands of a framework, each with
its status. Where a framework has none yet, the clauses that checks support stand in for it, and
the report says that they are not all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cairn.checks import controls
from cairn.evidence.parts import Control, Framework, worst

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from cairn.checks.controls import ControlFile
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


def frameworks(policy: Catalogue, verdicts: Mapping[str, list[Verdict]]) -> tuple[Framework, ...]:
    """Return every framework that the bundles in force speak of, sorted by title.

    Args:
        policy: The catalogue with its bundles.
        verdicts: Verdicts of each check, by its id.

    Raises:
        PolicyError: A control file cannot be read.
    """
    listed = [_listed(one, verdicts) for one in controls.read(policy)]
    known = {one.name.casefold() for one in listed}
    derived = [one for one in _from_clauses(policy, verdicts) if one.name.casefold() not in known]
    return tuple(sorted((*listed, *derived), key=lambda one: (one.title.casefold(), one.name)))


def unverified(policy: Catalogue) -> dict[str, tuple[str, ...]]:
    """Return the clauses of each check that nobody has compared with their source."""
    found: dict[str, tuple[str, ...]] = {}
    for file in controls.read(policy):
        for demand in file.demands:
            for check in demand.checks:
                found[check] = tuple(dict.fromkeys((*found.get(check, ()), *demand.unverified)))
    return {check: doubted for check, doubted in found.items() if doubted}


def _listed(file: ControlFile, verdicts: Mapping[str, list[Verdict]]) -> Framework:
    return Framework(
        name=file.framework,
        title=file.title or FAMILIES.get(file.framework, file.framework),
        version=file.version,
        total=True,
        controls=tuple(
            Control(
                id=one.id,
                title=one.title,
                status=one.status,
                reason=one.reason,
                checks=one.checks,
                verdict=_worst(one.checks, verdicts),
            )
            for one in file.demands
        ),
    )


def _from_clauses(policy: Catalogue, verdicts: Mapping[str, list[Verdict]]) -> Iterator[Framework]:
    for family, clauses in controls.supporters(policy).items():
        supported = [
            Control(
                id=clause,
                title="",
                status="supported",
                reason="",
                checks=checks,
                verdict=_worst(checks, verdicts),
            )
            for clause, checks in sorted(clauses.items())
        ]
        title = FAMILIES.get(family, family)
        yield Framework(
            name=family, title=title, version="", total=False, controls=tuple(supported)
        )


def _worst(checks: Iterable[str], verdicts: Mapping[str, list[Verdict]]) -> Verdict | None:
    found = [verdict for check in checks for verdict in verdicts.get(check, ())]
    return worst(found) if found else None
