"""The newest reports of all nodes side by side: `fleet.json`, and one page made of it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from cairn.checks.verdicts import BLOCKING, Verdict
from cairn.errors import EvidenceRefused
from cairn.evidence import build, canonical, places, verify
from cairn.evidence.parts import Part, Second, worst
from cairn.spec.digest import digest_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime
    from pathlib import Path

    from cairn.evidence.model import Report
    from cairn.evidence.parts import Question

#: One letter for each verdict, so that all verdicts of a node fit into a line.
LETTERS = {
    Verdict.PASS: "p",
    Verdict.FAIL: "f",
    Verdict.WAIVED: "w",
    Verdict.NOT_APPLICABLE: "n",
    Verdict.NOT_EVALUATED: "u",
    Verdict.MANUAL: "m",
}


class FleetCheck(Part):
    """A check that some report of the fleet asked."""

    id: str
    title: str
    severity: str
    families: str
    """Short names of the frameworks that it supports, with blanks between."""


class FleetFinding(Part):
    """A question of one node that needs somebody, or that a waiver excuses."""

    check: str
    asked: str
    verdict: Verdict
    message: str


class FleetNode(Part):
    """One node, from its newest report."""

    name: str
    institution: str
    country: str
    kind: str
    missing: str
    """Why nothing is known of it; empty if there is a report."""
    number: int
    made_at: str
    digest: str
    """Of its `report.json`."""
    signed: bool
    """Whether a statement lies beside it; nothing here verifies it."""
    bundles: str
    counts: dict[Verdict, int]
    asked: dict[str, str]
    """For the node and for each host, a letter for each check of the fleet in its order; a blank
    where it was not asked."""
    findings: tuple[FleetFinding, ...]

    @property
    def blocking(self) -> int:
        """Number of questions that failed or could not be asked."""
        return sum(self.counts.get(verdict, 0) for verdict in BLOCKING)

    @property
    def told(self) -> str:
        """The node in one line."""
        if self.missing:
            return self.missing
        parts = [f"{number} {kind.replace('-', ' ')}" for kind, number in self.counts.items()]
        return f"{self.made_at}  {', '.join(part for part in parts if part[0] != '0')}"


class Fleet(Part):
    """All nodes at one time."""

    fleet_version: Literal[1]
    made_at: Second
    checks: tuple[FleetCheck, ...]
    nodes: tuple[FleetNode, ...]


@dataclass(frozen=True, slots=True)
class Published:
    """A report of the fleet in its place."""

    folder: Path
    fleet: Fleet


def publish(nodes: Sequence[str], now: datetime) -> Published:
    """Write the report of these nodes from their newest reports; nobody is asked.

    Raises:
        Misuse: It cannot be written.
    """
    from cairn.evidence import fleet_html  # noqa: PLC0415 - only here

    made = compose({node: _newest(node) for node in nodes}, now)
    folder = places.folder_of(places.FLEET) / places.name_of(now)
    places.write(
        folder, {"fleet.json": canonical.of_model(made), "fleet.html": fleet_html.render(made)}
    )
    return Published(folder, made)


@dataclass(frozen=True, slots=True)
class Newest:
    """The newest report of a node, or why there is none."""

    before: build.Before | None
    missing: str = ""
    signed: bool = False


def _newest(node: str) -> Newest:
    folder = places.newest(places.folder_of(node))
    if folder is None:
        return Newest(None, f"there is no report yet; `cairn report {node}` makes one")
    file = folder / places.REPORT
    try:
        data = places.read(file)
        before = build.Before(verify.glance(data, file), digest_of(data))
    except EvidenceRefused as error:
        return Newest(None, f"its newest report cannot be read: {error}")
    return Newest(before, "", (folder / places.STATEMENT).exists())


def compose(newest: dict[str, Newest], now: datetime) -> Fleet:
    """Return the fleet of these reports, the nodes in their order."""
    reports = [one.before.report for one in newest.values() if one.before]
    checks = _checks(reports)
    ids = [one.id for one in checks]
    return Fleet(
        fleet_version=1,
        made_at=build.second(now),
        checks=checks,
        nodes=tuple(_node(name, one, ids) for name, one in newest.items()),
    )


def _checks(reports: Iterable[Report]) -> tuple[FleetCheck, ...]:
    found = {check.id: check for report in reports for check in report.checks}
    return tuple(
        FleetCheck(
            id=one.id,
            title=one.title,
            severity=one.severity,
            families=one.families,
        )
        for _, one in sorted(found.items())
    )


def _node(name: str, newest: Newest, ids: Sequence[str]) -> FleetNode:
    if newest.before is None:
        return FleetNode(
            name=name, institution="", country="", kind="", missing=newest.missing, number=0,
            made_at="", digest="", signed=False, bundles="", counts={}, asked={}, findings=(),
        )  # fmt: skip
    report = newest.before.report
    return FleetNode(
        name=name,
        institution=report.node.institution,
        country=report.node.country,
        kind=report.node.kind,
        missing="",
        number=report.number,
        made_at=report.made_at,
        digest=newest.before.digest,
        signed=newest.signed,
        bundles=", ".join(f"{one.name} {one.version}" for one in report.basis.policies),
        counts=dict(Counter(one.verdict for one in report.questions)),
        asked=_letters(report, ids),
        findings=tuple(_finding(one) for one in report.questions if _needs_words(one)),
    )


def _letters(report: Report, ids: Sequence[str]) -> dict[str, str]:
    """Return the verdicts of node and hosts as letters, in the order of the checks.

    A check of every moment is asked of the node twice; the worse verdict stands.
    """
    found: dict[tuple[str, str], Verdict] = {}
    for one in report.questions:
        key = one.asked, one.check
        found[key] = worst([one.verdict, found.get(key, one.verdict)])
    return {
        asked: "".join(LETTERS[found[asked, id_]] if (asked, id_) in found else " " for id_ in ids)
        for asked in (report.node.name, *(host.name for host in report.hosts))
    }


def _needs_words(question: Question) -> bool:
    return question.verdict in BLOCKING or question.verdict is Verdict.WAIVED


def _finding(question: Question) -> FleetFinding:
    messages = [
        f"{found.place}: {found.message}" if found.place else found.message
        for found in question.findings
        if found.verdict is question.verdict
    ]
    more = f" (and {len(messages) - 1} more)" if len(messages) > 1 else ""
    return FleetFinding(
        check=question.check,
        asked=question.asked,
        verdict=question.verdict,
        message=f"{messages[0][:200]}{more}",
    )
