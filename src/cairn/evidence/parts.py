"""What a report is made of: nodes, checks, questions, answers, demands of frameworks."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

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

    @property
    def families(self) -> str:
        """Short names of the frameworks that it supports, sorted, with blanks between."""
        return " ".join(sorted({clause.partition(" ")[0] for clause in self.supports}))


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
    requested_by: str = ""
    """Empty where the spec does not say it; such a waiver excuses nothing."""
    approved_by: str
    signature: str = ""
    """`ed25519:` and base64, over the waiver and its node as canonical JSON (RFC 8785)."""
    signed_with: str = ""
    """Public key whose signature it is, PEM, as a bundle names it for who approved; else empty."""
    expires: str
    """Last day, ISO 8601."""
    excuses: Annotated[int, Field(ge=0)]
    """How many findings it excused."""


class Control(Part):
    """A demand of a framework."""

    id: str
    title: str
    status: str
    """`automated`, `partial`, `manual`, `inherited`, `not-applicable`, `later` or `supported`."""
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
