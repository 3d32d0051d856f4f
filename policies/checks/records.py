"""How long logs are kept and where they go."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cairn.checks.registry import check
from cairn.checks.verdicts import At, Severity

if TYPE_CHECKING:
    from cairn.checks.parameters import Parameters
    from cairn.checks.verdicts import Findings
    from cairn.spec.document import Document


@check(
    id="LOG-01",
    title="Logs of access and activity are kept for at least one year, and not for ever",
    severity=Severity.HIGH,
    supports=(
        "EHDS 73(1)(e)",
        "TEHDAS EHDSR-8 OPR-17",
        "NIS2 21(2)(b) (CIR 3.2)",
        "ISO A.8.15 A.5.33",
    ),
    remediation="Set logging.keep_days to 365 or more and at_most_days above it.",
    applies=("T2", "T3", "hub", "compute"),
)
def logs_are_kept(document: Document, limits: Parameters) -> Findings:
    """Misuse is often noticed months later; but logs are personal data too and have an end."""
    spec = document.spec
    kept, wanted = spec.logging.keep_days, limits.number("log_keep_days")
    at = At(spec, "logging.keep_days")
    yield kept >= wanted, at, f"kept {kept} days, wanted {wanted} or more"
    end = spec.logging.at_most_days
    yield end >= kept, At(spec, "logging.at_most_days"), f"deleted after {end} days, kept {kept}"


@check(
    id="LOG-02",
    title="Logs also go to the collector of the site, and DICOM access is logged",
    severity=Severity.HIGH,
    supports=(
        "IHE ATNA ITI-20",
        "DICOM PS3.15 A.5 A.6",
        "EHDS 73(1)(e) 73(1)(f)",
        "TEHDAS EHDSR-6 EHDSR-7 OPR-16",
        "NIS2 21(2)(b) (CIR 3.2)",
        "ISO A.8.15 A.8.16",
        "ANSSI R71",
        "GS++ DET.3.1",
    ),
    remediation="Set logging.central, and logging.dicom_audit: true where a PACS is declared.",
)
def logs_leave_the_host(document: Document) -> Findings:
    """Who takes over a host deletes its log first."""
    spec = document.spec
    central = spec.logging.central
    at = At(spec, "logging.central")
    if central is None:
        yield False, at, "logs stay on the host alone"
    else:
        yield True, at, f"logs go to {central.to} port {central.port} by {central.protocol}"
    if spec.kind == "data-provider" and spec.pacs is not None:
        on = spec.logging.dicom_audit
        said = "are written" if on else "are not written"
        yield on, At(spec, "logging.dicom_audit"), f"DICOM audit messages {said}"
