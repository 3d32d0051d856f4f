"""What leaves a node for the federation, and what the hub admits and keeps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cairn.checks.registry import check
from cairn.checks.subjects import data_provider, hub, taking_part
from cairn.checks.verdicts import At, Severity

if TYPE_CHECKING:
    from cairn.checks.parameters import Parameters
    from cairn.checks.verdicts import Findings
    from cairn.spec.document import Document

#: Roles that hold or work on data of patients; none of them has a place on the hub.
PATIENTS = ("pacs", "fl-agent", "gpu")


@check(
    id="FED-01",
    title="What a computation may take out is controlled",
    severity=Severity.HIGH,
    supports=(
        "EHDS 73(2)",
        "TEHDAS FCR-5 FCR-6 FCR-9 EHDSR-12 EHDSR-13",
        "GDPR 25(1)",
        "ISO A.8.12",
    ),
    remediation="Set fl_agent.output: secure_aggregation, epsilon, or reviewed_by.",
    applies=("T3", "compute"),
)
def output_is_controlled(document: Document, limits: Parameters) -> Findings:
    """A model can remember the patients it was trained on; only anonymous results may leave."""
    spec = taking_part(document)
    output = spec.fl_agent.output
    most = limits.fraction("epsilon_most")
    ways = {
        f"differential privacy with epsilon {output.epsilon}": output.epsilon is not None
        and output.epsilon <= most,
        "secure aggregation": output.secure_aggregation,
        "review by a named person": output.reviewed_by is not None,
    }
    chosen = [way for way, on in ways.items() if on]
    yield (
        bool(chosen),
        At(spec, "fl_agent.output"),
        f"protected by {', '.join(chosen)}" if chosen else f"no protection (epsilon over {most:g})",
    )
    at = At(spec, "fl_agent.output.types")
    yield bool(output.types), at, f"file types that may leave: {', '.join(output.types) or 'none'}"


@check(
    id="FED-02",
    title="Small counts are never answered in federated search",
    severity=Severity.MEDIUM,
    supports=("TEHDAS FCR-6", "GDPR 25(1)", "EHDS 66"),
    remediation="Set search.minimum_cohort to 10 or more and search.round_to above 1.",
    applies=("T2", "T3"),
)
def small_counts_are_hidden(document: Document, limits: Parameters) -> Findings:
    """One patient of 34 with a rare tumour in one hospital is a name."""
    spec = data_provider(document)
    least, wanted = spec.search.minimum_cohort, limits.number("smallest_cohort")
    at = At(spec, "search.minimum_cohort")
    yield least >= wanted, at, f"counts from {least} are answered, wanted {wanted} or more"
    step = spec.search.round_to
    yield step > 1, At(spec, "search.round_to"), f"counts are rounded to multiples of {step}"


@check(
    id="HUB-01",
    title="The hub admits enrolled nodes only",
    severity=Severity.CRITICAL,
    supports=(
        "TEHDAS TIR-30 TIR-31",
        "EHDS 73(1)(a)",
        "NIS2 21(2)(i)",
        "ISO A.8.5 A.8.21",
    ),
    remediation="Set hub.node_authentication: true.",
    waivable=False,
    applies=("hub",),
)
def hub_admits_enrolled_nodes(document: Document) -> Findings:
    """Whoever the hub takes for a hospital gets the models and can poison them."""
    spec = hub(document)
    on = spec.hub.node_authentication
    said = "must show that they are enrolled" if on else "are not asked who they are"
    yield on, At(spec, "hub.node_authentication"), f"nodes {said}"


@check(
    id="HUB-02",
    title="The hub holds no data of patients",
    severity=Severity.HIGH,
    supports=("EUCAIM-HB 7.4(4)", "EHDS 73(2)", "GDPR 5(1)(c)"),
    remediation="Move roles that work on patients' data to a node, and shorten keep_updates_days.",
    applies=("hub",),
)
def hub_knows_no_patients(document: Document, limits: Parameters) -> Findings:
    """The hub is where all sites meet: what is there is there of all patients at once.

    Updates of single sites can give patients away, so the hub releases sums of several and
    keeps the parts for a bounded time.
    """
    spec = hub(document)
    for host in spec.hosts:
        found = sorted(set(host.runs) & set(PATIENTS))
        yield not found, At(host, "runs"), f"runs of that kind: {', '.join(found) or 'none'}"
    days, most = spec.hub.keep_updates_days, limits.number("update_keep_days_most")
    at = At(spec, "hub.keep_updates_days")
    yield days <= most, at, f"updates of single sites are kept {days} days, wanted {most} at most"
    sites = spec.hub.minimum_sites
    at = At(spec, "hub.minimum_sites")
    yield sites > 1, at, f"a result needs {sites} site{'s' if sites > 1 else ''}"
