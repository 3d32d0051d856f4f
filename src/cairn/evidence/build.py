"""Makes the canonical report out of what was asked, or refuses to."""

from __future__ import annotations

import dataclasses
from collections import Counter
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from cairn import __version__
from cairn.checks import approvers
from cairn.checks.verdicts import Verdict
from cairn.errors import PolicyError
from cairn.evidence import archive, canonical, compare, frameworks, keys, model, parts
from cairn.spec.digest import digest_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from cairn.checks.registry import Moment
    from cairn.checks.verdicts import Evidence, Finding, Judgement
    from cairn.evidence.gather import Gathered
    from cairn.spec.legal import Waiver


@dataclasses.dataclass(frozen=True, slots=True)
class Before:
    """The report before this one: itself, and the digest of its file."""

    report: model.Report
    digest: str


@dataclasses.dataclass(frozen=True, slots=True)
class Made:
    """A report with the files that it speaks of, by name."""

    report: model.Report
    files: Mapping[str, bytes]


def build(gathered: Gathered, before: Before | None = None) -> Made:
    """Make the report and the files that belong to it.

    Raises:
        PolicyError: The verdicts do not add up to the catalogue, or the spec was changed while
            the hosts were asked; no report is made.
    """
    evidence = list(dict.fromkeys(_all_evidence(gathered)))
    answers, texts = archive.number(evidence)
    numbers = {one: answer.number for one, answer in zip(evidence, answers, strict=True)}
    known = compare.verdicts(before.report if before else None)
    questions = [
        _question(check, moment, asked, findings, numbers, known)
        for (moment, asked), judged in gathered.rounds.items()
        for check, findings in _by_check(judged)
    ]
    files = {
        "spec.yaml": _spec(gathered),
        "plan.json": canonical.encode(plain(gathered.plan)),
        "evidence.zip": archive.pack(texts),
    }
    try:
        report = model.Report(
            report_version=1,
            cairn=__version__,
            number=before.report.number + 1 if before else 1,
            started_at=second(gathered.started_at),
            made_at=second(gathered.made_at),
            node=_node(gathered),
            hosts=_hosts(gathered),
            basis=_basis(gathered, files),
            previous=_previous(before),
            totals=_totals(gathered, questions),
            waivers=tuple(_waivers(gathered, questions)),
            checks=_checks(gathered),
            questions=tuple(questions),
            gone=compare.gone(known, [compare.key(one) for one in questions]),
            answers=answers,
            frameworks=frameworks.frameworks(gathered.policy, _verdicts(questions)),
        )
    except ValidationError as error:
        reasons = "; ".join(str(one["msg"]) for one in error.errors(include_input=False))
        raise PolicyError(f"{gathered.plan.node}: no report is made: {reasons}") from None
    return Made(report, {"report.json": canonical.of_model(report), **files})


def _spec(gathered: Gathered) -> bytes:
    """Return the bytes of the spec that was judged."""
    document = gathered.document
    read = document.path.read_bytes()
    if digest_of(read) != document.digest:
        raise PolicyError(f"{document.path}: was changed while the node was asked; ask again")
    return read


def second(moment: datetime) -> str:
    """Return a time in UTC to the second."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def plain(value: Any) -> Any:  # noqa: ANN401 - any part of a plan
    """Return a plan as plain data."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {one.name: plain(getattr(value, one.name)) for one in dataclasses.fields(value)}
    if isinstance(value, dict):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    return value


def _all_evidence(gathered: Gathered) -> Iterator[Evidence]:
    for judged in gathered.rounds.values():
        for found in judged.findings:
            yield from found.evidence


def _by_check(judged: Judgement) -> Iterator[tuple[str, list[Finding]]]:
    checks: dict[str, list[Finding]] = {}
    for found in judged.findings:
        checks.setdefault(found.check, []).append(found)
    yield from checks.items()


