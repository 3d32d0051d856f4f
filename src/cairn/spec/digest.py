"""The digest by which a file is named and pinned."""

from __future__ import annotations

import hashlib


def digest_of(data: bytes) -> str:
    """Return `sha256:` and 64 hex digits."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"
