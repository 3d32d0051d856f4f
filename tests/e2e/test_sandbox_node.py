"""The life of a node on a sandbox host, told in order: each test goes on where the last ended."""

from __future__ import annotations

import copy
import difflib
import json
import shlex
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from cairn import sandbox
from cairn.sandbox import places
from e2e.houses import no_ansible
from e2e.machines import differing, digests, init_of
from e2e.specs import on_sandbox

if TYPE_CHECKING:
    from pathlib import Path

    from e2e.houses import House
    from sandbox.hosts import Host

pytestmark = [pytest.mark.sandbox, pytest.mark.pulumi]

DECLARED, UNDECLARED = 8001, 8002
LISTEN = """\
import socket, time
kept = [socket.create_server(("", port)) for port in {ports}]
time.sleep(3600)
"""


@pytest.fixture(scope="module")
def neighbour(house: House) -> Host:
    """Another machine of the same network, which listens on two ports."""
    with house.acting():
        sandbox.start("other", "neighbour")
    host = house.host("other", "neighbour")
    listen(host, DECLARED, UNDECLARED)
    return host


@pytest.fixture(scope="module")
def spec(neighbour: Host) -> dict[str, Any]:
    """The spec of the node, with one way out to the neighbour; tests change it as they go."""
    return on_sandbox("small", network={"egress": [way_to(neighbour, "neighbour", DECLARED)]})


def way_to(host: Host, name: str, port: int) -> dict[str, Any]:
    why = "The neighbour offers what the tests look for."
    return {"name": name, "to": host.address, "port": port, "tls": "1.3", "why": why}


def listen(host: Host, *ports: int) -> None:
    """Have a program on a host listen on some TCP ports."""
    program = shlex.quote(LISTEN.format(ports=list(ports)))
    unit = f"listen-{ports[0]}"
    host.says(f"sudo systemd-run --quiet --collect --unit={unit} python3 -c {program}")
    for port in ports:
        reach = f"until echo > /dev/tcp/127.0.0.1/{port}; do sleep 0.1; done"
        host.says(f"timeout 20 bash -c {shlex.quote(reach)}")


def test_the_preview_of_a_fresh_node_shows_every_file_and_makes_nothing(
    house: House, spec: dict[str, Any]
) -> None:
    house.write(spec)
    shown = house.cairn("preview", "small").out
    assert "make box-machine" in shown
    for path in ("/etc/cairn/nftables.conf", "/etc/ssh/sshd_config.d/10-cairn.conf", "/etc/issue"):
        assert f"--- /dev/null\n    +++ {path}\n" in shown
    listed = house.cairn("sandbox", "list", "--format", "json").json["hosts"]
    assert [host["name"] for host in map(named, listed)] == ["other/neighbour"]


def named(host: dict[str, Any]) -> dict[str, Any]:
    return {"name": f"{host['node']}/{host['host']}"}


def test_up_makes_the_node_and_its_hosts_answer_as_planned(house: House) -> None:
    assert "+ 10 created" in house.cairn("up", "small", "--yes").out
    answer = house.cairn("verify", "small", "--format", "json").json
    assert answer["blocking"] == 0
    assert answer["counts"]["pass"] >= 30


def test_a_report_of_the_live_host_is_signed_and_holds_what_it_answered(house: House) -> None:
    key = house.root / "reports.key"
    house.cairn("report", "key", str(key))
    house.cairn("report", "small", "--key", f"file:{key}")
    above = house.root / ".cairn" / "reports" / "small"
    said = house.cairn("report", "verify", str(above), "--key", f"{key}.pub")
    assert "none is missing from 1 to 1" in said.out
    (report,) = reports(above)
    assert {one["verdict"] for one in report["questions"]} <= {"pass", "not-applicable", "manual"}
    asked = [one for one in report["questions"] if one["moment"] == "host"]
    assert all(one["evidence"] for one in asked if one["verdict"] == "pass")
    (page,) = above.glob("*/report.html")
    assert all(answer["sha256"] in page.read_text() for answer in report["answers"])


def test_a_change_by_hand_is_worse_in_the_next_report_and_better_in_the_one_after(
    house: House,
) -> None:
    host = house.host("small", "box")
    above = house.root / ".cairn" / "reports" / "small"
    key = f"file:{house.root}/reports.key"
    try:
        host.says("sudo cp --preserve /etc/issue /root/issue; echo hello | sudo tee -a /etc/issue")
        house.cairn("report", "small", "--key", key, "--format", "sarif", status=5)
    finally:
        host.says("sudo mv /root/issue /etc/issue")
    house.cairn("report", "small", "--key", key, "--format", "sarif")
    changes = [
        {one["check"]: one["change"] for one in report["questions"] if one["change"] != "same"}
        for report in reports(above)[1:]
    ]
    assert changes == [{"FIL-01": "worse"}, {"FIL-01": "better"}]
    said = house.cairn("report", "verify", str(above), "--key", f"{house.root}/reports.key.pub")
    assert "none is missing from 1 to 3" in said.out


