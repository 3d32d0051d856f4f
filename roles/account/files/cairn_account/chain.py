"""Lines of JSON of which each holds the digest of the one before: none can be changed unseen.

A file holds a month, the chain goes on from one file to the next. What is older than the spec
lets logs be kept goes as a whole month; the first line that is left still says what it followed.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from cairn_account.refusal import Refused

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

Line = dict[str, Any]
#: What the very first line follows.
NOTHING: Final = f"sha256:{64 * '0'}"
_MONTH: Final = re.compile(r"([0-9]{4})-([0-9]{2})\.jsonl")


def written(line: Mapping[str, Any]) -> bytes:
    """Return the one way in which a line is written, without its end."""
    return json.dumps(line, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def digest(data: bytes) -> str:
    """Return what the next line says of this one."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def append(folder: Path, event: Mapping[str, Any], *, now: datetime) -> Line:
    """Add a line; it is on the disk when this returns.

    Args:
        folder: Where the account lies.
        event: What the line says.
        now: The time, in UTC.
    """
    with _alone(folder):
        before, number = NOTHING, 0
        for file in reversed(months(folder)):
            lines = _whole(file)
            if lines:
                before, number = digest(lines[-1]), json.loads(lines[-1])["number"]
                break
        at = now.isoformat(timespec="seconds")
        line = {**event, "at": at, "number": number + 1, "previous": before}
        with (folder / f"{now:%Y-%m}.jsonl").open("ab") as out:
            out.write(written(line) + b"\n")
            out.flush()
            os.fsync(out.fileno())
        return line


def lines(folder: Path) -> Iterator[Line]:
    """Return all lines, oldest first, each held against the one before.

    Raises:
        Refused: A line was changed, lost, or put between.
    """
    before: bytes | None = None
    for file in months(folder):
        for place, data in enumerate(file.read_bytes().splitlines(), 1):
            line = _read(data, f"{file.name}:{place}")
            last = None if before is None else json.loads(before)
            follows = last is None or (
                line["previous"] == digest(before or b"") and line["number"] == last["number"] + 1
            )
            if not follows or (line["number"] == 1 and line["previous"] != NOTHING):
                raise Refused(
                    f"{file.name}:{place}: does not follow from the line before it; one of them "
                    "was changed, or lines are gone"
                )
            before = data
            yield line


def drop(folder: Path, days: int, *, today: date) -> tuple[str, ...]:
    """Delete the months of which every day is longer ago than that; return their names.

    Args:
        folder: Where the account lies.
        days: Days that lines may be kept.
        today: The day it is.
    """
    gone = []
    with _alone(folder):
        for file in months(folder)[:-1]:
            year, month = (int(part) for part in file.stem.split("-"))
            after = date(year + month // 12, month % 12 + 1, 1)
            if after <= today - timedelta(days=days):
                file.unlink()
                gone.append(file.name)
    return tuple(gone)


def months(folder: Path) -> list[Path]:
    """Return the files of the account, oldest first."""
    return sorted(file for file in folder.glob("*.jsonl") if _MONTH.fullmatch(file.name))


def now() -> datetime:
    """Return the time, in UTC."""
    return datetime.now(UTC)


def _read(data: bytes, place: str) -> Line:
    try:
        line: Line = json.loads(data)
        if written(line) == data and {"at", "number", "previous"} <= set(line):
            return line
    except (ValueError, TypeError):
        pass
    raise Refused(f"{place}: is no line of an account; it was changed")


def _whole(file: Path) -> list[bytes]:
    """Return the lines of a file; what a power cut left half written goes."""
    data = file.read_bytes()
    whole = data[: data.rfind(b"\n") + 1]
    if whole != data:
        with file.open("r+b") as out:
            out.truncate(len(whole))
    return whole.splitlines()


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    with (folder / "lock").open("a") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
