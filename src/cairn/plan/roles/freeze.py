"""What freezes data sets: a program on the host, from its archive into its storage."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cairn.plan.buckets import freezes, receives
from cairn.plan.model import Account, PlannedFile, PlannedRole

if TYPE_CHECKING:
    from cairn.plan.context import Context

ROLE: Final = "freeze"
#: The account that the jobs run as; the archive and the storage know it as `freeze`.
USER: Final = "cairn-freeze"
ARCHIVE: Final = "http://127.0.0.1:8042"
STORAGE: Final = "https://127.0.0.1:7070"
FILES: Final = (
    "/etc/cairn/freeze.json",
    "/etc/systemd/system/cairn-freeze@.service",
    "/etc/tmpfiles.d/cairn-freeze.conf",
)
#: What Orthanc's user `freeze` must be let do: method and path as a Lua pattern.
MAY_IN_ARCHIVE: Final = (
    ("POST", "^/tools/find$"),
    ("GET", "^/series/[0-9a-f-]+/instances$"),
    ("GET", "^/instances/[0-9a-f-]+/simplified%-tags$"),
    ("GET", "^/instances/[0-9a-f-]+/file$"),
)
#: What the storage's user `freeze` must be let do in the bucket of a data set, and with objects.
MAY_IN_BUCKETS: Final = (
    "s3:GetBucketObjectLockConfiguration",
    "s3:ListBucket",
    "s3:ListBucketVersions",
)
MAY_WITH_OBJECTS: Final = (
    "s3:BypassGovernanceRetention",
    "s3:DeleteObject",
    "s3:DeleteObjectVersion",
    "s3:GetObject",
    "s3:PutObject",
)
#: In Debian 13 and 12 alike.
PACKAGES: Final = ("python3", "python3-boto3", "python3-pydicom")
#: What reads and writes data sets that were frozen elsewhere.
LIBRARY: Final = ("python3", "python3-boto3")

ELSEWHERE: Final = "data sets: they are frozen where archive and S3 server are on one host"


def plan(context: Context) -> PlannedRole | None:
    """Plan the program that freezes data sets, where the host has archive and S3 server.

    A host that holds copies gets the part of it that reads and writes data sets.
    """
    runs = context.host.runs
    if receives(context.spec, runs):
        library = {"freeze_wanted": False, "freeze_library": True}
        variables = {**library, "freeze_packages": list(LIBRARY)}
        return PlannedRole(ROLE, variables, packages=LIBRARY)
    if not freezes(context.spec, runs):
        wanted = PlannedRole(ROLE, {"freeze_wanted": False}, without=(ELSEWHERE,))
        return wanted if "pacs" in runs else None
    return PlannedRole(
        name=ROLE,
        variables={"freeze_wanted": True, "freeze_packages": list(PACKAGES)},
        settings={
            "archive": ARCHIVE,
            "storage": STORAGE,
            "authority": "/etc/cairn/pki/authority.crt",
            "password": "/etc/cairn/archive/freeze.password",
            "credentials": "/etc/cairn/storage/consumers/freeze.credentials",
            "user": USER,
        },
        files=tuple(PlannedFile(path, f"{ROLE}{path}.j2") for path in FILES),
        packages=PACKAGES,
        accounts=(Account(USER, "freezes data sets", login=False),),
    )
