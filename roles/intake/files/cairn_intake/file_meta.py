"""The head of a DICOM file (PS3.10 section 7.1), made anew: nothing of the sender's is left."""

from __future__ import annotations

import struct
from typing import Final

from cairn_intake import VERSION

#: Names this program; made once at random (X.667), as DICOM PS3.5 B.2 lets everybody.
IMPLEMENTATION: Final = b"2.25.322047229379471022931226041303215186411"
_PREAMBLE: Final = bytes(128) + b"DICM"


def head(sop_class: bytes, instance: bytes, syntax: bytes) -> bytes:
    """Return preamble and file meta information for an instance."""
    group = b"".join(
        (
            struct.pack("<HH2sHI", 2, 1, b"OB", 0, 2) + b"\0\1",
            _element(0x02, b"UI", sop_class),
            _element(0x03, b"UI", instance),
            _element(0x10, b"UI", syntax),
            _element(0x12, b"UI", IMPLEMENTATION),
            _element(0x13, b"SH", f"CAIRN_{VERSION}".encode()),
        )
    )
    return _PREAMBLE + _element(0x00, b"UL", struct.pack("<I", len(group))) + group


def _element(element: int, vr: bytes, value: bytes) -> bytes:
    if len(value) % 2:
        value += b"\0" if vr == b"UI" else b" "
    return struct.pack("<HH2sH", 2, element, vr, len(value)) + value
