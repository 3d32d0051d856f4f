"""Reports made of what a real host answered once, with the times of a fixed day."""

from __future__ import annotations

import copy
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from cairn.checks import engine
from cairn.checks.registry import Moment
from cairn.checks.verdicts import Judgement
from cairn.evidence.gather import Gathered, gather
from cairn.plan.model import Plan
from policies.answering import PLANNED, RECORDED, Answering, host
from policies.specimens import CATALOGUE, document

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

#: When the first report was begun; each took half a minute.
BEGUN = datetime(2026, 11, 22, 6, 30, tzinfo=UTC)
TOOK = timedelta(seconds=30)
Rounds = list[dict[str, list[Any]]]


def gathered(
    folder: Path,
    *,
    day: int = 0,
    tamper: Callable[[str, Rounds], None] = lambda _check, _rounds: None,
    **changes: Any,  # noqa: ANN401 - any YAML
) -> Gathered:
    """Ask a data provider and its recorded host everything.

    Args:
        folder: Where its spec is written.
        day: Days after the first report.
        tamper: May change what the host answers to a check, in place.
        changes: As for `specimens.document`.
    """
    begun = BEGUN + timedelta(days=day)
    papers = document(folder, "data-provider", **changes)
    plan = Plan("test-hospital", "data-provider", "staging", papers.digest, (PLANNED,))
    policy = CATALOGUE
    rounds: Rounds = []
    for check in policy.of(Moment.HOST):
        if check.applies == ("hub",):
            continue  # it asks a data provider nothing
        own = copy.deepcopy(RECORDED[check.id])
        tamper(check.id, own)
        rounds += own
    judged = engine.judge_host(
        papers, plan, PLANNED, host(Answering(rounds)), today=begun.date(), catalogue=policy
    )
    hosts = {PLANNED.name: at(judged, begun + timedelta(seconds=5))}
    return gather(papers, plan, hosts, started_at=begun, made_at=begun + TOOK, policy=policy)


def at(judged: Judgement, moment: datetime) -> Judgement:
    """Return a judgement whose evidence was given at that moment."""
    told = moment.isoformat(timespec="milliseconds")
    return Judgement(
        judged.node,
        tuple(
            replace(
                found,
                evidence=tuple(replace(one, at=told, seconds=0.2) for one in found.evidence),
            )
            for found in judged.findings
        ),
    )


def passwords_on(check: str, rounds: Rounds) -> None:
    """Let the host say that somebody turned password logins on."""
    if check == "HST-01":
        status, text = rounds[0]["as_2"]
        rounds[0]["as_2"] = [
            status, text.replace("passwordauthentication no", "passwordauthentication yes")
        ]  # fmt: skip


def silent(check: str, rounds: Rounds) -> None:
    """Let the host give no answer that the firewall check can read."""
    if check == "HST-03":
        rounds[0]["loaded"] = [1, "nft: Operation not permitted"]
