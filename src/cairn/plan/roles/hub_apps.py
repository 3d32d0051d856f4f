"""The apps of a federation on its hub: kept by digest, run where enough sites are there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cairn.plan.model import PlannedFile, PlannedRole
from cairn.spec.node import HubNode

if TYPE_CHECKING:
    from cairn.plan.context import Context

ROLE: Final = "hub_apps"
FOLDER: Final = "/var/lib/cairn-apps"
PROGRAM: Final = "/usr/local/libexec/cairn/hub-apps"
FILES: Final = ("/etc/cairn/hub-apps.json", "/etc/systemd/system/cairn-app-run@.service")


def plan(context: Context) -> PlannedRole:
    """Plan what keeps and runs apps."""
    if not isinstance(context.spec, HubNode):
        raise TypeError(f"{context.spec.name} is no hub and runs `hub-fl`")
    return PlannedRole(
        name=ROLE,
        settings={"minimum_sites": context.spec.hub.minimum_sites},
        files=tuple(PlannedFile(path, f"{ROLE}{path}.j2") for path in FILES),
        packages=("python3",),
    )
