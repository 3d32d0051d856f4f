"""One sheet for the data-protection officer: what the GDPR asks, in plain language."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cairn.checks.registry import Moment
from cairn.checks.verdicts import BLOCKING, Verdict
from cairn.evidence import pages
from cairn.evidence.html import is_rehearsal, uncovered

if TYPE_CHECKING:
    from cairn.evidence.formats import Source
    from cairn.evidence.model import Report
    from cairn.evidence.parts import Check, Question

#: What the clauses of the GDPR that checks support come to, in the words of the sheet. A clause
#: stands under the first question that names it.
TOPICS = {
    "Is there an impact assessment, and is it current?": ("35",),
    "Do the data stay in the EU and EEA, or is there a basis for a transfer?": ("44",),
    "Is the patient taken out of the images, and only what is needed kept?": (
        "4(5)", "25(1)", "5(1)(c)",
    ),
    "Can only those get at the data who may, and nobody change them unseen?": (
        "5(1)(f)", "32(1)(b)",
    ),
    "Are data and connections encrypted?": ("32(1)(a)",),
    "Are data kept no longer than needed?": ("5(1)(e)",),
    "Is what is kept right and traceable?": ("5(1)(d)",),
    "Can the data be restored after an incident?": ("32(1)(c)",),
    "Is the protection itself tested?": ("32(1)(d)",),
}  # fmt: skip
#: The last question of the sheet, so that nothing that is open is missing from it.
OTHERS = "Is all else as the node was declared?"


@dataclass(frozen=True, slots=True)
class Topic:
    """A question of the sheet, its answer, and titles of what is not so."""

    question: str
    answer: str
    open: tuple[str, ...]


def render(source: Source) -> bytes:
    """Return the sheet."""
    report = source.report
    checks = {check.id: check for check in report.checks}
    return pages.fill(
        "officer.html.j2",
        report=report,
        rehearsal=is_rehearsal(report),
        answer=_answer(report),
        topics=_topics(report, checks),
        titles={check.id: check.title for check in report.checks},
        persons=[
            f"{checks[one.check].title}: {found.message}."
            for one in report.questions
            for found in one.findings
            if found.verdict is Verdict.MANUAL
        ],
        uncovered=sum(len(controls) for _, controls in uncovered(report)),
        changes=_changes(report),
    )


def _answer(report: Report) -> str:
    total = report.totals.questions
    if report.blocking:
        return (
            f"Not everything is as it should be: {report.blocking} of {total} questions are open. "
            "Ask hospital IT when they will be closed."
        )
    return f"Of {total} questions, none is open."


def _topics(report: Report, checks: dict[str, Check]) -> list[Topic]:
    """Return the questions of the sheet; what belongs to none of them is the last one."""
    made = []
    left = set(range(len(report.questions)))
    for question, clauses in TOPICS.items():
        about = {
            number
            for number, one in enumerate(report.questions)
            if _is_about(checks[one.check], clauses)
        }
        left -= about
        made.append(_topic(checks, question, [report.questions[one] for one in sorted(about)]))
    return [*made, _topic(checks, OTHERS, [report.questions[one] for one in sorted(left)])]


def _topic(checks: dict[str, Check], question: str, about: list[Question]) -> Topic:
    about = [one for one in about if one.verdict is not Verdict.NOT_APPLICABLE]
    bad = [one for one in about if one.verdict in BLOCKING]
    titles = dict.fromkeys(f"“{checks[one.check].title}” {_why(one)}" for one in bad)
    return Topic(question, _told(about, bad), tuple(titles))


def _why(question: Question) -> str:
    return "is not so" if question.verdict is Verdict.FAIL else "could not be asked"


def _told(about: list[Question], bad: list[Question]) -> str:
    if not about:
        return "nothing of this node answers it"
    if bad:
        return f"not in {len(bad)} of {len(about)} points"
    left = [one for one in about if one.verdict in {Verdict.WAIVED, Verdict.MANUAL}]
    if left:
        return f"yes in {len(about) - len(left)} of {len(about)} points; the others stand below"
    asked = any(one.moment is Moment.HOST for one in about)
    points = "the one point" if len(about) == 1 else f"all {len(about)} points"
    return (
        f"yes, in {points} looked at" if asked else f"declared, in {points}; no machine was asked"
    )


def _is_about(check: Check, clauses: tuple[str, ...]) -> bool:
    supported = {
        part
        for clause in check.supports
        if clause.startswith("GDPR ")
        for part in clause.split()[1:]
    }
    return bool(supported & set(clauses))


def _changes(report: Report) -> str:
    if report.previous is None:
        return "This is the first report of the node."
    kinds = [one.change for one in report.questions]
    return (
        f"Against report {report.previous.number} of {report.previous.made_at[:10]}: "
        f"{kinds.count('better')} better, {kinds.count('worse')} worse, {kinds.count('new')} new."
    )
