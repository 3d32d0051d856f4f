"""Findings of the policy engine as lines for a person and as plain data for a program."""

from __future__ import annotations

import dataclasses
from itertools import groupby
from typing import TYPE_CHECKING

from cairn.checks.verdicts import BLOCKING, Verdict
from cairn.cli import screen

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import RenderableType
    from rich.text import Text

    from cairn.checks.verdicts import Finding, Judgement

#: Verdicts that need nobody's attention; they are counted, and shown when all is asked for.
QUIET = frozenset({Verdict.PASS, Verdict.NOT_APPLICABLE})


def lines(findings: Iterable[Finding], *, everything: bool) -> RenderableType | None:
    """Return one row for each check and verdict, with reasons and remedy where somebody must act.

    Args:
        findings: What to show, in its order.
        everything: Whether also what passed and what is not applicable.

    Returns:
        The rows, or None where nothing is to be shown.
    """
    wanted = [each for each in findings if everything or each.verdict not in QUIET]
    rows = [
        _row(*group) for _, group in groupby(wanted, key=lambda each: (each.check, each.verdict))
    ]
    return screen.table(rows) if rows else None


def total(judgement: Judgement) -> Text:
    """Return the line that sums up: whether all is well, and how many of each verdict."""
    parts: list[str | tuple[str, str]] = [" ", (judgement.node, "bold"), "   "]
    for verdict, number in judgement.counts.items():
        if number:
            style = screen.VERDICTS[verdict][2] if verdict in BLOCKING else ""
            parts += [(f"{number} {verdict.replace('-', ' ')}", style), ", "]
    mark = screen.verdict("fail" if judgement.blocking else "pass", word=False)
    return mark + screen.text(*parts[:-1])


def as_json(judgement: Judgement) -> dict[str, object]:
    """Return a judgement as plain data; the counts add up to the findings."""
    return {
        "findings": [dataclasses.asdict(each) for each in judgement.findings],
        "counts": dict(judgement.counts),
        "blocking": len(judgement.blocking),
    }


def _row(first: Finding, *others: Finding) -> tuple[Text, str, Text]:
    """Return a row for the findings of one check that have the same verdict."""
    body = screen.text((first.title, "bold" if first.verdict in BLOCKING else ""))
    if first.verdict is Verdict.PASS:
        places = ", ".join(each.place for each in (first, *others) if each.place)
        body += screen.text((f"  {places}" if places else "", "dim"))
        return screen.verdict(first.verdict), first.check, body
    blocks = first.verdict in BLOCKING
    body += screen.text(f" ({first.severity})" if blocks else "")
    for each in (first, *others):
        where = ", ".join(part for part in (each.target, each.place) if part)
        body += screen.text((f"\n{where}: {each.message}", "" if blocks else "dim"))
    if blocks:
        body += screen.text(("\nRemedy: ", "bold"), first.remediation)
    return screen.verdict(first.verdict), first.check, body
