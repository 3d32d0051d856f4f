"""A version goes to a compute node whole or not at all, and comes back when it must."""

from __future__ import annotations

import hashlib
import os
import time
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from cairn_freeze import manifest
from cairn_freeze.refusal import Refused
from cairn_lending import lend as lending
from cairn_receiving import places, taking
from federation.trial import Authority
from lending.ends import IMAGES, JOB, NOON, PERMIT, Ends, Proxy, settings_of

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ends]:
    made = Ends(tmp_path)
    monkeypatch.setattr(places, "settings", settings_of(made))
    monkeypatch.setattr(lending, "OFTEN", 0.02)
    monkeypatch.setattr(lending, "PATIENCE", 30)
    made.open()
    made.lent.freeze(IMAGES)
    yield made
    made.close()


def test_a_copy_has_the_same_bytes_and_the_same_digest(ends: Ends) -> None:
    told = ends.lend()
    (theirs,), (ours,) = ends.held.manifests(), ends.lent.manifests()
    assert manifest.digest(theirs) == manifest.digest(ours) == told["digest"]
    assert {key: ends.held.read(key) for key in IMAGES} == IMAGES
    assert (told["sent"], told["is_new"]) == (3, True)
    assert list((ends.folder / "inbox/lung-copy/objects").iterdir()) == []


def test_both_ends_write_down_who_lent_what(ends: Ends) -> None:
    told = ends.lend()
    assert ends.events() == ["lending", "received", "lent"]
    for event, line in ends.lines:
        assert line["manifest"] == told["digest"], event
        assert (line["by"], line["permit"], line["objects"]) == (JOB["by"], "TEST-1", 3), event
        assert line["until"] == JOB["until"], event
    assert ends.lines[1][1]["bytes_in"] == ends.lines[2][1]["bytes_out"] == told["bytes"]


def test_the_same_again_sends_nothing(ends: Ends) -> None:
    ends.lend()
    ends.sent.clear()
    assert not ends.lend()["is_new"]
    assert ends.sent == ["GET /v1/copies/lung-ct"]
    assert ends.events() == ["lending", "received", "lent"]


def test_the_next_version_sends_what_is_new_and_leaves_nothing_of_the_last(ends: Ends) -> None:
    ends.lend()
    kept = {key: data for key, data in IMAGES.items() if not key.startswith("S2/")}
    ends.lent.freeze({**kept, "S3/1.4/1.4.1_CT/1.dcm": b"DICM four"})
    told = ends.lend()
    assert (told["version"], told["sent"]) == (2, 1)
    assert [one["version"] for one in ends.held.manifests()] == [2]
    assert not [key for key in ends.held.objects if key.startswith("S2/")]
    assert all(len(versions) == 1 for versions in ends.held.objects.values())


