"""The cache of artefacts on this computer, shared by all checkouts of a user."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from cairn import house
from cairn.errors import Misuse

if TYPE_CHECKING:
    from pathlib import Path

    from cairn.artefacts.lock import Artefact


def place_of(artefact: Artefact) -> Path:
    """Return where an artefact lies, or belongs: a folder of its own, named after its digest."""
    return house.cache() / "artefacts" / artefact.sha256 / artefact.file


def take(artefact: Artefact) -> Path:
    """Return the file of an artefact, each of its bytes checked.

    Raises:
        Misuse: It is not there, or has other bytes than the lock says.
    """
    place = place_of(artefact)
    named = f"{artefact.name} {artefact.version}"
    if not place.is_file():
        raise Misuse(
            f"{named} is not in the cache; run `make setup`, or put the file with SHA-256 "
            f"{artefact.sha256} at {place}"
        )
    digest = digest_of(place)
    if digest != artefact.sha256:
        raise Misuse(
            f"{place} has SHA-256 {digest}, which is not {named} of the lock; "
            "remove it and run `make setup`"
        )
    return place


def digest_of(file: Path) -> str:
    """Return the SHA-256 of a file, 64 hex digits."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
