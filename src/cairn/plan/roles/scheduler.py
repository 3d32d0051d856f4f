"""The batch scheduler of a compute host: Debian's Slurm, one node, one partition, loopback only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from cairn import house
from cairn.plan import allocation
from cairn.plan.model import Account, Listener, PlannedFile, PlannedRole, Secret, Service
from cairn.plan.roles import approval
from cairn.spec.digest import digest_of
from cairn.spec.node import ComputeNode

if TYPE_CHECKING:
    from cairn.plan.context import Context

ROLE: Final = "scheduler"
#: Debian's own accounts: who decides, and who says which account a message comes from.
USER: Final = "slurm"
SEALER: Final = "munge"
#: Made by Debian's package on the host; whoever has it can be anybody in the eyes of the scheduler.
KEY: Final = "/etc/munge/munge.key"
CONTROL_PORT: Final = 6817
NODE_PORT: Final = 6818
#: Where tasks that wait for their turn are called back: two ports each, while it lasts.
WAITING_PORTS: Final = range(6820, 6828)
UNITS: Final = ("munge.service", "slurmctld.service", "slurmd.service")
PACKAGES: Final = ("logrotate", "munge", "slurm-client", "slurmctld", "slurmd")
#: What runs in every cell, here and at a site with Apptainer.
CELL: Final = "roles/approval/files/cairn_approval/inside.py"
#: What stands before the two parts of an answer, at most; see `output` of the role `approval`.
HEAD: Final = 4096
TRAIN: Final = "/usr/local/share/cairn/cairn-train.sbatch"
FILES: Final = (
    "/etc/slurm/slurm.conf",
    "/etc/slurm/cgroup.conf",
    "/etc/logrotate.d/cairn-scheduler",
    "/etc/systemd/system/slurmctld.service.d/cairn.conf",
    "/etc/systemd/system/slurmd.service.d/cairn.conf",
    TRAIN,
)

NO_CGROUPS: Final = (
    "limits by the kernel: the machine is a container; Slurm looks every few seconds and ends a "
    "job that takes more memory than it asked for"
)


def plan(context: Context) -> PlannedRole:
    """Plan the scheduler of one host."""
    spec = context.spec
    if not isinstance(spec, ComputeNode):
        raise TypeError(f"{spec.name} is no compute node and runs `scheduler`")
    own_kernel = "kernel" in context.host.capabilities
    return PlannedRole(
        name=ROLE,
        variables={
            "scheduler_packages": list(PACKAGES),
            "scheduler_cores": spec.fl_agent.cores,
            "scheduler_mib": allocation.memory(spec.fl_agent) // 2**20,
            "scheduler_trusts_spec": context.place.gateway is not None,
        },
        settings=_settings(context, spec, own_kernel=own_kernel),
        files=tuple(PlannedFile(path, f"{ROLE}{path}.j2") for path in FILES),
        packages=PACKAGES,
        services=(
            Service(UNITS[0]),
            Service(UNITS[1], confined=True),
            # It starts what other accounts submit, as them, and is therefore not shut in.
            Service(UNITS[2]),
            Service("logrotate.timer"),
        ),
        accounts=(
            Account(USER, "decides which job runs when", login=False, loopback_only=True),
            Account(SEALER, "says which account a job comes from", login=False, loopback_only=True),
        ),
        listeners=(
            Listener("127.0.0.1", CONTROL_PORT, "tcp", "slurmctld"),
            Listener("127.0.0.1", NODE_PORT, "tcp", "slurmd"),
            *(
                Listener("127.0.0.1", port, "tcp", "salloc", sometimes=True)
                for port in WAITING_PORTS
            ),
        ),
        secrets=(Secret(KEY, SEALER, "0400"),),
        promises=(("jobs", f"only accounts of the group {allocation.GROUP} hand work in"),),
        without=() if own_kernel else (NO_CGROUPS,),
    )


def _settings(context: Context, spec: ComputeNode, *, own_kernel: bool) -> dict[str, Any]:
    agent = spec.fl_agent
    return {
        "cgroups": own_kernel,
        # Debian 12's Slurm knows no word for "none"; it asks for none if nothing is to use them.
        "says_disabled": context.host.os != "debian-12",
        "cores": agent.cores,
        "mib": allocation.memory(agent) // 2**20,
        "minutes": allocation.minutes(agent),
        "group": allocation.GROUP,
        "partition": allocation.PARTITION,
        "control_port": CONTROL_PORT,
        "node_port": NODE_PORT,
        "waiting_ports": f"{WAITING_PORTS[0]}-{WAITING_PORTS[-1]}",
        "user": USER,
        # A throw-away host shares the cores of the computer below and has fewer than are declared.
        "trusts_spec": context.place.gateway is not None,
        "keep_days": spec.logging.at_most_days,
        "answer_at_most": 2 * int(agent.output.at_most) + HEAD,
        "limits": approval.limits(agent),
        "cell_sha256": digest_of((house.root() / CELL).read_bytes()).removeprefix("sha256:"),
    }
