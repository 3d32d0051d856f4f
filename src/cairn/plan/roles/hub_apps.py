"""The apps of a federation on its hub: kept by digest, run where enough sites are there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cairn.plan.buckets import HUB_APPS, RESULTS, keeps_results
from cairn.plan.model import PlannedFile, PlannedRole, Service
from cairn.plan.roles.freeze import STORAGE
from cairn.spec.node import HubNode

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cairn.plan.context import Context

ROLE: Final = "hub_apps"
FOLDER: Final = "/var/lib/cairn-apps"
PROGRAM: Final = "/usr/local/libexec/cairn/hub-apps"
#: Has runs followed that a restart of the host left behind.
RESUMING: Final = "cairn-app-runs.service"
FILES: Final = (
    "/etc/cairn/hub-apps.json",
    "/etc/systemd/system/cairn-app-run@.service",
    f"/etc/systemd/system/{RESUMING}",
)
#: Speaks S3; in Debian 13 and 12 alike.
PACKAGES: Final = ("python3-boto3",)
#: Where results go, as the programs on the host read it.
BUCKET: Final[Mapping[str, str]] = {
    "url": STORAGE,
    "authority": "/etc/cairn/pki/authority.crt",
    "credentials": f"/etc/cairn/storage/consumers/{HUB_APPS}.credentials",
    "bucket": RESULTS,
}
NO_BUCKET: Final = "a bucket for results: they stay on the disk, because no S3 server runs beside"


def plan(context: Context) -> PlannedRole:
    """Plan what keeps and runs apps."""
    if not isinstance(context.spec, HubNode):
        raise TypeError(f"{context.spec.name} is no hub and runs `hub-fl`")
    keeps = keeps_results(context.spec, context.host.runs)
    return PlannedRole(
        name=ROLE,
        variables={"hub_apps_packages": list(PACKAGES) if keeps else []},
        settings={
            "mode": context.spec.hub.mode,
            "minimum_sites": context.spec.hub.minimum_sites,
            "storage": dict(BUCKET) if keeps else None,
        },
        files=tuple(PlannedFile(path, f"{ROLE}{path}.j2") for path in FILES),
        services=(Service(RESUMING),),
        packages=("python3", *(PACKAGES if keeps else ())),
        without=() if keeps else (NO_BUCKET,),
    )
