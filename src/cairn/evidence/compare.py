"""What became better, worse or new since the report before."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cairn.checks.verdicts import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cairn.evidence.model import Report
    from cairn.evidence.parts import Change, Question

#: How bad a verdict is; two of the same rank are neither better nor worse.
_RANK = {
    Verdict.PASS: 0,
    Verdict.NOT_APPLICABLE: 0,
    Verdict.MANUAL: 1,
    Verdict.WAIVED: 2,
    Verdict.NOT_EVALUATED: 3,
    Verdict.FAIL: 4,
}
Key = tuple[str, str, str]


def key(question: Question) -> Key:
    """Return what makes two questions of two reports the same one."""
    return question.check, question.moment, question.asked


def verdicts(report: Report | None) -> dict[Key, Verdict]:
    """Return the verdict of each question of a report; none where there is no report."""
    return {key(one): one.verdict for one in report.questions} if report else {}


def change(before: Verdict | None, now: Verdict) -> Change:
    """Say how a verdict changed."""
    if before is None:
        return "new"
    if before is now:
        return "same"
    difference = _RANK[now] - _RANK[before]
    return "worse" if difference > 0 else "better" if difference < 0 else "other"


def gone(before: Iterable[Key], now: Iterable[Key]) -> tuple[str, ...]:
    """Return the questions that are no longer asked, as text."""
    return tuple(" ".join(one) for one in sorted(set(before) - set(now)))
