"""A waiver excuses exactly one thing, and no more than it may."""

from __future__ import annotations

import base64
import subprocess
from datetime import date
from typing import TYPE_CHECKING, Any, Protocol

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from cairn.checks import approvers, engine
from cairn.checks.registry import Catalogue, load
from cairn.checks.verdicts import Verdict
from cairn.errors import PlanRefused, PolicyError
from cairn.house import root
from cairn.spec.legal import Waiver
from checks.approvals import KEY, approver, public_line, signed
from checks.trials import document, one, waiver

if TYPE_CHECKING:
    from pathlib import Path

    from cairn.checks.verdicts import Judgement
    from checks.trials import Maker

TODAY = date(2026, 11, 22)
WRONG = one("yield False, At(document.spec, 'a.b'), 'it is not so'")
RIGHT = one("yield True, At(document.spec, 'a.b'), 'it is so'")


class Judge(Protocol):
    def __call__(self, source: str, *waivers: dict[str, Any]) -> Judgement: ...


@pytest.fixture
def judged(catalogue: Maker) -> Judge:
    """Judge a made-up check together with the real check of waivers and its parameters."""
    real = load([root() / "policies"])
    hygiene = real.find("GOV-06")

    def judge(source: str, *waivers: dict[str, Any]) -> Judgement:
        checks = (*catalogue(source).checks, hygiene)
        approvers = (approver("DPO@institute.example", "test-hub", "test-hub-2"),)
        made = Catalogue(checks, real.parameters, approvers=approvers)
        return engine.judge_spec(document(*waivers), today=TODAY, catalogue=made)

    return judge


def verdicts(judgement: Judgement) -> dict[str, Verdict]:
    return {found.check: found.verdict for found in judgement.findings}


def test_a_waiver_excuses_a_failure_and_keeps_its_message(judged: Judge) -> None:
    judgement = judged(WRONG, waiver("TST-01"))
    first = judgement.findings[0]
    assert verdicts(judgement) == {"TST-01": Verdict.WAIVED, "GOV-06": Verdict.PASS}
    assert first.message.startswith("it is not so (waived until 2027-01-31 by dpo@")


def test_a_waiver_on_its_last_day_still_counts(judged: Judge) -> None:
    assert not judged(WRONG, waiver("TST-01", expires="2026-11-22")).blocking


@pytest.mark.parametrize(
    ("source", "changes", "fault"),
    [
        (WRONG, {"expires": "2026-11-21"}, "expired"),
        (WRONG, {"expires": "2028-11-21"}, "longer than 365 days"),
        (WRONG, {"host": "hub-1"}, "excuses nothing"),
        (WRONG, {"host": "hub-9"}, "no host hub-9"),
        (RIGHT, {}, "excuses nothing"),
        (WRONG, {"check": "TST-99"}, "no check TST-99"),
    ],
)
def test_a_waiver_that_is_not_in_order_fails_itself(
    judged: Judge, source: str, changes: dict[str, str], fault: str
) -> None:
    judgement = judged(source, waiver("TST-01", **changes))
    (found,) = [found for found in judgement.findings if found.check == "GOV-06"]
    assert found.verdict is Verdict.FAIL
    assert fault in found.message


@pytest.mark.parametrize("changes", [{"expires": "2026-11-21"}, {"host": "hub-1"}])
def test_a_waiver_that_does_not_count_leaves_the_failure(
    judged: Judge, changes: dict[str, str]
) -> None:
    assert verdicts(judged(WRONG, waiver("TST-01", **changes)))["TST-01"] is Verdict.FAIL


def test_some_checks_cannot_be_waived(judged: Judge) -> None:
    source = one("yield False, At(document.spec), 'x'", waivable="False")
    judgement = judged(source, waiver("TST-01"))
    assert verdicts(judgement) == {"TST-01": Verdict.FAIL, "GOV-06": Verdict.FAIL}


def test_a_critical_check_is_waived_for_a_shorter_time_only(judged: Judge) -> None:
    source = WRONG.replace("Severity.HIGH", "Severity.CRITICAL")
    with pytest.raises(PlanRefused, match="longer than 90 days"):
        judged(source, waiver("TST-01", expires="2027-03-31")).raise_if_blocked()


def test_a_waiver_of_a_later_moment_is_not_called_unused_early(judged: Judge) -> None:
    source = RIGHT + one("yield True, At(host), 'x'", "TST-02", subject="host: EvidenceHost")
    assert not judged(source, waiver("TST-02", host="hub-1")).blocking


