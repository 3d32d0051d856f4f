"""A report as OSCAL 1.1.3 assessment results: an observation a question, a finding a check."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any

from cairn.checks.registry import Moment
from cairn.checks.verdicts import Verdict
from cairn.evidence.oscal import identify, metadata, prop, token, written
from cairn.evidence.parts import worst

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cairn.evidence.formats import Source
    from cairn.evidence.model import Report
    from cairn.evidence.parts import Check, Question

#: Verdicts after which an objective counts as satisfied. A waiver excuses, it does not satisfy;
#: what nobody looked at is not satisfied either.
_SATISFIED = frozenset({Verdict.PASS, Verdict.NOT_APPLICABLE})
#: Who looked: a program at a text, or a program that tried something on a host.
_METHOD = {Moment.SPEC: "EXAMINE", Moment.PLAN: "EXAMINE", Moment.HOST: "TEST"}


def render(source: Source) -> bytes:
    """Return the assessment results."""
    report = source.report
    plan = identify(report, "assessment plan")
    document = {
        "uuid": identify(report, "assessment results"),
        "metadata": metadata(report, f"Report {report.number} of node {report.node.name}"),
        "import-ap": {"href": f"#{plan}"},
        "results": [_result(report)],
        "back-matter": {"resources": [_plan_resource(report, plan), _archive_resource(report)]},
    }
    return written("assessment-results", document)


def _result(report: Report) -> dict[str, Any]:
    asked = sorted(report.questions, key=lambda one: one.check)
    by_check = {check: list(found) for check, found in groupby(asked, key=lambda one: one.check)}
    return {
        "uuid": identify(report, "result"),
        "title": f"Policy checks of {report.node.name}",
        "description": (
            f"{report.totals.questions} questions of {report.totals.checks} checks; each supports "
            "the clauses it names and fulfils none by itself."
        ),
        "start": report.started_at.replace("Z", "+00:00"),
        "end": report.made_at.replace("Z", "+00:00"),
        "local-definitions": {"components": _components(report)},
        "reviewed-controls": {
            "control-selections": [
                {"include-controls": [{"control-id": token(one.id)} for one in report.checks]}
            ]
        },
        "observations": [_observation(report, one) for one in report.questions],
        "findings": [_finding(report, one, by_check[one.id]) for one in report.checks],
    }


def _components(report: Report) -> list[dict[str, Any]]:
    node = {
        "uuid": identify(report, "target", report.node.name),
        "type": "system",
        "title": report.node.name,
        "description": f"Node ({report.node.kind}, {report.node.stage}).",
        "status": {"state": "operational"},
    }
    hosts = [
        {
            "uuid": identify(report, "target", host.name),
            "type": "hardware",
            "title": host.name,
            "description": f"Host with {host.os} at {host.address}.",
            "props": [prop("sandbox", str(host.sandbox).lower())],
            "status": {"state": "operational"},
        }
        for host in report.hosts
    ]
    return [node, *hosts]


def _observation(report: Report, one: Question) -> dict[str, Any]:
    made: dict[str, Any] = {
        "uuid": identify(report, "observation", one.check, one.moment, one.asked),
        "title": f"{one.check} on {one.asked}",
        "description": "\n".join(
            f"{found.verdict}: {found.target} {found.place}: {found.message}"
            for found in one.findings
        ),
        "props": [prop("verdict", one.verdict), prop("change", one.change)],
        "methods": [_METHOD[one.moment]],
        "types": ["finding"],
        "subjects": [{"subject-uuid": identify(report, "target", one.asked), "type": "component"}],
        "collected": report.made_at.replace("Z", "+00:00"),
    }
    if one.evidence:
        archive = identify(report, "evidence archive")
        numbers = ", ".join(map(str, one.evidence))
        made["relevant-evidence"] = [
            {"href": f"#{archive}", "description": f"Answers {numbers} of the evidence archive."}
        ]
    return made


def _finding(report: Report, check: Check, questions: Sequence[Question]) -> dict[str, Any]:
    verdict = worst([one.verdict for one in questions])
    satisfied = verdict in _SATISFIED
    return {
        "uuid": identify(report, "finding", check.id),
        "title": check.title,
        "description": check.rationale,
        "props": [
            prop("verdict", verdict),
            prop("severity", check.severity),
            *(prop("supports", clause) for clause in check.supports),
        ],
        "target": {
            "type": "objective-id",
            "target-id": token(check.id),
            "status": {
                "state": "satisfied" if satisfied else "not-satisfied",
                "reason": "pass" if satisfied else "fail" if verdict is Verdict.FAIL else "other",
                "remarks": f"{verdict}. Remedy: {check.remediation}",
            },
        },
        "related-observations": [
            {"observation-uuid": identify(report, "observation", one.check, one.moment, one.asked)}
            for one in questions
        ],
    }


def _plan_resource(report: Report, name: str) -> dict[str, Any]:
    bundles = ", ".join(f"{one.name} {one.version} ({one.digest})" for one in report.basis.policies)
    return {
        "uuid": name,
        "title": "The catalogue of checks",
        "description": f"What was asked is the policy bundle: {bundles}.",
    }


def _archive_resource(report: Report) -> dict[str, Any]:
    digest = report.basis.evidence.removeprefix("sha256:")
    return {
        "uuid": identify(report, "evidence archive"),
        "title": "Raw answers of the hosts",
        "rlinks": [
            {
                "href": "evidence.zip",
                "media-type": "application/zip",
                "hashes": [{"algorithm": "SHA-256", "value": digest}],
            }
        ],
    }
