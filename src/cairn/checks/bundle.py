r"""Policy bundles: the folders in force, each known by its version and one digest.

The digest can be computed without Cairn, in the folder of the bundle (GNU coreutils):

    find . -type f -not -path '*/.*' -not -path '*/__pycache__/*' -printf '%P\0' |
        LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum
"""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cairn import house
from cairn.checks.tables import UNREADABLE, content_of
from cairn.errors import PolicyError
from cairn.spec.digest import digest_of

if TYPE_CHECKING:
    from collections.abc import Iterator

#: The file of a bundle that says its name and version.
LABEL = "bundle.yaml"
#: The version of a bundle that has no label; its digest alone tells what it is.
UNLABELLED = "unlabelled"
#: A folder, and `@` with the digest that is asked of it.
_NAMED = re.compile(r"([^:@]+)(@(?:sha256:)?[^:]*)?")


@dataclass(frozen=True, slots=True)
class Bundle:
    """A policy folder as it is now.

    Attributes:
        name: What its label calls it, else the name of the folder.
        version: What its label says, else `unlabelled`.
        digest: `sha256:` and 64 hex digits over the paths and bytes of all its files.
    """

    folder: Path
    name: str
    version: str
    digest: str


def folders() -> tuple[Path, ...]:
    """Return the policy folder of this checkout, then those named in `CAIRN_POLICIES`.

    Several stand with `:` between them; one written `FOLDER@sha256:DIGEST` must have that digest.

    Raises:
        PolicyError: A folder has another digest than is written behind it.
    """
    beside = os.environ.get("CAIRN_POLICIES", "")
    return (house.root() / "policies", *(_pinned(*found) for found in _NAMED.findall(beside)))


def _pinned(name: str, pin: str) -> Path:
    folder = Path(name)
    if not pin:
        return folder
    found = read(folder).digest
    if f"@{found}" != pin:
        raise PolicyError(
            f"{folder}: has digest {found}, and CAIRN_POLICIES asks for {pin[1:]}; have the change "
            "of the folder explained, then write its new digest there"
        )
    return folder


def in_force() -> tuple[Bundle, ...]:
    """Return the bundles in force, ours first.

    Raises:
        PolicyError: A folder or its label cannot be read.
    """
    return tuple(read(folder) for folder in folders())


def read(folder: Path) -> Bundle:
    """Return one bundle; errors as for `in_force`."""
    try:
        sums = "".join(
            f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.relative_to(folder)}\n"
            for file in sorted(
                _files(folder), key=lambda one: str(one.relative_to(folder)).encode()
            )
        )
    except OSError as error:
        raise PolicyError(f"{folder}: cannot be read: {error.strerror}") from error
    name, version = _label(folder)
    return Bundle(folder, name, version, digest_of(sums.encode()))


def _files(folder: Path) -> Iterator[Path]:
    """Give the files that make up a bundle: all but hidden ones and what Python compiled."""
    for file in folder.rglob("*"):
        parts = file.relative_to(folder).parts
        hidden = any(part.startswith(".") or part == "__pycache__" for part in parts)
        if not hidden and file.is_file() and not file.is_symlink():
            yield file


def _label(folder: Path) -> tuple[str, str]:
    file = folder / LABEL
    if not file.exists():
        return folder.name, UNLABELLED
    try:
        label = content_of(file)
        name, version = label["name"], label["version"]
    except (*UNREADABLE, KeyError, TypeError) as error:
        raise PolicyError(
            f"{file}: needs `name` and `version` ({type(error).__name__}); write both as text"
        ) from error
    if not (isinstance(name, str) and isinstance(version, str) and name and version):
        raise PolicyError(f"{file}: name and version are text; put them in quotes")
    return name, version
