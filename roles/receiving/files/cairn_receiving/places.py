"""Where things are on a host that holds copies, and what its spec says of them."""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

SETTINGS: Final = Path("/etc/cairn/receiving.json")
#: In the folder of a data set: what was sent, the last word of a delivery, the wish that the copy
#: be deleted, and what the sender is told.
OBJECTS: Final = "objects"
DELIVERY: Final = "delivery.json"
RECALL: Final = "recall.json"
TOLD: Final = "told.json"
#: Told where nothing was received yet.
NOTHING: Final[dict[str, Any]] = {"held": None, "objects": [], "outcome": None, "progress": None}


def settings(file: Path = SETTINGS) -> dict[str, Any]:
    """Return what the spec of the node says, rendered."""
    found: dict[str, Any] = json.loads(file.read_bytes())
    return found


def told(folder: Path) -> dict[str, Any]:
    """Return what the sender of a data set is told."""
    try:
        found: dict[str, Any] = json.loads((folder / TOLD).read_bytes())
    except FileNotFoundError:
        return dict(NOTHING)
    return found


def lying(folder: Path) -> Iterator[tuple[Path, os.stat_result]]:
    """Yield the files of a folder; one that goes while others look is passed over."""
    for file in folder.iterdir():
        with contextlib.suppress(FileNotFoundError):
            yield file, file.lstat()


def write(file: Path, content: Mapping[str, Any], mode: int = 0o640) -> None:
    """Write a file whole or not at all, also in a power cut."""
    fresh = file.with_name(f"{file.name}.new")
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, mode)
    with os.fdopen(handle, "w", encoding="utf-8") as opened:
        json.dump(content, opened)
        opened.flush()
        os.fsync(handle)
    fresh.replace(file)