def test_what_was_cut_short_goes_on_where_it_was(
    ends: Ends, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[Any] = []

    def cut(entry: Any, storage: Any, link: Any) -> None:  # noqa: ANN401 - what is stood in for
        if len(done) == 2:
            raise Refused("the line was cut")
        done.append(entry)
        carry(entry, storage, link)

    carry = lending._carry
    monkeypatch.setattr(lending, "SIDE_BY_SIDE", 1)
    monkeypatch.setattr(lending, "_carry", cut)
    with pytest.raises(Refused, match="the line was cut"):
        ends.lend()
    monkeypatch.setattr(lending, "_carry", carry)
    assert ends.held.manifests() == ()
    assert ends.lend()["sent"] == 1


def test_bytes_that_changed_on_the_way_are_not_taken(ends: Ends) -> None:
    ends.damage = True
    with pytest.raises(Refused, match="not those that were announced"):
        ends.lend()
    assert list((ends.folder / "inbox/lung-copy/objects").iterdir()) == []
    assert ends.held.objects == {}


def test_bytes_that_changed_in_the_inbox_are_refused_told_and_sent_again(ends: Ends) -> None:
    sha = hashlib.sha256(IMAGES["S1/1.2/1.2.3_CT/1.dcm"]).hexdigest()
    (ends.folder / "inbox/lung-copy/objects" / sha).write_bytes(b"DICM 0ne")
    with pytest.raises(Refused, match="1 objects are not what the manifest says"):
        ends.lend()
    assert ends.events() == ["lending", "refused", "lent"]
    assert ends.lines[-1][1]["outcome"] == "refused"
    assert ends.held.objects == {}
    assert ends.lend()["sent"] == 1


def test_an_object_that_the_hospital_spoilt_is_not_sent(ends: Ends) -> None:
    ends.lent.spoils.add("S1/1.2/1.2.3_CT/1.dcm")
    with pytest.raises(Refused, match="cairn dataset verify"):
        ends.lend()
    assert ends.held.objects == {}


def test_who_withdraws_while_it_is_sent_is_not_delivered(
    ends: Ends, monkeypatch: pytest.MonkeyPatch
) -> None:
    def leaves(entry: Any, storage: Any, link: Any) -> None:  # noqa: ANN401
        carry(entry, storage, link)
        one = {**ends.lent.manifests()[0], "withdrawals": [{"at": "now", "formerly": "x"}]}
        data = manifest.written(one)
        ends.lent.put(manifest.entry_of(manifest.name(1), data), data)

    carry = lending._carry
    monkeypatch.setattr(lending, "_carry", leaves)
    with pytest.raises(Refused, match="withdrew from the version"):
        ends.lend()
    assert ends.held.objects == {}


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"permits": []}, "which the spec has not for lung-ct"),
        ({"permits": [{**PERMIT, "expires": "2026-11-28"}]}, "ended on 2026-11-28"),
        ({"permits": [{**PERMIT, "datasets": ["other"]}]}, "which the spec has not for lung-ct"),
        ({"version": 7}, "it has no version 7"),
    ],
)
def test_what_may_not_be_lent_is_not_sent(ends: Ends, changes: dict[str, Any], why: str) -> None:
    with pytest.raises(Refused, match=why):
        ends.lend(**changes)
    assert not [one for one in ends.sent if one.startswith("PUT")]
    assert ends.lines == []


def test_a_node_that_is_not_named_is_refused(ends: Ends) -> None:
    with pytest.raises(Refused, match=r"refused \(403\): the spec of compute-a has no data set"):
        ends.lend("hospital-b")
    assert ends.lines == []


def test_another_name_and_another_federation_get_nothing(ends: Ends) -> None:
    ends.close()
    ends.open("another.hub.demo.example")
    with pytest.raises(Refused, match=r"what answers is not compute-a\.hub\.demo\.example"):
        ends.link().state()
    with pytest.raises(Refused, match="what answers is not"):
        ends.link(authority=Authority().pem).state()


def test_the_way_goes_through_the_proxy_and_the_name_is_still_looked_at(ends: Ends) -> None:
    proxy = Proxy()
    assert ends.link(proxy=proxy.end).state()["held"] is None
    assert ends.server is not None
    verb, end, _ = proxy.asked[0].split()
    assert (verb, end) == ("CONNECT", f"127.0.0.1:{ends.server.server_port}")
    with pytest.raises(Refused, match="what answers is not"):
        ends.link(proxy=proxy.end, authority=Authority().pem).state()


def test_a_node_that_is_away_is_told_and_nothing_is_written_down(ends: Ends) -> None:
    link = ends.link()
    ends.close()
    with pytest.raises(Refused, match=r"cannot be reached \(ConnectionRefusedError"):
        link.state()


@pytest.mark.parametrize(
    ("told", "why"),
    [
        ({"permits": []}, "has no live permit for lung-copy"),
        ({"size": 10}, r"refused \(507\)"),
    ],
)
def test_the_compute_node_refuses_what_it_may_not_hold(
    ends: Ends, told: dict[str, Any], why: str
) -> None:
    ends.told.update(told)
    ends.settle()
    with pytest.raises(Refused, match=why):
        ends.lend()
    assert ends.held.objects == {}


def test_who_still_sends_comes_to_read_why_it_is_refused(ends: Ends) -> None:
    ends.lent.freeze({"S4/1.5/1.5.1_CT/1.dcm": b"DICM" + bytes(2**25)})
    ends.told["size"] = 10
    ends.settle()
    with pytest.raises(Refused, match="its operators enlarge storage"):
        ends.lend()


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"node": "hospital-b"}, "is of lung-ct of hospital-b"),
        ({"dataset": "other"}, "is of other of hospital-a"),
    ],
)
def test_a_manifest_of_other_data_is_refused(ends: Ends, changes: dict[str, Any], why: str) -> None:
    ends.lent.freeze(IMAGES, **changes)
    with pytest.raises(Refused, match=why):
        ends.lend()
    assert ends.held.objects == {}


