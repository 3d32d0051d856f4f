"""Withdraw: a subject leaves a data set, in every version of it and of its objects."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cairn_freeze import manifest
from cairn_freeze.refusal import Refused

if TYPE_CHECKING:
    from cairn_freeze.manifest import Manifest
    from cairn_freeze.storage import Storage


def withdraw(storage: Storage, subject: str, *, at: str) -> Manifest | None:
    """Take a subject out of a data set; a withdrawal that was cut short is finished.

    First the manifests stop naming the subject, then the objects go, then it is looked whether
    anything is left.

    Args:
        storage: The bucket.
        subject: The pseudonym.
        at: The time, ISO 8601 in UTC.

    Returns:
        The version that came to be, None if no version named the subject.

    Raises:
        Refused: Something of the subject cannot be deleted.
    """
    before = storage.manifests()
    newest = None
    if before and manifest.names(before[-1], subject):
        newest = _next(before[-1], subject, at=at)
        storage.publish(newest)
    for one in before:
        if manifest.names(one, subject):
            _replace(storage, manifest.without(one, subject, at=at))
    if before:
        storage.point_to(storage.manifests()[-1])
        storage.erase(manifest.FOLDER, keep=[key for key, _ in storage.listed(manifest.FOLDER)])
        storage.erase(manifest.LATEST, keep=[manifest.LATEST])
    storage.erase(f"{subject}/")
    if storage.erase(f"{subject}/"):
        raise Refused("objects of the subject came back while they were deleted; withdraw again")
    return newest


def _next(last: Manifest, subject: str, *, at: str) -> Manifest:
    """Return the version that follows a withdrawal: the last one without the subject."""
    rest = manifest.without(last, subject, at=at)
    return {
        **rest,
        "version": last["version"] + 1,
        "frozen_at": at,
        "previous": manifest.digest(last),
    }


def _replace(storage: Storage, one: Manifest) -> None:
    """Write a version's own manifest anew; the newest copy that people look at first stays."""
    data = manifest.written(one)
    storage.put(manifest.entry_of(manifest.name(one["version"]), data), data)
