"""Values of a data set as they stand in the file: read and written without being decoded.

pydicom reads an attribute into a `RawDataElement` and writes it as it is. As long as nobody asks
for its decoded value, an image costs a third, and what is kept is kept to the bit.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final

from pydicom.datadict import dictionary_VR
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.tag import Tag

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

_PADDING: Final = b" \0"
#: Length of what ends with a delimiter.
UNDEFINED: Final = 0xFFFF_FFFF


def value(dataset: Dataset, tag: int) -> bytes:
    """Return the value of an attribute without padding; empty if there is none."""
    return raw_bytes(dataset.get_item(tag)).strip(_PADDING) if tag in dataset else b""


def text(dataset: Dataset, tag: int) -> str:
    """Return the value of an attribute as text."""
    return decoded(value(dataset, tag))


def decoded(raw: bytes) -> str:
    """Return bytes as text: UTF-8, or Latin-1 where they are not."""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def number(dataset: Dataset, tag: int) -> int:
    """Return an unsigned short (US) or an integer string (IS).

    Raises:
        ValueError: It is neither.
    """
    raw = raw_bytes(dataset.get_item(tag)) if tag in dataset else b""
    if standard_vr(tag) == "US":
        if len(raw) != 2:  # noqa: PLR2004 - US
            raise ValueError("no unsigned short")
        return int.from_bytes(raw, "little")
    return int(raw.strip(_PADDING) or b"x")


def raw_bytes(element: RawDataElement | DataElement) -> bytes:
    """Return the value of an attribute with its padding; empty for sequences."""
    found = element.value
    if isinstance(found, bytes):
        return found
    return found.encode() if isinstance(found, str) else b""


def is_cut(element: RawDataElement | DataElement) -> bool:
    """Whether the file ended inside the value of an attribute."""
    if not isinstance(element, RawDataElement) or element.length == UNDEFINED:
        return False
    return element.length > len(element.value or b"")


def made(element: RawDataElement | DataElement, vr: str, new: bytes) -> RawDataElement:
    """Return an attribute with another value, padded to an even length (DICOM PS3.5 6.2)."""
    if len(new) % 2:
        new += b"\0" if vr in {"UI", "OB"} else b" "
    if isinstance(element, RawDataElement):
        return element._replace(VR=vr, length=len(new), value=new)
    return RawDataElement(element.tag, vr, len(new), new, 0, is_implicit_VR=False,
                          is_little_endian=True)  # fmt: skip


def put(dataset: Dataset, tag: int, vr: str, new: bytes) -> None:
    """Set the value of an attribute."""
    dataset[tag] = made(DataElement(Tag(tag), vr, None), vr, new)


@cache
def standard_vr(tag: int) -> str:
    """Return the representation that the standard gives an attribute, empty if it is unknown."""
    try:
        return dictionary_VR(tag)
    except KeyError:
        return ""


def vr_of(element: RawDataElement | DataElement) -> str:
    """Return the representation of an attribute, empty where the sender's is not to be believed.

    A sender that calls a known attribute something else than the standard is not followed.
    """
    standard = standard_vr(element.tag)
    if not standard or standard == element.VR:
        return standard
    allowed = standard.split(" or ")
    if element.VR is None or element.VR == "UN":
        return allowed[0]
    return element.VR if element.VR in allowed else ""
