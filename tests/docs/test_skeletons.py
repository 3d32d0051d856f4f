"""Pages of a kind are built alike, so that a reader knows where to look."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from docs.pages import DOCS, GUIDE, RUNBOOKS, headings, named, section

if TYPE_CHECKING:
    from pathlib import Path

OF_A_GUIDE = [
    "For whom",
    "Before you start",
    "Steps",
    "What you should see",
    "If it goes wrong",
]
OF_A_RUNBOOK = ["Symptom", "What it means for patients' data", "Check", "Fix", "Who to call"]
STEP = re.compile(r"(?m)^(\d+)\. ")


@pytest.mark.parametrize("page", GUIDE, ids=named)
def test_a_page_of_the_guide_follows_its_skeleton(page: Path) -> None:
    assert headings(page) == OF_A_GUIDE


@pytest.mark.parametrize("page", RUNBOOKS, ids=named)
def test_a_runbook_follows_its_skeleton(page: Path) -> None:
    assert headings(page) == OF_A_RUNBOOK


@pytest.mark.parametrize("page", [*GUIDE, *RUNBOOKS], ids=named)
def test_no_part_of_a_page_is_empty(page: Path) -> None:
    empty = [title for title in headings(page) if not section(page, title).strip()]
    assert empty == []


@pytest.mark.parametrize("page", GUIDE, ids=named)
def test_steps_are_counted_without_a_gap(page: Path) -> None:
    numbers = [int(number) for number in STEP.findall(section(page, "Steps"))]
    assert numbers == list(range(1, len(numbers) + 1))
    assert numbers


def test_a_hospital_is_onboarded_in_at_most_ten_steps() -> None:
    assert len(STEP.findall(section(DOCS / "guide" / "onboard.md", "Steps"))) <= 10


def test_each_step_of_the_onboarding_says_what_it_changes_and_gives_the_command() -> None:
    steps = STEP.split(section(DOCS / "guide" / "onboard.md", "Steps"))[2::2]
    silent = [step[:60] for step in steps if "Changes: " not in step]
    without = [step[:60] for step in steps if not re.search(r"(?m)^\n? {6,}\S", step)]
    assert (silent, without) == ([], [])


def test_there_is_a_runbook_for_each_usual_symptom() -> None:
    wanted = {
        "host-does-not-answer",
        "host-key-changed",
        "stack-is-locked",
        "role-failed",
        "drift-found",
        "verify-finds-something",
        "sandbox-does-not-start",
        "mirror-unreachable",
        "locked-out-of-ssh",
        "firewall-rolled-back",
        "disk-full",
        "state-lost",
    }
    assert wanted <= {page.stem for page in RUNBOOKS}
