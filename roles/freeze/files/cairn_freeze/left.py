"""Who has opted out on this host: keyed hashes of pseudonyms, so that the list names nobody."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


class Left:
    """The list of those who withdrew; later data sets leave them out."""

    def __init__(self, folder: Path) -> None:
        self._list = folder / "withdrawn"
        self._key = _key(folder / "withdrawn.key")
        self._hashes = set(self._list.read_text("ascii").split()) if self._list.exists() else set()

    def holds(self, subject: str) -> bool:
        """Whether a subject has withdrawn."""
        return self._hash(subject) in self._hashes

    def add(self, subject: str) -> None:
        """Put a subject on the list, on disk before this returns."""
        if self.holds(subject):
            return
        with self._list.open("a", encoding="ascii") as file:
            file.write(f"{self._hash(subject)}\n")
            file.flush()
            os.fsync(file.fileno())
        self._hashes.add(self._hash(subject))

    def _hash(self, subject: str) -> str:
        return hmac.new(self._key, subject.encode(), hashlib.sha256).hexdigest()


def _key(file: Path) -> bytes:
    """Return the key of the hashes; it is made once, and never leaves the host."""
    if not file.exists():
        fresh = file.with_suffix(".new")
        fresh.write_bytes(secrets.token_bytes(32))
        fresh.chmod(0o600)
        fresh.replace(file)
    return file.read_bytes()
