"""The S3 storage of a host: versitygw over the data volume, or an S3 service that is there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from cairn.artefacts.lock import locked
from cairn.plan.buckets import buckets_of, consumers_of
from cairn.plan.model import Account, Flow, Listener, PlannedFile, PlannedRole, Secret, Service
from cairn.plan.roles.certificate import RELOAD

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cairn.plan.context import Context
    from cairn.spec.imaging import Storage, StorageConsumer

ROLE: Final = "storage"
#: The user of the S3 server, and the name of its unit, folders and logs.
USER: Final = "cairn-s3"
PORT: Final = 7070
ADMIN_PORT: Final = 7071
UNIT: Final = f"/etc/systemd/system/{USER}.service"
LOGROTATE: Final = f"/etc/logrotate.d/{USER}"
PROGRAM: Final = "/usr/local/libexec/cairn/versitygw"
#: What the role `certificate` does when there is a new one.
RELOAD_FILE: Final = f"{RELOAD}/{ROLE}"

FILES: Final = (UNIT, LOGROTATE, RELOAD_FILE)


def plan(context: Context) -> PlannedRole:
    """Plan the storage of one host."""
    storage = context.spec.storage
    if storage is None:
        raise ValueError(f"{context.spec.name} runs `{ROLE}` and declares no `{ROLE}`")
    buckets = buckets_of(context.spec)
    if storage.engine == "ceph":
        why = "the S3 server: the spec names an existing service, which keeps data and users"
        return PlannedRole(ROLE, {"storage_engine": "ceph"}, without=(why,), buckets=buckets)
    program = locked("versitygw")
    return PlannedRole(
        name=ROLE,
        variables=_variables(context, storage),
        settings={
            "program": PROGRAM,
            "path": storage.path,
            "user": USER,
            "listens": _address(context),
            "port": PORT,
            "admin_port": ADMIN_PORT,
            "keep_days": context.spec.logging.keep_days,
            "encryption": storage.encryption.method if storage.encryption else "",
        },
        files=tuple(PlannedFile(path, f"{ROLE}{path}.j2") for path in FILES),
        packages=("logrotate",),
        services=(Service(f"{USER}.service", confined=True), Service("logrotate.timer")),
        accounts=tuple(_accounts(context)),
        listeners=(
            Listener(_address(context) or "*", PORT, "tcp", "versitygw"),
            Listener("127.0.0.1", ADMIN_PORT, "tcp", "versitygw"),
        ),
        flows=tuple(_flows(context)),
        artefacts=(program,),
        secrets=tuple(_secrets(context)),
        buckets=buckets,
    )


def account_of(consumer: StorageConsumer) -> str:
    """Return the local account that may read a consumer's credential; a remote one has none."""
    return "root" if consumer.comes_from else f"cairn-{consumer.name}"


def _address(context: Context) -> str:
    """Return the address to listen on: the loopback, or empty for all where somebody comes in."""
    remote = any(one.comes_from for one in consumers_of(context.spec))
    return "" if remote else "127.0.0.1"


def _variables(context: Context, storage: Storage) -> dict[str, Any]:
    encryption = storage.encryption
    return {
        "storage_engine": "versitygw",
        "storage_path": storage.path,
        # A sandbox rehearses the spec on this computer, whose disk is not the hospital's.
        "storage_size": 0 if context.place.gateway else int(storage.size),
        "storage_encrypted": encryption is not None and encryption.method == "luks2",
        "storage_consumers": [
            {"name": one.name, "account": account_of(one)} for one in consumers_of(context.spec)
        ],
    }


def _accounts(context: Context) -> Iterator[Account]:
    yield Account(USER, "the S3 server", login=False)
    for one in consumers_of(context.spec):
        if not one.comes_from:
            yield Account(account_of(one), f"uses the storage as {one.name}", login=False)


def _secrets(context: Context) -> Iterator[Secret]:
    yield Secret("/etc/cairn/storage/root.env")
    yield Secret(f"/var/lib/{USER}/users/users.json", USER)
    for one in consumers_of(context.spec):
        path = f"/etc/cairn/storage/consumers/{one.name}.credentials"
        yield Secret(path, account_of(one), "0400")


def _flows(context: Context) -> Iterator[Flow]:
    for one in consumers_of(context.spec):
        if one.comes_from:
            why = f"{one.name} reads and writes the buckets that the spec grants it."
            yield Flow(f"s3-{one.name}", "in", one.comes_from, "tcp", PORT, why, ROLE, tls="1.2")
