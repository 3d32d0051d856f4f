"""The register: a key is taken in once, who is out stays out, and the history shows each change."""

from __future__ import annotations

import hashlib
import json
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from federation.registry import agent_key, running

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from federation.registry import Register


@pytest.fixture
def register(tmp_path: Path) -> Iterator[Register]:
    with running(tmp_path) as made:
        yield made


@pytest.fixture
def enrolled(register: Register) -> Register:
    """A register with one node, which shows the certificate A1."""
    assert register.enrol("hospital-a", agent_key(), register.invite("hospital-a")) == (200, "")
    return register


def test_who_was_never_invited_does_not_pass(register: Register) -> None:
    assert register.may_pass("hospital-a") == 403
    assert register.may_pass("") == 403
    assert register.may_pass("Robert'); DROP TABLE nodes") == 403
    status, why = register.enrol("hospital-a", agent_key(), "1")
    assert (status, why) == (403, "this node is unknown; ask the operators of the hub")


def test_an_invited_node_passes_once_it_has_enrolled(register: Register) -> None:
    invitation, key = register.invite("hospital-a"), agent_key()
    assert register.may_pass("hospital-a") == 403
    assert register.enrol("hospital-a", key, invitation) == (200, "")
    assert register.may_pass("hospital-a") == 204
    told = register.node("hospital-a")
    assert (told["status"], told["agent_key"]) == ("enrolled", key)
    assert told["certificate_ends"] == "2099-12-05T12:00:00Z"
    assert told["versions"] == {"cairn": "0.1.0"}


def test_an_enrolment_that_was_cut_short_is_said_again_without_harm(register: Register) -> None:
    invitation, key = register.invite("hospital-a"), agent_key()
    for _ in range(2):
        assert register.enrol("hospital-a", key, invitation) == (200, "")


def test_an_invitation_counts_once_and_for_its_node(register: Register) -> None:
    first, other = register.invite("hospital-a"), register.invite("hospital-b")
    assert "counts no more" in register.enrol("hospital-a", agent_key(), other)[1]
    assert register.enrol("hospital-a", agent_key(), first)[0] == 200
    assert "counts no more" in register.enrol("hospital-a", agent_key(), first)[1]


def test_a_newer_invitation_ends_the_older_one(register: Register) -> None:
    older, newer = register.invite("hospital-a"), register.invite("hospital-a")
    assert "counts no more" in register.enrol("hospital-a", agent_key(), older)[1]
    assert register.enrol("hospital-a", agent_key(), newer)[0] == 200


def test_a_key_belongs_to_one_node(enrolled: Register) -> None:
    taken = enrolled.node("hospital-a")["agent_key"]
    told = enrolled.enrol("hospital-b", taken, enrolled.invite("hospital-b"), "B1")
    assert told == (403, "this key is another node's; make a new one")


def test_new_keys_end_what_the_node_had_before(enrolled: Register) -> None:
    invitation = enrolled.invite("hospital-a")
    assert enrolled.may_pass("hospital-a", "A1") == 204
    assert enrolled.enrol("hospital-a", agent_key(), invitation, "A2")[0] == 200
    assert enrolled.may_pass("hospital-a", "A2") == 204
    assert enrolled.may_pass("hospital-a", "A1") == 403
    assert enrolled.store.unwanted() == ["A1"]


def test_who_is_suspended_is_kept_out_and_let_in_again(enrolled: Register) -> None:
    enrolled.store.set_status("hospital-a", "suspended")
    assert enrolled.may_pass("hospital-a") == 403
    assert enrolled.post("/v1/hello", "hospital-a", {"versions": {}})[0] == 403
    enrolled.store.set_status("hospital-a", "enrolled")
    assert enrolled.may_pass("hospital-a") == 204
    assert enrolled.store.unwanted() == []


def test_who_is_revoked_stays_out_also_with_a_certificate_nobody_saw(enrolled: Register) -> None:
    changed = (enrolled.path.parent / "changed").stat().st_mtime_ns
    enrolled.store.set_status("hospital-a", "revoked")
    assert enrolled.may_pass("hospital-a", "A1") == 403
    assert enrolled.may_pass("hospital-a", "A9") == 403
    assert sorted(enrolled.store.unwanted()) == ["A1", "A9"]
    assert (enrolled.path.parent / "changed").stat().st_mtime_ns > changed
    with pytest.raises(enrolled.module.Refused, match="hospital-a is revoked"):
        enrolled.store.set_status("hospital-a", "suspended")
    # A new invitation lets it come back, with new keys only.
    invitation = enrolled.invite("hospital-a")
    assert enrolled.may_pass("hospital-a", "A1") == 403
    assert enrolled.enrol("hospital-a", agent_key(), invitation, "A1")[0] == 403
    assert enrolled.enrol("hospital-a", agent_key(), invitation, "A10")[0] == 200
    assert enrolled.may_pass("hospital-a", "A10") == 204


@pytest.mark.parametrize(
    "told",
    [
        [],
        {"agent_key": "ssh-rsa AAAA"},
        {"agent_key": 7},
        {"agent_key": "x" * 9000},
        {"agent_key": "ecdsa-sha2-nistp384 AAAA\nssh-rsa"},
    ],
)
def test_what_is_no_key_is_refused_and_changes_nothing(register: Register, told: object) -> None:
    register.invite("hospital-a")
    assert register.post("/v1/enrol", "hospital-a", told)[0] == 403
    assert register.node("hospital-a")["status"] == "invited"


def test_the_history_is_chained(enrolled: Register) -> None:
    enrolled.store.set_status("hospital-a", "suspended")
    rows = enrolled.store.base.execute("SELECT entry, digest FROM history ORDER BY number")
    before, acts = "", []
    for row in rows.fetchall():
        entry = json.loads(row["entry"])
        assert entry["previous"] == before
        before = hashlib.sha256(row["entry"].encode()).hexdigest()
        assert row["digest"] == before
        acts.append(entry["act"])
    assert acts == ["invited", "enrolled", "suspended"]


def test_forty_nodes_at_once_lose_nothing(register: Register) -> None:
    names = [f"hospital-{number}" for number in range(40)]
    open_ones = {name: register.invite(name) for name in names}
    keys = {name: agent_key() for name in names}

    def enrol(name: str) -> int:
        return register.enrol(name, keys[name], open_ones[name], f"C{names.index(name)}")[0]

    with ThreadPoolExecutor(20) as pool:
        assert set(pool.map(enrol, names)) == {200}
    told = {one["node"]: one["agent_key"] for one in register.store.every()}
    assert told == keys