def _question(  # noqa: PLR0913, PLR0917 - all that a question is made of
    check: str,
    moment: Moment,
    asked: str,
    findings: list[Finding],
    numbers: Mapping[Evidence, int],
    known: Mapping[compare.Key, Verdict],
) -> parts.Question:
    verdict = parts.worst([found.verdict for found in findings])
    return parts.Question(
        check=check,
        moment=moment,
        asked=asked,
        verdict=verdict,
        change=compare.change(known.get((check, moment, asked)), verdict),
        findings=tuple(
            parts.Finding(
                verdict=found.verdict,
                target=found.target,
                place=found.place,
                message=found.message,
            )
            for found in findings
        ),
        evidence=tuple(sorted({numbers[one] for found in findings for one in found.evidence})),
    )


def _node(gathered: Gathered) -> parts.Node:
    spec = gathered.document.spec
    return parts.Node(
        name=spec.name,
        kind=spec.kind,
        stage=str(spec.stage),
        institution=spec.site.institution,
        country=spec.site.country,
        data_protection=spec.site.contacts.data_protection,
    )


def _hosts(gathered: Gathered) -> tuple[parts.Host, ...]:
    return tuple(
        parts.Host(name=one.name, os=one.os, address=one.address, sandbox=one.sandbox)
        for one in gathered.plan.hosts
    )


def _basis(gathered: Gathered, files: Mapping[str, bytes]) -> parts.Basis:
    names = [f"{one.name} {one.version}" for one in gathered.policy.bundles]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise PolicyError(
            f"two policy folders are both called {twice[0]}; give one of them a bundle.yaml with "
            "another name"
        )
    return parts.Basis(
        spec=digest_of(files["spec.yaml"]),
        plan=digest_of(files["plan.json"]),
        evidence=digest_of(files["evidence.zip"]),
        policies=tuple(
            parts.Bundle(name=one.name, version=one.version, digest=one.digest)
            for one in gathered.policy.bundles
        ),
    )


def _previous(before: Before | None) -> parts.Previous | None:
    if before is None:
        return None
    made = before.report
    return parts.Previous(number=made.number, made_at=made.made_at, digest=before.digest)


def _totals(gathered: Gathered, questions: list[parts.Question]) -> parts.Totals:
    counted = Counter(one.verdict for one in questions)
    return parts.Totals(
        checks=len(gathered.policy.checks),
        questions=len(questions),
        findings=sum(len(judged.findings) for judged in gathered.rounds.values()),
        verdicts={verdict: counted[verdict] for verdict in Verdict},
    )


def _checks(gathered: Gathered) -> tuple[parts.Check, ...]:
    doubted = frameworks.unverified(gathered.policy)
    return tuple(
        parts.Check(
            id=one.id,
            title=one.title,
            severity=one.severity,
            moment=one.moment,
            rationale=one.rationale,
            remediation=one.remediation,
            supports=one.supports,
            unverified=doubted.get(one.id, ()),
            waivable=one.waivable,
        )
        for one in gathered.policy.checks
    )


def _key(gathered: Gathered, waiver: Waiver) -> str:
    found = approvers.signer(gathered.policy.approvers, gathered.document.spec.name, waiver)
    return keys.pem(approvers.public_key(found)).decode() if found else ""


def _waivers(gathered: Gathered, questions: list[parts.Question]) -> Iterator[parts.Waiver]:
    spec = gathered.document.spec
    for one in spec.compliance.waivers:
        target = one.host or spec.name
        yield parts.Waiver(
            check=one.check,
            host=one.host or "",
            reason=one.reason,
            requested_by=one.requested_by or "",
            approved_by=one.approved_by,
            signature=one.signature or "",
            signed_with=_key(gathered, one),
            expires=str(one.expires),
            excuses=sum(
                found.verdict is Verdict.WAIVED and found.target == target
                for question in questions
                if question.check == one.check
                for found in question.findings
            ),
        )


def _verdicts(questions: list[parts.Question]) -> dict[str, list[Verdict]]:
    verdicts: dict[str, list[Verdict]] = {}
    for one in questions:
        verdicts.setdefault(one.check, []).append(one.verdict)
    return verdicts
