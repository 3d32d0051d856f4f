"""Applies one role to a sandbox host just as the provider does, for the tests of the roles."""

from __future__ import annotations

import asyncio
import shlex
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cairn import house, sandbox
from cairn.ansible.job import Connection, HostFile, RoleRun
from cairn.ansible.run import run_role
from cairn.plan.context import Context, Place
from cairn.plan.model import PlannedHost, PlannedRole
from cairn.provider import artefacts
from cairn.provider.artefacts import seen_by_role
from cairn.provider.root_shell import root_shell
from cairn.render.files import render_role
from cairn.spec.document import Document
from cairn.spec.node import KINDS
from sandbox.hosts import QUICK

if TYPE_CHECKING:
    from cairn.ansible.outcome import Outcome

#: The releases that a role is tried on; `make test` has the one that new hosts get.
RELEASES = ("debian-13", pytest.param("debian-12", marks=pytest.mark.long))
#: Seconds that one command on a host may take.
PATIENCE = 60
COMPUTE = {"scheduler": "slurm", "scratch": "/srv/scratch", "sandbox_size": "1 GiB"}
FEDERATION = {"file": "demo.federation.json", "fingerprint": f"sha256:{64 * 'a'}", "tier": 3}


def document(node: str, os: str, **wishes: object) -> Document:
    """Return the spec of a node with one sandbox host; `wishes` are further keys of the spec.

    It is a hub unless `wishes` name another `kind`.
    """
    own: dict[str, object] = {
        "hub": {"hub": {"domain": "hub.institute.example"}},
        "data-provider": {"federation": FEDERATION},
        "compute": {"federation": FEDERATION, "compute": COMPUTE},
    }[str(wishes.get("kind", "hub"))]
    spec = {
        "spec_version": 1,
        "kind": "hub",
        "name": node,
        "site": {
            "institution": "Example Institute, Testville",
            "country": "ES",
            "contacts": {
                "technical": "it@institute.example",
                "security": "soc@institute.example",
                "data_protection": "dpo@institute.example",
            },
        },
        "stage": "staging",
        "hosts": [{"name": "box", "machine": "sandbox", "os": os}],
        **own,
        **wishes,
    }
    loaded = KINDS[str(spec["kind"])].model_validate(spec)
    return Document(loaded, Path(f"{node}.yaml"), f"sha256:{64 * '0'}", None, {})


@dataclass(frozen=True)
class Ground:
    """A running sandbox host and the ways in which a test acts on it.

    Attributes:
        node: Name of the node.
        host: Name of the host.
        os: `debian-13` or `debian-12`.
        folder: Where logs and private folders of the runs go.
        running: The host.
        place: What a planner knows of it.
    """

    node: str
    host: str
    os: str
    folder: Path
    running: sandbox.Running
    place: Place

    def context(self, **wishes: object) -> Context:
        """Return what a planner looks at; `wishes` are further keys of the spec."""
        papers = document(self.node, self.os, **wishes)
        return Context(papers, papers.spec.hosts[0], self.place)

    def apply(self, role: PlannedRole, **how: object) -> Outcome:
        """Run a role; `how` replaces fields of the run (`check`, `tasks_from`, `obsolete`)."""
        run = RoleRun(
            node=self.node,
            host=self.host,
            role=role.name,
            roles=str(house.root() / "roles"),
            log=str(self.folder / "log"),
            work=str(self.folder / "work"),
            connection=Connection(**self.running.connection),
            variables=dict(role.variables),
            files=self.files(role),
            artefacts=tuple(seen_by_role(one) for one in role.artefacts),
        )
        return asyncio.run(_send_and_run(role, replace(run, **how)))

    def files(self, role: PlannedRole) -> dict[str, HostFile]:
        """Return the rendered files of a role."""
        planned = PlannedHost(self.host, self.os, self.place.address, True, (), (), (role,))  # noqa: FBT003
        return {
            file.path: HostFile(file.content, file.mode, file.owner, file.group)
            for file in render_role(self.node, planned, role)
        }

    def ssh(self, command: str, *options: str, user: str = "") -> subprocess.CompletedProcess[str]:
        """Run a shell command over a login of its own; `options` are ssh's, the first ones win."""
        way = self.running.connection
        argv = ["ssh", *options, "-i", str(way["key_file"]), "-p", str(way["port"])]
        for option in (QUICK, "StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null",
                       "LogLevel=ERROR", "IdentitiesOnly=yes", "BatchMode=yes",
                       "ConnectTimeout=10"):  # fmt: skip
            argv += ["-o", option]
        return subprocess.run(
            [*argv, f"{user or way['user']}@{way['address']}", command],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=PATIENCE,
        )  # fmt: skip

    def ask(self, command: str) -> str:
        """Return what a shell command says as root; it must succeed."""
        answer = self.ssh(f"sudo sh -c {shlex.quote(command)}")
        assert answer.returncode == 0, f"{command}: {answer.stderr}{answer.stdout}"
        return answer.stdout.strip()


def ground(  # noqa: PLR0913 - the last two by keyword
    node: str,
    host: str,
    os: str,
    folder: Path,
    *,
    volumes: tuple[str, ...] = (),
    ports: tuple[int, ...] = (),
) -> Ground:
    """Start a sandbox host; `sandbox.remove(node, host)` is the caller's to call.

    Args:
        node: Name of the node.
        host: Name of the host.
        os: `debian-13` or `debian-12`.
        folder: Where logs and private folders of the runs go.
        volumes: Paths of its data volumes.
        ports: Ports of this computer that it may reach.
    """
    reservation = sandbox.reserve(node, host)
    ways = [sandbox.Way(to=reservation.gateway, port=port, protocol="tcp") for port in ports]
    running = sandbox.start(node, host, os=os, volumes=volumes, egress=ways)
    place = Place(
        address=reservation.address,
        user=running.connection["user"],
        gateway=reservation.gateway,
        package_cache=reservation.package_cache,
    )
    return Ground(node, host, os, folder, running, place)


async def _send_and_run(role: PlannedRole, run: RoleRun) -> Outcome:
    if not run.check and run.tasks_from == "main":
        async with root_shell(run.host, run.connection) as shell:
            await artefacts.send(shell, role.artefacts, _silent)
    return await run_role(run, _silent)


async def _silent(_: str) -> None:
    """Say nothing."""
