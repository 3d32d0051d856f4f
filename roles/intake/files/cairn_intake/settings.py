"""What the spec decides for a node's intake: the file that its plan shows, read strictly."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Modality:
    """A system that may open associations."""

    aet: str
    address: str
    may: tuple[str, ...]
    plain: bool


@dataclass(frozen=True, slots=True)
class Private:
    """A private attribute that is kept: its creator, group, and the last byte of its element."""

    creator: str
    group: int
    element: int


@dataclass(frozen=True, slots=True)
class Blank:
    """Rectangles that are blanked in the images of one device.

    Attributes:
        modality: As in (0008,0060).
        manufacturer: As in (0008,0070).
        model: As in (0008,1090).
        rows: Rows that its images have.
        columns: Columns that its images have.
        rectangles: Left, top, width and height, in pixels.
    """

    modality: str
    manufacturer: str
    model: str
    rows: int
    columns: int
    rectangles: tuple[tuple[int, int, int, int], ...]


@dataclass(frozen=True, slots=True)
class Settings:
    """All of it.

    Attributes:
        aet: Title of the intake.
        address: Local address that is listened on.
        port: Port of DICOM over TLS.
        plain_port: Port of DICOM without TLS, 0 for none.
        tls_minimum: `1.2` or `1.3`.
        client_certificates: Whether a modality must show a certificate.
        archive: Where de-identified instances are posted to.
        spool_mib: Most that waits for the archive.
        free_mib: Space of the disk that is left free.
        waits_minutes: How old the oldest waiting image may get before senders are turned away.
        associations: Associations at a time.
        options: Options of the Basic Profile.
    """

    aet: str
    address: str
    port: int
    plain_port: int
    tls_minimum: str
    client_certificates: bool
    archive: str
    spool_mib: int
    free_mib: int
    waits_minutes: int
    associations: int
    options: tuple[str, ...]
    modality: tuple[Modality, ...]
    private: tuple[Private, ...] = ()
    blank: tuple[Blank, ...] = ()


def load(path: Path) -> Settings:
    """Read the settings.

    Raises:
        ValueError: The file is no TOML, or has other keys than it must have.
    """
    return parse(tomllib.loads(path.read_text(encoding="utf-8")))


def parse(raw: Mapping[str, Any]) -> Settings:
    """Make settings of parsed TOML.

    Raises:
        ValueError: It has other keys than it must have.
    """
    lists = {"modality": Modality, "private": Private, "blank": Blank}
    tables: dict[str, Any] = {
        name: tuple(_made(kind, one) for one in raw.get(name, ())) for name, kind in lists.items()
    }
    return _made(Settings, {**raw, **tables})


def _made(kind: type[_T], raw: Mapping[str, Any]) -> _T:
    known = {field.name for field in fields(kind)}  # type: ignore[arg-type] # each is a dataclass
    unknown = sorted(raw.keys() - known)
    if unknown:
        raise ValueError(f"{kind.__name__.lower()}: unknown keys: {', '.join(unknown)}")
    try:
        return kind(**{name: _frozen(value) for name, value in raw.items()})
    except TypeError as error:
        raise ValueError(f"{kind.__name__.lower()}: {error}") from None


def _frozen(value: object) -> object:
    return tuple(_frozen(one) for one in value) if isinstance(value, list | tuple) else value
