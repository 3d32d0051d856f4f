"""Striking secrets out of everything that a person or a file gets to see."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

#: Shorter texts are no secrets, and striking them out would make a log unreadable.
SHORTEST_SECRET = 4
STRUCK = "[secret]"


def striker(secrets: Iterable[str]) -> Callable[[str], str]:
    """Return a function that strikes the secrets from a text, also in the spelling of JSON."""
    parts: set[str] = set()
    for secret in secrets:
        for line in secret.splitlines():
            piece = line.strip()
            if len(piece) >= SHORTEST_SECRET:
                parts |= {piece, json.dumps(piece)[1:-1]}
    if not parts:
        return lambda text: text
    # The longest first: a secret may hold another one.
    pattern = re.compile("|".join(re.escape(part) for part in sorted(parts, key=len, reverse=True)))
    return lambda text: pattern.sub(STRUCK, text)
