"""Each spec check passes on a good node, fails on a spoilt one, and does not guess."""

from __future__ import annotations

from datetime import date
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from cairn.checks import engine
from cairn.checks.registry import Moment
from cairn.checks.verdicts import Verdict
from cairn.checks.waivers import Waivers
from cairn.spec.document import Document
from checks.approvals import signed
from policies.specimens import CATALOGUE, GOOD, document

if TYPE_CHECKING:
    from pathlib import Path

TODAY = date(2026, 11, 22)
HOST = GOOD["data-provider"]["hosts"][0]
PERMIT = GOOD["data-provider"]["permits"][0]
MODALITY = GOOD["data-provider"]["pacs"]["accepts"][0]
WAIVER = {
    "check": "STO-02",
    "reason": "the new array arrives in the spring",
    "approved_by": "dpo@hospital.example",
    "expires": "2027-01-31",
}


def waiver(**changes: str) -> dict[str, Any]:
    """Return the waiver with changes, signed afterwards."""
    return signed("test-hospital", {**WAIVER, **changes})


SANDBOX = [{"name": "imaging-1", "machine": "sandbox", "os": "debian-13"}]

#: A hospital that lends its data set until a day that its permit reaches.
LENT = {
    "federation.participation": "transfer",
    "legal.agreement.kind": "data-transfer",
    "datasets.0.copies": [{"to": "test-compute", "at": "10.60.0.9", "until": "2027-03-31"}],
}