def test_a_waiver_of_a_host_check_names_its_host(judged: Judge) -> None:
    source = RIGHT + one("yield True, At(host), 'x'", "TST-02", subject="host: EvidenceHost")
    with pytest.raises(PlanRefused, match="the waiver names none"):
        judged(source, waiver("TST-02")).raise_if_blocked()


def test_the_check_of_waivers_cannot_be_waived(judged: Judge) -> None:
    judgement = judged(RIGHT, waiver("GOV-06"))
    assert verdicts(judgement)["GOV-06"] is Verdict.FAIL


ANOTHER = Ed25519PrivateKey.from_private_bytes(bytes(32))
RIGHTLY = waiver("TST-01")
MAIL = "dpo@institute.example"


@pytest.mark.parametrize(
    ("spoilt", "fault"),
    [
        ({**RIGHTLY, "signature": None}, "has not signed it"),
        ({**RIGHTLY, "requested_by": None}, "who asked for it"),
        (signed("test-hub", {**RIGHTLY, "requested_by": "Dpo@institute.example"}), "asked for it"),
        ({**RIGHTLY, "requested_by": "soc@institute.example"}, "is not that of dpo@"),
        ({**RIGHTLY, "expires": "2027-02-01"}, "is not that of dpo@"),
        ({**RIGHTLY, "reason": "a new machine arrives in the summer"}, "is not that of dpo@"),
        (signed("test-hub-2", RIGHTLY), "is not that of dpo@"),
        (signed("test-hub", RIGHTLY, key=ANOTHER), "is not that of dpo@"),
        (waiver("TST-01", approved_by="ceo@institute.example"), "no bundle names ceo@"),
    ],
)
def test_a_waiver_that_nobody_approved_does_not_count(
    judged: Judge, spoilt: dict[str, Any], fault: str
) -> None:
    judgement = judged(WRONG, spoilt)
    (found,) = [found for found in judgement.findings if found.check == "GOV-06"]
    assert verdicts(judgement) == {"TST-01": Verdict.FAIL, "GOV-06": Verdict.FAIL}
    assert fault in found.message


def test_an_approver_of_other_nodes_approves_nothing_here(judged: Judge) -> None:
    elsewhere = Waiver.model_validate(RIGHTLY)
    assert approvers.fault((approver(MAIL, "test-hub"),), "test-hub", elsewhere) == ""
    assert "no bundle names" in approvers.fault((approver(MAIL, "x"),), "test-hub", elsewhere)


def test_openssl_verifies_what_an_approver_signed(tmp_path: Path) -> None:
    spoken = Waiver.model_validate(RIGHTLY)
    (tmp_path / "said").write_bytes(approvers.signed_bytes("test-hub", spoken))
    (tmp_path / "signature").write_bytes(base64.b64decode(RIGHTLY["signature"][8:]))
    (tmp_path / "key").write_bytes(
        KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    )
    words = "pkeyutl -verify -pubin -inkey key -rawin -in said -sigfile signature"
    told = subprocess.run(
        ["/usr/bin/openssl", *words.split()],
        cwd=tmp_path,
        check=False,
        capture_output=True,
        text=True,
    )
    assert (told.returncode, told.stdout.strip()) == (0, "Signature Verified Successfully")


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        ("approvers: [", "cannot be read"),
        ("people: []", "cannot be read"),
        ("approvers: {name: a@b.example}", "needs name and key"),
        ("approvers: [{name: a, key: x}]", "no mail address"),
        ("approvers: [{name: a@b.example, key: ssh-rsa AAAA}]", "no public Ed25519 key"),
        ("approvers: [{name: a@b.example, key: 1}]", "its key is text"),
        ("approvers: [{name: a@b.example, key: x, nodes: []}]", "leave it out for all"),
    ],
)
def test_a_bad_list_of_approvers_is_refused(tmp_path: Path, content: str, fault: str) -> None:
    (tmp_path / "approvers.yaml").write_text(content)
    with pytest.raises(PolicyError, match=fault):
        approvers.load([tmp_path])


def test_a_bundle_may_hold_nothing_but_approvers(tmp_path: Path) -> None:
    line = f"approvers:\n  - {{name: {MAIL}, key: {public_line()}, nodes: [a]}}\n"
    (tmp_path / "approvers.yaml").write_text(line)
    (found,) = load([root() / "policies", tmp_path]).approvers
    assert (found.name, found.nodes) == (MAIL, {"a"})
