"""Control files are whole: every demand has a status and a reason, and checks agree with them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from cairn.checks import bundle, controls, registry
from cairn.checks.controls import ASKED, ControlFile, Demand
from cairn.errors import PolicyError

if TYPE_CHECKING:
    from pathlib import Path

    from cairn.checks.registry import Catalogue

POLICY = registry.catalogue()
FILES = {one.framework: one for one in controls.read(POLICY) if one.framework != "cairn-catalogue"}
SUPPORTED = controls.supporters(POLICY)
DEMANDS = [(file, demand) for file in FILES.values() for demand in file.demands]


def test_the_frameworks_are_those_that_were_wanted() -> None:
    assert set(FILES) == {"GDPR", "EHDS", "NIS2", "ISO", "EUCAIM-HB", "DICOM", "ANSSI"}


@pytest.mark.parametrize("name", FILES)
def test_every_clause_that_a_check_supports_is_a_demand_of_its_framework(name: str) -> None:
    assert set(SUPPORTED[name]) <= {one.id for one in FILES[name].demands}


@pytest.mark.parametrize(("file", "demand"), DEMANDS, ids=lambda one: getattr(one, "id", ""))
def test_a_demand_is_called_asked_exactly_where_a_check_supports_it(
    file: ControlFile, demand: Demand
) -> None:
    assert (demand.status in ASKED) == (demand.id in SUPPORTED[file.framework])


@pytest.mark.parametrize(("file", "demand"), DEMANDS, ids=lambda one: getattr(one, "id", ""))
def test_every_demand_has_a_title_and_a_reason(file: ControlFile, demand: Demand) -> None:
    assert file.title
    assert file.version
    assert demand.title
    assert len(demand.reason.split()) >= 3


def test_annex_a_is_whole() -> None:
    sizes = {"5": 37, "6": 8, "7": 14, "8": 34}
    wanted = [f"A.{part}.{one}" for part, size in sizes.items() for one in range(1, size + 1)]
    assert [one.id for one in FILES["ISO"].demands] == wanted


def test_the_recommendations_of_anssi_are_whole() -> None:
    assert [one.id for one in FILES["ANSSI"].demands] == [f"R{one}" for one in range(1, 81)]


def test_the_measures_of_nis2_are_whole() -> None:
    assert [one.id for one in FILES["NIS2"].demands] == [f"21(2)({one})" for one in "abcdefghij"]


def test_the_counts_of_a_framework_add_up() -> None:
    for file in FILES.values():
        assert sum(file.counts.values()) == len(file.demands)


@pytest.mark.parametrize(
    ("word", "found"),
    [
        ("ISO A.8.20 A.8.22", [("ISO", "A.8.20"), ("ISO", "A.8.22")]),
        ("NIS2 21(2)(e) (CIR 6.7 6.8)", [("NIS2", "21(2)(e)")]),
        ("DICOM PS3.15 E.2 E.3.1", [("DICOM", "E.2"), ("DICOM", "E.3.1")]),
        ("EUCAIM-HB Tab 7 Tab 8", [("EUCAIM-HB", "Tab 7"), ("EUCAIM-HB", "Tab 8")]),
        ("IHE ATNA ITI-19", [("IHE", "ATNA ITI-19")]),
    ],
)
def test_clauses_stand_alone_without_their_remarks(word: str, found: list[tuple[str, str]]) -> None:
    assert list(controls.clauses(word)) == found


@pytest.fixture
def policy(tmp_path: Path) -> Catalogue:
    """The catalogue, with a folder of control files of this test alone."""
    (tmp_path / "controls").mkdir()
    return replace(POLICY, bundles=(bundle.read(tmp_path),))


BROKEN = {
    "{id: a, status: automated, checks: [HST-99]}": "names check HST-99, which does not exist",
    "{id: a, status: automated, reason: no check}": "automated, and no check supports it",
    "{id: a, status: partial, checks: []}": "partial, and no check supports it",
    "{id: a, status: done}": "has status done; use one of automated, partial",
    "{id: a, status: manual}, {id: a, status: manual}": "control a is listed twice",
    "{title: a}": "has no id or no status",
    "a": "has no id or no status",
}


@pytest.mark.parametrize(("entries", "told"), BROKEN.items())
def test_a_control_file_that_is_wrong_is_refused(
    policy: Catalogue, entries: str, told: str
) -> None:
    file = policy.bundles[0].folder / "controls" / "x.yaml"
    file.write_text(f"framework: X\ncontrols: [{entries}]\n")
    with pytest.raises(PolicyError, match=rf"x\.yaml: .*{told}"):
        controls.read(policy)


def test_a_framework_in_two_files_is_refused(policy: Catalogue) -> None:
    for name in ("x.yaml", "y.yaml"):
        (policy.bundles[0].folder / "controls" / name).write_text("framework: X\ncontrols: []\n")
    with pytest.raises(PolicyError, match=r"y\.yaml: framework X is listed in another file too"):
        controls.read(policy)
