"""A host that answers from a record, for the tests of the host checks."""

from __future__ import annotations

import copy
import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from cairn.checks.host import EvidenceHost
from cairn.plan.model import (
    ANYWHERE,
    Account,
    Flow,
    Listener,
    PlannedBucket,
    PlannedHost,
    PlannedRole,
    Secret,
    Service,
)
from cairn.render.files import RenderedFile

#: What a real host answered (Debian 13, all roles applied); FIL-01 and what a sandbox cannot do
#: (GPU, HST-06, 08, 09, 10, 13 and 19, TRU-01) was added by hand in the form of the programs.
RECORDED: dict[str, list[dict[str, list[Any]]]] = json.loads(
    (Path(__file__).parent / "recorded" / "debian-13.json").read_text()
)

#: How the engine's script marks the end of each answer.
_END = re.compile(r"printf '\\n(?P<mark>::[0-9a-f]+):(?P<name>\w+):%d\\n' \$\?")


class Result(NamedTuple):
    """What testinfra gives back."""

    rc: int
    stdout: str
    stderr: str = ""


@dataclass
class Answering:
    """A testinfra host that answers each round of questions from a list of rounds."""

    rounds: list[dict[str, list[Any]]]
    scripts: list[str] = field(default_factory=list)

    def run(self, command: str) -> Result:
        """Answer the questions of one script."""
        self.scripts.append(command)
        answers = self.rounds.pop(0)
        text = ""
        for end in _END.finditer(command):
            status, answer = answers[end["name"]]
            text += f"{answer}\n{end['mark']}:{end['name']}:{status}\n"
        return Result(0, text)


def recorded(check: str) -> Answering:
    """Return a host that answers as the real one did when it was asked by that check."""
    return Answering(copy.deepcopy(RECORDED[check]))


FILE = RenderedFile("/etc/issue", "Welcome.\n", "0644", "root", "root")
RULES = RenderedFile("/etc/cairn/nftables.conf", "table inet cairn {}\n", "0644", "root", "root")
SSHD = Listener("*", 22, "tcp", "sshd")
UNITS = (
    "ssh.service",
    "unattended-upgrades.service",
    "apt-daily.timer",
    "apt-daily-upgrade.timer",
    "cairn-firewall.service",
    "cairn-flows.path",
    "cairn-flows.service",
    "cairn-flows.timer",
)
WHY = "The reason is written here."
CONSUMERS = "/etc/cairn/storage/consumers"
#: The host as planned when the record was made, with all capabilities.
PLANNED = PlannedHost(
    "imaging-1",
    "debian-13",
    "198.19.232.10",
    sandbox=True,
    capabilities=("kernel", "clock", "audit", "apparmor"),
    volumes=("/srv/imaging",),
    roles=(
        PlannedRole(
            "base",
            accounts=(
                Account("cairn", "operator", login=True, sudo="without password"),
                Account("amarin", "administrator", login=True, sudo="with password"),
                Account("bferrer", "administrator", login=True, sudo="with password"),
            ),
            listeners=(SSHD,),
            services=tuple(Service(unit) for unit in UNITS),
            flows=(
                Flow("dns-1-udp", "out", "resolvers", "udp", 53, WHY, "base"),
                Flow("dns-1-tcp", "out", "resolvers", "tcp", 53, WHY, "base"),
                Flow("packages-1", "out", "198.19.232.1", "tcp", 3142, WHY, "base"),
            ),
        ),
        PlannedRole("freeze", variables={"freeze_wanted": True}),
        PlannedRole(
            "gpu",
            variables={
                "gpu_vendor": "nvidia",
                "gpu_driver": "550.163.01",
                "gpu_memory_mib": 24_576,
                "gpu_services": ["cairn-gpu-cdi.service"],
            },
        ),
        PlannedRole(
            "storage",
            services=(Service("cairn-s3.service", confined=True),),
            secrets=(
                Secret("/etc/cairn/storage/root.env"),
                Secret("/var/lib/cairn-s3/users/users.json", "cairn-s3"),
                Secret(
                    "/etc/cairn/storage/consumers/fl-agent.credentials", "cairn-fl-agent", "0400"
                ),
            ),
            buckets=(PlannedBucket("lung-ct", readers=("fl-agent",)),),
        ),
        PlannedRole("certificate"),
        PlannedRole("enrolment"),
        PlannedRole("receiving"),
        PlannedRole(
            "hub_gate",
            variables={"hub_gate_wanted": True, "hub_gate_domain": "hub.demo.example"},
        ),
        PlannedRole("postgresql", services=(Service("postgresql@17-cairn.service"),)),
        PlannedRole(
            "archive", services=(Service("orthanc.service"), Service("cairn-gate.service"))
        ),
        PlannedRole("intake"),
        PlannedRole("account"),
        PlannedRole("hub_apps", settings={"storage": {"bucket": "results"}}),
        PlannedRole("scheduler", variables={"scheduler_mib": 2560}),
        PlannedRole("approval"),
        PlannedRole(
            "fl_agent",
            variables={"fl_agent_wanted": True},
            accounts=(
                Account("cairn-fl-agent", "runs applications", login=False, loopback_only=True),
            ),
        ),
        PlannedRole("hub_fl", flows=(Flow("nodes", "in", ANYWHERE, "tcp", 443, WHY, "hub_gate"),)),
    ),
)


def host(shell: Any) -> EvidenceHost:  # noqa: ANN401 - any shell
    """Return the planned host behind that shell."""
    return EvidenceHost(PLANNED, {FILE.path: FILE, RULES.path: RULES}, shell)
