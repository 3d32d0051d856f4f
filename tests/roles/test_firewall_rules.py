"""The rule file of the firewall and the program that fills its sets, without a host."""

from __future__ import annotations

import importlib.machinery
import importlib.util
from typing import TYPE_CHECKING

import pytest

from cairn import house
from cairn.plan.model import ANYWHERE, RESOLVERS, Flow, PlannedHost, PlannedRole
from cairn.plan.roles import firewall
from cairn.render.files import render_role

if TYPE_CHECKING:
    from pathlib import Path
    from types import ModuleType

PROGRAM = "roles/firewall/files/usr/local/libexec/cairn/resolve-flows"


def flow(name: str, peer: str, **more: object) -> Flow:
    """Return a flow to the port 443."""
    given = {"direction": "out", "protocol": "tcp", "port": 443, "why": "Because.", "role": "x"}
    return Flow(name=name, peer=peer, **{**given, **more})


def rules(*flows: Flow, alone: tuple[str, ...] = ()) -> list[str]:
    """Return the lines of the rule file that lets these flows through."""
    path = firewall.RULES
    role = PlannedRole(
        "firewall",
        settings=firewall.settings_of(flows, alone),
        files=(firewall.PlannedFile(path, f"firewall{path}.j2"),),
    )
    host = PlannedHost("box", "debian-13", "198.51.100.1", False, (), (), (role,))  # noqa: FBT003
    return [line.strip() for line in render_role("node", host, role)[0].content.splitlines()]


@pytest.fixture(scope="module")
def program() -> ModuleType:
    """Return resolve-flows as a module."""
    path = str(house.root() / PROGRAM)
    loader = importlib.machinery.SourceFileLoader("resolve_flows", path)
    spec = importlib.util.spec_from_loader(loader.name, loader)
    assert spec
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("given", "rule"),
    [
        (flow("a", "192.0.2.1"), 'ip daddr 192.0.2.1 tcp dport 443 accept comment "flow:a"'),
        (flow("a", "192.0.2.0/24"), 'ip daddr 192.0.2.0/24 tcp dport 443 accept comment "flow:a"'),
        (flow("a", "2001:db8::1"), 'ip6 daddr 2001:db8::1 tcp dport 443 accept comment "flow:a"'),
        (flow("a", "hub.test"), 'ip6 daddr @flow_a_6 tcp dport 443 accept comment "flow:a"'),
        (
            flow("a", RESOLVERS, protocol="udp", port=53),
            'ip daddr @flow_a_4 udp dport 53 accept comment "flow:a"',
        ),
        (
            flow("a", "192.0.2.1", user="courier"),
            'meta skuid @flow_a_user ip daddr 192.0.2.1 tcp dport 443 accept comment "flow:a"',
        ),
        (flow("a", ANYWHERE, direction="in"), 'tcp dport 443 accept comment "flow:a"'),
        (
            flow("a", "192.0.2.0/24", direction="in"),
            'ip saddr 192.0.2.0/24 tcp dport 443 accept comment "flow:a"',
        ),
    ],
)
def test_a_flow_becomes_one_rule_with_its_name(given: Flow, rule: str) -> None:
    assert rule in rules(given)


def test_an_account_for_the_loopback_only_is_refused_before_any_flow() -> None:
    lines = rules(flow("a", RESOLVERS, protocol="udp", port=53), alone=("hermit", "hermit"))
    refused = (
        'meta skuid @alone_hermit counter reject with icmpx admin-prohibited comment "alone:hermit"'
    )
    assert "set alone_hermit { typeof meta skuid; } # means user hermit" in lines
    assert lines.count(refused) == 1
    loopback = 'oif lo accept comment "essential:loopback"'
    first = next(number for number, line in enumerate(lines) if '"flow:a"' in line)
    assert lines.index(loopback) < lines.index(refused) < first


def test_without_flows_nothing_is_let_through() -> None:
    assert not [line for line in rules() if "flow:" in line or "reply:" in line]


def test_every_chain_is_closed_by_default() -> None:
    closed = [line.split()[3] for line in rules() if line.endswith("policy drop;")]
    assert closed == ["input", "forward", "output"]


def test_only_our_own_table_is_replaced() -> None:
    statements = [line for line in rules() if not line.startswith("#")]
    assert not any("flush" in line for line in statements)
    assert "delete table inet cairn" in statements


def test_a_reason_of_two_lines_adds_no_rule() -> None:
    lines = rules(flow("a", "192.0.2.1", why="One\naccept\nTwo"))
    assert "accept" not in lines
    assert "# a: One accept Two" in lines


def test_two_flows_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="flows share a name: a"):
        firewall.settings_of([flow("a", "192.0.2.1"), flow("a", "192.0.2.2")])


def test_the_program_finds_every_set_and_what_it_means(program: ModuleType, tmp_path: Path) -> None:
    text = rules(
        flow("a", "hub.test", user="courier"), flow("b", RESOLVERS), flow("c", "192.0.2.1")
    )
    file = tmp_path / "rules"
    file.write_text("\n".join(text))
    found = {one["set"]: (one["user"], one["meaning"]) for one in program.sets_of(file)}
    assert found == {
        "flow_a_4": (None, "hub.test"),
        "flow_a_6": (None, "hub.test"),
        "flow_a_user": ("user ", "courier"),
        "flow_b_4": (None, "resolvers"),
        "flow_b_6": (None, "resolvers"),
    }


def test_a_set_takes_the_addresses_of_its_own_family(program: ModuleType) -> None:
    said = program.members("flow_a_6", {"192.0.2.1", "2001:db8::1"}, fresh=False)
    assert "2001:db8::1" in said
    assert "192.0.2.1" not in said


def test_a_set_keeps_what_it_has_when_nothing_new_is_known(program: ModuleType) -> None:
    assert program.members("flow_a_4", set(), fresh=True) == ""


def test_a_name_that_nobody_knows_has_no_address(program: ModuleType) -> None:
    assert program.addresses_of("no-such-name.invalid.") == set()


def test_the_flow_of_an_account_that_is_not_there_is_closed(program: ModuleType) -> None:
    assert program.account("flow_a_user", "nobody-of-that-name") == (
        "flush set inet cairn flow_a_user\n"
    )


def test_name_servers_are_read_without_their_scope(program: ModuleType, tmp_path: Path) -> None:
    file = tmp_path / "resolv.conf"
    file.write_text("# nameserver 192.0.2.9\nnameserver 192.0.2.1\nnameserver fe80::1%eth0\n")
    assert program.listed_in(str(file)) == {"192.0.2.1", "fe80::1"}
