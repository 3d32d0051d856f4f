"""All nodes on one page: a line each, its open questions below, and every verdict on demand.

Three hundred nodes have some twenty-five thousand verdicts. A row for each would make a page that
no browser filters smoothly, so verdicts travel as letters and become rows where a node is opened.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup

from cairn.checks.verdicts import Verdict
from cairn.evidence import pages

if TYPE_CHECKING:
    from cairn.evidence.fleet import Fleet, FleetCheck, FleetNode


@dataclass(frozen=True, slots=True)
class Trouble:
    """A check, and the names of the nodes where it is open."""

    check: FleetCheck
    failed: tuple[str, ...]
    unasked: tuple[str, ...]


def render(fleet: Fleet) -> bytes:
    """Return the page."""
    known = [one for one in fleet.nodes if not one.missing]
    return pages.fill(
        "fleet.html.j2",
        script="fleet.js",
        fleet=fleet,
        nodes=sorted(fleet.nodes, key=_urgency),
        well=sum(not one.blocking for one in known),
        troubles=_troubles(fleet),
        waived=[
            (node, one) for node in known for one in node.findings if one.verdict is Verdict.WAIVED
        ],
        families=sorted({family for one in fleet.checks for family in one.families.split()}),
        data=Markup(_data(fleet)),  # noqa: S704 - JSON without a `<`
    )


def _urgency(node: FleetNode) -> tuple[bool, int, str]:
    """Nodes without a report come first, then those with most that is open."""
    return not node.missing, -node.blocking, node.name


def _troubles(fleet: Fleet) -> list[Trouble]:
    nodes: dict[tuple[str, Verdict], dict[str, None]] = {}
    for node in fleet.nodes:
        for one in node.findings:
            nodes.setdefault((one.check, one.verdict), {})[node.name] = None
    troubles = [
        Trouble(
            check,
            tuple(nodes.get((check.id, Verdict.FAIL), ())),
            tuple(nodes.get((check.id, Verdict.NOT_EVALUATED), ())),
        )
        for check in fleet.checks
    ]
    open_ = [one for one in troubles if one.failed or one.unasked]
    return sorted(open_, key=lambda one: -len(one.failed) - len(one.unasked))


def _data(fleet: Fleet) -> str:
    told = {
        "checks": [[one.id, one.title, one.families] for one in fleet.checks],
        "nodes": {one.name: one.asked for one in fleet.nodes},
    }
    return json.dumps(told, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
