"""A report as JUnit XML, for the pages of CI systems: one suite a moment and host."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from itertools import groupby
from typing import TYPE_CHECKING

from cairn.checks.verdicts import Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cairn.evidence.formats import Source
    from cairn.evidence.model import Report
    from cairn.evidence.parts import Check, Question

#: Characters that XML 1.0 has no place for (section 2.2); a host may answer anything.
_NO_XML = re.compile(r"[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
#: The element that a verdict becomes; a pass has none.
_ELEMENT = {
    Verdict.FAIL: "failure",
    Verdict.NOT_EVALUATED: "error",
    Verdict.WAIVED: "skipped",
    Verdict.MANUAL: "skipped",
    Verdict.NOT_APPLICABLE: "skipped",
}


def render(source: Source) -> bytes:
    """Return the report with a test case for each question."""
    report = source.report
    checks = {check.id: check for check in report.checks}
    root = ET.Element("testsuites", _counts(report.questions), name=report.node.name)
    rounds = groupby(report.questions, key=lambda one: (one.moment, one.asked))
    for (moment, asked), questions in rounds:
        _suite(root, report, f"{moment} {asked}", list(questions), checks)
    ET.indent(root, " ")
    written: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return written + b"\n"


def _suite(
    root: ET.Element,
    report: Report,
    name: str,
    questions: Sequence[Question],
    checks: dict[str, Check],
) -> None:
    counts = _counts(questions)
    suite = ET.SubElement(root, "testsuite", counts, name=name, timestamp=report.started_at[:-1])
    for one in questions:
        title = f"{one.check} {checks[one.check].title}"
        case = ET.SubElement(suite, "testcase", classname=name, name=title)
        if one.verdict in _ELEMENT:
            element = ET.SubElement(case, _ELEMENT[one.verdict], message=_first(one))
            if one.verdict in {Verdict.FAIL, Verdict.NOT_EVALUATED}:
                element.text = _xml(f"{_all(one)}\nremedy: {checks[one.check].remediation}")


def _counts(questions: Sequence[Question]) -> dict[str, str]:
    found = [_ELEMENT.get(one.verdict) for one in questions]
    return {
        "tests": str(len(found)),
        "failures": str(found.count("failure")),
        "errors": str(found.count("error")),
        "skipped": str(found.count("skipped")),
    }


def _first(one: Question) -> str:
    worst = next(found for found in one.findings if found.verdict is one.verdict)
    return _xml(f"{one.verdict}: {worst.message}")


def _all(one: Question) -> str:
    return "\n".join(
        f"{found.verdict} {found.target} {found.place}: {found.message}" for found in one.findings
    )


def _xml(text: str) -> str:
    return _NO_XML.sub("\ufffd", text)
