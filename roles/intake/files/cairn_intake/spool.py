"""Images on their way: received and kept, waiting to be de-identified, or held back with a reason.

A file is in exactly one folder, and moves by being renamed; each move is on the disk before anybody
is told of it. So a machine that loses its power at any moment has every image that it confirmed.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from cairn_intake.refusals import REASONS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cairn_intake.refusals import Refused

#: Who may read an image: the receiver that wrote it and, through the group, the de-identifier.
MODE: Final = 0o640
_NUMBERS: Final = itertools.count()


@dataclass(frozen=True, slots=True)
class Spool:
    """The folders under one root.

    Attributes:
        root: `/var/lib/cairn-intake` on a host.
    """

    root: Path

    @property
    def incoming(self) -> Path:
        """Images that are being received; nobody was told that they are here."""
        return self.root / "incoming"

    @property
    def waiting(self) -> Path:
        """Images that senders were told are safe."""
        return self.root / "waiting"

    @property
    def quarantine(self) -> Path:
        """Images that may not leave, each beside a file with its reason."""
        return self.root / "quarantine"

    def keep(self, received: Path, sender: str) -> Path:
        """Make a received file one that waits; when this returns, it survives a power cut.

        Raises:
            OSError: It could not be kept.
        """
        with received.open("rb") as file:
            os.fchmod(file.fileno(), MODE)
            os.fsync(file.fileno())
        name = f"{time.time_ns()}-{os.getpid()}-{next(_NUMBERS)}-{_plain(sender)}.dcm"
        place = self.waiting / name
        received.rename(place)
        _settle(self.waiting)
        return place

    def images(self) -> Iterator[Path]:
        """Yield what waits, what came first first."""
        with os.scandir(self.waiting) as entries:
            names = sorted(entry.name for entry in entries if entry.name.endswith(".dcm"))
        return (self.waiting / name for name in names)

    def forget(self, image: Path) -> None:
        """Delete an image that the archive has confirmed."""
        image.unlink(missing_ok=True)

    def hold_back(self, image: Path, refused: Refused) -> None:
        """Move an image to quarantine; its reason is there before it is."""
        reason = self.quarantine / f"{image.stem}.reason"
        with reason.open("w", encoding="utf-8") as file:
            file.write(f"{refused.reason}\n{REASONS[refused.reason]}\n")
            file.flush()
            os.fsync(file.fileno())
        image.rename(self.quarantine / image.name)
        _settle(self.quarantine)
        _settle(self.waiting)

    def sweep(self) -> int:
        """Delete what was being received when the program ended; return how many there were."""
        left = list(self.incoming.iterdir())
        for path in left:
            path.unlink()
        return len(left)


def _plain(sender: str) -> str:
    """Return a title as a part of a file name."""
    return "".join(sign if sign.isalnum() or sign in "_-" else "_" for sign in sender) or "_"


def _settle(folder: Path) -> None:
    """Bring the names in a folder onto the disk."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sizes_and_oldest(spool: Spool) -> tuple[int, float | None]:
    """Return how many bytes wait, and how many seconds the oldest image has waited."""
    total, oldest = 0, None
    with os.scandir(spool.waiting) as entries:
        for entry in entries:
            with contextlib.suppress(FileNotFoundError):
                found = entry.stat()
                total += found.st_size
                oldest = found.st_mtime if oldest is None else min(oldest, found.st_mtime)
    return total, None if oldest is None else time.time() - oldest
