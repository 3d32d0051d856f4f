"""Who belongs to a federation: the register of its nodes, on its hub."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cairn.plan.model import Account, PlannedFile, PlannedRole, Service

if TYPE_CHECKING:
    from cairn.plan.context import Context

ROLE: Final = "hub_registry"
USER: Final = "cairn-registry"
#: Who may ask it: the gate, and root.
GATE: Final = "cairn-gate"
SOCKET: Final = f"/run/{USER}/socket"
PROGRAM: Final = "/usr/local/libexec/cairn/hub-registry"
#: Touched after each change, for those who follow.
CHANGED: Final = f"/var/lib/{USER}/changed"
UNITS: Final = (f"{USER}.service", "cairn-settle.path", "cairn-settle.service")
FILES: Final = tuple(f"/etc/systemd/system/{unit}" for unit in UNITS)


def plan(context: Context) -> PlannedRole:
    """Plan the register, where the authority has been signed; before that there is nobody in it."""
    if not context.document.hub_authority:
        return PlannedRole(ROLE, {"hub_registry_wanted": False}, without=(WAITS,))
    return PlannedRole(
        name=ROLE,
        variables={"hub_registry_wanted": True},
        settings={"changed": CHANGED, "gate": GATE, "program": PROGRAM, "user": USER},
        files=tuple(PlannedFile(path, f"{ROLE}{path}.j2") for path in FILES),
        packages=("python3",),
        services=(
            Service(UNITS[0], confined=True),
            Service(UNITS[1]),
            Service(UNITS[2], active=False, enabled=False),
        ),
        accounts=(Account(USER, "keeps the register of nodes", login=False),),
    )


WAITS: Final = "the register of nodes: it waits for the root to sign the hub (`cairn hub`)"
