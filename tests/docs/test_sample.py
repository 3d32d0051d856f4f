"""The sample of the guide is a spec that passes, and its picture is what `cairn show` draws."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest

from cairn.checks.engine import judge_plan, judge_spec
from cairn.checks.registry import load
from cairn.plan.derive import derive
from cairn.spec.loader import load_node
from cairn.stack.places import places
from docs.pages import DOCS, code
from docs.pictures import PICTURE, ROOT, SAMPLE, cairn, house_of_sample

if TYPE_CHECKING:
    from pathlib import Path

    from cairn.checks.registry import Catalogue
    from cairn.spec.document import Document

POLICIES = DOCS / "guide" / "example-policies"
#: The sample names days; they are judged as on this one.
TODAY = date(2026, 11, 22)


@pytest.fixture
def house(tmp_path: Path) -> Path:
    return house_of_sample(tmp_path)


@pytest.fixture
def sample(house: Path, monkeypatch: pytest.MonkeyPatch) -> Document:
    monkeypatch.setenv("CAIRN_HOME", str(house))
    return load_node(SAMPLE.stem)


@pytest.fixture(scope="module")
def policy() -> Catalogue:
    """Our policy with the example of a consortium's, which names the sample's approver."""
    return load([ROOT / "policies", POLICIES])


def test_the_sample_passes_every_check(sample: Document, policy: Catalogue) -> None:
    plan = derive(sample, places(sample))
    judged = (
        judge_spec(sample, today=TODAY, catalogue=policy),
        judge_plan(sample, plan, today=TODAY, catalogue=policy),
    )
    assert [finding for each in judged for finding in each.blocking] == []


def test_the_picture_is_what_the_sample_says(house: Path) -> None:
    drawn = cairn(house, "show", SAMPLE.stem, "--format", "svg")
    assert PICTURE.read_text(encoding="utf-8") == drawn, "run `python tests/docs/pictures.py`"


def test_the_flows_that_the_firewall_team_reads_are_those_of_the_sample(house: Path) -> None:
    shown = [" ".join(line.split()) for line in cairn(house, "show", SAMPLE.stem).splitlines()]
    page = code(DOCS / "guide" / "firewall-team.md")
    quoted = [" ".join(line.split()) for line in page if " tcp " in line or " udp " in line]
    listed = [line.partition(" […")[0] for line in quoted if line.endswith("]")]
    assert len(listed) > 4
    assert [line for line in listed if not any(one.startswith(line) for one in shown)] == []
