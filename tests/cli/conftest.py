"""A checkout of its own for each test, and a plan that no spec is needed for."""

from __future__ import annotations

from pathlib import Path
from shutil import copy
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner, Result

from cairn.cli.main import cairn
from cairn.plan.model import (
    Account,
    Flow,
    Listener,
    Plan,
    PlannedFile,
    PlannedHost,
    PlannedRole,
    Service,
)

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[2]
SITE = (
    "--institution=Example Hospital, Lyon",
    "--country=FR",
    "--technical=it@hospital.example",
    "--security=soc@hospital.example",
    "--data-protection=dpo@hospital.example",
)
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPlease ana@imaging"


@pytest.fixture
def run() -> Callable[..., Result]:
    """Run the command line in this process, its two streams kept apart."""

    def call(*arguments: str, stdin: str | None = None) -> Result:
        return CliRunner().invoke(cairn, [*arguments], input=stdin, prog_name="cairn")

    return call


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty checkout that Cairn takes for its own."""
    (tmp_path / "nodes").mkdir()
    monkeypatch.setenv("CAIRN_HOME", str(tmp_path))
    return tmp_path


@pytest.fixture
def plan() -> Plan:
    """A node of one sandbox host with one thing of each sort."""
    base = PlannedRole(
        name="base",
        files=(PlannedFile("/etc/issue", "base/etc/issue.j2", mode="0600"),),
        packages=("openssh-server", "sudo"),
        services=(Service("ssh.service"), Service("cairn-clean.timer", active=False)),
        accounts=(
            Account("ana", "administrator", login=True, sudo="with password", keys=(KEY,)),
            Account("cairn-fl-agent", "runs the agent", login=False),
        ),
        listeners=(Listener("*", 22, "tcp", "sshd"),),
        flows=(
            Flow("ssh-1", "in", "10.0.0.0/24", "tcp", 22, "Administrators log in.", "base"),
            Flow("dns", "out", "resolvers", "udp", 53, "Names are looked up.", "base"),
            Flow("dns-tcp", "out", "resolvers", "tcp", 53, "Long answers too.", "base"),
            Flow(
                "hub",
                "out",
                "hub.example.org",
                "tcp",
                443,
                "Results go to the hub.",
                "base",
                tls="1.3",
                user="cairn-fl-agent",
            ),
        ),
        without=("time synchronisation: the machine has no clock of its own",),
    )
    host = PlannedHost(
        name="imaging-1",
        os="debian-13",
        address="10.99.0.2",
        sandbox=True,
        capabilities=(),
        volumes=("/srv/imaging",),
        roles=(base,),
        pending=("pacs",),
    )
    return Plan("demo", "data-provider", "staging", "sha256:" + 64 * "0", (host,))


@pytest.fixture
def home(checkout: Path) -> Path:
    """A checkout with the real skeletons, templates and policies, and a federation file."""
    for folder in ("templates", "policies", "tools"):
        (checkout / folder).symlink_to(ROOT / folder)
    copy(ROOT / "nodes" / "demo.federation.json", checkout / "nodes")
    return checkout


@pytest.fixture
def lyon(home: Path, run: Callable[..., Result]) -> Path:
    """The spec of a node `lyon` with one existing machine, `imaging-1`."""
    assert run("new", "lyon", *SITE, "--address=10.20.0.12").exit_code == 0
    return home / "nodes" / "lyon.yaml"
