"""Where the pixels of a file lie: what comes before them is cleaned, they pass as they are.

So an image of a gigabyte costs as little memory as a slice (DICOM PS3.5 section 7.1 and A.4).
"""

from __future__ import annotations

import struct
from typing import Final

from cairn_intake.refusals import Refused
from cairn_intake.values import UNDEFINED

#: Pixels whose representation has a length of four bytes (OB, OW), or of the implicit kind.
_EXPLICIT_HEAD: Final = 12
_IMPLICIT_HEAD: Final = 8
_ITEM: Final = (0xFFFE, 0xE000)
_END: Final = (0xFFFE, 0xE0DD)


def pixel_span(view: memoryview, start: int, *, implicit: bool) -> tuple[int, int, int]:
    """Return where the value of Pixel Data begins, where it ends, and where its element ends.

    Args:
        view: The whole file.
        start: Offset of the element.
        implicit: Whether the transfer syntax is Implicit VR Little Endian.

    Raises:
        Refused: The file ends before its pixels do.
    """
    begin = start + (_IMPLICIT_HEAD if implicit else _EXPLICIT_HEAD)
    try:
        (length,) = struct.unpack_from("<I", view, begin - 4)
        if length == UNDEFINED:
            return begin, *_fragments(view, begin)
    except struct.error:
        raise Refused("truncated") from None
    if begin + length > len(view):
        raise Refused("truncated")
    return begin, begin + length, begin + length


def _fragments(view: memoryview, at: int) -> tuple[int, int]:
    """Return where the fragments of compressed pixels end, without and with their delimiter."""
    while True:
        group, element, length = struct.unpack_from("<HHI", view, at)
        if (group, element) == _END:
            return at, at + 8
        if (group, element) != _ITEM or at + 8 + length > len(view):
            raise Refused("truncated")
        at += 8 + length
