"""The one public port of a hub: nodes that show a certificate, and the way to its authority."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

from cairn.plan.model import (
    ANYWHERE,
    Account,
    Flow,
    Listener,
    PlannedFile,
    PlannedRole,
    Secret,
    Service,
)
from cairn.plan.roles import hub_ca, hub_registry
from cairn.spec.node import HubNode

if TYPE_CHECKING:
    from cairn.plan.context import Context

ROLE: Final = "hub_gate"
USER: Final = hub_registry.GATE
FOLDER: Final = "/etc/cairn/gate"
#: A role that has something for nodes plans a file of its own name here, with nginx locations; each
#: sees `$cairn_node`, the name of the node, which has shown its certificate.
LOCATIONS: Final = f"{FOLDER}/locations.d"
PORT: Final = 443
PROGRAM: Final = "/usr/local/libexec/cairn/hub-gate"
UNIT: Final = "cairn-gate.service"
TIMERS: Final = ("cairn-gate-certificate", "cairn-revoked")
FILES: Final = (
    f"{FOLDER}/nginx.conf",
    f"/etc/systemd/system/{UNIT}",
    *(f"/etc/systemd/system/{name}.{kind}" for name in TIMERS for kind in ("service", "timer")),
)


def plan(context: Context) -> PlannedRole:
    """Plan the gate; before the root has signed the hub there is nothing behind it."""
    if not isinstance(context.spec, HubNode):
        raise TypeError(f"{context.spec.name} is no hub and runs `hub-ca`")
    if not context.document.hub_authority:
        waits = "the public port: it waits for the root to sign the hub (`cairn hub`)"
        return PlannedRole(ROLE, {"hub_gate_wanted": False}, without=(waits,))
    hub = context.spec.hub
    chain = "".join(context.document.hub_authority.values())
    why = "Nodes of the federation show their certificate and fetch their tasks, or renew it."
    return PlannedRole(
        name=ROLE,
        variables={"hub_gate_wanted": True, "hub_gate_domain": hub.domain},
        settings={
            "authority": hashlib.sha256(chain.encode()).hexdigest(),
            "authority_port": hub_ca.PORT,
            "cores": 2,
            "domain": hub.domain,
            "folder": FOLDER,
            "keys": hub_ca.FOLDER,
            "port": PORT,
            "program": PROGRAM,
            "registry": hub_registry.SOCKET,
            "tls_versions": "TLSv1.3" if hub.tls == "1.3" else "TLSv1.2 TLSv1.3",
            "user": USER,
        },
        files=tuple(PlannedFile(path, f"{ROLE}{path}.j2") for path in FILES),
        packages=("libnginx-mod-stream", "nginx", "openssl"),
        services=(
            Service(UNIT, confined=True),
            *(Service(f"{name}.timer") for name in TIMERS),
        ),
        accounts=(Account(USER, "asks for certificates at the public port", login=False),),
        listeners=(Listener("*", PORT, "tcp", "nginx"),),
        flows=(Flow("nodes", "in", ANYWHERE, "tcp", PORT, why, ROLE, tls=hub.tls),),
        secrets=(Secret(f"{FOLDER}/server.key"),),
    )