#: Check, kind of node, and what spoils it: each is one thing that somebody could get wrong.
SPOILT: list[tuple[str, str, dict[str, Any]]] = [
    ("GOV-01", "data-provider", {"legal.dpia": None}),
    ("GOV-01", "data-provider", {"legal.dpia.approved": "2026-12-24"}),
    ("GOV-01", "data-provider", {"legal.dpia.approved": "2024-11-21"}),
    ("GOV-01", "compute", {"legal.dpia.review_by": "2026-11-21"}),
    ("GOV-02", "data-provider", {"legal.agreement": None}),
    ("GOV-02", "data-provider", {"legal.agreement.kind": "data-transfer"}),
    ("GOV-02", "data-provider", {"federation.participation": "transfer"}),
    ("GOV-02", "data-provider", {"legal.agreement.signed": "2026-11-23"}),
    ("GOV-03", "hub", {"site.contacts.incident_phone": None}),
    ("GOV-03", "hub", {"site.contacts.data_protection": "IT@hospital.example"}),
    ("GOV-04", "data-provider", {"permits": []}),
    ("GOV-04", "data-provider", {"permits.0.expires": "2026-11-21"}),
    ("GOV-04", "data-provider", {"permits.0.datasets": ["brain-mr"]}),
    ("GOV-04", "compute", {"permits": [PERMIT, PERMIT]}),
    ("GOV-04", "compute", {"permits.0.persons": ["a@b.example", "A@b.example"]}),
    ("GOV-05", "compute", {"permits.0.delete_by": "2027-12-31"}),
    ("GOV-05", "data-provider", {"permits.0.delete_by": "2027-06-29"}),
    ("GOV-06", "data-provider", {"compliance.waivers": [waiver()]}),
    ("GOV-06", "data-provider", {"compliance.waivers": [waiver(check="STO-99")]}),
    ("GOV-06", "data-provider", {"compliance.waivers": [waiver(check="STO-01")]}),
    *(
        ("GOV-06", "data-provider", {"storage.encryption": None, "compliance.waivers": [spoilt]})
        for spoilt in (
            waiver(expires="2026-11-21"),
            waiver(expires="2027-03-31"),
            WAIVER,
            {**waiver(), "reason": "another reason altogether"},
            waiver(requested_by="DPO@hospital.example"),
            waiver(approved_by="it@hospital.example"),
        )
    ),
    ("GOV-07", "hub", {"service_level": None}),
    ("LOC-01", "hub", {"site.country": "US"}),
    ("LOC-01", "data-provider", {"backup.country": "CH"}),
    ("TIER-01", "data-provider", {"hosts.0.hardware": None}),
    ("TIER-01", "data-provider", {"hosts.0.hardware.cores": 8}),
    ("TIER-01", "data-provider", {"hosts.0.hardware.clock_mhz": 1700}),
    ("TIER-01", "data-provider", {"hosts.0.hardware.memory": "32 GiB"}),
    ("TIER-01", "data-provider", {"hosts.0.hardware.disk": "2 TiB"}),
    ("TIER-01", "data-provider", {"gpu": {"vendor": "none"}}),
    ("TIER-01", "data-provider", {"gpu.memory": "12 GiB"}),
    ("TIER-02", "data-provider", {"hosts.0.runs": ["storage", "pacs"]}),
    ("TIER-02", "data-provider", {"hosts.0.runs": ["fl-agent"]}),
    ("TIER-02", "data-provider", {"storage": None}),
    ("OS-01", "hub", {"hosts.0.os": "debian-12", "today": "2028-03-01"}),
    ("HOS-01", "hub", {"hosts.0.machine": "sandbox"}),
    ("NET-01", "hub", {"network.egress.0.to": "10.0.0.0/27"}),
    ("NET-01", "hub", {"network.egress.0.to": "0.0.0.0/0"}),
    ("NET-01", "hub", {"network.egress.0.to": "::/0"}),
    ("NET-02", "data-provider", {"network.operators_from": []}),
    ("NET-02", "data-provider", {"network.operators_from": ["0.0.0.0/0"]}),
    ("NET-02", "data-provider", {"network.modalities_from": "8.0.0.0/8"}),
    ("NET-03", "data-provider", {"network.zones": None}),
    ("NET-03", "data-provider", {"network.zones.clinical": []}),
    ("NET-03", "data-provider", {"network.zones.clinical": ["10.20.0.0/16"]}),
    ("NET-03", "data-provider", {"hosts.0.machine.existing": "10.30.0.12"}),
    ("NET-04", "data-provider", {"network.egress.0.tls": None}),
    ("NET-04", "data-provider", {"backup.to": "http://backup.hospital.example"}),
    ("NET-04", "data-provider", {"identity.issuer": "http://login.hospital.example"}),
    ("NET-04", "hub", {"hub.tls": "1.2"}),
    ("STO-01", "data-provider", {"storage.scratch": None}),
    ("STO-01", "data-provider", {"storage.scratch": "/srv/imaging/scratch"}),
    ("STO-01", "data-provider", {"storage.scratch": "/srv"}),
    ("STO-01", "compute", {"compute.scratch": "/srv/imaging"}),
    ("STO-01", "compute", {"storage": None}),
    ("STO-02", "data-provider", {"storage.encryption": None}),
    ("STO-02", "compute", {"storage.encryption.key_from": "kms"}),
    ("STO-03", "hub", {"backup": None}),
    ("STO-03", "hub", {"backup.encrypted": False}),
    ("STO-03", "hub", {"backup.to": "https://10.20.0.12/backup"}),
    ("STO-03", "hub", {"backup.keep_days": 13}),
    ("STO-03", "hub", {"backup.restore_test_every_days": 181}),
    ("PAC-01", "data-provider", {"pacs.tls.client_certificates": False}),
    ("PAC-01", "data-provider", {"pacs.accepts.0.plain": True}),
    ("PAC-02", "data-provider", {"pacs.accepts": [MODALITY, MODALITY]}),
    ("PAC-02", "data-provider", {"pacs.accepts.0.address": "10.31.0.21"}),
    ("PAC-03", "data-provider", {"pacs.deidentify.options": []}),
    ("PAC-03", "data-provider", {"pacs.deidentify.justifications": {}}),
    (
        "PAC-03",
        "data-provider",
        {
            "pacs.deidentify.options": [
                "clean-pixel-data",
                "retain-longitudinal-modified-dates",
                "retain-longitudinal-full-dates",
            ],
            "pacs.deidentify.justifications.retain-longitudinal-full-dates": "Both, to be sure.",
        },
    ),
    ("PAC-04", "data-provider", {"pacs.deidentify.secret_holder": None}),
    ("PAC-04", "data-provider", {"pacs.deidentify.secret_holder": "The host imaging-1"}),
    ("PAC-04", "data-provider", {"pacs.deidentify.secret_holder": "In /etc/cairn/pseudonyms"}),
    ("IDN-01", "hub", {"administrators.1": None}),
    ("IDN-01", "hub", {"administrators.0.name": "admin"}),
    ("IDN-01", "hub", {"administrators.1.keys": GOOD["hub"]["administrators"][0]["keys"]}),
    ("IDN-01", "hub", {"identity": None}),
    ("IDN-01", "hub", {"identity.second_factor": False}),
    ("IDN-01", "hub", {"identity.issuer": "http://login.hospital.example"}),
    ("IDN-02", "hub", {"comment": "the old password was changeme"}),
    ("IDN-02", "hub", {"comment": "-----BEGIN OPENSSH PRIVATE KEY-----"}),
    ("IDN-02", "hub", {"comment": "postgres://cairn:Sommer2026@10.0.0.1/x"}),
    ("IDN-02", "hub", {"comment": "key kJ8s0Zq3Lx9Vb2Nn7Tt4Rr6Yy1Uu5Ii0Oo3Pp"}),
    ("LOG-01", "hub", {"logging.keep_days": 364}),
    ("LOG-01", "hub", {"logging.keep_days": 900}),
    ("LOG-02", "hub", {"logging.central": None}),
    ("LOG-02", "data-provider", {"logging.dicom_audit": False}),
    ("FED-01", "data-provider", {"fl_agent.output.secure_aggregation": False}),
    ("FED-01", "data-provider", {"fl_agent.output": {"epsilon": 11}}),
    ("FED-01", "compute", {"fl_agent.output.types": []}),
    ("FED-02", "data-provider", {"search.minimum_cohort": 9}),
    ("FED-02", "data-provider", {"search.round_to": 1}),
    ("FED-03", "data-provider", {**LENT, "legal.agreement.kind": "data-sharing"}),
    ("FED-03", "data-provider", {**LENT, "federation.participation": "federated"}),
    ("FED-03", "data-provider", {**LENT, "datasets.0.copies.0.until": "2026-11-21"}),
    ("FED-03", "data-provider", {**LENT, "datasets.0.copies.0.until": "2027-07-01"}),
    ("FED-03", "data-provider", {**LENT, "permits": []}),
    ("FED-03", "data-provider", {**LENT, "hosts.0.runs": ["storage", "fl-agent"]}),
    ("FED-03", "compute", {"legal.agreement.kind": "data-sharing"}),
    ("FED-03", "compute", {"hosts.0.runs": ["storage"]}),
    ("HUB-01", "hub", {"hub.node_authentication": False}),
    ("HUB-02", "hub", {"hub.keep_updates_days": 181}),
    ("HUB-02", "hub", {"hub.minimum_sites": 1}),
    ("HUB-02", "hub", {"hosts.0.runs": ["fl-agent"]}),
]


