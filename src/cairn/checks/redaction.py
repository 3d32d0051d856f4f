"""What must not stand in evidence, and what stands there instead."""

from __future__ import annotations

import re

MASK = "[masked]"

#: Each pattern keeps its first group and masks the rest of the match.
_PATTERNS = (
    # crypt(5) hashes of /etc/shadow: $id$...
    re.compile(r"()\$(?:[0-9a-z]{1,3}|gy|2[aby])\$[./0-9A-Za-z$=,+-]{8,}"),
    re.compile(
        r"(-----BEGIN [A-Z ]*PRIVATE KEY-----).*?(?=-----END [A-Z ]*PRIVATE KEY-----|\Z)",
        re.DOTALL,
    ),
    # user:password@ in a URL
    re.compile(r"(\b[a-z][a-z0-9+.-]{0,20}://[^\s/:@]{1,200}:)[^\s/@]{1,200}(?=@)"),
    re.compile(
        r"(?i)(\b(?:pass(?:word|phrase|wd)?|secret|token|api[_-]?key|access[_-]?key)\b"
        r"[\"']?\s*[=:]\s*[\"']?)[^\s\"',;]{4,}"
    ),
    re.compile(r"(?i)(authorization:\s*(?:bearer|basic)\s+)\S+"),
)


def mask(text: str) -> str:
    """Return the text with password hashes, private keys, tokens and passwords masked."""
    for pattern in _PATTERNS:
        text = pattern.sub(rf"\g<1>{MASK}", text)
    return text
