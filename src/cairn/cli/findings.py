"""Findings of the policy engine as lines for a person and as plain data for a program."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from cairn.checks.verdicts import BLOCKING, Verdict
from cairn.cli import screen

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from rich.console import RenderableType
    from rich.text import Text

    from cairn.checks.verdicts import Finding, Judgement

#: Verdicts that need nobody's attention; they are counted, and shown when all is asked for.
QUIET = frozenset({Verdict.PASS, Verdict.NOT_APPLICABLE})


def lines(findings: Iterable[Finding], *, everything: bool) -> RenderableType | None:
    """Return one row for each finding, with reason and remedy where somebody has to act.

    Args:
        findings: What to show, in its order.
        everything: Whether also what passed and what is not applicable.

    Returns:
        The rows, or None where nothing is to be shown.
    """
    rows = [_row(each) for each in findings if everything or each.verdict not in QUIET]
    return screen.table(rows) if rows else None


def counts(counted: Mapping[Verdict, int]) -> Text:
    """Return the number of findings of each verdict that occurs, as one line."""
    parts: list[tuple[str, str]] = []
    for verdict, number in counted.items():
        if number:
            parts.append((", " if parts else "", ""))
            style = screen.VERDICTS[verdict][2] if verdict in BLOCKING else ""
            parts.append((f"{number} {verdict.replace('-', ' ')}", style))
    return screen.text(*parts) if parts else screen.text("no findings")


def as_json(judgement: Judgement) -> dict[str, object]:
    """Return a judgement as plain data; the counts add up to the findings."""
    return {
        "findings": [dataclasses.asdict(each) for each in judgement.findings],
        "counts": dict(judgement.counts),
        "blocking": len(judgement.blocking),
    }


def _row(finding: Finding) -> tuple[Text, str, Text]:
    return screen.verdict(finding.verdict), finding.check, _body(finding)


def _body(finding: Finding) -> Text:
    """Return the title; below it what was found, and what to do where something is to be done."""
    if finding.verdict is Verdict.PASS:
        place = f"  {finding.place}" if finding.place else ""
        return screen.text(finding.title, (place, "dim"))
    where = ", ".join(part for part in (finding.target, finding.place) if part)
    told = f"\n{where}: {finding.message}"
    if finding.verdict not in BLOCKING:
        return screen.text(finding.title, (told, "dim"))
    return screen.text(
        (finding.title, "bold"),
        f" ({finding.severity}){told}\n",
        ("Remedy: ", "bold"),
        finding.remediation,
    )
