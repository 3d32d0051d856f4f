"""Admits a node to its stack: loaded, judged, planned, or refused before anything is registered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cairn.checks.engine import judge_plan, judge_spec
from cairn.plan.derive import derive
from cairn.spec.loader import load_node
from cairn.stack.places import places

if TYPE_CHECKING:
    from cairn.plan.model import Plan
    from cairn.spec.document import Document


@dataclass(frozen=True, slots=True)
class Admitted:
    """A node that the checks on spec and plan let through."""

    document: Document
    plan: Plan


def admit(node: str) -> Admitted:
    """Load, judge and plan a node.

    Raises:
        Misuse: There is no spec of that name.
        InvalidSpec: The spec has problems; all of them are told.
        PlanRefused: A check on the spec or the plan says no, or could not look.
    """
    document = load_node(node)
    judge_spec(document).raise_if_blocked()
    plan = derive(document, places(document))
    judge_plan(document, plan).raise_if_blocked()
    return Admitted(document, plan)
