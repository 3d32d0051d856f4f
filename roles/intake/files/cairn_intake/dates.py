"""Dates that move by whole days, so that the time between two scans stays what it was."""

from __future__ import annotations

import datetime as dt
import re

#: The date at the beginning of DA and DT, DICOM PS3.5 section 6.2; ACR-NEMA wrote it with dots.
_DATE = re.compile(rb"(\d{4})\.?(\d{2})\.?(\d{2})")


def shift(value: bytes, days: int) -> bytes | None:
    """Move each date of a DA or DT value into the past; the time of day stays.

    Args:
        value: The value as it stands in the file, several dates divided by backslashes.
        days: By how many days.

    Returns:
        The moved value without padding, or None where a date is none.
    """
    moved = [_move(part.strip(b" \0"), days) for part in value.split(b"\\")]
    if any(part is None for part in moved):
        return None
    return b"\\".join(part for part in moved if part is not None)


def _move(value: bytes, days: int) -> bytes | None:
    if not value:
        return b""
    found = _DATE.match(value)
    if not found:
        return None
    try:
        date = dt.date(*(int(part) for part in found.groups())) - dt.timedelta(days=days)
    except (ValueError, OverflowError):
        return None
    rest = value[found.end() :]
    return date.strftime("%Y%m%d").encode() + rest if _is_time(rest) else None


def _is_time(rest: bytes) -> bool:
    """Whether what follows the date in a DT is a time and an offset, so no place for a name."""
    return re.fullmatch(rb"[0-9.+-]{0,18}", rest) is not None
