"""Frameworks are told as the control files in force say, or as not listed in full."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from cairn.checks import bundle, registry
from cairn.checks.verdicts import Verdict
from cairn.errors import PolicyError
from cairn.evidence import frameworks

if TYPE_CHECKING:
    from pathlib import Path

    from cairn.checks.registry import Catalogue

FILE = """\
framework: GDPR
title: General Data Protection Regulation
version: "2016/679"
controls:
  - {id: "32(1)(b)", title: Confidentiality, status: automated, checks: [HST-01, HST-03]}
  - {id: "37", title: Officer, status: manual, reason: an appointment, checks: []}
"""


@pytest.fixture
def policy(tmp_path: Path) -> Catalogue:
    """The catalogue, with the control file of one framework in force."""
    (tmp_path / "controls").mkdir()
    (tmp_path / "controls" / "gdpr.yaml").write_text(FILE)
    return replace(registry.catalogue(), bundles=(bundle.read(tmp_path),))


def test_a_control_file_lists_all_demands_with_the_worst_verdict(policy: Catalogue) -> None:
    verdicts = {"HST-01": [Verdict.PASS, Verdict.FAIL], "HST-03": [Verdict.PASS]}
    (gdpr,) = [one for one in frameworks.frameworks(policy, verdicts) if one.name == "GDPR"]
    assert gdpr.total
    assert [(one.id, one.status, one.verdict) for one in gdpr.controls] == [
        ("32(1)(b)", "automated", Verdict.FAIL),
        ("37", "manual", None),
    ]


def test_a_framework_without_its_file_is_known_by_what_checks_support(policy: Catalogue) -> None:
    found = {one.name: one for one in frameworks.frameworks(policy, {})}
    assert not found["NIS2"].total
    assert found["NIS2"].version == ""
    assert {one.status for one in found["NIS2"].controls} == {"supported"}


def test_no_clause_that_a_check_supports_is_lost() -> None:
    policy = registry.catalogue()
    found = {one.name: one for one in frameworks.frameworks(policy, {})}
    for check in policy.checks:
        for clause in check.supports:
            family = clause.partition(" ")[0]
            known = {name for one in found[family].controls for name in one.checks}
            assert check.id in known


def test_a_control_file_that_names_an_unknown_check_makes_no_report(policy: Catalogue) -> None:
    file = policy.bundles[0].folder / "controls" / "gdpr.yaml"
    file.write_text(FILE.replace("HST-03", "HST-99"))
    with pytest.raises(PolicyError, match=r"gdpr\.yaml: control 32\(1\)\(b\) names check HST-99"):
        frameworks.frameworks(policy, {})


def test_clauses_stand_alone_and_parts_keep_their_name() -> None:
    found = {one.name: one for one in frameworks.frameworks(registry.catalogue(), {})}
    assert {"73(1)(a)", "73(1)(d)"} <= {one.id for one in found["EHDS"].controls}
    assert "73(1)(a) 73(1)(d)" not in {one.id for one in found["EHDS"].controls}
    assert {"E.2", "E.3.1"} <= {one.id for one in found["DICOM"].controls}
    assert all(family in frameworks.FAMILIES for family in found)


@pytest.mark.parametrize(
    "text", ["controls: [", "- a list", "framework: X\ncontrols: [{title: y}]"]
)
def test_a_control_file_that_cannot_be_read_is_told(policy: Catalogue, text: str) -> None:
    (policy.bundles[0].folder / "controls" / "gdpr.yaml").write_text(text)
    with pytest.raises(PolicyError, match=r"gdpr\.yaml"):
        frameworks.frameworks(policy, {})
