"""The components of the Pulumi program: what they register, and in which order it happens."""

from __future__ import annotations

import runpy
from typing import TYPE_CHECKING

import pulumi
import pytest
from ruamel.yaml import YAML

from cairn.errors import Misuse
from cairn.render.files import render_role
from e2e.specs import on_machine, on_sandbox
from stacks.programs import CONNECTION, STACKS, Registered, admitted, registered

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    from cairn.stack.admission import Admitted

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINI0ZwauHfhKBSE+INGNYV6YNSFXDyryruMSmcDt3ckw"
MACHINE = {"existing": "192.0.2.7", "user": "admin", "host_key": KEY, "key": "file:/keys/id"}


@pytest.fixture
def sandboxed(tmp_path: Path) -> Admitted:
    way = {"name": "registry", "to": "192.0.2.9", "port": 443, "tls": "1.3", "why": "Models."}
    return written(tmp_path, on_sandbox("small", network={"egress": [way]}))


@pytest.fixture
def existing(tmp_path: Path) -> Admitted:
    return written(tmp_path, on_machine("iron", MACHINE, operators_from=["192.0.2.0/24"]))


def written(folder: Path, spec: dict[str, Any]) -> Admitted:
    yaml = YAML()
    yaml.width = 200
    file = folder / f"{spec['name']}.yaml"
    yaml.dump(spec, file)
    return admitted(file)


def hub(node: Admitted) -> list[Registered]:
    from hub import Hub  # noqa: PLC0415 - found once `stacks.programs` is imported

    return registered(lambda: Hub(node), node.plan.node)


def named(found: list[Registered], name: str) -> Registered:
    (one,) = [each for each in found if each.name == name]
    return one


def test_a_node_reads_like_the_drawing(sandboxed: Admitted) -> None:
    found = hub(sandboxed)
    assert [(each.type, each.name) for each in found if each.type != "pulumi:pulumi:Stack"] == [
        ("cairn:node:Hub", "small"),
        ("cairn:node:Host", "box"),
        ("cairn:index:Machine", "box-machine"),
        ("cairn:index:Role", "box-base"),
        ("cairn:index:Role", "box-trust"),
        ("cairn:index:Role", "box-firewall"),
        ("cairn:index:Role", "box-certificate"),
        ("cairn:index:Role", "box-storage"),
        ("cairn:index:Verification", "verification"),
    ]
    above = {each.name: each.request.parent.rsplit("::", 1)[-1] for each in found}
    assert above["box"] == "small"
    assert {above[name] for name in ("box-machine", "box-base", "box-firewall")} == {"box"}
    assert above["verification"] == "small"


def test_roles_run_one_after_the_other_and_verification_comes_last(sandboxed: Admitted) -> None:
    found = hub(sandboxed)

    def waits_for(name: str) -> set[str]:
        return {urn.rsplit("::", 1)[-1] for urn in named(found, name).request.dependencies}

    assert "box-machine" in waits_for("box-base")
    assert "box-base" in waits_for("box-trust")
    assert "box-trust" in waits_for("box-firewall")
    assert {"box-base", "box-trust", "box-firewall"} <= waits_for("verification")


def test_roles_of_a_sandbox_host_go_with_it(sandboxed: Admitted) -> None:
    found = hub(sandboxed)
    assert named(found, "box-machine").request.deleteBeforeReplace
    for role in ("base", "trust", "firewall"):
        assert named(found, f"box-{role}").request.deletedWith.endswith("::box-machine")


def test_a_machine_gets_the_ways_out_and_the_volumes_of_the_plan(sandboxed: Admitted) -> None:
    inputs = named(hub(sandboxed), "box-machine").inputs
    assert (inputs["node"], inputs["host"], inputs["os"]) == ("small", "box", "debian-13")
    assert inputs["volumes"] == ["/srv/data"]
    ways = {(way["to"], way["port"], way["protocol"]) for way in inputs["egress"]}
    out = [flow for flow in sandboxed.plan.hosts[0].flows if flow.direction == "out"]
    assert ways == {(flow.peer, flow.port, flow.protocol) for flow in out}
    assert ("192.0.2.9", 443, "tcp") in ways


def test_a_role_gets_the_rendered_files_and_the_machines_connection(sandboxed: Admitted) -> None:
    found, host = hub(sandboxed), sandboxed.plan.hosts[0]
    for role in host.roles:
        inputs = named(found, f"box-{role.name}").inputs
        rendered = {file.path: file.content for file in render_role("small", host, role)}
        assert {path: file["content"] for path, file in inputs["files"].items()} == rendered
        assert inputs["connection"] == CONNECTION
        assert inputs["variables"].keys() == dict(role.variables).keys()


def test_verification_is_asked_again_when_any_role_has_run(sandboxed: Admitted) -> None:
    triggers = named(hub(sandboxed), "verification").inputs["triggers"]
    assert len(set(triggers)) == len(sandboxed.plan.hosts[0].roles)
    assert None not in triggers


def test_an_existing_machine_is_reached_as_declared_and_never_made(existing: Admitted) -> None:
    found = hub(existing)
    assert "cairn:index:Machine" not in {each.type for each in found}
    for role in ("base", "trust", "firewall"):
        each = named(found, f"iron-{role}")
        assert each.request.deletedWith == ""
        assert each.inputs["connection"]["address"] == "192.0.2.7"
        assert each.inputs["connection"]["user"] == "admin"
        assert each.inputs["connection"]["host_key"] == KEY
        assert each.inputs["connection"]["key_file"] == "/keys/id"


@pytest.mark.parametrize("spec", sorted((STACKS.parent / "nodes").glob("*.yaml")), ids=str)
def test_the_program_builds_the_component_of_the_nodes_kind(
    spec: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    node = admitted(spec)
    monkeypatch.setattr("cairn.stack.admission.admit", lambda name: {spec.stem: node}[name])
    found = registered(lambda: runpy.run_path(str(STACKS / "__main__.py")), spec.stem)
    kinds = {"hub": "Hub", "data-provider": "DataProvider", "compute": "Compute"}
    assert named(found, spec.stem).type == f"cairn:node:{kinds[node.plan.kind]}"
    for host in node.plan.hosts:
        assert named(found, f"{host.name}-firewall")


def test_a_refused_node_registers_nothing_and_says_why_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    said: list[str] = []

    def refuse(name: str) -> None:
        raise Misuse(f"there is no {name}")

    monkeypatch.setattr("cairn.stack.admission.admit", refuse)
    monkeypatch.setattr(pulumi.log, "error", said.append)
    ended: list[Any] = []

    def program() -> None:
        with pytest.raises(SystemExit) as end:
            runpy.run_path(str(STACKS / "__main__.py"))
        ended.append(end.value.code)

    found = registered(program, "ghost")
    assert [each for each in found if each.type != "pulumi:pulumi:Stack"] == []
    assert said == ["there is no ghost"]
    # 32 tells Pulumi's language host that the program has said everything itself.
    assert ended == [32]
