"""Files that a verb makes for a person: new ones only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cairn.errors import Misuse

if TYPE_CHECKING:
    from pathlib import Path


def write_new(file: Path, content: bytes) -> None:
    """Write a file that is not there yet.

    Raises:
        Misuse: It is there, or cannot be written.
    """
    try:
        with file.open("xb") as out:
            out.write(content)
    except FileExistsError:
        raise Misuse(f"{file} is there already; name another file") from None
    except OSError as error:
        raise Misuse(f"{file} cannot be written: {error.strerror}") from None
