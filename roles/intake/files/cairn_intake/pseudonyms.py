"""Keyed pseudonyms: the same key gives the same answer for ever, no key gives no way back.

HMAC-SHA256 (RFC 2104) over a purpose and the value, so that a pseudonym says nothing about the
same patient's UIDs. Guessing is of no use without the key, which never leaves the host.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Final

#: Bytes that a key has at least; openssl and systemd make 32.
SHORTEST_KEY: Final = 32
#: Days into the past that the dates of a patient are moved by, at least and at most.
SHIFT_DAYS: Final = (365, 3650)
#: Root of UIDs made from 128 bits (DICOM PS3.5 B.2, ITU-T X.667).
UID_ROOT: Final = "2.25."


class Pseudonyms:
    """All that is derived from the key of a node."""

    def __init__(self, key: bytes) -> None:
        if len(key) < SHORTEST_KEY:
            raise ValueError(f"the key has {len(key)} bytes, at least {SHORTEST_KEY} are needed")
        self._begun = hmac.new(key, digestmod=hashlib.sha256)

    def _digest(self, purpose: bytes, value: bytes) -> bytes:
        mac = self._begun.copy()
        mac.update(purpose + b"\0" + value)
        return mac.digest()

    def patient(self, identifier: str) -> str:
        """Return the pseudonym of a patient: 26 letters and digits, 128 bits (fits LO and PN)."""
        digest = self._digest(b"patient", identifier.encode())
        return base64.b32encode(digest[:16]).decode().rstrip("=")

    def uid(self, uid: bytes) -> bytes:
        """Return the UID that stands for another, at most 44 characters, not padded."""
        number = int.from_bytes(self._digest(b"uid", uid)[:16], "big")
        return f"{UID_ROOT}{number}".encode()

    def days(self, identifier: str) -> int:
        """Return by how many days the dates of a patient move into the past."""
        first, last = SHIFT_DAYS
        number = int.from_bytes(self._digest(b"days", identifier.encode())[:8], "big")
        return first + number % (last - first + 1)
