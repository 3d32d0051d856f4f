"""The identity of a node in its federation: keys made on the host, a certificate of days."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import cairn
from cairn.plan import ways
from cairn.plan.model import Flow, PlannedFile, PlannedRole, Secret, Service

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cairn.plan.context import Context
    from cairn.spec.federation import FederationFile

ROLE: Final = "enrolment"
FOLDER: Final = "/etc/cairn/federation"
#: Who may read the agent's key.
GROUP: Final = "cairn-federation"
PROGRAM: Final = "/usr/local/libexec/cairn/node-identity"
#: There once the node is enrolled; what needs the federation starts with it.
ENROLLED: Final = f"{FOLDER}/enrolled"
#: Programs of other roles that are run after there is a new certificate.
HOOKS: Final = f"{FOLDER}/renewed.d"
KEY: Final = f"{FOLDER}/node.key"
CERTIFICATE: Final = f"{FOLDER}/node.crt"
AUTHORITIES: Final = f"{FOLDER}/ca.crt"
AGENT_KEY: Final = f"{FOLDER}/agent.key"
TIMER: Final = "cairn-identity.timer"
FILES: Final = (
    AUTHORITIES,
    f"{FOLDER}/settings.json",
    "/etc/systemd/system/cairn-identity.service",
    f"/etc/systemd/system/{TIMER}",
)
#: What the two services of a hub are called in a federation file, and where they are without it.
FLEET, AUTHORITY = "fl", "ca"
HTTPS: Final = 443


def plan(context: Context) -> PlannedRole:
    """Plan the identity of the node; without an invitation it waits for one."""
    file = context.document.federation
    if file is None:
        raise ValueError(f"{context.spec.name} belongs to no federation and runs `fl-agent`")
    invitation = context.document.invitation
    waits = f"the federation: it waits for {context.spec.name}.invitation.json beside the spec"
    return PlannedRole(
        name=ROLE,
        variables={
            "enrolment_node": context.spec.name,
            "enrolment_invitation": invitation.digest if invitation else "",
            "enrolment_addresses": [
                {"name": name, "address": address}
                for name, address in sorted(file.addresses.items())
            ],
        },
        settings=_settings(context, file),
        files=tuple(PlannedFile(path, f"{ROLE}{path}.j2") for path in FILES),
        packages=("openssh-client", "openssl", "python3"),
        services=(
            Service(TIMER),
            Service("cairn-identity.service", active=False, enabled=False, confined=True),
        ),
        flows=tuple(_flows(context, file)),
        secrets=(Secret(KEY, after=ENROLLED), Secret(AGENT_KEY, mode="0640", after=ENROLLED)),
        without=() if invitation else (waits,),
    )


def name_of(node: str, file: FederationFile) -> str:
    """Return the name of a node in certificates of its federation."""
    return f"{node}.{file.domain}"


def end(file: FederationFile, name: str) -> tuple[str, int]:
    """Return host and port of a service of the hub."""
    for one in file.endpoints:
        if one.name == name:
            return one.host, one.port
    return (file.domain if name == FLEET else f"{name}.{file.domain}"), HTTPS


def _settings(context: Context, file: FederationFile) -> dict[str, Any]:
    ends = {name: end(file, name) for name in (FLEET, AUTHORITY)}
    return {
        "name": name_of(context.spec.name, file),
        "hub": dict(zip(("host", "port"), ends[FLEET], strict=True)),
        "ca": dict(zip(("host", "port"), ends[AUTHORITY], strict=True)),
        "proxy": ways.proxy_to(context.spec.network, ends[FLEET][0]),
        "roots": [pem.rstrip("\n") for pem in file.ca_certificates],
        "versions": {"cairn": cairn.__version__, "os": context.host.os},
        "folder": FOLDER,
        "program": PROGRAM,
    }


def _flows(context: Context, file: FederationFile) -> Iterator[Flow]:
    """Yield the ways to the hub, one of them if both end at the same proxy."""
    reasons = {
        AUTHORITY: "The host has its certificate signed and renewed by the hub's authority.",
        FLEET: "The host tells the hub its public key once, and later that it is there.",
    }
    seen: set[tuple[str, int]] = set()
    for name, why in reasons.items():
        host, port = end(file, name)
        peer = ways.proxy_end(context.spec.network, host) or (host, port)
        if peer not in seen:
            yield Flow(
                f"hub-{name}", "out", peer[0], "tcp", peer[1], why, ROLE, tls="1.3", user="root"
            )
        seen.add(peer)
