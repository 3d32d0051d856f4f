"""The canonical report of a node; `report.json` is this and nothing else.

A report that does not add up cannot be made and cannot be read: every check of the catalogue has
been asked of everybody whom it concerns, and every question has a verdict.
"""

from __future__ import annotations

from collections import Counter
from typing import Annotated, Literal

from pydantic import Field, model_validator

from cairn.checks.registry import Moment
from cairn.checks.verdicts import Verdict
from cairn.evidence.parts import (
    Answer,
    Basis,
    Check,
    Framework,
    Host,
    Node,
    Part,
    Previous,
    Question,
    Second,
    Totals,
    Waiver,
    worst,
)


class Report(Part):
    """Everything that was asked of one node at one time."""

    report_version: Literal[1]
    cairn: str
    """Version of Cairn."""
    number: Annotated[int, Field(ge=1)]
    """Counts the reports of the node from 1."""
    started_at: Second
    made_at: Second
    node: Node
    hosts: tuple[Host, ...]
    basis: Basis
    previous: Previous | None
    totals: Totals
    waivers: tuple[Waiver, ...]
    checks: tuple[Check, ...]
    questions: tuple[Question, ...]
    gone: tuple[str, ...]
    """What the previous report asked and this one does not: check, moment and target."""
    answers: tuple[Answer, ...]
    frameworks: tuple[Framework, ...]

    @model_validator(mode="after")
    def _adds_up(self) -> Report:
        faults = [*self._wrong_sums(), *self._lost_questions(), *self._loose_ends()]
        if faults:
            raise ValueError("; ".join(faults))
        return self

    @property
    def blocking(self) -> int:
        """Number of questions that failed or could not be asked."""
        return self.totals.verdicts[Verdict.FAIL] + self.totals.verdicts[Verdict.NOT_EVALUATED]

    def _wrong_sums(self) -> list[str]:
        counted = Counter(question.verdict for question in self.questions)
        sums = {
            "checks": (self.totals.checks, len(self.checks)),
            "questions": (self.totals.questions, len(self.questions)),
            "findings": (self.totals.findings, sum(len(one.findings) for one in self.questions)),
            **{str(kind): (self.totals.verdicts.get(kind, -1), counted[kind]) for kind in Verdict},
        }
        return [
            f"{name}: {said} are told and {found} are there"
            for name, (said, found) in sums.items()
            if said != found
        ]

    def _lost_questions(self) -> list[str]:
        wanted = expected(self.checks, self.node.name, [host.name for host in self.hosts])
        asked = Counter((one.check, one.moment, one.asked) for one in self.questions)
        lost = [f"no verdict on {' '.join(key)}" for key in sorted(wanted - set(asked))]
        more = [f"nobody asked for {' '.join(key)}" for key in sorted(set(asked) - wanted)]
        twice = [f"two verdicts on {' '.join(key)}" for key, times in asked.items() if times > 1]
        return [*lost, *more, *twice]

    def _loose_ends(self) -> list[str]:
        numbers = [answer.number for answer in self.answers]
        faults = []
        if numbers != list(range(1, len(numbers) + 1)):
            faults.append("the answers are not numbered from 1 without a gap")
        for one in self.questions:
            if one.verdict is not worst([found.verdict for found in one.findings]):
                faults.append(f"{one.check} {one.asked}: its verdict is not that of its findings")
            if not set(one.evidence) <= set(numbers):
                faults.append(f"{one.check} {one.asked}: rests on an answer that is not there")
        return faults


def expected(
    checks: tuple[Check, ...], node: str, hosts: list[str]
) -> set[tuple[str, Moment, str]]:
    """Return every question that has to be there: check, moment and who was asked."""
    rounds = [(Moment.SPEC, node), (Moment.PLAN, node), *((Moment.HOST, host) for host in hosts)]
    return {
        (check.id, moment, asked)
        for check in checks
        for moment, asked in rounds
        if check.moment in {moment, Moment.EVERY}
    }
