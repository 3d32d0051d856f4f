"""What is made of a report is what the standard of each format wants, and loses nothing."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from argparse import Namespace
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from trestle.core.validator_factory import validator_factory
from trestle.oscal.assessment_results import AssessmentResults
from trestle.oscal.component import ComponentDefinition

from cairn.checks.verdicts import Verdict
from cairn.cli import report as command
from cairn.evidence import build, formats, junit, oscal_component, oscal_results, sarif
from checks.approvals import signed
from evidence import samples

if TYPE_CHECKING:
    from pathlib import Path

    from cairn.evidence.build import Made
    from cairn.evidence.formats import Source

#: Everything that trestle judges a document by: names used twice, references, links.
VALID = validator_factory.get(Namespace(mode="all")).model_is_valid
#: RFC 9562, section 5.5: what OSCAL takes for a UUID.
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


@pytest.fixture
def bad(tmp_path: Path) -> Source:
    """A second report: passwords are on, and the firewall could not be read."""

    def tamper(check: str, rounds: samples.Rounds) -> None:
        samples.passwords_on(check, rounds)
        samples.silent(check, rounds)

    first = build.build(samples.gathered(tmp_path))
    before = build.Before(first.report, f"sha256:{64 * '1'}")
    waiver = {
        "check": "STO-02", "reason": "disk encryption arrives with the new array",
        "approved_by": "dpo@hospital.example", "expires": "2027-01-31",
    }  # fmt: skip
    changes = {
        "storage.encryption": None,
        "compliance": {"waivers": [signed("test-hospital", waiver)]},
    }
    again = samples.gathered(tmp_path, day=1, tamper=tamper, **changes)
    return formats.source(build.build(again, before))


def test_the_command_line_knows_every_format() -> None:
    assert tuple(formats.FORMATS) == command.FORMATS


def test_only_what_is_wanted_is_made(made: Made) -> None:
    assert set(formats.render(made, ("sarif",))) == {"report.sarif"}
    assert set(formats.render(made)) == {one.file for one in formats.FORMATS.values()}


def test_trestle_reads_the_assessment_results(bad: Source, tmp_path: Path) -> None:
    file = tmp_path / "results.json"
    file.write_bytes(oscal_results.render(bad))
    read = AssessmentResults.oscal_read(file)
    assert read is not None
    assert read.metadata.oscal_version.__root__ == "1.1.3"
    assert VALID(read, quiet=False, trestle_root=tmp_path)
    (result,) = read.results
    assert len(result.observations) == bad.report.totals.questions
    assert len(result.findings) == bad.report.totals.checks


def test_trestle_reads_the_component_definition(bad: Source, tmp_path: Path) -> None:
    file = tmp_path / "component.json"
    file.write_bytes(oscal_component.render(bad))
    read = ComponentDefinition.oscal_read(file)
    assert read is not None
    assert VALID(read, quiet=False, trestle_root=tmp_path)
    (component,) = read.components
    assert len(component.control_implementations) >= 10


def test_a_waiver_satisfies_no_objective(bad: Source) -> None:
    document = json.loads(oscal_results.render(bad))["assessment-results"]
    findings = {
        one["target"]["target-id"]: one["target"]["status"]
        for one in document["results"][0]["findings"]
    }
    assert findings["STO-02"]["state"] == "not-satisfied"
    assert findings["HST-01"]["reason"] == "fail"
    assert findings["HST-03"]["state"] == "not-satisfied"
    assert findings["GOV-01"]["state"] == "satisfied"


def test_names_in_oscal_resolve(bad: Source) -> None:
    text = oscal_results.render(bad).decode()
    document = json.loads(text)["assessment-results"]
    (result,) = document["results"]
    known = {one["uuid"] for one in result["observations"]}
    known |= {one["uuid"] for one in result["local-definitions"]["components"]}
    known |= {one["uuid"] for one in document["back-matter"]["resources"]}
    used = set(re.findall(r'"(?:href|observation-uuid|subject-uuid)": "#?([0-9a-f-]{36})"', text))
    assert used
    assert used <= known
    assert all(UUID.fullmatch(one) for one in known)


def sarif_results(source: Source) -> list[dict[str, Any]]:
    (run,) = json.loads(sarif.render(source))["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert all(rules[one["ruleIndex"]]["id"] == one["ruleId"] for one in run["results"])
    return list(run["results"])


def test_sarif_has_a_result_for_each_finding(bad: Source) -> None:
    results = sarif_results(bad)
    assert len(results) == bad.report.totals.findings
    assert {one["kind"] for one in results} <= {"pass", "fail", "notApplicable", "review", "open"}
    # SARIF 2.1.0, 3.27.10: a level other than `none` belongs to the kind `fail` alone.
    assert all((one["level"] == "none") == (one["kind"] != "fail") for one in results)


def test_sarif_suppresses_what_is_waived_and_nothing_else(bad: Source) -> None:
    suppressed = [one for one in sarif_results(bad) if one.get("suppressions")]
    assert {one["ruleId"] for one in suppressed} == {"STO-02"}
    assert {one["properties"]["verdict"] for one in suppressed} == {"waived"}


def test_sarif_compares_with_the_report_before(bad: Source) -> None:
    states = {one["ruleId"]: one["baselineState"] for one in sarif_results(bad)}
    assert states["HST-01"] == "updated"
    assert states["GOV-01"] == "unchanged"


def test_junit_adds_up(bad: Source) -> None:
    root = ET.fromstring(junit.render(bad))  # noqa: S314 - our own
    cases = root.findall("./testsuite/testcase")
    verdicts = bad.report.totals.verdicts
    assert len(cases) == int(root.get("tests", "")) == bad.report.totals.questions
    assert (
        len(root.findall(".//failure")) == verdicts[Verdict.FAIL] == int(root.get("failures", ""))
    )
    assert len(root.findall(".//error")) == verdicts[Verdict.NOT_EVALUATED]


def test_junit_holds_whatever_a_host_answered(tmp_path: Path) -> None:
    def odd(check: str, rounds: samples.Rounds) -> None:
        if check == "HST-03":
            rounds[0]["loaded"] = [1, "error \x1b[31m\x00 <&> \ud7ff"]

    source = formats.source(build.build(samples.gathered(tmp_path, tamper=odd)))
    root = ET.fromstring(junit.render(source))  # noqa: S314 - our own
    assert len(root.findall(".//testcase")) == source.report.totals.questions


def test_verdicts_are_the_same_in_every_format(bad: Source) -> None:
    told = Counter(one.verdict for one in bad.report.questions)
    document = json.loads(oscal_results.render(bad))["assessment-results"]
    seen = Counter(
        next(prop["value"] for prop in one["props"] if prop["name"] == "verdict")
        for one in document["results"][0]["observations"]
    )
    assert seen == told
