"""Hosts that cannot be worked on: one sentence with a remedy, nothing changed, the state kept."""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING, Any

import pytest

from e2e.machines import differing
from e2e.specs import CLOSED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from e2e.houses import House
    from e2e.machines import Machine

pytestmark = [pytest.mark.sandbox, pytest.mark.pulumi]

OTHER_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEp5Ky8qMi669H7hSrzmfG2d6AgOuICyTx37p/tOoCgj"
NODE, GUEST, PASSWORD = "refused", "guest", "correct-horse"


@pytest.fixture(scope="module", autouse=True)
def guest(machine: Machine) -> None:
    """An account of the machine that gets in by key and may not use sudo."""
    home = f"/home/{GUEST}"
    machine.says(
        f"id {GUEST} 2>/dev/null || useradd --create-home --shell /bin/bash {GUEST}; "
        f"echo {GUEST}:{PASSWORD} | chpasswd; mkdir -p {home}/.ssh; "
        f"cp /home/cairn/.ssh/authorized_keys {home}/.ssh/; chown -R {GUEST}: {home}/.ssh"
    )


@pytest.fixture
def password(house: House) -> Iterator[str]:
    """A reference to a file that holds the guest's password."""
    file = house.root / "password"
    file.write_text(PASSWORD)
    yield f"file:{file}"
    file.unlink()


def refused(house: House, machine: Machine, spec: dict[str, Any]) -> str:
    """Run `up` on a host that refuses and return the one sentence about it."""
    before = machine.files()
    house.write(spec)
    said = house.cairn("up", NODE, "--yes", status=4)
    assert differing(before, machine.files()) == set()
    assert house.locks(NODE) == []
    assert house.left_behind() == []
    roles = [each for each in house.state(NODE)["resources"] if "Role" in each["type"]]
    assert [role["outputs"]["applied"] for role in roles] in ([], [""])
    assert "what was done is kept" in said.err
    assert len(said.err.splitlines()) == 1
    (sentence,) = set(re.findall("iron: role base: .*", said.out))
    assert PASSWORD not in said.all
    return str(sentence)


def test_a_host_that_is_not_there(house: House, machine: Machine) -> None:
    nobody = str(ipaddress.ip_address(machine.gateway) + 200)
    spec = machine.spec(NODE, machine={"existing": nobody})
    said = refused(house, machine, spec)
    assert f"the host does not answer at {nobody}:22; check that it is up" in said


def test_a_host_whose_ssh_port_is_closed(house: House, machine: Machine) -> None:
    said = refused(house, machine, machine.spec(NODE, machine={"port": CLOSED}))
    assert f":{CLOSED}; check that it is up" in said


def test_a_host_that_shows_another_key(house: House, machine: Machine) -> None:
    spec = machine.spec(NODE, machine={"host_key": OTHER_KEY})
    said = refused(house, machine, spec)
    assert "does not show the pinned host key; if it was reinstalled on purpose" in said


def test_a_login_that_is_refused(house: House, machine: Machine) -> None:
    said = refused(house, machine, machine.spec(NODE, machine={"user": "nobody-here"}))
    assert "refuses the login of nobody-here; put the public half of" in said


def test_sudo_that_asks_for_a_password(house: House, machine: Machine) -> None:
    said = refused(house, machine, machine.spec(NODE, machine={"user": GUEST}))
    assert "sudo asks guest for a password; name one in the machine's `become_password`" in said


def test_sudo_with_a_wrong_password(house: House, machine: Machine, password: str) -> None:
    file = password.removeprefix("file:")
    with open(file, "a") as handle:  # noqa: PTH123 - a reference, not a path
        handle.write("-wrong")
    way = {"user": GUEST, "become_password": password}
    said = refused(house, machine, machine.spec(NODE, machine=way))
    assert "sudo refuses the password of guest; correct what `become_password` refers to" in said


def test_sudo_that_does_not_let_the_account(house: House, machine: Machine, password: str) -> None:
    way = {"user": GUEST, "become_password": password}
    said = refused(house, machine, machine.spec(NODE, machine=way))
    assert "sudo does not let guest become root; add that account to the group sudo" in said


def test_a_package_mirror_that_is_down(house: House, machine: Machine) -> None:
    down = f"http://{machine.gateway}:{CLOSED}/debian"
    network = {"debian_mirror": down, "debian_security_mirror": f"{down}-security", "proxy": None}
    said = refused(house, machine, machine.spec(NODE, **network))
    assert f"The host does not get {down}/dists/bookworm/InRelease" in said
    assert "Check the mirror and the proxy in the spec" in said


def test_a_disk_that_is_too_full_to_begin(house: House, machine: Machine) -> None:
    machine.says("mount -t tmpfs -o size=64m tiny /var")
    try:
        said = refused(house, machine, machine.spec(NODE))
    finally:
        machine.says("umount /var")
    assert "Free some space or enlarge the disk." in said
