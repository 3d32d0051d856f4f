"""Each plan check passes on a sound plan, fails on a spoilt one, and does not guess."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from cairn.checks import engine, registry
from cairn.checks.registry import Moment
from cairn.checks.verdicts import Verdict
from cairn.plan.model import (
    Account,
    Flow,
    Listener,
    Plan,
    PlannedFile,
    PlannedHost,
    PlannedRole,
)
from policies.specimens import document

if TYPE_CHECKING:
    from pathlib import Path

    from cairn.spec.document import Document

TODAY = date(2026, 11, 22)
CATALOGUE = registry.catalogue()
WHY = "Administrators log in over SSH, by key."
SSH = Flow("ssh-1", "in", "10.20.9.0/24", "tcp", 22, WHY, "base")
DNS = Flow("dns-1", "out", "resolvers", "udp", 53, "Names are resolved here.", "base")
BASE = PlannedRole(
    "base",
    accounts=(
        Account("cairn-admin", "what Cairn logs in as", login=True, sudo="without password"),
        Account("amarin", "administrator", login=True, sudo="with password"),
    ),
    listeners=(Listener("*", 22, "tcp", "sshd"),),
    flows=(SSH, DNS),
)
FIREWALL = PlannedRole("firewall", files=(PlannedFile("/etc/rules", "rules.j2", mode="0600"),))
ABLE = ("kernel", "clock", "audit", "apparmor")
HOST = PlannedHost(
    "imaging-1", "debian-13", "10.20.0.12", sandbox=False, capabilities=ABLE, volumes=(),
    roles=(BASE, FIREWALL),
)  # fmt: skip


def base(**changes: Any) -> PlannedHost:  # noqa: ANN401 - any field of a role
    """Return the host with another base."""
    return replace(HOST, roles=(replace(BASE, **changes), FIREWALL))


def flows(*extra: Flow) -> PlannedHost:
    """Return the host with more flows."""
    return base(flows=(SSH, DNS, *extra))


def file(**changes: str) -> PlannedHost:
    """Return the host with another rendered file."""
    spoilt = replace(FIREWALL.files[0], **changes)  # type: ignore[arg-type]
    return replace(HOST, roles=(BASE, replace(FIREWALL, files=(spoilt,))))


def out(peer: str, why: str = "The reason is written here.") -> Flow:
    """Return a flow to a peer."""
    return Flow("extra", "out", peer, "tcp", 443, why, "base")


SPOILT: list[tuple[str, PlannedHost, dict[str, Any]]] = [
    ("PLN-05", flows(replace(SSH, name="open", peer="anywhere")), {}),
    ("PLN-05", flows(replace(SSH, name="open", peer="0.0.0.0/0")), {}),
    ("PLN-05", flows(replace(SSH, name="open", peer="::/0", port=8443)), {}),
    ("PLN-05", flows(replace(SSH, name="open", peer="10.0.0.0/8")), {}),
    ("PLN-05", flows(replace(SSH, name="web", peer="anywhere", port=443)), {}),
    ("PLN-07", HOST, {"hosts.0.machine.host_key": None}),
    ("PLN-07", HOST, {"hosts.0.machine.user": "root"}),
    ("PLN-14", flows(replace(SSH, name="more", port=8080)), {}),
    ("PLN-14", base(listeners=(*BASE.listeners, Listener("*", 8080, "tcp", "x"))), {}),
    ("PLN-15", flows(out("anywhere")), {}),
    ("PLN-15", flows(out("0.0.0.0/0")), {}),
    ("PLN-15", flows(out("10.0.0.0/27")), {}),
    ("PLN-15", flows(out("hub.example", why="because")), {}),
    ("PLN-15", flows(replace(DNS, peer="10.0.0.1")), {}),
    ("PLN-16", replace(HOST, roles=(BASE,)), {}),
    ("PLN-16", replace(HOST, roles=(BASE, PlannedRole("firewall"))), {}),
    ("PLN-17", file(mode="0666"), {}),
    ("PLN-17", file(mode="4755"), {}),
    ("PLN-17", file(template="secret.j2"), {}),
    ("PLN-18", replace(HOST, roles=()), {}),
    ("PLN-19", replace(HOST, capabilities=("kernel",)), {}),
    ("PLN-20", base(accounts=(replace(BASE.accounts[1], sudo="without password"),)), {}),
    (
        "PLN-20",
        base(accounts=(BASE.accounts[0], replace(BASE.accounts[0], name="second"))),
        {},
    ),
]


@pytest.fixture(autouse=True)
def templates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Render from templates of the tests."""
    folder = tmp_path / "house"
    (folder / "templates").mkdir(parents=True)
    (folder / "templates" / "rules.j2").write_text("# nothing\n")
    (folder / "templates" / "secret.j2").write_text("url = postgres://cairn:Sommer2026@db/x\n")
    monkeypatch.setenv("CAIRN_HOME", str(folder))


