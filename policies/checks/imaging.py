"""Images on their way in: from whom, over what, and what is taken out of them."""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING

from cairn.checks.registry import check
from cairn.checks.subjects import data_provider
from cairn.checks.verdicts import MANUAL, NOT_APPLICABLE, At, Severity

if TYPE_CHECKING:
    from cairn.checks.parameters import Parameters
    from cairn.checks.verdicts import Findings
    from cairn.spec.document import Document

NO_PACS = "the node takes no images from modalities"


@check(
    id="PAC-01",
    title="DICOM runs over TLS with client certificates",
    severity=Severity.HIGH,
    supports=(
        "DICOM PS3.15 B.12 (or B.13)",
        "IHE ATNA ITI-19",
        "GDPR 32(1)(a)",
        "NIS2 21(2)(h)",
        "ISO A.8.24",
    ),
    remediation="Set pacs.tls.client_certificates: true and take `plain` from the modality.",
    applies=("T2", "T3"),
)
def dicom_is_encrypted(document: Document, limits: Parameters) -> Findings:
    """Until it is de-identified an image names its patient, on every wire it passes."""
    spec = data_provider(document)
    if spec.pacs is None:
        yield NOT_APPLICABLE, NO_PACS
        return
    tls = spec.pacs.tls
    lowest = limits.text("tls_lowest")
    yield tls.minimum >= lowest, At(spec, "pacs.tls.minimum"), f"TLS {tls.minimum} at least"
    said = "are" if tls.client_certificates else "are not"
    yield (
        tls.client_certificates,
        At(spec, "pacs.tls.client_certificates"),
        f"client certificates {said} demanded",
    )
    for modality in spec.pacs.accepts:
        yield (
            not modality.plain,
            At(spec, f"pacs.accepts.{modality.aet}"),
            "speaks plain DICOM" if modality.plain else "speaks TLS",
        )


@check(
    id="PAC-02",
    title="Only listed modalities are answered, each at its own address",
    severity=Severity.HIGH,
    supports=("IHE ATNA ITI-19", "EHDS 73(1)(c)", "ISO A.8.3 A.8.20"),
    remediation="List each modality once in pacs.accepts, inside network.modalities_from.",
    applies=("T2", "T3"),
)
def modalities_are_listed(document: Document) -> Findings:
    """A DICOM title is no password; only address and certificate tell a scanner from a guest."""
    spec = data_provider(document)
    if spec.pacs is None:
        yield NOT_APPLICABLE, NO_PACS
        return
    titles = [modality.aet for modality in spec.pacs.accepts]
    zone = spec.network.modalities_from
    for modality in spec.pacs.accepts:
        at = At(spec, f"pacs.accepts.{modality.aet}")
        yield titles.count(modality.aet) == 1, at, f"listed {titles.count(modality.aet)} times"
        inside = zone is None or _lies_in(modality.address, zone)
        yield inside, at, f"connects from {modality.address}, modalities from {zone or 'anywhere'}"


def _lies_in(address: str, network: str) -> bool:
    return ipaddress.ip_address(address) in ipaddress.ip_network(network)


@check(
    id="PAC-03",
    title="Images are de-identified, and what is retained is justified",
    severity=Severity.HIGH,
    supports=(
        "DICOM PS3.15 E.2 E.3.1 E.3.2",
        "EHDS 66(2) 66(3)",
        "GDPR 25(1) 5(1)(c)",
        "EUCAIM-HB 5",
        "ISO A.8.11",
    ),
    remediation="Add clean-pixel-data, and a justification for each option that retains something.",
    applies=("T2", "T3", "transfer"),
)
def deidentification_is_justified(document: Document) -> Findings:
    """Each retained attribute is a way back to the patient and has to be worth it.

    Which modality sent an image is known only when it is there, and ultrasound, secondary
    captures and fluoroscopy carry names in their pixels: so pixels are cleaned on every node.
    """
    spec = data_provider(document) if document.spec.kind != "compute" else None
    if spec is None or spec.pacs is None:
        yield NOT_APPLICABLE, NO_PACS
        return
    deidentify = spec.pacs.deidentify
    at = At(spec, "pacs.deidentify.options")
    cleaned = "clean-pixel-data" in deidentify.options
    yield cleaned, at, f"pixels are {'cleaned' if cleaned else 'left as they come'}"
    dates = [option for option in deidentify.options if option.startswith("retain-longitudinal")]
    yield len(dates) < 2, at, f"dates: {', '.join(dates) or 'removed'}"  # noqa: PLR2004 - one of two
    for option in deidentify.options:
        if option.startswith("retain-"):
            reason = deidentify.justifications.get(option)
            said = "is justified" if reason else "has no justification"
            yield reason is not None, At(spec, f"pacs.deidentify.{option}"), f"{option} {said}"
    if "clean-recognizable-visual-features" not in deidentify.options:
        yield MANUAL, at, "look whether heads are imaged: then faces can be recognised"


@check(
    id="PAC-04",
    title="The pseudonymisation secret is held outside the research zone",
    severity=Severity.CRITICAL,
    supports=("EHDS 66(3)", "GDPR 4(5) 32(1)(a)", "TEHDAS SDR-2", "ISO A.8.11"),
    remediation="Name an office, not a host of the node, in pacs.deidentify.secret_holder.",
    waivable=False,
    applies=("T2", "T3"),
)
def secret_is_held_elsewhere(document: Document) -> Findings:
    """Who has data and key together has patients, not pseudonyms (GDPR Art. 4(5))."""
    spec = data_provider(document)
    if spec.pacs is None:
        yield NOT_APPLICABLE, NO_PACS
        return
    at = At(spec, "pacs.deidentify.secret_holder")
    holder = spec.pacs.deidentify.secret_holder
    if holder is None:
        yield False, at, "nobody is named who holds the secret"
        return
    words = set(re.findall(r"[a-z0-9./-]+", holder.casefold()))
    own = words & ({host.name for host in spec.hosts} | {spec.name})
    path = next((word for word in words if word.startswith("/")), None)
    wrong = f"names {', '.join(sorted(own))}, a part of the node" if own else f"names {path}"
    yield not own and path is None, at, wrong if own or path else "the holder is named"
