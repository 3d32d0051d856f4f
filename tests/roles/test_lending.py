"""A frozen data set goes from a hospital to a compute node, over TLS with two certificates."""

from __future__ import annotations

import hashlib
import time
from typing import TYPE_CHECKING

import pytest

from cairn import sandbox
from cairn.checks.verdicts import Verdict
from cairn_freeze import manifest
from federation.trial import put
from lending.two_hosts import (
    BY,
    COMPUTE,
    DATASET,
    DOMAIN,
    HELD,
    HOSPITAL,
    TwoHosts,
    images,
    stand,
    waited,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.sandbox, pytest.mark.long]

INBOX = f"/srv/imaging/inbox/{HELD}/objects"
UNITS = ("cairn-receiving-gate.service", "cairn-inbox.service", "cairn-receiving.service")
#: Reads a data set as the agent's user does before it starts an app.
READS = """
    import sys
    from pathlib import Path
    from cairn_freeze import manifest
    from cairn_freeze.storage import Storage, client, credentials
    own = Path("/etc/cairn/storage/consumers/fl-agent.credentials").read_text()
    way = client("https://127.0.0.1:7070", "/etc/cairn/pki/authority.crt", credentials(own))
    box = Storage(sys.argv[1], way)
    one = box.manifests()[-1]
    print(manifest.digest(one), all(box.look(each.key) == each for each in manifest.entries(one)))
    """


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TwoHosts]:
    """Yield a hospital with a frozen version, and a compute node that holds nothing yet."""
    try:
        made = stand(tmp_path_factory.mktemp("lending"))
        made.freeze(images(6))
        yield made
    finally:
        for node in (HOSPITAL, COMPUTE):
            sandbox.remove(node, "box")


def test_a_copy_has_the_same_bytes_and_the_same_digest(both: TwoHosts) -> None:
    told = both.lend()
    ours, theirs = (both.bucket(box).manifests() for box in (both.hospital, both.compute))
    assert manifest.written(theirs[0]) == manifest.written(ours[0])
    assert told["digest"] == manifest.digest(theirs[0])
    assert (told["sent"], told["is_new"]) == (6, True)
    bucket = both.bucket(both.compute)
    assert all(bucket.look(one.key) == one for one in manifest.entries(ours[0]))
    assert both.compute.ask(f"ls {INBOX}") == ""


def test_both_accounts_say_who_lent_what_when(both: TwoHosts) -> None:
    sent, taken = both.lines(both.hospital), both.lines(both.compute)
    assert [one["event"] for one in sent] == ["lending", "lent"]
    assert [one["event"] for one in taken] == ["received"]
    for line in (*sent, *taken):
        assert (line["by"], line["permit"], line["objects"]) == (BY, "TEST-1", 6)
        assert line["manifest"] == sent[0]["manifest"]
    assert (sent[1]["node"], taken[0]["node"]) == (COMPUTE, HOSPITAL)
    assert sent[1]["bytes_out"] == taken[0]["bytes_in"]


def test_the_same_again_sends_nothing_and_writes_nothing_down(both: TwoHosts) -> None:
    assert not both.lend()["is_new"]
    assert len(both.lines(both.hospital)) == 2


def test_a_second_run_and_a_look_change_nothing(both: TwoHosts) -> None:
    for box, name in ((both.hospital, "lending"), (both.compute, "receiving")):
        for role in (name, "freeze"):
            assert both.apply(box, role) == []
            assert both.apply(box, role, check=True) == []


def test_a_change_by_hand_shows(both: TwoHosts) -> None:
    both.compute.ask("echo '# mine' >>/etc/cairn/receiving/nginx.conf")
    assert "Put settings and units in place" in both.apply(both.compute, "receiving", check=True)
    assert both.apply(both.compute, "receiving") != []
    both.hospital.ask("rm /usr/local/lib/cairn/cairn_lending/link.py")
    assert both.apply(both.hospital, "lending") == ["Install the program"]


