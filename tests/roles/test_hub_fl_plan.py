"""The plan of the server, and the program that keeps its nodes as the register has them."""

from __future__ import annotations

import importlib.machinery
import importlib.util
import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from cairn import house
from cairn.plan.context import Context, Place
from cairn.plan.model import PlannedHost
from cairn.plan.roles import hub_fl
from cairn.render.files import render_role
from cairn.spec.loader import load

if TYPE_CHECKING:
    from pathlib import Path
    from types import ModuleType

    from cairn.plan.model import PlannedRole

HUB = house.root() / "nodes" / "demo-hub.yaml"
PROGRAM = "roles/hub_fl/files/hub-fl-nodes"


def planned() -> PlannedRole:
    papers = load(HUB)
    return hub_fl.plan(Context(papers, papers.spec.hosts[0], Place("198.18.0.2", "cairn")))


def rendered() -> dict[str, str]:
    role = planned()
    host = PlannedHost("hub-1", "debian-13", "198.18.0.2", True, (), (), (role,))  # noqa: FBT003
    return {file.path: file.content for file in render_role("demo-hub", host, role)}


def test_the_server_is_on_the_loopback_and_its_users_have_no_way_out() -> None:
    role = planned()
    assert [(one.address, one.port) for one in role.listeners] == [("127.0.0.1", 18000)]
    assert role.flows == ()
    assert all(account.loopback_only for account in role.accounts)


def test_nodes_are_given_one_place_whatever_way_it_is_written() -> None:
    text = rendered()["/etc/cairn/gate/locations.d/hub_fl.conf"]
    # A place with @ is none that can be asked for.
    assert re.findall(r"location (.*) {", text) == ["/v1/fleet/", "@later"]
    assert "proxy_pass https://127.0.0.1:18000/v1/fleet/;" in text
    assert "proxy_ssl_verify on;" in text


def test_only_registered_nodes_are_admitted_and_tasks_need_the_secret() -> None:
    unit = rendered()["/etc/systemd/system/cairn-fl-link.service"]
    for word in ("--enable-supernode-auth", "--isolation process", "--host 127.0.0.1",
                 "--superexec-auth-secret-file %d/superexec.secret",
                 "--database /var/lib/cairn-fl/link/state.db"):  # fmt: skip
        assert word in unit
    assert "--insecure" not in unit


@pytest.fixture(scope="module")
def program() -> ModuleType:
    """Return hub-fl-nodes as a module."""
    loader = importlib.machinery.SourceFileLoader("hub_fl_nodes", str(house.root() / PROGRAM))
    spec = importlib.util.spec_from_loader(loader.name, loader)
    assert spec
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


class Server:
    """A server that remembers; a key that was taken out never comes back."""

    def __init__(self, program: ModuleType) -> None:
        self.fingerprint = program.fingerprint
        self.there: dict[str, tuple[int, str]] = {}

    def keys(self) -> dict[str, tuple[int, str]]:
        return dict(self.there)

    def enter(self, name: str, key: str) -> int:  # noqa: ARG002 - as the real one
        assert self.fingerprint(key) not in self.there
        number = 2**63 + len(self.there)
        self.there[self.fingerprint(key)] = (number, "registered")
        return number

    def leave(self, number: int) -> None:
        (key,) = [key for key, (one, _) in self.there.items() if one == number]
        assert self.there[key][1] != "unregistered"
        self.there[key] = (number, "unregistered")


@pytest.fixture
def server(program: ModuleType) -> Server:
    return Server(program)


def key() -> str:
    public = ec.generate_private_key(ec.SECP384R1()).public_key()
    return public.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()


def node(name: str, status: str, agent_key: str) -> dict[str, dict[str, str]]:
    return {name: {"node": name, "status": status, "agent_key": agent_key}}


def statuses(entries: list[dict[str, Any]]) -> dict[str, str]:
    return {one["name"]: one["status"] for one in entries}


def test_enrolled_nodes_are_registered_once(program: ModuleType, server: Server) -> None:
    nodes = node("a", "enrolled", key()) | node("b", "enrolled", key())
    first = program.settle(server, nodes)
    assert statuses(first) == {"a": "registered", "b": "registered"}
    assert first[0]["id"] == str(2**63)
    assert first[0]["key"].startswith("SHA256:")
    assert program.settle(server, nodes) == first


def test_a_revoked_node_and_one_that_left_are_taken_out(
    program: ModuleType, server: Server
) -> None:
    gone, left = key(), key()
    program.settle(server, node("a", "enrolled", gone) | node("b", "enrolled", left))
    assert statuses(program.settle(server, node("a", "revoked", gone))) == {"a": "unregistered"}
    assert {status for _, status in server.there.values()} == {"unregistered"}


def test_a_suspended_node_stays_and_comes_back(program: ModuleType, server: Server) -> None:
    its = key()
    number = program.settle(server, node("a", "enrolled", its))[0]["id"]
    assert statuses(program.settle(server, node("a", "suspended", its))) == {"a": "suspended"}
    again = program.settle(server, node("a", "enrolled", its))[0]
    assert (again["id"], again["status"]) == (number, "registered")


def test_another_key_takes_the_place_of_the_one_before(program: ModuleType, server: Server) -> None:
    number = program.settle(server, node("a", "enrolled", key()))[0]["id"]
    entry = program.settle(server, node("a", "enrolled", key()))[0]
    assert entry["status"] == "registered"
    assert entry["id"] != number
    assert sorted(status for _, status in server.there.values()) == ["registered", "unregistered"]


def test_a_key_that_was_taken_out_is_named_with_what_to_do(
    program: ModuleType, server: Server
) -> None:
    its = key()
    program.settle(server, node("a", "enrolled", its))
    program.settle(server, node("a", "revoked", its))
    entry = program.settle(server, node("a", "enrolled", its))[0]
    assert entry["status"] == "refused"
    assert "cairn hub rotate" in entry["why"]


def test_a_node_that_never_enrolled_is_not_registered(program: ModuleType, server: Server) -> None:
    assert statuses(program.settle(server, node("a", "invited", key()))) == {"a": "invited"}
    assert server.there == {}


def test_who_enrols_while_another_is_registered_does_not_wait_for_the_timer(
    program: ModuleType, server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    first = node("a", "enrolled", key())
    both = {**first, **node("b", "enrolled", key())}
    told = iter((first, both, both))
    monkeypatch.setattr(program, "MAP", str(tmp_path / "nodes.json"))
    monkeypatch.setattr(program, "registered", lambda: next(told))
    monkeypatch.setattr(program, "Server", lambda: server)
    for name in ("FLWR_HOME", "FLWR_TELEMETRY_ENABLED", "FLWR_DISABLE_UPDATE_CHECK", "NO_PROXY"):
        monkeypatch.setenv(name, "")  # restored afterwards
    program.main()
    known = json.loads((tmp_path / "nodes.json").read_text())["nodes"]
    assert statuses(known) == {"a": "registered", "b": "registered"}


def test_the_digest_changes_with_status_and_key_only(program: ModuleType) -> None:
    one = node("a", "enrolled", "ecdsa x")
    seen = {"a": {**one["a"], "last_seen": "2026-11-28"}}
    assert program.digest_of(one) == program.digest_of(seen)
    assert program.digest_of(one) != program.digest_of(node("a", "revoked", "ecdsa x"))
