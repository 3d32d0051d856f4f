"""A report as one page for people: waivers first, what is open, then every question."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cairn.checks.verdicts import BLOCKING, Verdict
from cairn.evidence import pages
from cairn.evidence.frameworks import UNCOVERED

if TYPE_CHECKING:
    from cairn.evidence.formats import Source
    from cairn.evidence.model import Report
    from cairn.evidence.parts import Answer, Check, Control, Finding, Framework, Question

#: Headings of the comparison, by the change.
_CHANGES = {"worse": "Worse", "better": "Better", "new": "New", "other": "Otherwise changed"}


@dataclass(frozen=True, slots=True)
class Row:
    """A question as a page shows it.

    Attributes:
        anchor: Its name in the page.
        bad: Findings that are neither passed nor not applicable.
    """

    anchor: str
    question: Question
    check: Check
    bad: tuple[Finding, ...]
    answers: tuple[Answer, ...]


def render(source: Source) -> bytes:
    """Return the page."""
    report = source.report
    rows = [_row(report, one) for one in report.questions]
    changes = {
        title: [row for row in rows if row.question.change == kind]
        for kind, title in _CHANGES.items()
    }
    asked = [report.node.name, *(host.name for host in report.hosts)]
    return pages.fill(
        "report.html.j2",
        script="page.js",
        report=report,
        texts=source.texts,
        rehearsal=is_rehearsal(report),
        rows=rows,
        open=[row for row in rows if row.question.verdict in BLOCKING],
        manual=[row for row in rows if row.question.verdict is Verdict.MANUAL],
        changes=changes,
        nothing_changed=not report.gone and not any(changes.values()),
        asked=asked,
        by_host={
            name: Counter(one.verdict for one in report.questions if one.asked == name)
            for name in asked
        },
        families=sorted({family for row in rows for family in row.check.families.split()}),
        uncovered=uncovered(report),
        partial_frameworks=[one.title for one in report.frameworks if not one.total],
    )


def is_rehearsal(report: Report) -> bool:
    """Whether every host is a throw-away machine."""
    return all(host.sandbox for host in report.hosts)


def uncovered(report: Report) -> list[tuple[Framework, list[Control]]]:
    """Return the demands that no check answers, or not all of, by framework."""
    found = [
        (framework, [one for one in framework.controls if one.status in UNCOVERED])
        for framework in report.frameworks
    ]
    return [(framework, controls) for framework, controls in found if controls]


def _row(report: Report, question: Question) -> Row:
    check = next(one for one in report.checks if one.id == question.check)
    quiet = {Verdict.PASS, Verdict.NOT_APPLICABLE}
    return Row(
        anchor=f"{question.check}-{question.moment}-{question.asked}",
        question=question,
        check=check,
        bad=tuple(found for found in question.findings if found.verdict not in quiet),
        answers=tuple(report.answers[number - 1] for number in question.evidence),
    )
