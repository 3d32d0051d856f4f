"""What a cleaned image says of itself: that it was de-identified, and how (DICOM PS3.15 E.1.1)."""

from __future__ import annotations

from functools import cache
from typing import Final

from pydicom.dataset import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset
from pydicom.sequence import Sequence

from cairn_intake import VERSION
from cairn_intake.profile import CODES
from cairn_intake.values import put

_REMOVED: Final = 0x0012_0062
_METHOD: Final = 0x0012_0063
_CODES: Final = 0x0012_0064
_TEMPORAL: Final = 0x0028_0303


def leave(dataset: Dataset, options: frozenset[str], *, implicit: bool) -> None:
    """Write the marks of the profile and its options into a data set."""
    put(dataset, _REMOVED, "CS", b"YES")
    put(dataset, _METHOD, "LO", f"Cairn intake {VERSION}\\DICOM PS3.15 2026c".encode())
    put(dataset, _CODES, "SQ", _codes(options, implicit))
    put(dataset, _TEMPORAL, "CS", _temporal(options))


def _temporal(options: frozenset[str]) -> bytes:
    """Return the value of (0028,0303), DICOM PS3.3 C.12.1."""
    if "retain-longitudinal-full-dates" in options:
        return b"UNMODIFIED"
    return b"MODIFIED" if "retain-longitudinal-modified-dates" in options else b"REMOVED"


@cache
def _codes(options: frozenset[str], implicit: bool) -> bytes:  # noqa: FBT001 - a key of the cache
    """Return the encoded items of (0012,0064): the profile and each option, by CID 7050."""
    dataset = Dataset()
    dataset.DeidentificationMethodCodeSequence = Sequence(
        _item(*CODES[option]) for option in ("basic", *sorted(options))
    )
    stream = DicomBytesIO()
    stream.is_implicit_VR, stream.is_little_endian = implicit, True
    write_dataset(stream, dataset)
    return stream.getvalue()[8 if implicit else 12 :]


def _item(code: str, meaning: str) -> Dataset:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = code, "DCM", meaning
    return item
