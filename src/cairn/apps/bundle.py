"""A Flower App Bundle (FAB): a zip whose bytes follow from the files alone.

As Flower 1.41 reads them: `pyproject.toml` first, then the files by name, then `.info/CONTENT`
with path, SHA-256 and size in bits of each. Nothing is compressed, because libraries compress in
different ways.
"""

from __future__ import annotations

import hashlib
import io
import re
import tomllib
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from cairn.errors import Misuse

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PROJECT: Final = "pyproject.toml"
CONTENT: Final = ".info/CONTENT"
#: What Flower takes into a bundle, and what it leaves out (flwr.common.constant, 1.41.0).
TAKEN: Final = frozenset({".py", ".toml", ".md", ".yaml", ".yml", ".json", ".jsonl"})
LICENCE: Final = "LICENSE"
LEFT_OUT: Final = frozenset(
    {"__pycache__", "build", "dist", "eggs", "env", "ENV", "lib", "lib64", "parts", "venv"}
)
#: Flower's own date of every file, and the most bytes of a bundle.
DATE: Final = (2024, 10, 1, 0, 0, 0)
MOST: Final = 10 * 1024 * 1024
_WORD: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


@dataclass(frozen=True, slots=True)
class App:
    """An app: its bytes, and what its pyproject.toml calls it.

    Attributes:
        data: The bundle.
        publisher: Who publishes it.
        name: Its name.
        version: Its version.
    """

    data: bytes
    publisher: str
    name: str
    version: str

    @property
    def digest(self) -> str:
        """SHA-256 of its bytes, in hex: what is approved and run."""
        return hashlib.sha256(self.data).hexdigest()

    @property
    def title(self) -> str:
        """Return publisher, name and version, as people say them."""
        return f"{self.publisher}/{self.name} {self.version}"


def build(folder: Path) -> App:
    """Bundle the app in a folder; the same files give the same bytes.

    Raises:
        Misuse: It is no Flower app, or too large.
    """
    project = folder / PROJECT
    if not project.is_file():
        raise Misuse(f"{folder} has no {PROJECT}; name the folder of a Flower app")
    files = {name: (folder / name).read_bytes() for name in sorted(_names(folder))}
    packed = io.BytesIO()
    lines = []
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as bundle:
        for name, data in {PROJECT: project.read_bytes(), **files}.items():
            bundle.writestr(zipfile.ZipInfo(name, DATE), data)
            lines.append(f"{name},{hashlib.sha256(data).hexdigest()},{8 * len(data)}")
        bundle.writestr(zipfile.ZipInfo(CONTENT, DATE), "\n".join(lines))
    return read(packed.getvalue(), str(folder))


def read(data: bytes, place: str) -> App:
    """Return the app in some bytes; nothing of it is run.

    Args:
        data: A bundle.
        place: Where the bytes are from, for messages.

    Raises:
        Misuse: They are no bundle.
    """
    if len(data) > MOST:
        raise Misuse(f"{place}: is larger than the {MOST // 2**20} MiB that Flower takes")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as bundle:
            _hold_content(bundle)
            project = tomllib.loads(bundle.read(PROJECT).decode("utf-8"))
    except (zipfile.BadZipFile, KeyError, ValueError, NotImplementedError) as error:
        raise Misuse(f"{place}: is no Flower app: {error}") from None
    return App(data, *_called(project, place))


def _names(folder: Path) -> Iterator[str]:
    for path in folder.rglob("*"):
        name = path.relative_to(folder)
        hidden = any(part in LEFT_OUT or part.startswith(".") for part in name.parts)
        test = path.name.startswith("test_") or path.name.endswith("_test.py")
        taken = path.suffix in TAKEN or name.as_posix() == LICENCE
        if path.is_file() and taken and not hidden and not test and name.as_posix() != PROJECT:
            yield name.as_posix()


def _hold_content(bundle: zipfile.ZipFile) -> None:
    """Hold every file against the list in the bundle.

    Raises:
        ValueError: One is missing, differs, or is not on the list.
    """
    lines = bundle.read(CONTENT).decode("utf-8").splitlines()
    listed = {name: digest for name, digest, _ in (line.rsplit(",", 2) for line in lines)}
    names = [name for name in bundle.namelist() if name != CONTENT]
    if sorted(names) != sorted(listed):
        raise ValueError("it holds other files than it lists")
    for name, digest in listed.items():
        if name.startswith("/") or ".." in name.split("/"):
            raise ValueError(f"`{name}` lies outside of it")
        if hashlib.sha256(bundle.read(name)).hexdigest() != digest:
            raise ValueError(f"`{name}` has other bytes than it lists")


def _called(project: dict[str, Any], place: str) -> tuple[str, str, str]:
    """Return publisher, name and version.

    Raises:
        Misuse: One is missing, or no word.
    """
    try:
        flower = project["tool"]["flwr"]["app"]
        components = flower["components"]
        found = (flower["publisher"], project["project"]["name"], project["project"]["version"])
        whole = all(isinstance(components[part], str) for part in ("serverapp", "clientapp"))
    except (KeyError, TypeError) as error:
        raise Misuse(f"{place}: {PROJECT} has no {error}, which a Flower app needs") from None
    if not whole or not all(isinstance(one, str) and _WORD.fullmatch(one) for one in found):
        raise Misuse(f"{place}: publisher, name and version in {PROJECT} must be plain words")
    return found
