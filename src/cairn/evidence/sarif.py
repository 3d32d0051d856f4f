"""A report as SARIF 2.1.0 (OASIS Standard), for viewers of code-scanning results."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from cairn.checks.registry import Moment
from cairn.checks.verdicts import Severity, Verdict

if TYPE_CHECKING:
    from cairn.evidence.formats import Source
    from cairn.evidence.model import Report
    from cairn.evidence.parts import Check, Finding, Question

_SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)
#: `kind` of a result (section 3.27.9). What could not be looked at is open, and told as an error.
_KIND = {
    Verdict.PASS: "pass",
    Verdict.FAIL: "fail",
    Verdict.WAIVED: "fail",
    Verdict.NOT_APPLICABLE: "notApplicable",
    Verdict.NOT_EVALUATED: "fail",
    Verdict.MANUAL: "review",
}
#: `level` of a failure (section 3.27.10); of every other kind it is `none`.
_LEVEL = {
    Severity.CRITICAL: "error",
    Severity.HIGH: "error",
    Severity.MEDIUM: "warning",
    Severity.LOW: "note",
}
#: `baselineState` of a result (section 3.27.24).
_BASELINE = {
    "new": "new", "same": "unchanged", "better": "updated", "worse": "updated", "other": "updated"
}  # fmt: skip


def render(source: Source) -> bytes:
    """Return the report as one run, a result for each finding."""
    report = source.report
    index = {check.id: number for number, check in enumerate(report.checks)}
    run = {
        "tool": {
            "driver": {
                "name": "Cairn",
                "version": report.cairn,
                "rules": [_rule(check) for check in report.checks],
            }
        },
        "invocations": [
            {
                "executionSuccessful": not report.totals.verdicts[Verdict.NOT_EVALUATED],
                "startTimeUtc": report.started_at,
                "endTimeUtc": report.made_at,
            }
        ],
        "automationDetails": {"id": f"cairn/{report.node.name}/{report.number}"},
        "results": [
            _result(report, index, question, found)
            for question in report.questions
            for found in question.findings
        ],
        "columnKind": "unicodeCodePoints",
    }
    told = {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}
    return (json.dumps(told, indent=1, ensure_ascii=False) + "\n").encode()


def _rule(check: Check) -> dict[str, Any]:
    return {
        "id": check.id,
        "shortDescription": {"text": check.title},
        "fullDescription": {"text": check.rationale},
        "help": {"text": check.remediation},
        "defaultConfiguration": {"level": _LEVEL[check.severity]},
        "properties": {"tags": list(check.supports), "severity": str(check.severity)},
    }


def _result(
    report: Report, index: dict[str, int], question: Question, found: Finding
) -> dict[str, Any]:
    check = report.checks[index[question.check]]
    kind = _KIND[found.verdict]
    made: dict[str, Any] = {
        "ruleId": check.id,
        "ruleIndex": index[question.check],
        "kind": kind,
        "level": _LEVEL[check.severity] if kind == "fail" else "none",
        "message": {"text": _text(found)},
        "locations": [_location(report, question, found)],
        "properties": {
            "verdict": str(found.verdict),
            "moment": str(question.moment),
            "asked": question.asked,
            "evidence": list(question.evidence),
        },
    }
    if report.previous:
        made["baselineState"] = _BASELINE[question.change]
    if found.verdict is Verdict.WAIVED:
        made["suppressions"] = [{"kind": "external", "status": "accepted"}]
    return made


def _text(found: Finding) -> str:
    not_looked = found.verdict is Verdict.NOT_EVALUATED
    return f"not evaluated: {found.message}" if not_looked else found.message


def _location(report: Report, question: Question, found: Finding) -> dict[str, Any]:
    """Say where: the spec is a file; a place in a plan or on a host is a logical one."""
    name = " ".join(part for part in (found.target, found.place) if part)
    logical = {"name": found.place or found.target, "fullyQualifiedName": name}
    made: dict[str, Any] = {"logicalLocations": [logical]}
    if question.moment is Moment.SPEC:
        uri = f"nodes/{report.node.name}.yaml"
        made["physicalLocation"] = {
            "artifactLocation": {"uri": uri},
            "region": {"startLine": 1},  # the whole file; a finding names a key, not a line
        }
    return made
