"""What a host has that the plan does not say, or the reverse, as the last refresh recorded it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from cairn.spec.loader import load_node
from cairn.stack import pulumi_cli
from cairn.stack.places import require_running


@dataclass(frozen=True, slots=True)
class Drift:
    """One thing that a role would put right.

    Attributes:
        host: Name of the host.
        role: The role that would repair it; `machine` for the machine itself.
        task: The task that would change something, in its own words.
        what: The file, unit or package concerned, if the task names one.
        diff: Short difference, what is there against what should be.
    """

    host: str
    role: str
    task: str
    what: str
    diff: str


def find_drift(node: str) -> tuple[Drift, ...]:
    """Ask all hosts of the node, record the answer in the state, change nothing on them.

    Raises:
        Misuse: Nothing was ever applied to the node.
        ApplyFailed: A host cannot be asked, or the stack is locked.
    """
    pulumi_cli.require(node)
    require_running(load_node(node))
    pulumi_cli.quietly("refresh", "--yes", "--skip-preview", node=node)
    return recorded(pulumi_cli.export(node))


def recorded(state: Mapping[str, Any]) -> tuple[Drift, ...]:
    """Read the drift that a refresh left in the state of a stack."""
    return tuple(
        drift for resource in state["deployment"].get("resources", ()) for drift in _of(resource)
    )


def _of(resource: Mapping[str, Any]) -> Iterator[Drift]:
    outputs = resource.get("outputs") or {}
    host, role = outputs.get("host", ""), outputs.get("role", "machine")
    for each in outputs.get("drift") or ():
        told = each if isinstance(each, Mapping) else {"task": each}
        yield Drift(host, role, told["task"], told.get("what") or "", told.get("diff") or "")
