"""The same roles on a machine that exists already: taken by its key, changed, and given back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from e2e.houses import no_ansible
from e2e.machines import differing

if TYPE_CHECKING:
    from e2e.houses import House
    from e2e.machines import Machine

pytestmark = [pytest.mark.sandbox, pytest.mark.pulumi]

#: A key that no machine has; it has the shape of one.
OTHER_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEp5Ky8qMi669H7hSrzmfG2d6AgOuICyTx37p/tOoCgj"


@pytest.fixture(scope="module")
def untouched(machine: Machine) -> dict[str, str]:
    """The files of the machine before Cairn has seen it."""
    return machine.files()


def test_a_machine_with_another_key_is_refused_untouched(
    house: House, machine: Machine, untouched: dict[str, str]
) -> None:
    house.write(machine.spec("iron", machine={"host_key": OTHER_KEY}))
    said = house.cairn("up", "iron", "--yes", status=4).all
    assert "iron: role base: the host at" in said
    assert "does not show the pinned host key" in said
    assert "pin its new key in the spec" in said
    assert differing(untouched, machine.files()) == set()
    assert house.locks("iron") == []


def test_the_same_roles_make_an_existing_machine_as_planned(house: House, machine: Machine) -> None:
    house.write(machine.spec("iron"))
    house.cairn("up", "iron", "--yes")
    answer = house.cairn("verify", "iron", "--format", "json").json
    assert answer["blocking"] == 0
    assert answer["counts"]["pass"] >= 30
    kinds = {each["type"] for each in house.state("iron")["resources"]}
    assert "cairn:index:Role" in kinds
    assert "cairn:index:Machine" not in kinds
    with no_ansible(house):
        assert "7 unchanged" in house.cairn("up", "iron", "--yes").out


def test_the_wrong_key_later_on_changes_nothing_either(house: House, machine: Machine) -> None:
    before, state = machine.files(), house.resource("iron", "iron-base")["outputs"]
    house.write(machine.spec("iron", machine={"host_key": OTHER_KEY}))
    said = house.cairn("up", "iron", "--yes", status=4).all
    assert "does not show the pinned host key" in said
    assert differing(before, machine.files()) == set()
    assert house.resource("iron", "iron-base")["outputs"]["applied"] == state["applied"]
    house.write(machine.spec("iron"))
    assert house.cairn("up", "iron", "--yes").status == 0


def test_destroy_gives_the_machine_back_and_ssh_still_works(
    house: House, machine: Machine, untouched: dict[str, str]
) -> None:
    said = house.cairn("destroy", "iron", "--yes").out
    assert "- 7 deleted" in said
    assert machine.says("id --user") == "0"  # a new login, and sudo
    left = {path for path in differing(untouched, machine.files()) if "cairn" in path}
    assert left == set()
    # The files that Cairn had replaced are the machine's own again.
    replaced = {"/etc/issue", "/etc/issue.net"}
    assert replaced & differing(untouched, machine.files()) == set()
    assert "cairn" not in machine.says("nft list tables")
    assert "cairn" not in machine.says("systemctl list-unit-files --no-legend; ls /usr/local/sbin")
    assert machine.says("find /var/lib/cairn -type f 2>/dev/null; true") == ""
    assert machine.says("ss -H -l -n -t '( sport = :22 )' | wc -l") != "0"
