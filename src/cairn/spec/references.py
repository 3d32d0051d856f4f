"""Secrets by reference: read from where `env:NAME` or `file:/path` says that they stand."""

from __future__ import annotations

import os
from pathlib import Path


def value_of(reference: str) -> str:
    """Return what a reference names; the line end of a file is left out.

    Raises:
        LookupError: The variable or the file is not there, or cannot be read as text.
    """
    kind, _, where = reference.partition(":")
    try:
        if kind == "env":
            return os.environ[where]
        return Path(where).read_text(encoding="utf-8").rstrip("\n")
    except (KeyError, OSError, UnicodeDecodeError):
        raise LookupError(reference) from None
