"""From a file to its text: everything that can be wrong with a file before YAML is looked at."""

from __future__ import annotations

import re
import stat
from typing import TYPE_CHECKING

from cairn.errors import InvalidSpec, Problem
from cairn.spec.tree import LINE_BREAK

if TYPE_CHECKING:
    from pathlib import Path

#: Largest file that is read; a spec has 2 to 10 KiB.
MOST_BYTES = 256 * 1024

#: Characters that nobody can see: controls (YAML 1.2 section 5.1 forbids most), other spaces and
#: line breaks, zero-width ones, and those that turn the direction of writing so that a line reads
#: as another.
_INVISIBLE = re.compile(
    "[^\t\n\r\x20-\x7e\xa1-\xac\xae-\u1fff\u2010-\u2027\u2030-\u205e\u2070-\u2fff\u3001-\ud7ff"
    "\ue000-\ufefe\uff00-\ufff8\U00010000-\U000dffff]"
)


def decode(data: bytes, file: str) -> str:
    """Return bytes as UTF-8 text, without a byte-order mark.

    Raises:
        InvalidSpec: They are not text.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8", "replace")
        message = "this is not UTF-8 text; save the file as UTF-8"
        raise at(file, before, len(before), message) from None
    hidden = _INVISIBLE.search(text)
    if hidden:
        message = f"invisible character U+{ord(hidden[0]):04X}; remove it, or write a plain space"
        raise at(file, text, hidden.start(), message)
    return text


def read_bytes(path: Path, file: str) -> bytes:
    """Return what a file holds.

    Raises:
        InvalidSpec: It cannot be read, or is larger than `MOST_BYTES`.
    """
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise InvalidSpec([Problem(file, 1, 1, "", "this is not a file; name a YAML file")])
        with path.open("rb") as stream:
            data = stream.read(MOST_BYTES + 1)
    except (OSError, ValueError) as error:
        raise InvalidSpec([Problem(file, 1, 1, "", _unreadable(error))]) from None
    if len(data) > MOST_BYTES:
        message = f"the file is larger than {MOST_BYTES // 1024} KiB; a spec has a few KiB"
        raise InvalidSpec([Problem(file, 1, 1, "", message)])
    return data


def _unreadable(error: OSError | ValueError) -> str:
    if isinstance(error, FileNotFoundError):
        return "there is no such file; check the path"
    if isinstance(error, PermissionError):
        return "the file may not be read by you; change its permissions or its owner"
    reason = error.strerror if isinstance(error, OSError) and error.strerror else "unusable path"
    return f"the file cannot be read ({reason.lower()}); check the path and the disk"


def at(file: str, text: str, index: int, message: str) -> InvalidSpec:
    """Return the error for one fault at a character of a text.

    Args:
        file: How the file is called in messages.
        text: Its text.
        index: The character, from 0.
        message: What is wrong; what to do.
    """
    breaks = list(LINE_BREAK.finditer(text, 0, index))
    start = breaks[-1].end() if breaks else 0
    return InvalidSpec([Problem(file, len(breaks) + 1, index - start + 1, "", message)])
