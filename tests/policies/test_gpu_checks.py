"""The checks of the GPU on the answers of a real one (docs/verification/gpu.txt)."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from cairn.checks import engine
from cairn.checks.host import EvidenceHost
from cairn.checks.registry import Catalogue
from cairn.checks.verdicts import Verdict
from cairn.plan.model import PlannedHost, PlannedRole
from policies.answering import PLANNED, Answering
from policies.test_host_checks import CATALOGUE, TODAY, Plan, document

if TYPE_CHECKING:
    from cairn.checks.verdicts import Judgement

RECORDED: dict[str, Any] = json.loads(
    (Path(__file__).parent / "recorded" / "gpu.json").read_text(encoding="utf-8")
)
#: One card of 80 GiB, of which its driver tells 81,559 MiB.
WANTED = {
    "gpu_vendor": "nvidia",
    "gpu_driver": "580.159.04",
    "gpu_memory_mib": 80 * 1024,
    "gpu_services": ["cairn-gpu-cdi.service"],
}


def planned(**other: object) -> PlannedHost:
    """Return the planned host with that card; `other` variables win."""
    return replace(PLANNED, roles=(PlannedRole("gpu", variables={**WANTED, **other}),))


def judged(
    check: str, rounds: list[dict[str, list[Any]]], host: PlannedHost, at: Path
) -> Judgement:
    papers = document(at, "data-provider")
    plan = Plan("test-hospital", "data-provider", "staging", papers.digest, (host,))
    only = CATALOGUE.find(check)
    assert only is not None
    asked = EvidenceHost(host, {}, Answering(copy.deepcopy(rounds)))
    one = Catalogue((only,), CATALOGUE.parameters)
    return engine.judge_host(papers, plan, host, asked, today=TODAY, catalogue=one)


@pytest.mark.parametrize("check", sorted(RECORDED))
def test_what_a_real_gpu_answered_passes(tmp_path: Path, check: str) -> None:
    judgement = judged(check, RECORDED[check], planned(), tmp_path)
    assert {found.verdict for found in judgement.findings} == {Verdict.PASS}, judgement.findings


@pytest.mark.parametrize(
    ("other", "told"),
    [
        ({"gpu_driver": "550.163.01"}, "driver 580.159.04, pinned 550.163.01"),
        ({"gpu_memory_mib": 141 * 1024}, "81559 MiB of 144384"),
    ],
)
def test_another_card_than_the_pinned_one_fails(
    tmp_path: Path, other: dict[str, object], told: str
) -> None:
    judgement = judged("HST-19", RECORDED["HST-19"], planned(**other), tmp_path)
    failed = [one.message for one in judgement.findings if one.verdict is Verdict.FAIL]
    assert failed == [told]


def test_device_files_that_everybody_may_open_fail(tmp_path: Path) -> None:
    """As the driver makes them by default: whoever is on the host sees the GPU."""
    rounds = copy.deepcopy(RECORDED["GPU-02"])
    rounds[0]["files"][1] = rounds[0]["files"][1].replace("root cairn-gpu 660", "root root 666")
    rounds[0]["nobody"] = rounds[0]["agent"]
    judgement = judged("GPU-02", rounds, planned(), tmp_path)
    failed = {one.place for one in judgement.findings if one.verdict is Verdict.FAIL}
    assert failed == {"as nobody", "/dev/nvidia*"}
