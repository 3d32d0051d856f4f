"""The report of a fleet holds every verdict of every node, small enough for a browser."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from cairn.checks.verdicts import Verdict
from cairn.evidence import build, fleet, fleet_html, publish
from evidence import samples

if TYPE_CHECKING:
    from pathlib import Path

    from cairn.evidence.build import Made
    from cairn.evidence.fleet import Fleet

NOW = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)
EVIL = "</script><script>alert(1)</script>"


def newest(made: Made) -> fleet.Newest:
    return fleet.Newest(build.Before(made.report, f"sha256:{64 * '1'}"))


@pytest.fixture
def composed(made: Made, tmp_path: Path) -> Fleet:
    """Three nodes: one of them tampered with, one without a report."""

    def tamper(check: str, rounds: samples.Rounds) -> None:
        samples.passwords_on(check, rounds)
        if check == "HST-03":
            rounds[0]["loaded"] = [1, EVIL]

    bad = build.build(samples.gathered(tmp_path, tamper=tamper))
    silent = fleet.Newest(None, "there is no report yet")
    return fleet.compose({"a": newest(made), "b": newest(bad), "c": silent}, NOW)


def test_every_verdict_is_there_as_a_letter(composed: Fleet, made: Made) -> None:
    letters = {letter: verdict for verdict, letter in fleet.LETTERS.items()}
    (node, _, _) = composed.nodes
    for one in made.report.questions:
        column = [check.id for check in composed.checks].index(one.check)
        told = letters[node.asked[one.asked][column]]
        assert told is one.verdict or one.check == "GOV-06"
    told_of = sum(len(line.replace(" ", "")) for line in node.asked.values())
    # Checks of every moment are asked of the node twice and told once.
    twice = sum(check.moment == "every" for check in made.report.checks)
    assert told_of == made.report.totals.questions - twice


def test_what_is_open_has_its_words(composed: Fleet) -> None:
    _, bad, missing = composed.nodes
    assert {"HST-01", "HST-03"} <= {one.check for one in bad.findings}
    assert bad.blocking == len([one for one in bad.findings if one.verdict is not Verdict.WAIVED])
    assert missing.told == "there is no report yet"


def test_a_node_without_a_report_is_never_well(composed: Fleet) -> None:
    text = fleet_html.render(composed).decode()
    assert "0 of 3 nodes have nothing open" in text
    assert text.index('data-node="c"') < text.index('data-node="b"') < text.index('data-node="a"')


def test_what_a_host_says_stays_text(composed: Fleet) -> None:
    text = fleet_html.render(composed).decode()
    assert EVIL not in text
    data = re.search(r'<script type="application/json" id="data">(.*?)</script>', text)
    assert data
    assert "<" not in data[1]


def test_a_report_that_was_altered_is_not_taken(house: Path, tmp_path: Path) -> None:
    made = publish.publish(samples.gathered(tmp_path), ("junit",))
    file = made.folder / "report.json"
    file.write_bytes(file.read_bytes()[:-5])
    (node,) = fleet.publish(("test-hospital",), NOW).fleet.nodes
    assert "its newest report cannot be read" in node.missing
    assert node.counts == {}


def test_three_hundred_nodes_are_less_than_five_megabytes(made: Made, tmp_path: Path) -> None:
    bad = build.build(samples.gathered(tmp_path, tamper=samples.passwords_on))
    nodes = {f"node-{number}": newest(bad if number % 5 else made) for number in range(300)}
    assert len(fleet_html.render(fleet.compose(nodes, NOW))) < 5_000_000
