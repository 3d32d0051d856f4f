"""Two real hosts side by side: what they are, what they reach and what they do not."""

from __future__ import annotations

import socket
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cairn import sandbox
from cairn.errors import SandboxError
from cairn.sandbox import furnishing, places
from sandbox.listeners import elsewhere, on_the_computer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sandbox.hosts import Host

pytestmark = pytest.mark.sandbox

DECLARED, UNDECLARED = 8001, 8002


@pytest.fixture(scope="module")
def outside() -> Iterator[str]:
    """Return the address of a machine beyond the sandbox that listens on two ports."""
    with elsewhere(DECLARED, UNDECLARED) as address:
        yield address


@pytest.fixture(scope="module")
def trixie(start_host: Callable[..., Host], outside: str) -> Host:
    """Return a Debian 13 host with one declared way out and a data volume."""
    way = {"to": outside, "port": DECLARED, "protocol": "tcp"}
    return start_host("trixie", egress=[way], volumes=["/srv/imaging"], memory=1 << 30)


@pytest.fixture(scope="module")
def bookworm(start_host: Callable[..., Host]) -> Host:
    """Return a Debian 12 host without any way out."""
    return start_host("bookworm", os="debian-12")


def test_both_systems_come_up_without_a_failed_unit(trixie: Host, bookworm: Host) -> None:
    assert trixie.says("systemctl is-system-running --wait") == "running"
    assert bookworm.says("systemctl is-system-running --wait") == "running"


def test_each_is_the_debian_that_was_asked_for(trixie: Host, bookworm: Host) -> None:
    assert trixie.says(". /etc/os-release; echo $VERSION_CODENAME") == "trixie"
    assert bookworm.says(". /etc/os-release; echo $VERSION_CODENAME") == "bookworm"


def test_each_has_a_name_an_id_and_a_key_of_its_own(trixie: Host, bookworm: Host) -> None:
    assert (trixie.says("hostname"), bookworm.says("hostname")) == ("trixie", "bookworm")
    assert trixie.says("cat /etc/machine-id") != bookworm.says("cat /etc/machine-id")
    keys = {host.running.connection["host_key"] for host in (trixie, bookworm)}
    assert len(keys) == 2


def test_the_operator_gets_in_by_key_only_and_becomes_root_without_password(trixie: Host) -> None:
    assert trixie.says("whoami; sudo --non-interactive whoami").split() == ["cairn", "root"]
    assert trixie.says("sudo getent shadow cairn").split(":")[1] == "*"


def test_hosts_of_one_sandbox_reach_each_other(trixie: Host, bookworm: Host) -> None:
    assert trixie.reaches(bookworm.address, 22)
    assert bookworm.reaches(trixie.address, 22)


def test_a_declared_destination_is_reached(trixie: Host, outside: str) -> None:
    assert trixie.reaches(outside, DECLARED)


def test_an_undeclared_port_of_a_declared_destination_is_blocked(
    trixie: Host, outside: str
) -> None:
    assert answers(outside, UNDECLARED)
    assert not trixie.reaches(outside, UNDECLARED)


def test_what_one_host_may_another_may_not(trixie: Host, bookworm: Host, outside: str) -> None:
    assert trixie.reaches(outside, DECLARED)
    assert not bookworm.reaches(outside, DECLARED)


def test_the_computer_itself_is_closed_but_for_the_package_cache(trixie: Host) -> None:
    gateway = sandbox.reserve("testing", "trixie").gateway
    with on_the_computer(gateway, 8003):
        assert answers(gateway, 8003)
        assert not trixie.reaches(gateway, 8003)
    assert trixie.reaches(gateway, 3142)


def test_a_way_out_can_be_declared_while_the_host_runs(
    start_host: Callable[..., Host], bookworm: Host, outside: str
) -> None:
    way = {"to": outside, "port": UNDECLARED, "protocol": "tcp"}
    same = start_host("bookworm", os="debian-12", egress=[way])
    assert same.running == bookworm.running
    assert bookworm.reaches(outside, UNDECLARED)
    start_host("bookworm", os="debian-12")
    assert not bookworm.reaches(outside, UNDECLARED)


def test_another_system_for_a_host_that_exists_is_refused(
    start_host: Callable[..., Host], trixie: Host
) -> None:
    with pytest.raises(SandboxError, match="was made with debian-13, not debian-12"):
        start_host("trixie", os="debian-12")


def test_trust_anchors_of_the_computer_are_passed_on(trixie: Host) -> None:
    anchors = {
        f"computer-{path.relative_to(furnishing.TRUST_ANCHORS).as_posix().replace('/', '-')}"
        for path in furnishing.TRUST_ANCHORS.glob("**/*.crt")
    }
    found = trixie.says("ls /usr/local/share/ca-certificates").split()
    assert anchors == {name for name in found if name.startswith("computer-")}


def test_a_second_install_comes_from_the_cache(trixie: Host) -> None:
    trixie.says("sudo apt-get -qq update && sudo apt-get -qq install tree")
    trixie.says("sudo apt-get -qq purge tree && sudo apt-get clean")
    log = places.sandbox() / "package-cache" / "log" / "apt-cacher.log"
    trixie.says("sudo apt-get -qq install tree")
    lines: list[str] = []
    deadline = time.monotonic() + 90  # the cache writes its log when it finds the time
    while sum("|O|" in line for line in lines) < 2 and time.monotonic() < deadline:
        time.sleep(1)
        lines = [line for line in log.read_text().splitlines() if "/tree_" in line]
    assert sum("|O|" in line for line in lines) >= 2
    assert sum("|I|" in line for line in lines) <= 1


def test_the_package_cache_is_no_way_around_the_packet_filter(trixie: Host, outside: str) -> None:
    gateway = sandbox.reserve("testing", "trixie").gateway
    status = trixie.says(ask_proxy(gateway, f"GET http://{outside}:{UNDECLARED}/x.deb"))
    assert " 403 " in status
    assert " 403 " in trixie.says(ask_proxy(gateway, f"CONNECT {outside}:{UNDECLARED}"))


def test_a_volume_is_a_folder_of_the_computer(trixie: Host) -> None:
    trixie.says("echo kept | sudo tee /srv/imaging/file")
    kept = places.volumes("testing", "trixie") / "srv/imaging/file"
    assert kept.read_text() == "kept\n"


def test_hosts_have_control_groups_of_their_own(trixie: Host, bookworm: Host) -> None:
    groups = [control_groups(host.running.pid) for host in (trixie, bookworm)]
    assert not groups[0] & groups[1]
    assert all(groups)


def control_groups(pid: int) -> set[str]:
    """Return the groups that systemd-nspawn makes groups below."""
    lines = Path(f"/proc/{pid}/cgroup").read_text().splitlines()
    return {line for line in lines if line.startswith("0::") or "name=systemd" in line}


def answers(address: str, port: int) -> bool:
    """Tell whether the computer itself reaches a listener, so that a block means something."""
    with socket.create_connection((address, port), timeout=2):
        return True


def ask_proxy(gateway: str, request: str) -> str:
    """Return a shell command that prints the status line of a proxy's answer."""
    words = f"{request} HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n"
    script = f"exec 3<>/dev/tcp/{gateway}/3142; printf '{words}' >&3; head -n1 <&3"
    return f'timeout 10 bash -c "{script}"'