def verdicts(papers: Document, host: PlannedHost, **changes: str) -> dict[str, set[Verdict]]:
    """Return the verdicts of each check on the plan of one host."""
    plan = Plan("test-hospital", "data-provider", "production", papers.digest, (host,))
    judgement = engine.judge_plan(
        papers,
        replace(plan, **changes),
        today=TODAY,
        catalogue=CATALOGUE,  # type: ignore[arg-type]
    )
    found: dict[str, set[Verdict]] = {}
    for finding in judgement.findings:
        found.setdefault(finding.check, set()).add(finding.verdict)
    return found


def test_every_check_passes_on_a_sound_plan(tmp_path: Path) -> None:
    found = verdicts(document(tmp_path, "data-provider"), HOST)
    passed = {check for check, seen in found.items() if seen == {Verdict.PASS}}
    assert passed == {one.id for one in CATALOGUE.of(Moment.PLAN)}


@pytest.mark.parametrize(("check", "host", "changes"), SPOILT)
def test_a_spoilt_plan_fails_the_check(
    tmp_path: Path, check: str, host: PlannedHost, changes: dict[str, Any]
) -> None:
    assert Verdict.FAIL in verdicts(document(tmp_path, "data-provider", **changes), host)[check]


def test_a_plan_of_another_spec_fails(tmp_path: Path) -> None:
    papers = document(tmp_path, "data-provider")
    assert verdicts(papers, HOST, spec_digest="sha256:0")["PLN-09"] == {Verdict.FAIL}


def test_every_plan_check_has_something_that_spoils_it() -> None:
    assert {check for check, _, _ in SPOILT} | {"PLN-09"} == {
        one.id for one in CATALOGUE.of(Moment.PLAN)
    }


def test_a_role_that_is_not_built_is_named(tmp_path: Path) -> None:
    found = verdicts(document(tmp_path, "data-provider"), replace(HOST, pending=("pacs",)))
    assert Verdict.MANUAL in found["PLN-18"]


def test_the_hub_may_open_its_web_port_to_the_world(tmp_path: Path) -> None:
    host = base(
        flows=(SSH, replace(SSH, name="web", peer="anywhere", port=443)),
        listeners=(*BASE.listeners, Listener("*", 443, "tcp", "nginx")),
    )
    assert verdicts(document(tmp_path, "hub"), host, kind="hub")["PLN-05"] == {Verdict.PASS}


def test_a_service_on_the_loopback_needs_no_flow(tmp_path: Path) -> None:
    host = base(listeners=(*BASE.listeners, Listener("127.0.0.1", 5432, "tcp", "postgres")))
    assert verdicts(document(tmp_path, "data-provider"), host)["PLN-14"] == {Verdict.PASS}


@pytest.mark.parametrize("check", [one.id for one in CATALOGUE.of(Moment.PLAN)])
def test_a_check_that_cannot_look_is_not_evaluated(tmp_path: Path, check: str) -> None:
    papers = document(tmp_path, "data-provider")
    plan = SimpleNamespace(hosts=(SimpleNamespace(name="imaging-1"),))
    spec = SimpleNamespace(
        name="test", kind="hub", hosts=plan.hosts, compliance=papers.spec.compliance
    )
    judgement = engine.judge_plan(
        replace(papers, spec=spec),
        plan,
        today=TODAY,
        catalogue=CATALOGUE,  # type: ignore[arg-type]
    )
    seen = {found.verdict for found in judgement.findings if found.check == check}
    assert seen == {Verdict.NOT_EVALUATED}


@pytest.mark.parametrize("check", [one.id for one in CATALOGUE.of(Moment.PLAN)])
def test_a_plan_without_hosts_passes_nothing_that_is_asked_of_hosts(
    tmp_path: Path, check: str
) -> None:
    papers = document(tmp_path, "data-provider")
    plan = Plan("test-hospital", "data-provider", "production", papers.digest, ())
    judgement = engine.judge_plan(papers, plan, today=TODAY, catalogue=CATALOGUE)
    seen = {found.verdict for found in judgement.findings if found.check == check}
    assert seen == ({Verdict.PASS} if check == "PLN-09" else {Verdict.NOT_EVALUATED})
