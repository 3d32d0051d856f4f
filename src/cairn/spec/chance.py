"""Whether a text looks drawn by lot, as keys and tokens are, or made of words and numbers."""

from __future__ import annotations

import math
import re
from collections import Counter
from itertools import pairwise

_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_PARTS = re.compile(r"[-_/=]+")
#: Shortest run that is judged, and its least Shannon entropy in bits a character.
_SHORTEST, _ENTROPY = 16, 3.1
#: Least share of places where lower case, upper case and digits change. Words stay below a fifth;
#: base64 has 0.48 on average, hexadecimal 0.47, base32 0.30.
_CHANGES = 0.28


def drawn_by_lot(text: str) -> bool:
    """Return whether the longest run of letters and digits in a text looks like chance.

    Numbers that are made by lot but name things (UUID, RFC 9562) are let through.
    """
    if _UUID.fullmatch(text):
        return False
    run = max(_PARTS.split(text), key=len)
    if len(run) < _SHORTEST or _changes(run) < _CHANGES * len(run):
        return False
    return _entropy(run) >= _ENTROPY


def _changes(run: str) -> int:
    kinds = ["d" if sign.isdigit() else "u" if sign.isupper() else "l" for sign in run]
    # A capital before a small letter begins a word.
    return sum(one != two and one + two != "ul" for one, two in pairwise(kinds))


def _entropy(run: str) -> float:
    shares = (count / len(run) for count in Counter(run).values())
    return -sum(share * math.log2(share) for share in shares)