def test_watching_tells_a_change_once_and_remembers_it(house: House) -> None:
    host = house.host("small", "box")
    told = house.root / ".cairn" / "reports" / "small" / "told"
    house.cairn("watch", "small")
    first = told.read_text()
    try:
        host.says("sudo cp --preserve /etc/issue /root/issue; echo hello | sudo tee -a /etc/issue")
        worse = house.cairn("watch", "small", status=5)
        again = house.cairn("watch", "small", status=5)
    finally:
        host.says("sudo mv /root/issue /etc/issue")
    better = house.cairn("watch", "small")
    assert "box: FIL-01 " in worse.all
    assert "fail, pass before" in worse.all
    assert "pass before" not in again.all
    assert "pass, fail before" in better.all
    assert told.read_text() > first


def reports(above: Path) -> list[dict[str, Any]]:
    """Return the reports of a node, oldest first."""
    return [json.loads(file.read_text()) for file in sorted(above.glob("*/report.json"))]


@pytest.mark.parametrize("way", ["cairn", "pulumi"])
def test_an_unchanged_up_changes_nothing_and_runs_no_ansible(house: House, way: str) -> None:
    with no_ansible(house):
        if way == "cairn":
            said = house.cairn("up", "small", "--yes")
        else:
            said = house.shell("pulumi up -s small --yes")
    assert "10 unchanged" in said.out


def test_a_preview_of_nothing_says_so(house: House) -> None:
    assert house.cairn("preview", "small").out == "small: nothing would change.\n"
    shown = house.cairn("preview", "small", "--format", "json").json
    assert shown == {"node": "small", "changes": []}


def test_a_changed_spec_is_previewed_exactly_and_applied_exactly(
    house: House, spec: dict[str, Any], neighbour: Host
) -> None:
    host = house.host("small", "box")
    changed = copy.deepcopy(spec)
    changed["site"]["contacts"]["security"] = "cert@institute.example"
    changed["network"]["egress"].append(way_to(neighbour, "second-door", UNDECLARED))
    house.write(changed)
    text = house.cairn("preview", "small").out
    shown = house.cairn("preview", "small", "--format", "json").json
    promised = {file["path"]: file["diff"] for c in shown["changes"] for file in c["files"]}
    assert set(promised) == {"/etc/issue", "/etc/issue.net", "/etc/cairn/nftables.conf"}

    before, contents = digests(host), {path: content(host, path) for path in promised}
    assert "updated" in house.cairn("up", "small", "--yes").out
    assert differing(before, digests(host)) == set(promised)
    for path, diff in promised.items():
        old, new = contents[path].splitlines(), content(host, path).splitlines()
        really = list(difflib.unified_diff(old, new, f"{path} (now)", path, lineterm=""))
        assert diff == really
        assert "\n".join(f"    {line}" for line in really) in text
    assert "second-door" in content(host, "/etc/cairn/nftables.conf")
    assert host.reaches(neighbour.address, UNDECLARED)

    with no_ansible(house):
        assert "10 unchanged" in house.cairn("up", "small", "--yes").out


def content(host: Host, path: str) -> str:
    return host.run(f"sudo cat {path}").stdout


def test_what_the_spec_takes_back_is_taken_back(
    house: House, spec: dict[str, Any], neighbour: Host
) -> None:
    house.write(spec)
    assert house.cairn("up", "small", "--yes").status == 0
    assert not house.host("small", "box").reaches(neighbour.address, UNDECLARED)


def test_a_declared_connection_passes_and_an_undeclared_one_is_blocked(
    house: House, neighbour: Host
) -> None:
    host = house.host("small", "box")
    # The neighbour is on the same bridge: nothing but the host's own firewall can stop it.
    listen(neighbour, UNDECLARED + 1)
    before = dropped(host)
    assert host.reaches(neighbour.address, DECLARED)
    assert dropped(host) == before
    assert not host.reaches(neighbour.address, UNDECLARED)
    assert not host.reaches(neighbour.address, UNDECLARED + 1)
    assert dropped(host) > before


def dropped(host: Host) -> int:
    """Return how many packets the host's firewall has refused on their way out."""
    rules = json.loads(host.says("sudo nft --json list chain inet cairn output"))["nftables"]
    refusing = [rule["rule"]["expr"] for rule in rules if {"drop", "reject"} & parts(rule)]
    return sum(part["counter"]["packets"] for e in refusing for part in e if "counter" in part)


def parts(rule: dict[str, Any]) -> set[str]:
    return {name for part in rule.get("rule", {}).get("expr", ()) for name in part}


