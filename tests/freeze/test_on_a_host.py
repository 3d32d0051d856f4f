"""Data sets on a real host, with all that can happen to them."""

from __future__ import annotations

import datetime as dt
import hashlib
import shlex
import time
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import pytest

from cairn import sandbox
from cairn.checks import engine, registry
from cairn.checks.host import EvidenceHost
from cairn.checks.registry import Catalogue
from cairn.checks.verdicts import Verdict
from cairn.plan.model import Plan, PlannedHost
from cairn.plan.roles import freeze
from freeze.house import DATASETS, NODE, furnished
from freeze.images import image

if TYPE_CHECKING:
    from collections.abc import Iterator

    from freeze.house import House
    from roles.harness import Ground

pytestmark = pytest.mark.sandbox


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Yield a host with twelve subjects in its archive."""
    try:
        yield furnished(tmp_path_factory.mktemp("box"))
    finally:
        sandbox.remove(NODE, "box")


@dataclass(frozen=True)
class Asked:
    """A shell as the checks of live hosts know it."""

    box: Ground

    def run(self, command: str) -> Reply:
        """Run a command as root."""
        done = self.box.ssh(f"sudo sh -c {shlex.quote(command)}")
        return Reply(done.returncode, done.stdout, done.stderr)


class Reply(NamedTuple):
    """What testinfra gives back."""

    rc: int
    stdout: str
    stderr: str


def query(part: str) -> dict[str, dict[str, str]]:
    return {"query": {"BodyPartExamined": part}}


def changes(house: House, **how: object) -> list[str]:
    """Apply the role and return the names of the tasks that changed something."""
    outcome = house.box.apply(freeze.plan(house.context), **how)
    assert outcome.failure is None, outcome.failure
    return [change.task for change in outcome.changes]


def test_what_was_changed_by_hand_is_found_and_nothing_else(house: House) -> None:
    house.box.ask("echo '# more' >> /usr/local/lib/cairn/cairn_freeze/left.py")
    assert changes(house, check=True) == ["Install the program"]
    assert changes(house) == ["Install the program"]


def test_the_work_is_confined(house: House) -> None:
    told = house.box.ask("systemd-analyze security --no-pager cairn-freeze@x.service | tail -n 1")
    assert float(told.split("level for cairn-freeze@x.service: ")[1].split()[0]) <= 3.0


def test_a_cohort_becomes_a_version_with_every_object_hashed(house: House) -> None:
    told = house.do()
    made = house.manifest("whole")
    assert (told["version"], told["objects"], told["is_new"]) == (1, 72, True)
    assert told["summary"]["subjects"] == 12
    assert made == house.manifest("whole", 1)
    for one in made["objects"]:
        body = house.s3.get_object(Bucket="whole", Key=one["key"])["Body"].read()
        assert (len(body), hashlib.sha256(body).hexdigest()) == (one["size"], one["sha256"])
    assert (made["permit"]["id"], made["lock"]["mode"]) == ("TEST-2026-1", "GOVERNANCE")
    assert not house.do()["is_new"]


def test_a_later_version_shares_what_did_not_change(house: House) -> None:
    job = {"dataset": "growing", **query("GROWING")}
    house.send(*(image("GROW-1", 1, one, BodyPartExamined="GROWING") for one in (1, 2)))
    house.do(**job)
    first = house.manifest("growing", 1)
    house.send(image("GROW-2", 1, 1, BodyPartExamined="GROWING"))
    told = house.do(**job)
    assert (told["version"], told["objects"]) == (2, 3)
    assert house.manifest("growing", 1) == first
    assert set(Counter(key for key in house.kept("growing") if "GROW" in key).values()) == {1}
    assert house.do(verb="verify", dataset="growing", version=1)["changed"] == 0


def test_a_killed_freeze_goes_on_and_no_version_is_half_written(house: House) -> None:
    job = {"dataset": "killed", **query("KILLED")}
    files = (image(f"K-{n % 4}", 1, n, BodyPartExamined="KILLED") for n in range(300))
    house.send(*files)
    name = house.submit(**job)
    noted = "/var/lib/cairn-freeze/work-killed/stored.jsonl"
    waiting = f"until [ -s {noted} ] || ! systemctl is-active -q cairn-freeze@{name}"
    halt = f"systemctl kill --signal STOP cairn-freeze@{name}"
    house.box.ask(f"{waiting}; do sleep 0.05; done; {halt}")
    busy = house.refused(verb="withdraw", subject="K-1")
    house.box.ask(f"systemctl kill --signal KILL cairn-freeze@{name}")
    time.sleep(1)
    noted_before = int(house.box.ask(f"grep -c . {noted}"))
    assert "another job is at work" in busy
    assert 128 <= noted_before < 300
    assert not [key for key in house.kept("killed") if "manifest" in key]
    assert "another query or permit was cut short" in house.refused(dataset="killed")
    told = house.do(**job)
    assert (told["version"], told["objects"]) == (1, 300)
    copied = Counter(key for key in house.kept("killed") if "manifest" not in key)
    assert len(copied) == 300
    assert copied.total() - 300 <= 300 - noted_before


def test_an_image_that_is_not_de_identified_is_never_copied(house: House) -> None:
    raw = image("SOMEBODY", 1, 1, BodyPartExamined="RAW", PatientIdentityRemoved="")
    house.send(image("RAW-1", 1, 1, BodyPartExamined="RAW"), raw)
    told = house.refused(dataset="raw", **query("RAW"))
    assert "does not say that it is de-identified" in told
    assert "SOMEBODY" not in told
    assert not [key for key in house.kept("raw") if "SOMEBODY" in key or "manifest" in key]


def test_a_lock_that_nobody_can_pass_is_refused_before_anything_is_stored(house: House) -> None:
    assert "COMPLIANCE" in house.refused(dataset="forever")
    assert house.kept("forever") == []


def test_what_was_harmed_is_counted_and_named_on_the_host_alone(house: House) -> None:
    house.do(dataset="damaged")
    keys = [one["key"] for one in house.manifest("damaged")["objects"]]
    house.s3.delete_object(Bucket="damaged", Key=keys[0])
    for key in (keys[1], "SUBJ-99/1/1_CT/1.dcm"):
        house.s3.put_object(Bucket="damaged", Key=key, Body=b"other", ChecksumAlgorithm="SHA256")
    told = house.do(verb="verify", dataset="damaged")
    assert (told["missing"], told["changed"], told["unlisted"]) == (1, 1, 1)
    assert "SUBJ" not in str(told)
    found = house.box.ask("cat /var/lib/cairn-freeze/work-damaged/differences.json")
    assert keys[0] in found


def test_the_check_of_live_hosts_finds_the_one_that_is_harmed(house: House) -> None:
    catalogue = registry.catalogue()
    check = catalogue.find("DAT-01")
    assert check
    role = freeze.plan(house.context)
    planned = PlannedHost(
        "box", "debian-13", house.box.place.address, sandbox=True, capabilities=(), volumes=(),
        roles=(role,),
    )  # fmt: skip
    papers = house.context.document
    plan = Plan(NODE, "data-provider", "staging", papers.digest, (planned,))
    found = engine.judge_host(
        papers,
        plan,
        planned,
        EvidenceHost(planned, {}, Asked(house.box)),
        today=dt.datetime.now(dt.UTC).date(),
        catalogue=Catalogue((check,), catalogue.parameters),
    )
    failed = [str(one.place) for one in found.findings if one.verdict is not Verdict.PASS]
    assert len(found.findings) == len(DATASETS)
    assert len(failed) == 1
    assert "damaged" in failed[0]


def test_who_withdraws_leaves_no_byte_and_does_not_come_back(house: House) -> None:
    for subject in ("LEAVER-1", "STAYER-1"):
        house.send(*(image(subject, 1, one, BodyPartExamined="LEAVING") for one in (1, 2)))
    for dataset in ("left-a", "left-b"):
        house.do(dataset=dataset, **query("LEAVING"))
    formerly = house.do(verb="show", dataset="left-a")["digest"]
    told = house.do(verb="withdraw", subject="LEAVER-1")
    assert [(one["dataset"], one["version"]) for one in told["left"]] == [
        ("left-a", 2),
        ("left-b", 2),
    ]
    for version in (1, 2):
        made = house.manifest("left-a", version)
        assert len(made["objects"]) == 2
        assert [one["formerly"] for one in made["withdrawals"]] == [formerly]
    assert house.do(verb="verify", dataset="left-a")["broken_chain"] == []
    # As if the power had been cut before the copy that people look at first was written.
    house.s3.copy_object(
        Bucket="left-a",
        Key="manifest.json",
        CopySource={"Bucket": "left-a", "Key": "manifests/v0001.json"},
        ChecksumAlgorithm="SHA256",
    )
    assert house.do(verb="verify", dataset="left-a")["broken_chain"] == [2]
    assert house.do(verb="withdraw", subject="LEAVER-1")["left"] == []
    assert house.manifest("left-a") == house.manifest("left-a", 2)
    assert not house.do(dataset="left-a", **query("LEAVING"))["is_new"]
    assert "LEAVER" not in str([*house.kept("left-a"), *house.kept("left-b"), told])
    places = "/srv/imaging /var/lib/cairn-freeze /run/cairn-freeze"
    # The pattern does not match the commands that look for it.
    assert house.box.ssh(f"sudo grep -rl 'LEAVER-[1]' {places}").stdout == ""
    assert house.box.ask(f"find {places} -name '*LEAVER-[1]*'") == ""
    assert house.box.ask("journalctl --no-pager | grep 'LEAVER-[1]' || true") == ""


def test_an_archive_or_a_storage_that_is_down_is_named(house: House) -> None:
    house.box.ask("systemctl stop orthanc")
    without_archive = house.refused(anew=True)
    house.box.ask("systemctl start orthanc; systemctl stop cairn-s3")
    without_storage = house.refused(verb="show")
    house.box.ask("systemctl start cairn-s3")
    assert "the archive does not answer on port 8042" in without_archive
    assert "the storage does not answer" in without_storage


def test_removal_keeps_the_list_of_those_who_left(house: House) -> None:
    changes(house, tasks_from="remove")
    house.box.ask("test -s /var/lib/cairn-freeze/withdrawn")
    left = "find /etc /usr/local /run -name '*freeze*' -not -path '*/consumers/*'"
    assert house.box.ask(f"{left} -not -path '*/archive/*' -not -path '*/units/*'") == ""
    assert changes(house)
    assert house.do(verb="show")["version"] == 1
