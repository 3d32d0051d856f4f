"""The account: lines that follow one another, written for those who may hand them in."""

from __future__ import annotations

import json
import socket
import threading
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import pytest

from cairn_account import chain, events, handing
from cairn_account.__main__ import record
from cairn_account.refusal import Refused

if TYPE_CHECKING:
    from pathlib import Path

NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for month, number in ((11, 1), (11, 2), (12, 3)):
        chain.append(tmp_path, {"event": "began", "samples": number}, now=NOON.replace(month=month))
    return tmp_path


def test_lines_follow_one_another_from_month_to_month(folder: Path) -> None:
    found = list(chain.lines(folder))
    assert [line["number"] for line in found] == [1, 2, 3]
    assert found[0]["previous"] == chain.NOTHING
    assert found[2]["previous"] == chain.digest(chain.written(found[1]))
    assert [file.name for file in chain.months(folder)] == ["2026-11.jsonl", "2026-12.jsonl"]


@pytest.mark.parametrize(
    ("old", "new"), [(b'"samples":1', b'"samples":9'), (b'"samples":2', b'"samples":9')]
)
def test_a_changed_line_is_found(folder: Path, old: bytes, new: bytes) -> None:
    file = folder / "2026-11.jsonl"
    file.write_bytes(file.read_bytes().replace(old, new))
    with pytest.raises(Refused, match="does not follow from the line before it"):
        list(chain.lines(folder))


def test_a_lost_line_is_found(folder: Path) -> None:
    file = folder / "2026-11.jsonl"
    file.write_bytes(b"".join(file.read_bytes().splitlines(keepends=True)[:1]))
    with pytest.raises(Refused, match=r"2026-12.jsonl:1: does not follow"):
        list(chain.lines(folder))


def test_a_line_that_a_power_cut_tore_goes_and_the_chain_goes_on(folder: Path) -> None:
    with (folder / "2026-12.jsonl").open("ab") as file:
        file.write(b'{"event":"beg')
    chain.append(folder, {"event": "ended"}, now=NOON.replace(month=12))
    assert [line["number"] for line in chain.lines(folder)] == [1, 2, 3, 4]


def test_months_go_as_a_whole_and_the_rest_still_holds(folder: Path) -> None:
    assert chain.drop(folder, 30, today=date(2026, 12, 30)) == ()
    assert chain.drop(folder, 30, today=date(2026, 12, 31)) == ("2026-11.jsonl",)
    assert [line["number"] for line in chain.lines(folder)] == [3]
    assert chain.drop(folder, 30, today=date(2030, 1, 1)) == ()


@pytest.mark.parametrize(
    "event",
    [
        [],
        {"event": "approved"},
        {"event": "began", "patient": "X"},
        {"event": "began", "name": "x" * 401},
        {"event": "began", "name": "line\nbreak"},
        {"event": "began", "samples": -1},
        {"event": "began", "samples": True},
        {"event": "began", "samples": "3"},
    ],
)
def test_only_known_words_of_known_events_are_taken_of_an_agent(event: object) -> None:
    with pytest.raises(Refused):
        events.judged(event, user="cairn-fl-agent")


@pytest.mark.parametrize(
    ("user", "event", "fits"),
    [
        ("cairn-lending", "lent", True),
        ("cairn-lending", "received", False),
        ("cairn-lending", "began", False),
        ("cairn-receiving", "received", True),
        ("cairn-receiving", "approved", False),
        ("cairn-fl-agent", "lent", False),
        ("root", "lent", False),
    ],
)
def test_each_user_records_what_it_does_and_nothing_else(user: str, event: str, fits: bool) -> None:  # noqa: FBT001
    line = {"event": event, "dataset": "lung-ct", "objects": 3, "until": "2027-03-31"}
    if fits:
        assert events.judged(line, user=user) == line
    else:
        with pytest.raises(Refused, match="may not be recorded by this user"):
            events.judged(line, user=user)


def served(path: Path, folder: Path) -> threading.Thread:
    """Take one line at a socket, as systemd lets the program do it."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen()

    def once() -> None:
        with listener, listener.accept()[0] as link:
            record(link, folder)

    thread = threading.Thread(target=once)
    thread.start()
    return thread


def told(path: Path, folder: Path, event: str, **words: Any) -> str:  # noqa: ANN401 - plain data
    taker = served(path, folder)
    try:
        return handing.tell(event, words, path)
    finally:
        taker.join()


def test_a_line_that_is_handed_in_is_answered_with_its_digest(tmp_path: Path) -> None:
    answer = told(tmp_path / "socket", tmp_path, "began", run="7", why="a\nb" + 500 * "x")
    (line,) = chain.lines(tmp_path)
    assert answer == chain.digest(chain.written(line))
    assert (line["event"], line["run"], len(line["why"])) == ("began", "7", 400)


def test_a_line_that_is_not_taken_stops_what_it_is_about(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="is no word of an account"):
        told(tmp_path / "socket", tmp_path, "began", patient="X")
    with pytest.raises(Refused, match="nothing runs without"):
        handing.tell("began", {}, tmp_path / "nothing")


def test_each_line_is_json_that_others_can_read(folder: Path) -> None:
    for line in (folder / "2026-11.jsonl").read_text().splitlines():
        assert {"at", "event", "number", "previous"} <= set(json.loads(line))
