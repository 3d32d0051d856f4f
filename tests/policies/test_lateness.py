"""What waits for a file of the host need not run before it is there, and must afterwards."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from cairn.checks import engine, registry
from cairn.checks.host import EvidenceHost
from cairn.checks.registry import Catalogue
from cairn.checks.verdicts import Verdict
from cairn.plan.model import Listener, Plan, PlannedRole, Service
from policies.answering import PLANNED, Answering
from policies.specimens import document

if TYPE_CHECKING:
    from pathlib import Path

    from cairn.plan.model import PlannedHost

TODAY = date(2026, 11, 22)
FILE = "/etc/cairn/federation/enrolled"
SSHD = 'tcp LISTEN 0 128 0.0.0.0:22 0.0.0.0:* users:(("sshd",pid=1,fd=3))\n'
AGENT = 'tcp LISTEN 0 128 127.0.0.1:9094 0.0.0.0:* users:(("flower-supernod",pid=2,fd=3))\n'
UNIT = (
    "Id=cairn-fl-agent.service\nLoadState=loaded\nType=simple\nRemainAfterExit=no\n"
    "Result=success\nUnitFileState=enabled\nActiveState="
)


def planned(role: PlannedRole) -> PlannedHost:
    base = PlannedRole("base", listeners=(Listener("*", 22, "tcp", "sshd"),))
    return replace(PLANNED, roles=(base, role))


def verdicts(check: str, folder: Path, host: PlannedHost, **answers: str) -> set[Verdict]:
    rounds: list[dict[str, list[Any]]] = [{name: [0, text] for name, text in answers.items()}]
    only = registry.catalogue().find(check)
    assert only is not None
    papers = document(folder, "data-provider")
    plan = Plan("test-hospital", "data-provider", "staging", papers.digest, (host,))
    asked = EvidenceHost(host, {}, Answering(rounds))
    one = Catalogue((only,), registry.catalogue().parameters)
    judged = engine.judge_host(papers, plan, host, asked, today=TODAY, catalogue=one)
    return {found.verdict for found in judged.findings}


@pytest.mark.parametrize(
    ("sockets", "there", "wanted"),
    [
        (SSHD, "", {Verdict.PASS, Verdict.NOT_APPLICABLE}),
        (SSHD, f"{FILE}\n", {Verdict.PASS, Verdict.FAIL}),
        (SSHD + AGENT, f"{FILE}\n", {Verdict.PASS}),
        (SSHD + AGENT, "", {Verdict.PASS}),
    ],
)
def test_a_socket_that_waits_need_not_listen_yet(
    tmp_path: Path, sockets: str, there: str, wanted: set[Verdict]
) -> None:
    late = Listener("127.0.0.1", 9094, "tcp", "flower-supernod", after=FILE)
    host = planned(PlannedRole("fl_agent", listeners=(late,)))
    assert verdicts("HST-04", tmp_path, host, answer=sockets, later=there) == wanted


@pytest.mark.parametrize(
    ("state", "there", "wanted"),
    [
        ("inactive", "", Verdict.NOT_APPLICABLE),
        ("failed", "", Verdict.FAIL),
        ("inactive", f"{FILE}\n", Verdict.FAIL),
        ("active", f"{FILE}\n", Verdict.PASS),
    ],
)
def test_a_unit_that_waits_need_not_run_yet(
    tmp_path: Path, state: str, there: str, wanted: Verdict
) -> None:
    unit = Service("cairn-fl-agent.service", after=FILE)
    host = planned(PlannedRole("fl_agent", services=(unit,)))
    told = verdicts("SVC-01", tmp_path, host, answer=f"{UNIT}{state}\n", later=there)
    assert told == {wanted}


@pytest.mark.parametrize(
    ("sockets", "wanted"),
    [
        (SSHD, {Verdict.PASS, Verdict.NOT_APPLICABLE}),
        (SSHD + AGENT, {Verdict.PASS}),
        (SSHD + AGENT.replace("flower-supernod", "nc"), {Verdict.PASS, Verdict.NOT_APPLICABLE,
                                                         Verdict.FAIL}),
    ],
)  # fmt: skip
def test_a_socket_of_work_is_there_while_it_is_at_work(
    tmp_path: Path, sockets: str, wanted: set[Verdict]
) -> None:
    listener = Listener("127.0.0.1", 9094, "tcp", "flower-supernod", sometimes=True)
    host = planned(PlannedRole("fl_agent", listeners=(listener,)))
    assert verdicts("HST-04", tmp_path, host, answer=sockets) == wanted
