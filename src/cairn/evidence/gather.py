"""Everything that a report rests on, asked in one go."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from cairn.checks.engine import judge_plan, judge_spec
from cairn.checks.registry import Moment, catalogue

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cairn.checks.registry import Catalogue
    from cairn.checks.verdicts import Judgement
    from cairn.plan.model import Plan
    from cairn.spec.document import Document


@dataclass(frozen=True, slots=True)
class Gathered:
    """What was asked of one node, and when.

    Attributes:
        rounds: Moment and who was asked (the node, or a host by name) with all that was answered.
        started_at: Before the first question.
        made_at: After the last answer.
    """

    document: Document
    plan: Plan
    policy: Catalogue
    rounds: Mapping[tuple[Moment, str], Judgement]
    started_at: datetime
    made_at: datetime


def gather(  # noqa: PLR0913 - the last three are keywords
    document: Document,
    plan: Plan,
    hosts: Mapping[str, Judgement],
    *,
    started_at: datetime,
    made_at: datetime | None = None,
    policy: Catalogue | None = None,
) -> Gathered:
    """Judge spec and plan, and lay the judgements of the live hosts beside them.

    Args:
        document: The loaded spec.
        plan: The plan of all its hosts.
        hosts: What each host answered, by name.
        started_at: When the hosts began to be asked, UTC.
        made_at: When all was asked; now if absent.
        policy: The catalogue that the hosts were judged by; that of the checkout if absent.

    Raises:
        PolicyError: The catalogue is broken, or a check got lost.
    """
    policy = policy or catalogue()
    today = started_at.date()
    node = plan.node
    rounds = {
        (Moment.SPEC, node): judge_spec(document, today=today, catalogue=policy),
        (Moment.PLAN, node): judge_plan(document, plan, today=today, catalogue=policy),
        **{(Moment.HOST, host): judged for host, judged in hosts.items()},
    }
    return Gathered(document, plan, policy, rounds, started_at, made_at or datetime.now(UTC))
