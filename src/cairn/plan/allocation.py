"""What one task of an app may take of a host, and how it asks a batch scheduler for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cairn.spec.node import ComputeNode

if TYPE_CHECKING:
    from cairn.spec.hosts import Host
    from cairn.spec.node import Spec
    from cairn.spec.services import FlAgent

PARTITION: Final = "cairn"
#: Who may use the partition; a stranger's account may not.
GROUP: Final = "cairn-jobs"
#: What the trusted part beside an app needs.
BESIDE: Final = 2**30
#: Minutes that the scheduler waits longer than the cell, which says more clearly what was too long.
LONGER: Final = 1


def memory(agent: FlAgent) -> int:
    """Return the bytes of a task: scratch lies in memory, up to half of what the app may use."""
    return int(agent.memory) * 3 // 2 + BESIDE


def minutes(agent: FlAgent) -> int:
    """Return the minutes after which the scheduler ends a job."""
    return agent.minutes_per_task + LONGER


def words(spec: Spec, host: Host) -> list[str]:
    """Return what stands before the command of a cell; nothing where no scheduler hands out work.

    salloc(1) waits for its turn, runs the command where it is itself, and gives back what it had.
    """
    if not isinstance(spec, ComputeNode) or "scheduler" not in host.runs:
        return []
    agent = spec.fl_agent
    return [
        "/usr/bin/salloc",
        "--quiet",
        "--kill-command=KILL",
        f"--partition={PARTITION}",
        "--job-name=cell",
        "--ntasks=1",
        f"--cpus-per-task={agent.cores}",
        f"--mem={memory(agent) // 2**20}M",
        f"--time={minutes(agent)}",
        "--",
    ]
