"""What a check can answer, and the answers together."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol, TypeAlias

from cairn.errors import CairnError, PlanRefused

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class Verdict(StrEnum):
    """The answer to a check; there is none that stands for silence."""

    PASS = "pass"  # noqa: S105 - a verdict, not a password
    FAIL = "fail"
    WAIVED = "waived"
    NOT_APPLICABLE = "not-applicable"
    NOT_EVALUATED = "not-evaluated"
    MANUAL = "manual"


#: What a check yields instead of a truth value: the question is not asked here, could not be
#: answered, or is one for a person.
NOT_APPLICABLE = Verdict.NOT_APPLICABLE
NOT_EVALUATED = Verdict.NOT_EVALUATED
MANUAL = Verdict.MANUAL

#: Verdicts that stop a change. What could not be looked at stops it like what is wrong.
BLOCKING = frozenset({Verdict.FAIL, Verdict.NOT_EVALUATED})


class Severity(StrEnum):
    """How much harm the opposite of the title does."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


class Named(Protocol):
    """Anything that has a name: a spec, a host, a planned host."""

    @property
    def name(self) -> str:
        """The name of the node or host."""


@dataclass(frozen=True, slots=True)
class At:
    """Where a check looked.

    Attributes:
        target: The node or the host, or its name.
        place: Dotted path in the spec, name in the plan, or command on the host.
    """

    target: Named | str
    place: str = ""

    @property
    def name(self) -> str:
        """Name of the node or host."""
        return self.target if isinstance(self.target, str) else self.target.name


#: `ok, At(...), message` for each place that was looked at, or `NOT_APPLICABLE, reason`.
Answer: TypeAlias = tuple[bool | Verdict, At, str] | tuple[Verdict, str]
Findings: TypeAlias = Iterator[Answer]


@dataclass(frozen=True, slots=True)
class Evidence:
    """One raw answer of a host, kept so that a verdict can be followed to its ground.

    Attributes:
        host: The host that was asked.
        command: What was asked.
        status: Exit status of the command.
        answer: What came back, secrets masked, cut to `EvidenceHost.LONGEST` characters.
        sha256: Hex digest of the masked answer before it was cut.
        at: UTC time of the answer, ISO 8601.
        seconds: Time that the answer took.
    """

    host: str
    command: str
    status: int
    answer: str
    sha256: str
    at: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Finding:
    """One verdict of one check on one node or host.

    Attributes:
        check: Id of the check.
        target: Name of the node or host.
        place: Where the check looked; empty where the whole target is meant.
        message: What was found, or the reason of a verdict that is neither pass nor fail.
    """

    check: str
    title: str
    severity: Severity
    verdict: Verdict
    target: str
    place: str
    message: str
    remediation: str
    evidence: tuple[Evidence, ...] = ()

    def __str__(self) -> str:
        place = f"{self.target}: {self.place}" if self.place else self.target
        return (
            f"{self.check} ({self.severity}, {self.verdict}) {place}: {self.message}\n"
            f"    wanted: {self.title}\n"
            f"    remedy: {self.remediation}"
        )


@dataclass(frozen=True, slots=True)
class Judgement:
    """All verdicts of one moment, or of several together.

    Attributes:
        node: Name of the node.
        findings: Every verdict in a fixed order; each check of the moment appears.
    """

    node: str
    findings: tuple[Finding, ...] = field(default=())

    @property
    def blocking(self) -> tuple[Finding, ...]:
        """What stops a change: failed or not evaluated, and not waived."""
        return tuple(found for found in self.findings if found.verdict in BLOCKING)

    @property
    def counts(self) -> Mapping[Verdict, int]:
        """Number of findings of each verdict; they add up to all findings."""
        found = [finding.verdict for finding in self.findings]
        return {verdict: found.count(verdict) for verdict in Verdict}

    def raise_if_blocked(self, error: type[CairnError] = PlanRefused) -> None:
        """Raise an error that names every offender with reason and remedy, if there is one.

        Raises:
            PlanRefused: Or the error given; for a live host `VerifyFailed` fits.
        """
        offenders = self.blocking
        if offenders:
            number = f"{len(offenders)} finding{'s' if len(offenders) > 1 else ''}"
            listed = "\n".join(f"  {found}" for found in offenders)
            raise error(f"{number} of the policy checks stop node {self.node}:\n{listed}")


def join(node: str, judgements: Iterable[Judgement]) -> Judgement:
    """Put the verdicts of several moments or hosts together, in the order given."""
    return Judgement(node, tuple(found for each in judgements for found in each.findings))
