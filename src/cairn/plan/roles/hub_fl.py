"""The federated-learning server of a hub: Flower on the loopback, and the nodes it admits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cairn.plan.model import Account, Listener, PlannedFile, PlannedRole, Secret, Service
from cairn.plan.roles import flower
from cairn.spec.node import HubNode

if TYPE_CHECKING:
    from cairn.plan.context import Context

ROLE: Final = "hub_fl"
#: Hands out tasks and keeps what was asked and answered.
SERVER: Final = "cairn-fl"
#: Runs the hub's part of an application.
RUNNER: Final = "cairn-fl-exec"
#: Settings of the command line of root, who alone gives orders.
FOLDER: Final = "/etc/cairn/fl-hub"
STATE: Final = f"/var/lib/{SERVER}"
#: Which node of the register is which of Flower's.
NODES: Final = f"{STATE}/nodes.json"
#: On the loopback; nodes reach the part of it that is theirs through the hub's gate.
PORT: Final = 18000
LINK: Final = f"{SERVER}-link"
SYNC: Final = f"{SERVER}-nodes"
PROGRAM: Final = "/usr/local/libexec/cairn/hub-fl-nodes"
#: Of the role `hub_registry`.
REGISTRY: Final = "/usr/local/libexec/cairn/hub-registry"
CHANGED: Final = "/var/lib/cairn-registry/changed"
#: Of the role `hub_gate`.
LOCATION: Final = f"/etc/cairn/gate/locations.d/{ROLE}.conf"
KEY: Final = f"{FOLDER}/link.key"
SECRET: Final = f"{FOLDER}/superexec.secret"
UNITS: Final = (
    f"{LINK}.service",
    f"{RUNNER}.service",
    *(f"{SYNC}.{kind}" for kind in ("service", "path", "timer")),
)
FILES: Final = (
    f"{FOLDER}/config.toml",
    LOCATION,
    *(f"/etc/systemd/system/{unit}" for unit in UNITS),
)


def plan(context: Context) -> PlannedRole:
    """Plan the server; nodes reach it once the gate stands."""
    if not isinstance(context.spec, HubNode):
        raise TypeError(f"{context.spec.name} is no hub and runs `hub-fl`")
    return PlannedRole(
        name=ROLE,
        settings={
            "changed": CHANGED,
            "environment": flower.folder(context),
            "folder": FOLDER,
            "key": KEY,
            "link": LINK,
            "port": PORT,
            "program": PROGRAM,
            "registry": REGISTRY,
            "runner": RUNNER,
            "secret": SECRET,
            "server": SERVER,
            "state": STATE,
            "sync": SYNC,
        },
        files=tuple(PlannedFile(path, f"{ROLE}{path}.j2") for path in FILES),
        packages=("openssl",),
        services=(
            Service(f"{LINK}.service", confined=True),
            Service(f"{RUNNER}.service", confined=True),
            Service(f"{SYNC}.path"),
            Service(f"{SYNC}.timer"),
            Service(f"{SYNC}.service", active=False, enabled=False),
        ),
        accounts=(
            Account(SERVER, "hands tasks to nodes", login=False, loopback_only=True),
            Account(RUNNER, "runs the hub's part of applications", login=False, loopback_only=True),
        ),
        listeners=(Listener("127.0.0.1", PORT, "tcp", "flower-superlin"),),
        secrets=(Secret(KEY), Secret(SECRET)),
    )
