"""What root decides on a node, and what becomes of the copies of data sets."""

from __future__ import annotations

import json
import os
from argparse import Namespace
from typing import TYPE_CHECKING, Any

import pytest

from cairn_account import handing
from cairn_account.refusal import Refused
from cairn_approval import approvals, desk, holding, tidy

if TYPE_CHECKING:
    from pathlib import Path

RULES = {
    "node": "hospital-a",
    "datasets": ["lesions", "chests"],
    "permits": [{"id": "P-1", "datasets": ["lesions"], "expires": "2999-12-31"}],
}
APP = 32 * "ab"


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    told: list[dict[str, Any]] = []
    monkeypatch.setattr(
        handing, "tell", lambda event, words: told.append({"event": event, **words})
    )
    return told


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "rules.json").write_text(json.dumps(RULES))
    return tmp_path


def words(**changes: str) -> Namespace:
    given = {"app": APP, "dataset": "lesions", "permit": "P-1", "by": "dpo@hospital.example",
             "name": "", "version": "", "signed_by": ""}  # fmt: skip
    return Namespace(**{**given, **changes})


def test_what_is_approved_is_listed_and_in_the_account(
    folder: Path, lines: list[dict[str, Any]]
) -> None:
    told = desk.approve(words(), folder)
    assert (told["permit_ends"], told["by"]) == ("2999-12-31", "dpo@hospital.example")
    assert [line["event"] for line in lines] == ["approved"]
    (one,) = desk.listed(folder)["apps"]
    assert (one["app"], one["counts"]) == (APP, True)
    assert (folder / approvals.LIST).stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"app": "abc"}, "named by its whole SHA-256"),
        ({"by": "me"}, "named by a mail address"),
        ({"permit": "P-9"}, "has no permit P-9"),
        ({"dataset": "chests"}, "does not cover data set chests"),
        ({"dataset": "brains"}, "declares no data set brains"),
    ],
)
def test_what_cannot_be_approved_changes_nothing(
    folder: Path, lines: list[dict[str, Any]], changes: dict[str, str], why: str
) -> None:
    with pytest.raises(Refused, match=why):
        desk.approve(words(**changes), folder)
    assert lines == []
    assert desk.listed(folder)["apps"] == []


def test_without_the_account_nothing_is_approved(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def silent(*_: object) -> None:
        raise Refused("the account does not take a line")

    monkeypatch.setattr(handing, "tell", silent)
    with pytest.raises(Refused, match="does not take a line"):
        desk.approve(words(), folder)
    assert desk.listed(folder)["apps"] == []


def test_what_is_revoked_no_longer_counts(folder: Path, lines: list[dict[str, Any]]) -> None:
    desk.approve(words(), folder)
    desk.revoke(words(), folder)
    assert [line["event"] for line in lines] == ["approved", "revoked"]
    with pytest.raises(Refused, match="is not approved here"):
        desk.revoke(words(), folder)


def test_a_permit_that_has_ended_is_shown_with_its_approvals(
    folder: Path, lines: list[dict[str, Any]]
) -> None:
    desk.approve(words(), folder)
    ended = [{**RULES["permits"][0], "expires": "2020-01-01"}]  # type: ignore[dict-item]
    (folder / "rules.json").write_text(json.dumps({**RULES, "permits": ended}))
    (one,) = desk.listed(folder)["apps"]
    assert (one["counts"], one["why"]) == (False, "permit P-1 ended on 2020-01-01")


def copy(copies: Path, name: str, age: float) -> Path:
    made = copies / "lesions" / name
    made.mkdir(parents=True)
    (made / "one.dcm").write_bytes(b"DICM")
    os.utime(made, (1e9 - age, 1e9 - age))
    return made


def test_copies_go_when_nobody_used_them_lately(
    folder: Path, lines: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.time", lambda: 1e9)
    copies = folder / "copies"
    monkeypatch.setattr(holding, "COPIES", copies)
    older, newer = copy(copies, "v1", 20), copy(copies, "v2", 10)
    desk.approve(words(), folder)
    with holding.reading("lesions"):
        assert tidy.tidy(folder, idle=5) == {"deleted": []}
    assert tidy.tidy(folder, idle=60) == {"deleted": ["lesions/v1"]}
    assert not older.exists()
    assert tidy.tidy(folder, idle=5) == {"deleted": ["lesions/v2"]}
    assert not newer.exists()


def test_copies_go_when_no_approval_covers_them(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copies = folder / "copies"
    monkeypatch.setattr(holding, "COPIES", copies)
    copy(copies, "v1", 0)
    with holding.reading("lesions"):
        pass
    assert tidy.tidy(folder, idle=60) == {"deleted": ["lesions/v1"]}
