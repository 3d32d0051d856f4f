"""The buckets of a node and who uses them: what the spec declares, and what follows from it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cairn.plan.model import PlannedBucket
from cairn.spec.imaging import Bucket, StorageConsumer

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from cairn.spec.imaging import FrozenDataset, Origin
    from cairn.spec.node import Spec

#: Reads the data sets without being named, where the node runs it.
AGENT: Final = "fl-agent"
#: Writes the data sets without being named, where one host has archive and S3 server.
FREEZE: Final = "freeze"
#: Writes what comes of runs, on the host of a hub that has an S3 server, and the bucket for it.
HUB_APPS: Final = "hub-apps"
RESULTS: Final = "results"
#: Reads the data sets that the spec lets others have copies of.
LENDING: Final = "lending"
#: Writes the copies that a compute node holds.
RECEIVING: Final = "receiving"
#: Delete older versions of objects as well.
KEEPERS: Final = (FREEZE, RECEIVING)


def consumers_of(spec: Spec) -> tuple[StorageConsumer, ...]:
    """Return all who use buckets: those declared, then those of the node's own services."""
    declared = spec.storage.consumers if spec.storage else ()
    named = {one.name for one in declared}
    return (*declared, *(one for one in _own(spec) if one.name not in named))


def freezes(spec: Spec, runs: Collection[str]) -> bool:
    """Tell whether a host that runs these freezes data sets: from its archive into its storage."""
    return _has_server(spec) and {"pacs", "storage"} <= set(runs)


def keeps_results(spec: Spec, runs: Collection[str]) -> bool:
    """Tell whether a host that runs these puts results of the federation into its storage."""
    return _has_server(spec) and {"hub-fl", "storage"} <= set(runs)


def lends(spec: Spec, runs: Collection[str]) -> bool:
    """Tell whether a host that runs these sends copies of data sets to compute nodes."""
    return freezes(spec, runs) and AGENT in runs and bool(lent(spec))


def receives(spec: Spec, runs: Collection[str]) -> bool:
    """Tell whether a host that runs these takes copies of other nodes' data sets."""
    return _has_server(spec) and {AGENT, "storage"} <= set(runs) and bool(held(spec))


def lent(spec: Spec) -> tuple[FrozenDataset, ...]:
    """Return the data sets that some compute node may get copies of."""
    if spec.kind != "data-provider":
        return ()
    return tuple(one for one in spec.datasets if one.copies)


def held(spec: Spec) -> dict[str, Origin]:
    """Return the data sets that are copies, by name, with where they come from."""
    if spec.kind != "compute":
        return {}
    return {one.name: one.copy_of for one in spec.datasets if one.copy_of}


def _has_server(spec: Spec) -> bool:
    return spec.storage is not None and spec.storage.engine == "versitygw"


def _own(spec: Spec) -> Iterator[StorageConsumer]:
    datasets = _datasets(spec)
    if any(AGENT in host.runs for host in spec.hosts):
        yield StorageConsumer(name=AGENT, reads=datasets)
    if any(freezes(spec, host.runs) for host in spec.hosts):
        yield StorageConsumer(name=FREEZE, reads=datasets, writes=datasets)
    if any(keeps_results(spec, host.runs) for host in spec.hosts):
        yield StorageConsumer(name=HUB_APPS, writes=(RESULTS,))
    if any(lends(spec, host.runs) for host in spec.hosts):
        yield StorageConsumer(name=LENDING, reads=tuple(one.name for one in lent(spec)))
    if any(receives(spec, host.runs) for host in spec.hosts):
        copies = tuple(held(spec))
        yield StorageConsumer(name=RECEIVING, reads=copies, writes=copies)


def buckets_of(spec: Spec) -> tuple[PlannedBucket, ...]:
    """Return all buckets by name: those declared, one for each data set, one for results."""
    declared = {one.name: one for one in (spec.storage.buckets if spec.storage else ())}
    results = [RESULTS] if any(keeps_results(spec, host.runs) for host in spec.hosts) else []
    every = {name: Bucket(name=name) for name in (*_datasets(spec), *results)} | declared
    return tuple(_bucket(every[name], consumers_of(spec)) for name in sorted(every))


def _bucket(bucket: Bucket, consumers: tuple[StorageConsumer, ...]) -> PlannedBucket:
    lock = bucket.retention
    return PlannedBucket(
        name=bucket.name,
        versioning=bucket.versioning,
        retention=(lock.mode, lock.days) if lock else None,
        expire_days=bucket.expire_days,
        readers=tuple(one.name for one in consumers if bucket.name in one.reads),
        writers=tuple(one.name for one in consumers if bucket.name in one.writes),
        keepers=tuple(
            one.name for one in consumers if one.name in KEEPERS and bucket.name in one.writes
        ),
    )


def _datasets(spec: Spec) -> tuple[str, ...]:
    return tuple(one.name for one in getattr(spec, "datasets", ()))
