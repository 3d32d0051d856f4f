"""The canonical report of a node; `report.json` is this and nothing else.

A report that does not add up cannot be made and cannot be read: every check of the catalogue has
been asked of everybody whom it concerns, and every question has a verdict.
"""

from __future__ import annotations

from collections import Counter
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from cairn.checks.registry import Moment
from cairn.checks.verdicts import Severity, Verdict

#: Worst first: the verdict of a question is that of the worst of its findings.
WORST = (
    Verdict.FAIL,
    Verdict.NOT_EVALUATED,
    Verdict.WAIVED,
    Verdict.MANUAL,
    Verdict.PASS,
    Verdict.NOT_APPLICABLE,
)

Digest = Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]
#: UTC to the second, as in `2026-11-22T06:30:00Z` (RFC 3339).
Second = Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")]
Change = Literal["new", "better", "worse", "other", "same"]


def worst(verdicts: list[Verdict]) -> Verdict:
    """Return the worst of some verdicts; ValueError if there is none."""
    return min(verdicts, key=WORST.index)


class Part(BaseModel):
    """A part of a report: nothing unknown in it, and nothing changes after it was made."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
        allow_inf_nan=False,
        use_attribute_docstrings=True,
    )


class Node(Part):
    """Whom the report is about."""

    name: str
    kind: str
    """`data-provider`, `compute` or `hub`."""
    stage: str
    """`production` or `staging`."""
    institution: str
    country: str
    """Two letters of ISO 3166-1."""
    data_protection: str
    """Mail address of the data-protection officer."""


class Host(Part):
    """A host of the node, as planned."""

    name: str
    os: str
    address: str
    sandbox: bool
    """Whether it is a throw-away machine that shows no real hospital."""


class Bundle(Part):
    """A policy bundle that was in force."""

    name: str
    version: str
    digest: Digest
    """Over the paths and bytes of all its files."""


class Basis(Part):
    """What was judged, and by what."""

    spec: Digest
    """Of `spec.yaml`."""
    plan: Digest
    """Of `plan.json`."""
    evidence: Digest
    """Of `evidence.zip`."""
    policies: Annotated[tuple[Bundle, ...], Field(min_length=1)]


class Previous(Part):
    """The report before this one."""

    number: Annotated[int, Field(ge=1)]
    made_at: Second
    digest: Digest
    """Of its `report.json`."""


class Check(Part):
    """A check of the catalogue."""

    id: str
    title: str
    """The wanted state, as a fact."""
    severity: Severity
    moment: Moment
    """`spec`, `plan`, `host`, or `every` for one that is asked each time."""
    rationale: str
    remediation: str
    supports: tuple[str, ...]
    """Clauses that it supports; it fulfils none."""
    unverified: tuple[str, ...]
    """Those of them that nobody has compared with their source."""
    waivable: bool


class Finding(Part):
    """What a check found in one place."""

    verdict: Verdict
    target: str
    """Name of the node or host."""
    place: str
    """Path in the spec, name in the plan or command on the host; empty for the target itself."""
    message: str


class Question(Part):
    """One check, asked once of the node or of one host."""

    check: str
    moment: Literal[Moment.SPEC, Moment.PLAN, Moment.HOST]
    asked: str
    """Name of the node or host that it was asked of."""
    verdict: Verdict
    """The worst of its findings."""
    change: Change
    """Against the previous report; `other` where neither verdict is the better one."""
    findings: Annotated[tuple[Finding, ...], Field(min_length=1)]
    evidence: tuple[int, ...]
    """Numbers of the answers that it rests on."""


class Answer(Part):
    """A raw answer of a host; its text lies in `evidence.zip`."""

    number: Annotated[int, Field(ge=1)]
    host: str
    command: str
    """What was run as root, secrets masked."""
    status: int
    """Exit status."""
    at: str
    """UTC, RFC 3339."""
    milliseconds: Annotated[int, Field(ge=0)]
    """Time of the round trip; questions that were asked together share it."""
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    """Of the whole answer, secrets masked."""
    file: str
    """Name in the archive; empty where the archive had no room left."""
    cut: bool
    """Whether the file holds only the beginning of the answer, or nothing."""


class Waiver(Part):
    """A dated exception that the spec declares."""

    check: str
    host: str
    """Empty where it is for the node itself."""
    reason: str
    approved_by: str
    expires: str
    """Last day, ISO 8601."""
    excuses: Annotated[int, Field(ge=0)]
    """How many findings it excused."""


class Control(Part):
    """A demand of a framework."""

    id: str
    title: str
    status: str
    """`automated`, `partial`, `manual`, `inherited`, `not applicable`, `later` or `supported`."""
    reason: str
    checks: tuple[str, ...]
    verdict: Verdict | None
    """The worst of its checks; none where no check of this report speaks of it."""


class Framework(Part):
    """A framework, and what this report says about its demands."""

    name: str
    title: str
    version: str
    total: bool
    """Whether all demands are listed, or only those that a check supports."""
    controls: tuple[Control, ...]


class Totals(Part):
    """The sums; a report whose sums are wrong is refused."""

    checks: int
    questions: int
    findings: int
    verdicts: dict[Verdict, int]
    """Questions of each verdict."""


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
