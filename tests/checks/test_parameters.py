"""Thresholds are typed and each says where it comes from."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest

from cairn.checks.parameters import load, months_after
from cairn.errors import PolicyError

if TYPE_CHECKING:
    from pathlib import Path

ENTRY = (
    "parameters:\n  - {name: most, value: 3, why: a reason, source: a standard, tighter: lower}\n"
)


def test_a_later_file_wins(tmp_path: Path) -> None:
    first, second = tmp_path / "a.yaml", tmp_path / "b.yaml"
    first.write_text(ENTRY)
    second.write_text(ENTRY.replace("3", "2"))
    assert load([first, second]).number("most") == 2


@pytest.mark.parametrize(
    "text",
    [
        "",
        "parameters: 3",
        "[1, 2",
        "parameters: [{name: most, value: 3, why: no source}]",
        "parameters: [most]",
        "parameters: [{name: a, value: 3, why: b, source: c, tighter: softer}]",
        "parameters: [{name: a, value: 3, why: b, source: c, loose: yes}]",
        "other: []",
    ],
)
def test_a_broken_file_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "parameters.yaml"
    file.write_text(text)
    with pytest.raises(PolicyError, match=r"parameters\.yaml"):
        load([file])


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match=r"nowhere\.yaml"):
        load([tmp_path / "nowhere.yaml"])


@pytest.mark.parametrize(
    ("day", "months", "later"),
    [
        (date(2026, 1, 31), 1, date(2026, 2, 28)),
        (date(2026, 8, 31), 6, date(2027, 2, 28)),
        (date(2027, 8, 31), 6, date(2028, 2, 29)),
        (date(2026, 12, 15), 1, date(2027, 1, 15)),
        (date(2026, 6, 30), 6, date(2026, 12, 30)),
        (date(2026, 3, 1), 24, date(2028, 3, 1)),
    ],
)
def test_months_end_on_the_same_day_or_the_last(day: date, months: int, later: date) -> None:
    assert months_after(day, months) == later