def verdicts(papers: Document, today: date = TODAY) -> dict[str, set[Verdict]]:
    """Return the verdicts of each check."""
    found: dict[str, set[Verdict]] = {}
    for finding in engine.judge_spec(papers, today=today, catalogue=CATALOGUE).findings:
        found.setdefault(finding.check, set()).add(finding.verdict)
    return found


@pytest.mark.parametrize("kind", GOOD)
def test_a_good_node_is_not_stopped(tmp_path: Path, kind: str) -> None:
    judgement = engine.judge_spec(document(tmp_path, kind), today=TODAY)
    assert judgement.blocking == ()


@pytest.mark.parametrize("check", [one.id for one in CATALOGUE.of(Moment.SPEC)])
def test_each_check_passes_on_a_good_node_it_is_for(tmp_path: Path, check: str) -> None:
    passed = [verdicts(document(tmp_path, kind))[check] for kind in GOOD]
    assert any(Verdict.PASS in one for one in passed)


def test_a_hospital_that_lends_within_its_permit_passes(tmp_path: Path) -> None:
    assert verdicts(document(tmp_path, "data-provider", **LENT))["FED-03"] == {Verdict.PASS}


def test_the_check_of_waivers_passes_where_one_is_needed(tmp_path: Path) -> None:
    needed = {"storage.encryption": None, "compliance.waivers": [waiver()]}
    found = verdicts(document(tmp_path, "data-provider", **needed))
    assert (found["STO-02"], found["GOV-06"]) == ({Verdict.WAIVED}, {Verdict.PASS})


