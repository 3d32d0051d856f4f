"""From what a check yields to findings; whatever is not an answer is not evaluated."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import TYPE_CHECKING

from cairn.checks.verdicts import At, Finding, Verdict

if TYPE_CHECKING:
    from collections.abc import Collection

    from cairn.checks.registry import Check
    from cairn.checks.verdicts import Evidence

#: Verdicts that a check may yield with a reason alone, for the whole target.
_WITHOUT_PLACE = frozenset({Verdict.NOT_APPLICABLE, Verdict.NOT_EVALUATED, Verdict.MANUAL})
#: More answers than any node has places: a check that exceeds it does not come to an end.
_MOST = 10_000


class NoAnswer(Exception):
    """A check yielded something that is no answer: an error of the check, not of the program."""


def read(
    check: Check, yielded: Iterable[object], target: str, known: Collection[str]
) -> list[Finding]:
    """Turn what a check yields into findings.

    Args:
        check: The check that was asked.
        yielded: Its generator.
        target: The node or host that was asked, for answers without a place.
        known: Names that an answer may speak of.

    Raises:
        NoAnswer: Nothing was yielded, something that is no answer, or two verdicts on one place.
    """
    if not isinstance(yielded, Iterable):
        raise NoAnswer(f"the check returned {_shape(yielded)} instead of yielding answers")
    findings = [_finding(check, item, target, known) for item in islice(yielded, _MOST + 1)]
    if not findings:
        raise NoAnswer("the check gave no answer")
    if len(findings) > _MOST:
        raise NoAnswer("the check does not come to an end")
    places: dict[tuple[str, str, str], Verdict] = {}
    for found in findings:
        before = places.setdefault((found.target, found.place, found.message), found.verdict)
        if before is not found.verdict:
            raise NoAnswer(f"the check gave two verdicts on {found.place or found.target}")
    return findings


def _finding(check: Check, item: object, target: str, known: Collection[str]) -> Finding:
    verdict, at, message = _parts(item, target)
    if at.name not in known:
        raise NoAnswer(f"the check spoke of `{at.name}`, which it was not asked about")
    return _of(check, verdict, at, message)


def _parts(item: object, target: str) -> tuple[Verdict, At, str]:
    match item:
        case (bool() as ok, At() as at, str() as message) if message:
            return (Verdict.PASS if ok else Verdict.FAIL), at, message
        case (Verdict() as verdict, At() as at, str() as message) if message:
            if verdict is not Verdict.WAIVED:
                return verdict, at, message
        case (Verdict() as verdict, str() as message) if message and verdict in _WITHOUT_PLACE:
            return verdict, At(target), message
    raise NoAnswer(f"the check answered with something that is no verdict ({_shape(item)})")


def _shape(item: object) -> str:
    """Name the types of an answer, never its values: they may hold a secret."""
    if isinstance(item, tuple):
        return f"({', '.join(type(part).__name__ for part in item)})"
    return type(item).__name__


def _of(check: Check, verdict: Verdict, at: At, message: str) -> Finding:
    return Finding(
        check=check.id,
        title=check.title,
        severity=check.severity,
        verdict=verdict,
        target=at.name,
        place=at.place,
        message=message,
        remediation=check.remediation,
    )


def without_asking(check: Check, verdict: Verdict, target: str, reason: str) -> Finding:
    """Return the finding of a check that was not asked or did not answer, with the reason."""
    return _of(check, verdict, At(target), reason)


def with_evidence(finding: Finding, evidence: tuple[Evidence, ...]) -> Finding:
    """Return the finding with the raw answers that it rests on."""
    return Finding(
        **{name: getattr(finding, name) for name in Finding.__slots__ if name != "evidence"},
        evidence=evidence,
    )
