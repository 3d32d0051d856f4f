"""Jobs for the host, made from the spec: which cohort, on which permit, under which profile."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from cairn import __version__
from cairn.errors import Misuse, PlanRefused
from cairn.spec.node import DataProviderNode

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date

    from cairn.spec.document import Document
    from cairn.spec.hosts import Host
    from cairn.spec.imaging import Copy
    from cairn.spec.legal import Permit

Job: TypeAlias = dict[str, Any]

#: What a cohort may be asked by. A person is no cohort: no identifier of one is among them.
KEYS: Final = (
    "BodyPartExamined",
    "Manufacturer",
    "ManufacturerModelName",
    "Modality",
    "PatientSex",
    "ProtocolName",
    "SeriesDescription",
    "StudyDate",
    "StudyDescription",
)
#: DICOM PS3.4 C.2.2.2: lists are parted by backslashes, `*` and `?` stand for others.
_VALUE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._*?\\/()+-]{0,63}|[*?][A-Za-z0-9*? ._-]{1,63}")
_PERSON: Final = re.compile(r"[^@\s]{1,64}@[^@\s]{1,190}")
_DAY: Final = r"[0-9]{8}"
_DAYS: Final = re.compile(rf"{_DAY}|{_DAY}-|-{_DAY}|{_DAY}-{_DAY}")


def host_of(document: Document) -> Host:
    """Return the host that has archive and storage.

    Raises:
        Misuse: The node has none.
    """
    spec = document.spec
    for host in spec.hosts:
        if {"pacs", "storage"} <= set(host.runs):
            return host
    raise Misuse(
        f"{spec.name} has no host that runs both `pacs` and `storage`; data sets are frozen there"
    )


def freeze(  # noqa: PLR0913 - each is a word of the verb, and all but the first are keywords
    document: Document,
    *,
    dataset: str | None,
    query: Sequence[str],
    permit: str,
    anew: bool,
    today: date,
) -> Job:
    """Return the job that freezes a cohort.

    Args:
        document: The node.
        dataset: Name of the data set; the permit's only one if None.
        query: What the cohort is asked by, each as `KEY=VALUE`.
        permit: Number of the permit it rests on.
        anew: Whether an unfinished freeze is dropped.
        today: The day that the permit is judged on.

    Raises:
        Misuse: Data set, permit or query cannot be understood.
        PlanRefused: The permit has ended, or is not for this data set.
    """
    spec = _hospital(document)
    found = _permit(spec, permit)
    name = dataset or (found.datasets[0] if len(found.datasets) == 1 else None)
    job = {**about(document, "freeze", name), "query": asked(query), "anew": anew}
    if found.expires < today:
        raise PlanRefused(f"permit {found.id} ended on {found.expires}; name one that is valid")
    if job["dataset"] not in found.datasets:
        raise PlanRefused(
            f"permit {found.id} is for {', '.join(found.datasets)}, not for {job['dataset']}"
        )
    profile = spec.pacs.deidentify if spec.pacs else None
    return {
        **job,
        "permit": {"id": found.id, "expires": str(found.expires)},
        "deidentification": {
            "profile": profile.profile if profile else "unknown",
            "options": sorted(profile.options) if profile else [],
        },
        "least": spec.search.minimum_cohort,
    }


def lend(  # noqa: PLR0913 - each is a word of the verb, and all but the first are keywords
    document: Document,
    *,
    dataset: str,
    version: int | None,
    to: str,
    by: str,
    today: date,
) -> Job:
    """Return the job that sends a copy of a version to a compute node.

    Args:
        document: The node.
        dataset: Name of the data set.
        version: The version; the newest if None.
        to: The compute node.
        by: Who lends it, a mail address.
        today: The day that the consent is judged on.

    Raises:
        Misuse: Data set or person cannot be understood.
        PlanRefused: The spec does not consent, or no longer.
    """
    job = {**_between(document, "lend", dataset, to, by), "version": version}
    until = next(one.until for one in _copies(document, dataset) if one.to == to)
    if until < today:
        raise PlanRefused(
            f"the consent that {to} gets copies of {dataset} ended on {until}; renew it in the "
            "spec and run `cairn up`"
        )
    return job


def recall(document: Document, *, dataset: str, of: str, by: str) -> Job:
    """Return the job that has a compute node delete its copy.

    Raises:
        Misuse: Data set or person cannot be understood.
        PlanRefused: The spec names no copy there.
    """
    return _between(document, "recall", dataset, of, by)


def copies(document: Document) -> tuple[tuple[str, str], ...]:
    """Return each data set that may have copies, with the compute node that may hold one."""
    every = _hospital(document).datasets
    return tuple((one.name, copy.to) for one in every for copy in one.copies)


def _between(document: Document, verb: str, dataset: str, to: str, by: str) -> Job:
    if _PERSON.fullmatch(by) is None:
        raise Misuse("who does this is named by a mail address, as in --by dpo@hospital.example")
    job = about(document, verb, dataset)
    known = [one.to for one in _copies(document, dataset)]
    if to not in known:
        raise PlanRefused(
            f"the spec lets {', '.join(known) or 'nobody'} have copies of {dataset}, not {to}; add "
            "it to `copies` of the data set and run `cairn up`"
        )
    return {**job, "to": to, "by": by}


def _copies(document: Document, dataset: str) -> tuple[Copy, ...]:
    return next(one.copies for one in _hospital(document).datasets if one.name == dataset)


def about(document: Document, verb: str, dataset: str | None) -> Job:
    """Return what every job about one data set says.

    Raises:
        Misuse: The node has no such data set, or several and none was named.
    """
    known = [one.name for one in _hospital(document).datasets]
    if dataset is None and len(known) == 1:
        dataset = known[0]
    if dataset is None:
        raise Misuse(f"say with --dataset which one: {', '.join(known) or 'none is declared'}")
    if dataset not in known:
        told = ", ".join(known) or "none"
        raise Misuse(f"{document.spec.name} has no data set `{dataset}`; declared: {told}")
    return {**every(document, verb), "dataset": dataset}


def every(document: Document, verb: str) -> Job:
    """Return what a job about all data sets says."""
    return {
        "verb": verb,
        "node": document.spec.name,
        "datasets": [one.name for one in _hospital(document).datasets],
        "made_with": f"cairn {__version__}",
    }


def asked(query: Iterable[str]) -> dict[str, str]:
    """Return a query by DICOM keyword.

    Raises:
        Misuse: A part is no `KEY=VALUE`, its key is not one of `KEYS`, or comes twice.
    """
    found: dict[str, str] = {}
    for part in query:
        key, sign, value = part.partition("=")
        if not sign or key not in KEYS:
            raise Misuse(f"`{key}` cannot be asked by; use KEY=VALUE with {', '.join(KEYS)}")
        if key in found:
            raise Misuse(f"{key} is asked twice; part several values by backslashes, as DICOM does")
        if not (_DAYS if key == "StudyDate" else _VALUE).fullmatch(value):
            meant = "20200101-20211231" if key == "StudyDate" else "CHEST"
            raise Misuse(f"`{value}` is no value of {key}; write it as in {key}={meant}")
        found[key] = value
    if not found:
        raise Misuse("a cohort needs a query; add --query Modality=CT or the like")
    return found


def _hospital(document: Document) -> DataProviderNode:
    spec = document.spec
    if not isinstance(spec, DataProviderNode):
        raise Misuse(f"{spec.name} is a {spec.kind} node; only a data provider freezes data sets")
    return spec


def _permit(spec: DataProviderNode, number: str) -> Permit:
    for permit in spec.permits:
        if permit.id == number:
            return permit
    known = ", ".join(permit.id for permit in spec.permits) or "none"
    raise Misuse(f"{spec.name} has no permit `{number}`; declared: {known}")
