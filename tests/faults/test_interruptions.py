"""One `up`, interrupted in every way there is: each time a clear end, and the next goes on.

Told in order: each test goes on with what the one before has left.
"""

from __future__ import annotations

import re
import signal
import time
from typing import TYPE_CHECKING, Any

import pytest

from e2e.houses import no_ansible

if TYPE_CHECKING:
    from e2e.commands import Said, Work
    from e2e.houses import House
    from e2e.machines import Machine

pytestmark = [pytest.mark.sandbox, pytest.mark.pulumi]

NODE = "worked"
#: Tasks of the role `base`, in the order in which they come.
EARLY, MIDDLE = "Make the accounts of the administrators", "Read the present SSH settings"


@pytest.fixture(scope="module", autouse=True)
def spec(iron_house: House, machine: Machine) -> dict[str, Any]:
    """The spec of the node that is brought up in the end."""
    spec = machine.spec(NODE)
    iron_house.write(spec)
    return spec


def begin(house: House, task: str) -> Work:
    """Start `cairn up` and return when Ansible is at a task."""
    work = house.start("up", NODE, "--yes")
    work.wait_for(task)
    return work


def ended(house: House, said: Said, status: int, *, locks: int = 0) -> None:
    """Hold what is true after every interruption."""
    assert said.status == status, said.out
    assert house.left_behind() == []
    assert len(house.locks(NODE)) == locks
    base = house.resource(NODE, "iron-base")
    assert base["initErrors"]
    assert base["outputs"]["applied"] == ""


@pytest.mark.parametrize("how", ["Ctrl-C", "SIGTERM"])
def test_a_stop_is_answered_in_order(iron_house: House, how: str) -> None:
    work = begin(iron_house, EARLY)
    if how == "Ctrl-C":
        work.press_ctrl_c()
    else:
        work.process.send_signal(signal.SIGTERM)
    said = work.end()
    assert "was cancelled part-way; the next `cairn up` goes on" in said.out
    last = said.out.splitlines()[-1]
    assert last == (
        f"{NODE}: stopped; what was done is kept; run the same command again and it goes on"
    )
    ended(iron_house, said, 130)


def test_a_killed_cli_is_told_and_leaves_a_lock_that_explains_itself(iron_house: House) -> None:
    work = begin(iron_house, EARLY)
    work.pulumi().kill()
    said = work.end()
    assert said.out.splitlines()[-1].startswith(
        f"{NODE}: the Pulumi CLI was killed (signal 9); what was done is kept; "
    )
    ended(iron_house, said, 4, locks=1)
    (lock,) = iron_house.locks(NODE)
    kept = lock.read_bytes()
    told = iron_house.cairn("unlock", NODE).out.splitlines()
    assert re.fullmatch(
        rf"{NODE}: locked by process \d+ of \S+ on \S+, since [\dT:-]+; that process is gone",
        told[0],
    )
    assert told[1] == f"{NODE}: unlocked"
    assert iron_house.locks(NODE) == []
    assert iron_house.cairn("unlock", NODE).out == f"{NODE}: not locked\n"
    lock.write_bytes(kept)  # for the next test


def test_the_next_up_breaks_a_dead_lock_and_meets_a_reboot(
    iron_house: House, machine: Machine
) -> None:
    work = begin(iron_house, EARLY)
    assert f"{NODE}: broke a lock whose process is gone" in work.seen()
    iron_house.cairn("sandbox", "restart", "bare/machine")
    said = work.end()
    sentence = (
        r"iron: role base: .*the connection to \S+ broke during the run "
        r"\(a reboot, or the network\); run the same command again once the host answers; "
        r"full log: /"
    )
    assert re.search(sentence, said.out), said.out
    assert said.out.splitlines()[-1].endswith(f"run `cairn up {NODE}` again.")
    ended(iron_house, said, 4)
    # As if the power had gone while packages were installed: apt refuses all work after that.
    machine.says("dpkg --status hostname > /var/lib/dpkg/updates/0000")


def test_a_disk_that_fills_up_in_the_middle(iron_house: House, machine: Machine) -> None:
    folder = "/etc/systemd/journald.conf.d"
    machine.says(
        f"mkdir -p {folder}; mount -t tmpfs -o size=4k,mode=0755 full {folder}; "
        f"head -c 4096 /dev/zero > {folder}/zeros; ! echo more > {folder}/more 2>/dev/null"
    )
    try:
        said = iron_house.cairn("up", NODE, "--yes", status=4)
    finally:
        machine.says(f"umount {folder}")
    assert "role base: `Keep the journal across restarts, within its limits` failed: " in said.out
    assert "the disk of the host is full; free some space (`df -h` on the host" in said.out
    ended(iron_house, said, 4)
    assert machine.says("ls /var/lib/dpkg/updates") == ""


def test_two_at_once_do_not_meet_and_the_first_one_finishes(iron_house: House) -> None:
    first = begin(iron_house, MIDDLE)
    since = time.monotonic()
    for verb in (("up", "--yes"), ("destroy", "--yes"), ("drift",)):
        said = iron_house.cairn(verb[0], NODE, *verb[1:], status=4)
        assert re.fullmatch(
            rf"{NODE}: nothing was done, because the node is locked by process \d+ of \S+ on \S+, "
            rf"since [\dT:-]+; that process is running; wait for its end, or see "
            rf"`cairn unlock {NODE}`",
            said.err.splitlines()[-1],
        )
    told = iron_house.cairn("unlock", NODE, status=4)
    assert "that process is running" in told.out
    assert f"{NODE}: not unlocked, somebody may be at work; wait for that process" in told.err
    assert first.process.poll() is None, f"it was over after {time.monotonic() - since} s"
    said = first.end()
    assert said.status == 0, said.out
    assert iron_house.locks(NODE) == []
    assert "initErrors" not in iron_house.resource(NODE, "iron-base")


def test_after_all_of_this_the_node_is_as_planned(iron_house: House) -> None:
    answer = iron_house.cairn("verify", NODE, "--format", "json").json
    assert answer["blocking"] == 0
    with no_ansible(iron_house):
        assert "7 unchanged" in iron_house.cairn("up", NODE, "--yes").out
    assert iron_house.left_behind() == []
