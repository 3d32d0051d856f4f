"""What the plan says of copies: who sends, who takes, and how little each of them reaches."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from cairn import house
from cairn.plan.buckets import buckets_of
from cairn.plan.context import Context, Place
from cairn.plan.model import PlannedHost
from cairn.plan.roles import approval, freeze, lending, receiving
from cairn.render.files import render_role
from cairn.spec.loader import load

if TYPE_CHECKING:
    from cairn.plan.model import PlannedRole

UNITS = "/etc/systemd/system"


def context(node: str, **network: object) -> Context:
    papers = load(house.root() / "nodes" / f"{node}.yaml")
    if network:
        nets = papers.spec.network.model_copy(update=network)
        papers = replace(papers, spec=papers.spec.model_copy(update={"network": nets}))
    return Context(papers, papers.spec.hosts[0], Place("198.18.0.2", "cairn"))


def hospital(**network: object) -> Context:
    return context("demo-hospital-b", **network)


def compute() -> Context:
    return context("demo-compute")


def rendered(role: PlannedRole | None) -> dict[str, str]:
    assert role is not None
    host = PlannedHost("box", "debian-13", "198.18.0.2", True, (), (), (role,))  # noqa: FBT003
    return {file.path: file.content for file in render_role("demo", host, role)}


@pytest.mark.parametrize("entry", ["main", "remove"])
@pytest.mark.parametrize("role", ["freeze", "lending", "receiving"])
def test_the_argument_specs_say_the_same_as_the_defaults(role: str, entry: str) -> None:
    folder = house.root() / "roles" / role
    specs = yaml.safe_load((folder / "meta/argument_specs.yml").read_text())["argument_specs"]
    defaults = yaml.safe_load((folder / "defaults/main.yml").read_text())
    options = specs[entry]["options"]
    assert {name: option["default"] for name, option in options.items()} == defaults


def test_one_user_reaches_the_named_compute_node_and_nobody_else_does() -> None:
    role = lending.plan(hospital())
    assert role is not None
    (flow,) = role.flows
    assert (flow.direction, flow.peer, flow.port) == ("out", "192.0.2.10", 8444)
    assert (flow.user, flow.tls) == ("cairn-lending", "1.3")
    assert flow.why == "Copies of mammography go to demo-compute, as the site consents."
    told = json.loads(rendered(role)["/etc/cairn/lending.json"])
    assert told["datasets"]["mammography"]["demo-compute"] == {
        "host": "192.0.2.10",
        "port": 8444,
        "name": "demo-compute.hub.demo.example",
        "until": "2027-06-30",
        "proxy": None,
    }


def test_the_way_goes_through_the_proxy_of_the_site() -> None:
    role = lending.plan(hospital(proxy="http://proxy.hospital-b.example:3128"))
    assert role is not None
    (flow,) = role.flows
    assert (flow.peer, flow.port, flow.tls) == ("proxy.hospital-b.example", 3128, None)
    told = json.loads(rendered(role)["/etc/cairn/lending.json"])
    assert told["datasets"]["mammography"]["demo-compute"]["proxy"] == [
        "proxy.hospital-b.example",
        3128,
    ]
    direct = hospital(proxy="http://proxy.hospital-b.example:3128", no_proxy=("192.0.2.10",))
    role = lending.plan(direct)
    assert role is not None
    assert [one.peer for one in role.flows] == ["192.0.2.10"]


def test_who_lends_reads_and_who_receives_writes() -> None:
    (lent,) = buckets_of(hospital().spec)
    assert "lending" in lent.readers
    assert "lending" not in (*lent.writers, *lent.keepers)
    (held,) = buckets_of(compute().spec)
    assert held.writers == held.keepers == ("receiving",)
    assert held.readers == ("fl-agent", "receiving")


def test_a_node_without_copies_gets_neither_role() -> None:
    plain = context("demo-hospital-a")
    assert (lending.plan(plain), receiving.plan(plain)) == (None, None)
    assert lending.plan(compute()) is receiving.plan(hospital()) is None


def test_senders_reach_one_port_from_the_network_that_the_spec_names() -> None:
    role = receiving.plan(compute())
    assert role is not None
    (flow,) = role.flows
    assert (flow.direction, flow.peer, flow.port) == ("in", "198.51.100.192/26", 8444)
    assert all(account.loopback_only for account in role.accounts)


def test_key_inbox_and_credentials_are_with_three_users() -> None:
    files = rendered(receiving.plan(compute()))
    names = ("cairn-receiving-gate", "cairn-inbox", "cairn-receiving")
    units = {name: files[f"{UNITS}/{name}.service"] for name in names}
    for secret, holder in {
        "LoadCredential=node.key": "cairn-receiving-gate",
        "LoadCredential=storage": "cairn-receiving",
        "PrivateNetwork=yes": "cairn-inbox",
    }.items():
        assert [name for name, text in units.items() if secret in text] == [holder], secret
    assert len({text.partition("User=")[2].split()[0] for text in units.values()}) == 3


def test_the_gate_asks_for_certificates_that_are_not_revoked() -> None:
    text = rendered(receiving.plan(compute()))["/etc/cairn/receiving/nginx.conf"]
    for word in (
        "ssl_verify_client on;",
        "ssl_protocols TLSv1.3;",
        "deny all;",
        "ssl_crl /etc/cairn/federation/revoked.pem;",
        r"\.hub\.demo\.example$",
    ):
        assert word in text


def test_apps_can_run_on_copies() -> None:
    role = approval.plan(compute())
    assert role.without == ()
    rules: dict[str, Any] = json.loads(rendered(role)["/etc/cairn/fl-agent/rules.json"])
    assert rules["storage"]["url"] == "https://127.0.0.1:7070"
    assert rules["datasets"] == ["mammography"]


def test_a_host_with_copies_gets_what_reads_them_and_freezes_nothing() -> None:
    role = freeze.plan(compute())
    assert role is not None
    assert (role.variables["freeze_library"], role.files) == (True, ())
    assert freeze.plan(hospital()).variables["freeze_wanted"]  # type: ignore[union-attr]