@pytest.mark.parametrize(("check", "kind", "changes"), SPOILT)
def test_a_spoilt_node_fails_the_check(
    tmp_path: Path, check: str, kind: str, changes: dict[str, Any]
) -> None:
    today = date.fromisoformat(changes.get("today", TODAY.isoformat()))
    spoils = {path: value for path, value in changes.items() if path != "today"}
    found = verdicts(document(tmp_path, kind, **spoils), today)
    assert Verdict.FAIL in found[check]


def test_every_spec_check_has_something_that_spoils_it() -> None:
    asked = {one.id for one in (*CATALOGUE.of(Moment.SPEC), *CATALOGUE.of(Moment.EVERY))}
    assert {check for check, _, _ in SPOILT} == asked


class Torn:
    """A spec of which only the name is left: what else is asked raises."""

    def __init__(self, **left: Any) -> None:  # noqa: ANN401 - whatever is left
        self.__dict__.update(left)


def torn(kind: str, folder: Path) -> Document:
    """Return a document that no check can read."""
    spec = Torn(
        name="test",
        kind=kind,
        hosts=(Torn(name="imaging-1"),),
        compliance=SimpleNamespace(waivers=()),
        federation=SimpleNamespace(tier=3, participation="federated"),
    )
    return Document(spec, folder / "gone.yaml", "sha256:0", None, {})  # type: ignore[arg-type]


@pytest.mark.parametrize("check", [one.id for one in CATALOGUE.of(Moment.SPEC)])
def test_a_check_that_cannot_look_is_not_evaluated(tmp_path: Path, check: str) -> None:
    seen = [verdicts(torn(kind, tmp_path))[check] for kind in GOOD]
    assert {Verdict.NOT_EVALUATED} in seen
    assert all(one <= {Verdict.NOT_EVALUATED, Verdict.NOT_APPLICABLE} for one in seen)


def test_the_check_of_waivers_that_cannot_look_is_not_evaluated() -> None:
    check = CATALOGUE.find("GOV-06")
    assert check is not None
    broken = Waivers("test", (), Moment.SPEC, TODAY, ((None, None),), ())  # type: ignore[arg-type]
    offer = {"Waivers": broken, "date": TODAY, "Parameters": CATALOGUE.parameters}
    (found,) = engine._run(check, offer, "test", {"test"})
    assert found.verdict is Verdict.NOT_EVALUATED


def test_a_secret_in_a_spec_is_never_repeated(tmp_path: Path) -> None:
    papers = document(tmp_path, "hub", comment="postgres://cairn:Sommer2026@10.0.0.1/x")
    told = " ".join(str(found) for found in engine.judge_spec(papers, today=TODAY).findings)
    assert "Sommer2026" not in told


def test_a_spec_that_changed_on_disk_is_not_evaluated(tmp_path: Path) -> None:
    papers = document(tmp_path, "hub")
    papers.path.write_text("another text")
    assert verdicts(papers)["IDN-02"] == {Verdict.NOT_EVALUATED}


def test_a_rehearsal_is_excused_from_what_only_real_machines_have(tmp_path: Path) -> None:
    papers = document(tmp_path, "data-provider", hosts=SANDBOX, stage="staging")
    found = verdicts(papers)
    assert (found["TIER-01"], found["STO-02"]) == ({Verdict.NOT_APPLICABLE},) * 2