def test_strangers_are_refused_and_the_check_finds_it(both: TwoHosts) -> None:
    found = both.asked("FED-11", both.compute)
    assert set(found.values()) == {Verdict.PASS}, found
    assert len(found) == 4


def test_the_check_finds_a_gate_that_asks_for_no_certificate(both: TwoHosts) -> None:
    conf = "/etc/cairn/receiving/nginx.conf"
    both.compute.ask(f"sed -i 's/ssl_verify_client on/ssl_verify_client optional_no_ca/' {conf}")
    both.compute.ask("systemctl restart cairn-receiving-gate; sleep 1")
    found = both.asked("FED-11", both.compute)
    both.apply(both.compute, "receiving")
    assert Verdict.FAIL in found.values(), found


def test_no_other_account_reaches_the_compute_node(both: TwoHosts) -> None:
    ask = f"curl -sk --max-time 5 https://{both.compute.place.address}:8444/"
    refused = both.hospital.ssh(f"sudo {ask}")
    assert refused.returncode == 7, refused
    let = both.hospital.ssh(f"sudo runuser -u cairn-lending -- {ask}")
    assert "No required SSL certificate was sent" in let.stdout
    elsewhere = f"curl -sk --max-time 5 https://{both.compute.place.address}:7070/"
    assert both.hospital.ssh(f"sudo runuser -u cairn-lending -- {elsewhere}").returncode == 7


def test_units_are_shut_in(both: TwoHosts) -> None:
    for box, unit in (*((both.compute, one) for one in UNITS),
                      (both.hospital, "cairn-lending@x.service")):  # fmt: skip
        said = box.ask(f"systemd-analyze security --no-pager {unit} | grep Overall")
        assert float(said.split(": ")[1].split()[0]) <= 3.0, said


def test_bytes_that_changed_in_the_inbox_are_refused_and_sent_again(both: TwoHosts) -> None:
    both.freeze(images(7))
    fresh = list(images(7).values())[-1]
    sha = hashlib.sha256(fresh).hexdigest()
    both.compute.ask(f"echo other >{INBOX}/{sha}; chown cairn-inbox {INBOX}/{sha}; "
                     f"chmod 0640 {INBOX}/{sha}")  # fmt: skip
    assert "1 objects are not what the manifest says" in both.refused()
    assert both.lines(both.compute)[-1]["event"] == "refused"
    assert [one["version"] for one in both.bucket(both.compute).manifests()] == [1]
    told = both.lend()
    assert (told["version"], told["sent"]) == (2, 1)
    assert [one["version"] for one in both.bucket(both.compute).manifests()] == [2]


def test_a_killed_lending_goes_on_where_it_was(both: TwoHosts) -> None:
    both.freeze(images(40, 4_000_000))
    job = both.submit()
    waited(lambda: int(both.compute.ask(f"ls {INBOX} | wc -l")) > 2, "nothing arrives", 60)
    both.hospital.ask(f"systemctl kill --signal=KILL cairn-lending@{job}.service")
    time.sleep(1)
    there = int(both.compute.ask(f"ls {INBOX} | grep -vc '^part-'"))
    assert 0 < there < 40
    told = both.lend()
    assert told["sent"] == 40 - there
    (held,) = both.bucket(both.compute).manifests()
    assert manifest.digest(held) == told["digest"]


def test_a_revoked_node_is_refused_within_a_minute(both: TwoHosts) -> None:
    begin = time.monotonic()
    both.revoke(f"{HOSPITAL}.{DOMAIN}")
    waited(lambda: "revoked or has ended" in _answer(both), "a revoked node is let in", 60)
    assert time.monotonic() - begin < 60
    both.revoke()
    waited(lambda: "as before" in _answer(both), "a node is refused that was not revoked", 60)


