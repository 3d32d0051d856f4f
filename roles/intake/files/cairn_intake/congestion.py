"""Whether there is room for more: a sender is turned away before its images would have no place."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from cairn_intake.spool import sizes_and_oldest

if TYPE_CHECKING:
    from cairn_intake.settings import Settings
    from cairn_intake.spool import Spool

MIB: Final = 2**20
#: Seconds that an answer holds.
_FRESH: Final = 1.0


@dataclass(slots=True)
class Congestion:
    """Looks at disk and spool, at most once a second."""

    settings: Settings
    spool: Spool
    _why: str | None = None
    _until: float = field(default=-1.0)

    def why(self) -> str | None:
        """Return why no more can be taken, as a phrase, or None if there is room."""
        if time.monotonic() >= self._until:
            self._why = self._looked()
            self._until = time.monotonic() + _FRESH
        return self._why

    def _looked(self) -> str | None:
        disk = os.statvfs(self.spool.root)
        free = disk.f_bavail * disk.f_frsize // MIB
        if free < self.settings.free_mib:
            return f"the disk is nearly full ({free} MiB free)"
        size, oldest = sizes_and_oldest(self.spool)
        if size // MIB >= self.settings.spool_mib:
            return f"too much waits for the archive ({size // MIB} MiB)"
        if oldest is not None and oldest > self.settings.waits_minutes * 60:
            return f"the archive has taken nothing for {oldest // 60:.0f} minutes"
        return None
