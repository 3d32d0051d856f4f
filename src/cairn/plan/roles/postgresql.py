"""The database of a host: PostgreSQL on a socket, without passwords, on the data volume."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from cairn.plan.model import Account, PlannedFile, PlannedRole, Service
from cairn.spec.node import DataProviderNode

if TYPE_CHECKING:
    from cairn.plan.context import Context

ROLE: Final = "postgresql"
#: The release of PostgreSQL that each Debian brings.
VERSIONS: Final = {"debian-13": 17, "debian-12": 15}
#: The cluster's name among Debian's (pg_lsclusters(1)).
CLUSTER: Final = "cairn"
SOCKETS: Final = "/run/postgresql"
#: Databases, each owned by the account of the same name.
DATABASES: Final = ("orthanc",)
CONFIGURATION: Final = ("pg_hba.conf", "pg_ident.conf", "postgresql.conf", "start.conf")


def plan(context: Context) -> PlannedRole:
    """Plan the database of one host."""
    version = VERSIONS[context.host.os]
    return PlannedRole(
        name=ROLE,
        variables=_variables(context, version),
        settings=_settings(context, version),
        files=_files(context, version),
        packages=("postgresql",),
        services=(Service(unit(context), confined=True),),
        accounts=(Account("postgres", "runs the database", login=False),),
    )


def unit(context: Context) -> str:
    """Return the unit of the cluster."""
    return f"postgresql@{VERSIONS[context.host.os]}-{CLUSTER}.service"


def data_folder(context: Context) -> str:
    """Return where the database lies: on the data volume, so that it comes back with it."""
    return f"{context.volume}/postgresql"


def _limits(context: Context) -> tuple[int, int]:
    """Return cores and MiB of memory that the database may use."""
    spec = context.spec
    pacs = spec.pacs if isinstance(spec, DataProviderNode) else None
    return (pacs.cores, pacs.memory // 2**20) if pacs else (2, 2048)


def _variables(context: Context, version: int) -> dict[str, Any]:
    return {
        "postgresql_version": version,
        "postgresql_volume": context.volume,
        "postgresql_memory_mib": _limits(context)[1],
        "postgresql_databases": list(DATABASES),
    }


def _settings(context: Context, version: int) -> dict[str, Any]:
    cores, memory = _limits(context)
    return {
        "version": version,
        "cluster": CLUSTER,
        "data": data_folder(context),
        "volume": context.volume,
        "sockets": SOCKETS,
        "databases": DATABASES,
        "cores": cores,
        "memory_mib": memory,
    }


def _files(context: Context, version: int) -> tuple[PlannedFile, ...]:
    cluster = f"/etc/postgresql/{version}/{CLUSTER}"
    above = f"{ROLE}/etc/postgresql/VERSION/{CLUSTER}"
    drop_in = "/etc/systemd/system"
    return (
        PlannedFile(
            "/etc/postgresql-common/createcluster.conf",
            f"{ROLE}/etc/postgresql-common/createcluster.conf.j2",
        ),
        *(PlannedFile(f"{cluster}/{name}", f"{above}/{name}.j2") for name in CONFIGURATION),
        PlannedFile(
            f"{drop_in}/{unit(context)}.d/cairn.conf",
            f"{ROLE}{drop_in}/postgresql@VERSION-{CLUSTER}.service.d/cairn.conf.j2",
        ),
    )
