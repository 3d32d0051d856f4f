"""A check is refused at registration when it breaks the rules of its kind."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from cairn.checks.registry import Moment, load
from cairn.errors import PolicyError
from checks.trials import HEAD, one

if TYPE_CHECKING:
    from pathlib import Path

    from checks.trials import Maker

BODY = "yield True, At(document.spec), 'x'"


@pytest.mark.parametrize(
    ("before", "after", "fault"),
    [
        ("TST-01", "test-1", "id"),
        ("TST-01", "TST-1", "id"),
        ("The thing is right", "Ensure the thing is right", "commands"),
        ("The thing is right", "Verify that the thing is right", "commands"),
        ("The thing is right", "The thing must be right", "commands"),
        ("The thing is right", "The thing should be right", "commands"),
        ("The thing is right", "x" * 81, "longer than 80"),
        ("The thing is right", "", "empty"),
        ('"""Because it matters."""', "", "no docstring"),
        ('remediation="Put it right."', 'remediation=" "', "no remedy"),
        ("supports=()", "supports=(), applies=('T9',)", "somebody unknown"),
        ("document: Document", "document: Spec", "first parameter"),
        ("document: Document", "document", "first parameter"),
        ("(document: Document)", "()", "first parameter"),
        ("document: Document", "document: Document, more: int", "nothing of type int"),
    ],
)
def test_a_careless_check_is_refused(catalogue: Maker, before: str, after: str, fault: str) -> None:
    with pytest.raises(PolicyError, match=fault):
        catalogue(one(BODY).replace(before, after))


@pytest.mark.parametrize(
    ("subject", "moment"),
    [
        ("document: Document", Moment.SPEC),
        ("plan: Plan", Moment.PLAN),
        ("plan: Plan, document: Document", Moment.PLAN),
        ("host: EvidenceHost", Moment.HOST),
        ("waivers: Waivers", Moment.EVERY),
        ("document: 'cairn.spec.document.Document'", Moment.SPEC),
    ],
)
def test_the_moment_follows_from_the_first_parameter(
    catalogue: Maker, subject: str, moment: Moment
) -> None:
    (check,) = catalogue(one("yield None", subject=subject.replace("'", ""))).checks
    assert check.moment is moment


def test_a_doubled_id_is_refused_with_both_places(catalogue: Maker) -> None:
    with pytest.raises(PolicyError, match=r"TST-01 is registered twice, in .*made_up\.py and in"):
        catalogue(one(BODY) + one(BODY).replace("f_tst_01", "another"))


def test_two_checks_of_one_function_name_are_both_kept(catalogue: Maker) -> None:
    loaded = catalogue(one(BODY) + one(BODY, "TST-02").replace("f_tst_02", "f_tst_01"))
    assert [check.id for check in loaded.checks] == ["TST-01", "TST-02"]


def test_a_folder_without_checks_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match="has no checks"):
        load([tmp_path])


@pytest.mark.parametrize("source", ["def (", "import nothing_of_that_name", "x = 1 +", "undefined"])
def test_a_file_that_cannot_be_loaded_is_named(tmp_path: Path, source: str) -> None:
    (tmp_path / "checks").mkdir()
    (tmp_path / "checks" / "broken.py").write_text(source)
    with pytest.raises(PolicyError, match=r"broken\.py: cannot be loaded"):
        load([tmp_path])


def test_a_second_folder_adds_its_checks(tmp_path: Path) -> None:
    for name in ("ours", "theirs"):
        (tmp_path / name / "checks").mkdir(parents=True)
        check = one(BODY, f"{name[0].upper()}{name[1].upper()}-01")
        (tmp_path / name / "checks" / "same_name.py").write_text(HEAD + check)
    loaded = load([tmp_path / "ours", tmp_path / "theirs"])
    assert [check.id for check in loaded.checks] == ["OU-01", "TH-01"]


def test_the_engine_brings_neither_testinfra_nor_pulumi_with_it() -> None:
    code = (
        "import sys, cairn.checks.engine as engine; from cairn.checks import registry;"
        "registry.catalogue();"
        "print([one for one in ('testinfra', 'pulumi', 'ansible', 'rich') if one in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
