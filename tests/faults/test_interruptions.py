"""One `up`, interrupted in every way there is: each time a clear end, and the next goes on.

Told in order: each test goes on with what the one before has left.
"""

from __future__ import annotations

import re
import signal
from typing import TYPE_CHECKING, Any

import pytest

from e2e.houses import no_ansible

if TYPE_CHECKING:
    from e2e.commands import Said, Work
    from e2e.houses import House
    from e2e.machines import Machine

pytestmark = [pytest.mark.sandbox, pytest.mark.pulumi]

NODE = "worked"
#: A task of the role `base`: something was changed before it, and much is to come.
TASK = "Make the accounts of the administrators"


@pytest.fixture(scope="module", autouse=True)
def spec(house: House, machine: Machine) -> dict[str, Any]:
    """The spec of the node that is brought up in the end."""
    spec = machine.spec(NODE)
    house.write(spec)
    return spec


def begin(house: House) -> Work:
    """Start `cairn up` and return when Ansible is in the middle of it."""
    work = house.start("up", NODE, "--yes")
    work.wait_for(TASK)
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
def test_a_stop_is_answered_in_order(house: House, how: str) -> None:
    work = begin(house)
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
    ended(house, said, 130)


def test_a_killed_cli_is_told_and_leaves_a_lock_that_explains_itself(house: House) -> None:
    work = begin(house)
    work.pulumi().kill()
    said = work.end()
    # Behind the dots of a line of progress that the killed program left unfinished.
    told = f"{NODE}: the Pulumi CLI was killed (signal 9); what was done is kept; "
    assert told in said.out.splitlines()[-1]
    ended(house, said, 4, locks=1)
    (lock,) = house.locks(NODE)
    kept = lock.read_bytes()
    answer = house.cairn("unlock", NODE).out.splitlines()
    assert re.fullmatch(
        rf"{NODE}: locked by process \d+ of \S+ on \S+, since [\dT:-]+; that process is gone",
        answer[0],
    )
    assert answer[1] == f"{NODE}: unlocked"
    assert house.locks(NODE) == []
    assert house.cairn("unlock", NODE).out == f"{NODE}: not locked\n"
    lock.write_bytes(kept)  # for the next test


def test_the_next_up_breaks_a_dead_lock_and_meets_a_host_that_goes_down(
    house: House, machine: Machine
) -> None:
    work = begin(house)
    assert f"{NODE}: broke a lock whose process is gone" in work.seen()
    house.cairn("sandbox", "stop", "bare/machine")
    said = work.end()
    house.cairn("sandbox", "start", "bare/machine")
    # In the middle of a task the connection breaks; between two of them there is none to be had.
    broken = "the connection to {place} broke during the run (a reboot, or the network); run the"
    silent = "the host does not answer at {place}; check that it is up"
    place = f"{machine.host.address}:22"
    assert broken.format(place=place) in said.out or silent.format(place=place) in said.out
    assert said.out.splitlines()[-1].endswith(f"run `cairn up {NODE}` again.")
    ended(house, said, 4)
    # As if the power had gone while packages were installed: apt refuses all work after that.
    machine.says("dpkg --status hostname > /var/lib/dpkg/updates/0000")


def test_a_disk_that_fills_up_in_the_middle(house: House, machine: Machine) -> None:
    folder = "/etc/systemd/journald.conf.d"
    machine.says(
        f"mkdir -p {folder}; mount -t tmpfs -o size=4k,mode=0755 full {folder}; "
        f"head -c 4096 /dev/zero > {folder}/zeros; ! echo more > {folder}/more 2>/dev/null"
    )
    try:
        said = house.cairn("up", NODE, "--yes", status=4)
    finally:
        machine.says(f"umount {folder}")
    assert "role base: `Keep the journal across restarts, within its limits` failed: " in said.out
    assert "the disk of the host is full; free some space (`df -h` on the host" in said.out
    ended(house, said, 4)
    assert machine.says("ls /var/lib/dpkg/updates") == ""


def test_two_at_once_do_not_meet_and_the_first_one_finishes(house: House) -> None:
    first = begin(house)
    for verb in (("up", "--yes"), ("destroy", "--yes"), ("drift",)):
        said = house.cairn(verb[0], NODE, *verb[1:], status=4)
        assert re.fullmatch(
            rf"{NODE}: nothing was done, because the node is locked by process \d+ of \S+ on \S+, "
            rf"since [\dT:-]+; that process is running; wait for its end, or see "
            rf"`cairn unlock {NODE}`",
            said.err.splitlines()[-1],
        )
    told = house.cairn("unlock", NODE, status=4)
    assert "that process is running" in told.out
    assert f"{NODE}: not unlocked, somebody may be at work; wait for that process" in told.err
    assert first.process.poll() is None
    said = first.end()
    assert said.status == 0, said.out
    assert house.locks(NODE) == []
    assert "initErrors" not in house.resource(NODE, "iron-base")


def test_of_two_that_start_in_the_same_moment_one_wins(house: House) -> None:
    both = [house.start("up", NODE, "--yes") for _ in range(2)]
    won, lost = sorted((work.end() for work in both), key=lambda said: said.status)
    assert won.status == 0
    # They may have missed each other on a busy computer; both are fine then.
    assert lost.status in {0, 4}
    assert lost.status == 0 or f"{NODE}: nothing was done, because the node is locked" in lost.out
    assert house.locks(NODE) == []


def test_after_all_of_this_the_node_is_as_planned(house: House) -> None:
    answer = house.cairn("verify", NODE, "--format", "json").json
    assert answer["blocking"] == 0
    with no_ansible(house):
        assert "7 unchanged" in house.cairn("up", NODE, "--yes").out
    assert house.left_behind() == []
