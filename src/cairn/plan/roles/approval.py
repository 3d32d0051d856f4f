"""What lets approved apps, and nothing else, run on a node: each in a cell without a network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from cairn.plan import allocation
from cairn.plan.buckets import freezes, receives
from cairn.plan.model import PlannedFile, PlannedRole, Service
from cairn.plan.roles.freeze import STORAGE
from cairn.spec.node import HubNode

if TYPE_CHECKING:
    from cairn.plan.context import Context
    from cairn.spec.services import FlAgent

ROLE: Final = "approval"
#: Runs the tasks; it reaches the loopback only, and an app in its cell not even that.
USER: Final = "cairn-fl-agent"
FOLDER: Final = "/etc/cairn/fl-agent"
#: The whole PATH of what starts tasks, so that no other program of Flower's can be named.
PROGRAMS: Final = "/usr/local/libexec/cairn/approval/bin"
UNITS: Final = "/etc/systemd/system"
FILES: Final = (
    f"{FOLDER}/rules.json",
    f"{UNITS}/{USER}.service.d/50-cell.conf",
    f"{UNITS}/cairn-fl-tidy.service",
    f"{UNITS}/cairn-fl-tidy.timer",
)
#: bubblewrap makes the cell, libseccomp its filter, boto3 fetches the data set.
PACKAGES: Final = ("bubblewrap", "python3", "python3-boto3", "python3-seccomp")
#: Processes and threads of one app.
PROCESSES: Final = 256

NO_DATA: Final = "data for apps: none are frozen or held on this host, so that no app can run here"


def plan(context: Context) -> PlannedRole:
    """Plan what approves and shuts in the apps of one host."""
    spec = context.spec
    if isinstance(spec, HubNode):
        raise TypeError(f"{spec.name} is a hub and runs no app of a node")
    agent = spec.fl_agent
    runs = context.host.runs
    has_data = freezes(spec, runs) or receives(spec, runs)
    return PlannedRole(
        name=ROLE,
        variables={"approval_packages": list(PACKAGES)},
        settings={
            "user": USER,
            "rules": _rules(context, has_data=has_data),
            "programs": PROGRAMS,
            "cores": agent.cores,
            "memory": allocation.memory(agent),
            "tasks": PROCESSES + 64,
        },
        files=tuple(PlannedFile(path, f"{ROLE}{path}.j2") for path in FILES),
        packages=PACKAGES,
        services=(Service("cairn-fl-tidy.timer"),),
        promises=(("apps", "only what this site approved runs, each in a cell without a network"),),
        without=() if has_data else (NO_DATA,),
    )


def _rules(context: Context, *, has_data: bool) -> dict[str, Any]:
    """Return what the programs on the host must know of the spec."""
    spec = context.spec
    assert not isinstance(spec, HubNode)  # noqa: S101 - `plan` has refused it
    agent = spec.fl_agent
    storage = {
        "url": STORAGE,
        "authority": "/etc/cairn/pki/authority.crt",
        "credentials": "/etc/cairn/storage/consumers/fl-agent.credentials",
    }
    return {
        "node": spec.name,
        "datasets": [one.name for one in spec.datasets],
        "permits": [
            {"id": one.id, "datasets": list(one.datasets), "expires": str(one.expires)}
            for one in spec.permits
        ],
        "output": {
            "types": list(agent.output.types),
            "at_most": int(agent.output.at_most),
            "secure_aggregation": agent.output.secure_aggregation,
            "epsilon": agent.output.epsilon,
        },
        "limits": limits(agent),
        # What stands before the command of a cell: a scheduler's, where it hands out the work.
        "within": allocation.words(spec, context.host),
        "storage": storage if has_data else None,
    }


def limits(agent: FlAgent) -> dict[str, int]:
    """Return what an app in its cell may take."""
    return {
        "cores": agent.cores,
        "memory": int(agent.memory),
        "processes": PROCESSES,
        "seconds": 60 * agent.minutes_per_task,
    }
