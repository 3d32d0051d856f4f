"""What takes copies of other nodes' data sets: a gate, an inbox, and what empties it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from cairn.plan.buckets import held, receives
from cairn.plan.model import (
    Account,
    Flow,
    Listener,
    PlannedFile,
    PlannedRole,
    Service,
)
from cairn.plan.roles import enrolment
from cairn.plan.roles.freeze import STORAGE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cairn.plan.context import Context

ROLE: Final = "receiving"
#: Has the storage's credentials and no way to the network; the storage knows it as `receiving`.
USER: Final = "cairn-receiving"
#: Takes what is sent, and has neither key nor credential.
INBOX: Final = "cairn-inbox"
#: Has the node's key and asks for certificates.
GATE: Final = "cairn-receiving-gate"
#: Fetches the list of those revoked.
REVOKED: Final = "cairn-copies-revoked"
FOLDER: Final = "/etc/cairn/receiving"
PORT: Final = 8444
UNITS: Final = "/etc/systemd/system"
FILES: Final = (
    "/etc/cairn/receiving.json",
    f"{FOLDER}/nginx.conf",
    f"{UNITS}/{GATE}.service",
    f"{UNITS}/{INBOX}.service",
    *(f"{UNITS}/{USER}.{kind}" for kind in ("path", "service", "timer")),
    *(f"{UNITS}/{REVOKED}.{kind}" for kind in ("service", "timer")),
)
#: What is done when there is a new certificate, and a new list of those revoked.
HOOKS: Final = tuple(f"{enrolment.FOLDER}/{name}.d/{ROLE}" for name in ("renewed", "revoked"))
PACKAGES: Final = ("nginx", "python3")


def plan(context: Context) -> PlannedRole | None:
    """Plan what takes copies, where the spec says that the node holds one."""
    if not receives(context.spec, context.host.runs):
        return None
    return PlannedRole(
        name=ROLE,
        variables={
            "receiving_inbox": f"{context.volume}/inbox",
            "receiving_copies": sorted(held(context.spec)),
        },
        settings=_settings(context),
        files=(
            *(PlannedFile(path, f"{ROLE}{path}.j2") for path in FILES),
            *(PlannedFile(path, f"{ROLE}{path}.j2", "0755") for path in HOOKS),
        ),
        packages=PACKAGES,
        services=(
            Service(f"{GATE}.service", confined=True, after=enrolment.ENROLLED),
            Service(f"{INBOX}.service", confined=True),
            Service(f"{USER}.path"),
            Service(f"{USER}.timer"),
            Service(f"{USER}.service", active=False, enabled=False, confined=True),
            Service(f"{REVOKED}.timer"),
        ),
        accounts=(
            Account(GATE, "asks senders for certificates", login=False, loopback_only=True),
            Account(INBOX, "takes copies that are sent", login=False, loopback_only=True),
            Account(USER, "stores and deletes copies", login=False, loopback_only=True),
        ),
        listeners=(Listener("*", PORT, "tcp", "nginx", after=enrolment.ENROLLED),),
        flows=tuple(_flows(context)),
        promises=tuple(
            ("copies", f"{name} is a copy of {one.dataset} of {one.node}, deleted in time")
            for name, one in held(context.spec).items()
        ),
    )


def _settings(context: Context) -> dict[str, Any]:
    spec, file = context.spec, context.document.federation
    if file is None or spec.storage is None:
        raise ValueError(f"{spec.name} belongs to no federation and holds copies")
    return {
        "domain": file.domain,
        "folder": FOLDER,
        "identity": enrolment.FOLDER,
        "program": enrolment.PROGRAM,
        "gate": GATE,
        "inbox_user": INBOX,
        "user": USER,
        "inbox": f"{context.volume}/inbox",
        "volume": context.volume,
        "port": PORT,
        "size": int(spec.storage.size),
        "credentials": "/etc/cairn/storage/consumers/receiving.credentials",
        "told": {
            "node": spec.name,
            "inbox": f"{context.volume}/inbox",
            "size": int(spec.storage.size),
            "storage": STORAGE,
            "authority": "/etc/cairn/pki/authority.crt",
            "copies": {
                name: {"node": one.node, "dataset": one.dataset} for name, one in held(spec).items()
            },
            "permits": [
                {
                    "id": one.id,
                    "datasets": list(one.datasets),
                    "expires": str(one.expires),
                    "delete_by": str(one.delete_by),
                }
                for one in getattr(spec, "permits", ())
            ],
        },
    }


def _flows(context: Context) -> Iterator[Flow]:
    for name, one in held(context.spec).items():
        why = f"{one.node} sends copies of its data set {one.dataset}, with its certificate."
        yield Flow(f"copies-{name}", "in", one.comes_from, "tcp", PORT, why, ROLE, tls="1.3")