def test_a_scan_from_outside_finds_the_declared_port_only(house: House, neighbour: Host) -> None:
    host = house.host("small", "box")
    listen(host, UNDECLARED)
    assert open_ports(host.address, "-") == {22}
    # The neighbour is no declared operator: for it not even SSH is there.
    inside = ["nsenter", "--target", str(init_of(neighbour).pid), "--net"]
    assert open_ports(host.address, f"1-1024,{UNDECLARED}", *inside) == set()
    host.says(f"sudo systemctl stop listen-{UNDECLARED}")


def open_ports(address: str, ports: str, *prefix: str) -> set[int]:
    """Scan one of our own hosts with nmap, from here or from another network namespace."""
    quick = ("-T5", "--min-rate=3000", "--max-retries=1", "--host-timeout=240")
    scan = ["nmap", "-n", "-Pn", "-sS", *quick, "-p", ports, "-oG", "-", address]
    done = subprocess.run([*prefix, *scan], capture_output=True, text=True, check=True, timeout=300)
    assert "Status: Timeout" not in done.stdout
    line = next(line for line in done.stdout.splitlines() if "Status: Up" not in line and
                line.startswith("Host:"))  # fmt: skip
    found = line.partition("Ports: ")[2].partition("\t")[0].split(", ")
    return {int(each.split("/")[0]) for each in found if "/open/" in each}


def test_what_was_changed_by_hand_is_named_repaired_and_then_clean(house: House) -> None:
    host = house.host("small", "box")
    before = digests(host)
    host.says("echo by-hand | sudo tee -a /etc/issue.net; sudo systemctl stop cairn-flows.timer")

    found = house.cairn("drift", "small", "--format", "json", status=5).json["drift"]
    by_role = {each["role"]: each for each in found}
    assert {each["host"] for each in found} == {"box"}
    assert by_role["base"]["what"] == "/etc/issue.net"
    assert "-by-hand" in by_role["base"]["diff"]
    assert "cairn-flows.timer" in by_role["firewall"]["what"]
    assert "/etc/issue.net)" in house.cairn("preview", "small").out

    assert "7 unchanged" in house.cairn("up", "small", "--yes").out
    assert differing(before, digests(host)) == set()
    assert host.says("systemctl is-active cairn-flows.timer") == "active"
    assert "no drift" in house.cairn("drift", "small").out


def test_a_host_that_is_down_is_told_and_started_by_the_next_up(house: House) -> None:
    house.cairn("sandbox", "stop", "small/box")
    for verb in (("drift",), ("up", "--yes", "--refresh")):
        said = house.cairn(verb[0], "small", *verb[1:], status=4)
        assert "small: box does not run; `cairn up small` starts it" in said.err
    assert house.cairn("verify", "small", status=5).status == 5
    house.cairn("up", "small", "--yes")
    assert house.host("small", "box").says("systemctl is-active cairn-firewall") == "active"


def test_deleting_data_takes_the_name_of_the_node(house: House) -> None:
    host = house.host("small", "box")
    host.says("echo precious | sudo tee /srv/data/kept")
    before = house.fingerprint()
    said = house.cairn("destroy", "small", "--yes", "--delete-data", "smell", status=2)
    assert said.err.startswith("--delete-data says `smell`, the node is `small`")
    assert house.fingerprint() == before
    assert host.says("sudo cat /srv/data/kept") == "precious"


def test_destroy_takes_the_host_and_keeps_its_data(house: House) -> None:
    machine = house.host("small", "box").running.machine
    assert "- 10 deleted" in house.cairn("destroy", "small", "--yes").out
    assert house.state("small").get("resources", []) == []
    listed = house.cairn("sandbox", "list", "--format", "json").json["hosts"]
    assert [host["name"] for host in map(named, listed)] == ["other/neighbour"]
    assert [line for line in house.trace() if machine in line] == []
    assert [line for line in house.trace() if "/hosts/small" in line] == []


def test_the_next_up_finds_the_data_again(house: House) -> None:
    assert "+ 10 created" in house.cairn("up", "small", "--yes").out
    assert house.host("small", "box").says("sudo cat /srv/data/kept") == "precious"


def test_data_is_deleted_when_the_name_is_repeated(house: House) -> None:
    assert any(volumes(house).rglob("kept"))
    house.cairn("destroy", "small", "--yes", "--delete-data", "small")
    assert [line for line in house.trace() if "small" in line] == []
    assert not any(volumes(house).rglob("kept"))


def volumes(house: House) -> Path:
    """Return the folder of the computer that the data volumes of this house lie in."""
    with house.acting():
        return places.sandbox() / "volumes"


def test_after_the_last_host_nothing_is_left_on_the_computer(house: House) -> None:
    assert house.trace() != set()
    assert house.cairn("sandbox", "remove", "--all").status == 0
    assert house.trace() == set()
    assert house.left_behind() == []
