"""The account of a host: what was approved, run and refused on it, written by nobody else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cairn.plan.model import Account, PlannedFile, PlannedRole, Service

if TYPE_CHECKING:
    from cairn.plan.context import Context

ROLE: Final = "account"
#: Who writes the lines; nobody else can change one.
USER: Final = "cairn-account"
#: Who may hand lines of tasks in, on a node; on a hub root alone hands lines in.
AGENT: Final = "cairn-fl-agent"
FOLDER: Final = f"/var/lib/{USER}"
SOCKET: Final = f"/run/{USER}.sock"
UNITS: Final = "/etc/systemd/system"
FILES: Final = (
    "/etc/cairn/account.json",
    f"{UNITS}/{USER}.socket",
    f"{UNITS}/{USER}@.service",
    f"{UNITS}/{USER}-drop.service",
    f"{UNITS}/{USER}-drop.timer",
)


def plan(context: Context) -> PlannedRole:
    """Plan the account of one host."""
    writers = "root" if context.spec.kind == "hub" else AGENT
    return PlannedRole(
        name=ROLE,
        variables={"account_writers": writers},
        settings={
            "user": USER,
            "writers": writers,
            "at_most_days": context.spec.logging.at_most_days,
        },
        files=tuple(PlannedFile(path, f"{ROLE}{path}.j2") for path in FILES),
        packages=("python3",),
        services=(Service(f"{USER}.socket"), Service(f"{USER}-drop.timer")),
        accounts=(Account(USER, "writes the account of what was run", login=False),),
    )