def _answer(both: TwoHosts) -> str:
    try:
        return "sent" if both.lend()["is_new"] else "as before"
    except Exception as error:  # noqa: BLE001 - the words are what is looked at
        return str(error)


def test_a_node_that_is_not_named_is_refused(both: TwoHosts) -> None:
    both.certify(both.hospital, "another-hospital")
    told = both.refused()
    both.certify(both.hospital, HOSPITAL)
    assert f"the spec of {COMPUTE} has no data set that is a copy of it" in told


def test_another_node_at_the_address_gets_nothing(both: TwoHosts) -> None:
    both.certify(both.compute, "another-compute")
    told = both.refused()
    both.certify(both.compute, COMPUTE)
    assert f"what answers is not {COMPUTE}.{DOMAIN} of this federation" in told


def test_a_consent_that_has_ended_is_refused_on_the_host(both: TwoHosts) -> None:
    both.until = "2026-01-02"
    both.apply(both.hospital, "lending")
    told = both.refused()
    both.until = "2099-03-31"
    both.apply(both.hospital, "lending")
    assert "ended on 2026-01-02" in told


def test_an_app_reads_the_copy_as_it_reads_what_was_frozen(both: TwoHosts) -> None:
    (held,) = both.bucket(both.compute).manifests()
    put(both.compute, "/srv/reads.py", READS)
    way = "runuser -u cairn-fl-agent -- env PYTHONPATH=/usr/local/lib/cairn"
    told = both.compute.ask(f"cd / && {way} python3 -B /srv/reads.py {HELD}")
    assert told == f"{manifest.digest(held)} True"


def test_a_recalled_copy_leaves_nothing(both: TwoHosts) -> None:
    assert both.recall()["was"]["version"] == 3
    pages = both.s3(both.compute).list_object_versions(Bucket=HELD)
    assert not pages.get("Versions", []) + pages.get("DeleteMarkers", [])
    assert both.lines(both.hospital)[-1]["event"] == "recalled"
    assert both.lines(both.compute)[-1]["event"] == "deleted"
    assert both.recall()["was"] is None


def test_a_copy_ends_with_its_consent(both: TwoHosts) -> None:
    both.lend()
    record = f"/var/lib/cairn-receiving/{HELD}.json"
    both.compute.ask(f"sed -i 's/2099-03-31/2026-01-02/' {record}")
    both.compute.ask("systemctl start cairn-receiving.service")
    assert list(both.bucket(both.compute).listed()) == []
    assert "consent" in both.lines(both.compute)[-1]["why"]


def test_no_key_and_no_pseudonym_is_where_it_should_not_be(both: TwoHosts) -> None:
    for box in (both.hospital, both.compute):
        keys = box.ask(
            "grep -rlE 'BEGIN ([A-Z]+ )*PRIVATE KEY' /etc /var/lib /var/log /home /tmp /srv "
            "--exclude-dir=ssl 2>/dev/null | grep -v /etc/ssh/ | sort"
        ).split()
        assert all(one.startswith(("/etc/cairn/pki/", "/etc/cairn/federation/")) for one in keys), (
            keys
        )
        assert "SUBJ-" not in box.ask("journalctl --no-pager -o cat")


def test_removal_closes_the_port_and_keeps_data_and_account(both: TwoHosts) -> None:
    both.lend()
    for box, name in ((both.hospital, "lending"), (both.compute, "receiving")):
        outcome = box.apply(both.role(box, name), tasks_from="remove")
        assert outcome.failure is None, outcome.failure
    assert "8444" not in both.compute.ask("ss -Hlnt")
    assert (
        both.compute.ask("ls -d /srv/imaging/inbox /etc/cairn/receiving 2>/dev/null || true") == ""
    )
    assert both.bucket(both.compute).manifests()
    assert both.lines(both.compute)
    assert both.hospital.ssh("sudo ls /usr/local/libexec/cairn/lending-job").returncode != 0
    assert DATASET in str(both.lines(both.hospital)[-1])