@pytest.mark.parametrize(
    "key", ["../up/1.dcm", "/etc/1.dcm", "manifests/S1/1.dcm", "S1//1.dcm", "S1/.hidden", "1.dcm"]
)
def test_a_key_that_is_no_name_is_refused(ends: Ends, key: str) -> None:
    ends.lent.freeze({key: b"DICM"})
    with pytest.raises(Refused, match="is no name of an object"):
        ends.lend()
    assert ends.held.objects == {}


def test_a_digest_that_is_a_path_is_refused(ends: Ends) -> None:
    one = ends.lent.manifests()[0]
    said = {
        "manifest": manifest.written(
            {**one, "objects": [{"key": "S1/1.dcm", "size": 1, "sha256": "../../told.json"}]}
        ).decode(),
        "until": JOB["until"],
        "by": JOB["by"],
    }
    with pytest.raises(Refused, match="is no name of an object"):
        ends.copy().take_in(said, today=NOON.date(), at="now")


def test_a_delivery_that_is_no_delivery_is_refused_and_gone(ends: Ends) -> None:
    ends.link().hand_in("delivery", {"manifest": 7})
    assert "not whole" in taking.look_after(ends.copy(), now=NOON)
    assert not ends.link().state()["waiting"]
    assert ends.events() == ["refused"]


def test_nothing_is_taken_while_a_delivery_is_judged(ends: Ends) -> None:
    ends.link().hand_in("delivery", {})
    with pytest.raises(Refused, match=r"refused \(409\)"):
        ends.link().hand_in("delivery", {})


def test_a_recalled_copy_leaves_nothing(ends: Ends) -> None:
    ends.lend()
    told = ends.recall()
    assert told["was"]["version"] == 1
    assert ends.held.objects == {}
    assert ends.events()[-2:] == ["recalled", "deleted"]
    assert ends.recall()["was"] is None


@pytest.mark.parametrize("day", ["2027-04-01", "2027-12-31"])
def test_a_copy_ends_with_the_consent_or_the_permit(ends: Ends, day: str) -> None:
    until = "2027-03-31" if day.startswith("2027-04") else "2028-12-31"
    ends.lend(until=until)
    last = NOON.replace(year=int(day[:4]), month=int(day[5:7]), day=int(day[8:]))
    assert taking.look_after(ends.copy(), now=last - timedelta(days=1)) == ""
    assert "the copy was deleted" in taking.look_after(ends.copy(), now=last)
    assert ends.held.objects == {}
    assert ends.link().state()["held"] is None
    assert taking.look_after(ends.copy(), now=last) == ""


def test_a_consent_that_ended_on_the_way_is_refused(ends: Ends) -> None:
    with pytest.raises(Refused, match="the consent ended on 2026-11-28"):
        ends.lend(until="2026-11-28")


def test_what_never_got_a_last_word_goes_after_two_days(ends: Ends) -> None:
    objects = ends.folder / "inbox/lung-copy/objects"
    (objects / ("a" * 64)).write_bytes(b"left")
    taking.look_after(ends.copy(), now=NOON)
    assert list(objects.iterdir())
    old = time.time() - 3 * 86400
    os.utime(objects / ("a" * 64), (old, old))
    taking.look_after(ends.copy(), now=NOON)
    assert list(objects.iterdir()) == []


def test_what_cannot_be_written_down_is_not_done(ends: Ends) -> None:
    def full(event: str, words: object) -> None:
        raise Refused(f"the account does not take {event}: {words}")

    ends.note = full  # type: ignore[method-assign]
    with pytest.raises(Refused, match="the account does not take lending"):
        ends.lend()
    assert not [one for one in ends.sent if one.startswith("PUT")]


def test_an_object_that_takes_its_name_meanwhile_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "whole").write_bytes(b"12345")
    monkeypatch.setattr(Path, "iterdir", lambda self: iter([self / "part-x", self / "whole"]))
    seen = [(file.name, state.st_size) for file, state in places.lying(tmp_path)]
    assert seen == [("whole", 5)]
