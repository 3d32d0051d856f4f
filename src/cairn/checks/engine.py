"""The one engine: it asks checks of a spec, of a plan or of a live host, and loses none."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from cairn.checks import answers, registry, waivers
from cairn.checks.registry import Moment
from cairn.checks.verdicts import Judgement, Verdict
from cairn.errors import CairnError, PolicyError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from cairn.checks.host import EvidenceHost
    from cairn.checks.registry import Catalogue, Check
    from cairn.checks.verdicts import Finding
    from cairn.plan.model import Plan, PlannedHost
    from cairn.spec.document import Document


def judge_spec(
    document: Document, *, today: date | None = None, catalogue: Catalogue | None = None
) -> Judgement:
    """Ask every spec check of one document.

    Args:
        document: The loaded spec.
        today: The day that expiries are compared with; today in UTC if absent.
        catalogue: The checks to ask; those of the checkout if absent.

    Raises:
        PolicyError: The catalogue is broken, or a check got lost.
    """
    hosts = tuple(host.name for host in document.spec.hosts)
    return _judge(Moment.SPEC, document, {}, hosts, today=today, catalogue=catalogue)


def judge_plan(
    document: Document,
    plan: Plan,
    *,
    today: date | None = None,
    catalogue: Catalogue | None = None,
) -> Judgement:
    """Ask every plan check of one plan; arguments and errors as for `judge_spec`."""
    hosts = tuple(host.name for host in plan.hosts)
    return _judge(Moment.PLAN, document, {"Plan": plan}, hosts, today=today, catalogue=catalogue)


def judge_host(  # noqa: PLR0913 - all four are what a host is judged by
    document: Document,
    plan: Plan,
    host: PlannedHost,
    evidence_host: EvidenceHost,
    *,
    today: date | None = None,
    catalogue: Catalogue | None = None,
) -> Judgement:
    """Ask every host check of one live host; arguments and errors as for `judge_spec`.

    A check of a host is given up after its time limit, and is then not evaluated.
    """
    offer = {"Plan": plan, "EvidenceHost": evidence_host}
    return _judge(Moment.HOST, document, offer, (host.name,), today=today, catalogue=catalogue)


def _judge(  # noqa: PLR0913 - the last two are keywords
    moment: Moment,
    document: Document,
    subjects: Mapping[str, Any],
    hosts: tuple[str, ...],
    *,
    today: date | None,
    catalogue: Catalogue | None,
) -> Judgement:
    policy = catalogue or registry.catalogue()
    day = today or datetime.now(UTC).date()
    spec = document.spec
    known = waivers.of_moment(
        policy, spec.compliance.waivers, moment, node=spec.name, hosts=hosts, today=day
    )
    offer = {
        "Document": document,
        "Parameters": policy.parameters,
        "date": day,
        "Waivers": known,
        **subjects,
    }
    target = hosts[0] if moment is Moment.HOST else spec.name
    findings = [
        known.excuse(found)
        for check in policy.of(moment)
        for found in _ask(check, offer, target, {spec.name, *hosts})
    ]
    # Whether a waiver was needed is known only when all others have answered.
    for check in policy.of(Moment.EVERY):
        findings += _ask(check, offer, target, {spec.name, *hosts})
    _refuse_losses((*policy.of(moment), *policy.of(Moment.EVERY)), findings)
    return Judgement(spec.name, tuple(findings))


def _ask(check: Check, offer: Mapping[str, Any], target: str, known: set[str]) -> list[Finding]:
    reason = _not_asked(check, offer)
    if reason:
        return [answers.without_asking(check, Verdict.NOT_APPLICABLE, target, reason)]
    if check.moment is Moment.HOST:
        return _ask_host(check, offer, target)
    return _run(check, offer, target, known)


def _ask_host(check: Check, offer: Mapping[str, Any], target: str) -> list[Finding]:
    """Ask in a thread of its own, so that a host that does not answer holds up nobody."""
    from cairn.checks.patience import within  # noqa: PLC0415 - spec and plan need no threads

    host = offer["EvidenceHost"].afresh()
    late = answers.without_asking(
        check,
        Verdict.NOT_EVALUATED,
        target,
        f"the host gave no answer within {check.limit_s:g} seconds",
    )
    asked = {**offer, "EvidenceHost": host}
    findings = within(check.limit_s, lambda: _run(check, asked, target, {target}), [late])
    return [answers.with_evidence(found, host.evidence) for found in findings]


def _run(check: Check, offer: Mapping[str, Any], target: str, known: set[str]) -> list[Finding]:
    try:
        return answers.read(check, check.ask(offer), target, known)
    except answers.NoAnswer as nothing:
        reason = str(nothing)
    except CairnError as error:
        reason = f"the check could not look: {error}"
    except Exception as error:  # noqa: BLE001 - a broken check must not pass, whatever broke it
        # The message of a foreign error may carry what the check looked at; its type does not.
        reason = f"the check broke off with {type(error).__name__} ({_line(check, error)})"
    return [answers.without_asking(check, Verdict.NOT_EVALUATED, target, reason)]


def _line(check: Check, error: BaseException) -> str:
    """Say where in the check's own file it broke, so that its author finds the line."""
    trace = error.__traceback__
    line = 0
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == check.origin:
            line = trace.tb_lineno
        trace = trace.tb_next
    return f"{check.origin.rpartition('/')[2]}:{line}"


def _not_asked(check: Check, offer: Mapping[str, Any]) -> str:
    """Return why the check is not asked here; empty if it is."""
    labels = _labels(offer["Document"].spec)
    if "all" not in check.applies and labels.isdisjoint(check.applies):
        return f"asked of {', '.join(check.applies)} only; this node is {', '.join(sorted(labels))}"
    if check.needs:
        able = offer["EvidenceHost"].plan.capabilities
        missing = [need for need in check.needs if need not in able]
        if missing:
            return f"this machine lacks {', '.join(missing)}, as its spec says"
    return ""


def _labels(spec: Any) -> frozenset[str]:  # noqa: ANN401 - any of the three kinds of node
    """Return what a node answers to: its tier or kind, and how it takes part."""
    if spec.kind == "hub":
        return frozenset({"hub"})
    kind = "compute" if spec.kind == "compute" else f"T{spec.federation.tier}"
    transfers = spec.federation.participation == "transfer"
    return frozenset({kind, "transfer"} if transfers else {kind})


def _refuse_losses(asked: Iterable[Check], findings: list[Finding]) -> None:
    lost = {check.id for check in asked} - {found.check for found in findings}
    if lost:
        raise PolicyError(f"no verdict on {', '.join(sorted(lost))}; nothing here may be trusted")
