"""The lock of artefacts: what each one is, where it comes from, and the only bytes it may have."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import yaml

from cairn import house
from cairn.errors import Misuse

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

#: The lock, seen from the checkout.
LOCK = "tools/artefacts.lock.yaml"
#: Where artefacts lie on a host, each under its SHA-256.
FOLDER = "/var/lib/cairn/artefacts"
#: The machine of an artefact that runs on every processor.
ANY = "any"
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Artefact:
    """A program or a wheel, with the only bytes that it may have.

    Attributes:
        name: Its name, in a wheel's case that of the package.
        version: Its version.
        file: Name of the file, which pip wants a wheel to have.
        sha256: 64 hex digits.
        machine: The processor it is for, as `uname -m` says it, or `any`.
        licence: SPDX expression.
        vendor: Where a hospital gets it from those who make it.
    """

    name: str
    version: str
    file: str
    sha256: str
    machine: str
    licence: str
    vendor: str

    @property
    def path(self) -> str:
        """Where it lies on a host."""
        return f"{FOLDER}/{self.sha256}"

    @property
    def is_wheel(self) -> bool:
        """Whether pip installs it."""
        return self.file.endswith(".whl")

    @property
    def is_pack(self) -> bool:
        """Whether it is an archive of wheels."""
        return self.file.endswith(".tar")

    @property
    def is_fetched(self) -> bool:
        """Whether pip fetches it; a program is built."""
        return self.is_wheel or self.is_pack


def locked(name: str) -> Artefact:
    """Return the artefact of that name.

    Raises:
        Misuse: The lock cannot be read, or does not have it.
    """
    found = artefacts().get(name)
    if found is None:
        raise Misuse(f"{LOCK} has no `{name}`; it has {', '.join(artefacts()) or 'nothing'}")
    return found


def artefacts() -> Mapping[str, Artefact]:
    """Return all artefacts by name.

    Raises:
        Misuse: The lock cannot be read.
    """
    return read_lock(house.root() / LOCK)


@cache
def read_lock(path: Path) -> Mapping[str, Artefact]:
    """Return the artefacts of one lock by name.

    Raises:
        Misuse: It cannot be read.
    """
    try:
        entries = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
        return {name: _artefact(name, entry) for name, entry in entries.items()}
    except (OSError, yaml.YAMLError, AttributeError, TypeError) as error:
        raise Misuse(f"{path} is no lock of artefacts: {error}") from None


def _artefact(name: str, entry: Mapping[str, Any]) -> Artefact:
    if not all(isinstance(value, str) for value in entry.values()):
        raise TypeError(f"`{name}` has a value that is no text; quote it")
    artefact = Artefact(name=name, **entry)
    if not _SHA256.fullmatch(artefact.sha256):
        raise TypeError(f"`{name}` has no SHA-256 of 64 hex digits")
    return artefact


def inputs_of(chosen: Iterable[Artefact]) -> dict[str, dict[str, str]]:
    """Return artefacts by name as they stand in the inputs of a role and in its variables."""
    return {
        one.name: {
            "version": one.version,
            "file": one.file,
            "sha256": one.sha256,
            "machine": one.machine,
        }
        for one in chosen
    }
