"""What is asked can be read: listed, explained, counted, compared."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from cairn import house
from cairn.checks import coverage, registry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from click.testing import Result

    Run = Callable[..., Result]

CHECK = '''\
"""What the atlas asks beyond."""

from cairn.checks.registry import check
from cairn.checks.verdicts import At, Severity


@check(
    id="ATL-01",
    title="The node has a name of the atlas",
    severity=Severity.LOW,
    supports=("EHDS 60",),
    remediation="Give it one.",
)
def name_is_of_the_atlas(document: "Document"):
    """Names without a prefix are taken twice."""
    yield document.spec.name.startswith("atlas-"), At(document.spec, "name"), document.spec.name
'''


@pytest.fixture
def atlas(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A bundle of a consortium: a check more, a threshold tighter, one looser on a waiver."""
    (tmp_path / "checks").mkdir()
    (tmp_path / "controls").mkdir()
    (tmp_path / "checks" / "atlas.py").write_text(CHECK)
    (tmp_path / "bundle.yaml").write_text('name: atlas\nversion: "2"\n')
    (tmp_path / "controls" / "parameters.yaml").write_text(
        "parameters:\n"
        "  - {name: log_keep_days, value: 730, why: w, source: s}\n"
        "  - name: clock_sources\n    value: 1\n    why: w\n    source: s\n"
        "    waiver: {reason: one receiver of satellites is enough, approved_by: a@b.example,"
        f" expires: {_soon()}}}\n"
    )
    monkeypatch.setenv("CAIRN_POLICIES", str(tmp_path))
    registry.catalogue.cache_clear()
    yield tmp_path
    registry.catalogue.cache_clear()


def _soon() -> str:
    from datetime import UTC, datetime, timedelta  # noqa: PLC0415 - of this one line

    return str(datetime.now(UTC).date() + timedelta(days=30))


def test_every_check_and_the_bundle_are_listed(run: Run) -> None:
    result = run("policy", "list")
    assert result.exit_code == 0
    assert "cairn 0.1.0  sha256:" in result.stdout
    assert all(one.id in result.stdout for one in registry.catalogue().checks)


def test_a_threshold_that_was_loosened_is_listed_with_who_took_it_on(run: Run, atlas: Path) -> None:
    told = run("policy", "list").stdout
    assert "atlas 2  sha256:" in told
    assert "loosened clock_sources: 2 -> 1 until" in told
    assert "by a@b.example: one receiver of satellites is enough" in told


def test_a_program_reads_the_list(run: Run, atlas: Path) -> None:
    found = json.loads(run("policy", "list", "--format", "json").stdout)
    assert [one["name"] for one in found["bundles"]] == ["cairn", "atlas"]
    assert [one["name"] for one in found["loosened"]] == ["clock_sources"]
    assert "ATL-01" in {one["id"] for one in found["checks"]}


def test_a_check_is_explained_with_thresholds_and_demands(run: Run) -> None:
    told = run("policy", "explain", "log-01").stdout
    assert "LOG-01 Logs of access and activity are kept" in told
    assert "threshold   log_keep_days: 365" in told
    assert "supports    EHDS 73(1)(e) Logs name who had access" in told
    assert "supports    TEHDAS EHDSR-8 (framework not listed in full)" in told


@pytest.mark.parametrize("one", [each.id for each in registry.catalogue().checks])
def test_no_check_lacks_its_explanation(run: Run, one: str) -> None:
    result = run("policy", "explain", one)
    assert result.exit_code == 0
    assert "remedy" in result.stdout


def test_an_unknown_check_is_told_with_the_nearest(run: Run) -> None:
    result = run("policy", "explain", "STO-20")
    assert result.exit_code == 2
    assert "there is no check `STO-20`; did you mean `STO-0" in result.stderr


def test_coverage_tells_shares_and_what_is_not_listed(run: Run) -> None:
    result = run("policy", "coverage")
    assert result.exit_code == 0
    assert "ISO/IEC 27001:2022, Annex A" in result.stdout
    assert "not listed in full: BSI (" in result.stdout
    assert "they fulfil none" in result.stdout


def test_the_parts_of_a_framework_add_up(run: Run) -> None:
    found = json.loads(run("policy", "coverage", "--format", "json").stdout)["frameworks"]
    assert len(found) == 8
    for one in found:
        assert one["applicable"] == one["automated"] + one["partial"] + one["by_people"]


def test_the_committed_page_is_what_files_and_checks_say() -> None:
    ours = registry.load([house.root() / "policies"])
    committed = (house.root() / coverage.PAGE).read_text(encoding="utf-8")
    assert committed == coverage.page(ours), "run `cairn policy coverage --write` and commit"


def test_without_another_bundle_nothing_is_otherwise(run: Run) -> None:
    assert run("policy", "diff").stdout == "Nothing is asked otherwise.\n"


def test_what_another_bundle_asks_is_told(run: Run, atlas: Path) -> None:
    found = json.loads(run("policy", "diff", "--format", "json").stdout)["changes"]
    kinds = {one["what"]: one["kind"] for one in found}
    assert kinds == {
        "check ATL-01": "new",
        "threshold clock_sources": "looser",
        "threshold log_keep_days": "tighter",
        "demand EHDS 60": "changed",
    }


def test_two_folders_are_compared(run: Run, tmp_path: Path) -> None:
    for name, text in {
        "old": CHECK,
        "new": CHECK.replace("LOW", "HIGH").replace('"atlas-"', '"a-"'),
    }.items():
        (tmp_path / name / "checks").mkdir(parents=True)
        (tmp_path / name / "checks" / "atlas.py").write_text(text)
    result = run("policy", "diff", str(tmp_path / "old"), str(tmp_path / "new"))
    assert "changed  check ATL-01  severity low -> high; it asks otherwise" in result.stdout
    gone = run("policy", "diff", str(tmp_path / "old"), str(house.root() / "policies"))
    assert "gone  check ATL-01" in gone.stdout


@pytest.mark.parametrize("given", [["only-one"], ["nowhere", "neither"]])
def test_folders_that_will_not_do_are_told(run: Run, given: list[str]) -> None:
    result = run("policy", "diff", *given)
    assert result.exit_code in {2, 3}
    assert "Traceback" not in result.output
    assert result.stderr
