"""What the plan and the templates of the role `base` say, without any host."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import yaml

from cairn import house
from cairn.plan.context import Context, Place
from cairn.plan.model import PlannedHost, PlannedRole
from cairn.plan.roles import base
from cairn.render.files import render_role
from roles.harness import document

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHiHT627GnXnCukRW+SGDcgdBDNDd5Bp6ix2CI6yozCJ"
PLACE = Place("192.0.2.10", "cairn-admin")
IRON = {"existing": "192.0.2.10", "host_key": KEY}


def planned(os: str = "debian-13", place: Place = PLACE, **wishes: object) -> PlannedRole:
    machine = wishes.pop("machine", IRON)
    hosts = [{"name": "box", "machine": machine, "os": os}]
    papers = document("demo", os, **{"hosts": hosts, **wishes})
    return base.plan(Context(papers, papers.spec.hosts[0], place))


def rendered(role: PlannedRole) -> dict[str, str]:
    host = PlannedHost(
        "box", "debian-13", "192.0.2.10", sandbox=False, capabilities=(), volumes=(), roles=(role,)
    )
    return {file.path: file.content for file in render_role("demo", host, role)}


def read(path: str) -> Any:  # noqa: ANN401 - whatever the YAML holds
    return yaml.safe_load((house.root() / "roles/base" / path).read_text())


@pytest.mark.parametrize("entry", ["main", "remove"])
def test_the_argument_specs_say_the_same_as_the_defaults(entry: str) -> None:
    options = read("meta/argument_specs.yml")["argument_specs"][entry]["options"]
    assert {name: option["default"] for name, option in options.items()} == read(
        "defaults/main.yml"
    )


def test_every_variable_of_the_plan_is_one_of_the_role() -> None:
    assert set(planned().variables) <= set(read("defaults/main.yml"))


def test_every_refusal_says_what_is_wrong_and_what_to_do() -> None:
    for demand in read("vars/main.yml")["base_demands"]:
        assert demand["wrong"].strip().count(". ") == 1, demand["wrong"]
        assert demand["wrong"].strip().endswith("."), demand["wrong"]


@pytest.mark.parametrize("os", ["debian-13", "debian-12"])
def test_every_file_begins_with_what_made_it(os: str) -> None:
    files = rendered(planned(os, administrators=[{"name": "maria", "keys": [KEY]}]))
    assert len(files) == 18
    for path, content in files.items():
        assert (
            f"Made by Cairn from templates/base{path.replace('/maria', '/administrator')}.j2"
            in content.splitlines()[0]
        )


def test_a_sandbox_leaves_out_what_belongs_to_the_computer_below() -> None:
    role = planned(machine="sandbox")
    assert len(role.without) == 4
    assert not {"chrony", "auditd", "apparmor"} & set(role.packages)
    assert not [file.path for file in role.files if "sysctl" in file.path or "audit" in file.path]


def test_a_machine_that_lacks_one_thing_gets_the_others() -> None:
    role = planned(machine={**IRON, "lacks": ["audit"]})
    assert role.variables["base_capabilities"] == ["kernel", "clock", "apparmor"]
    assert [word for word in role.without if "audit" in word] == list(role.without)
    assert "chrony.service" in role.variables["base_services"]


def test_only_debian_13_offers_the_newer_post_quantum_exchange() -> None:
    path = "/etc/ssh/sshd_config.d/10-cairn.conf"
    newer, older = (rendered(planned(os))[path] for os in ("debian-13", "debian-12"))
    assert "KexAlgorithms mlkem768x25519-sha256,sntrup761x25519" in newer
    assert "KexAlgorithms sntrup761x25519-sha512@openssh.com,curve25519-sha256," in older


def test_an_administrator_whom_cairn_logs_in_as_keeps_the_own_account() -> None:
    people = [{"name": "maria", "keys": [KEY]}, {"name": "cairn-admin", "keys": [KEY]}]
    role = planned(administrators=people)
    assert role.variables["base_administrators"] == ["maria"]
    assert (
        "AllowUsers cairn-admin maria\n" in rendered(role)["/etc/ssh/sshd_config.d/10-cairn.conf"]
    )
    assert "/etc/ssh/cairn-keys.d/cairn-admin" not in rendered(role)


def test_packages_come_through_the_proxy_unless_the_mirror_is_near() -> None:
    network = {
        "proxy": "http://proxy.institute.example:3128",
        "no_proxy": ["mirror.institute.example"],
        "debian_mirror": "http://mirror.institute.example/debian",
    }
    role = planned(network=network)
    config = rendered(role)["/etc/apt/apt.conf.d/90cairn"]
    ways = {(flow.peer, flow.port) for flow in role.flows if flow.name.startswith("packages")}
    assert ways == {("mirror.institute.example", 80), ("proxy.institute.example", 3128)}
    assert 'Acquire::http::Proxy::mirror.institute.example "DIRECT";' in config
    assert 'Acquire::http::Proxy::deb.debian.org "http://proxy.institute.example:3128";' in config


def test_a_sandbox_takes_packages_from_the_cache_of_the_computer() -> None:
    place = Place("198.18.1.10", "cairn", "198.18.1.1", "http://198.18.1.1:3142")
    role = planned(place=place, machine="sandbox", network={"operators_from": ["192.0.2.0/24"]})
    flows = {flow.name: (flow.direction, flow.peer, flow.port) for flow in role.flows}
    assert flows["packages-1"] == ("out", "198.18.1.1", 3142)
    assert flows["ssh-1"] == ("in", "192.0.2.0/24", 22)
    assert flows["ssh-computer"] == ("in", "198.18.1.1", 22)
    assert "time-1" not in flows


def test_the_port_of_the_spec_is_where_ssh_listens_and_is_let_in() -> None:
    role = planned(machine={**IRON, "port": 2222})
    assert [listener.port for listener in role.listeners] == [2222]
    assert [flow.port for flow in role.flows if flow.direction == "in"] == [2222]


def test_a_host_may_restart_itself_only_when_the_spec_says_so() -> None:
    role = planned()
    path = "/etc/apt/apt.conf.d/90cairn"
    may = replace(role, settings={**role.settings, "reboots_itself": "true"})
    assert 'Automatic-Reboot "false"' in rendered(role)[path]
    assert 'Automatic-Reboot "true"' in rendered(may)[path]
