"""Counts for people and checks: passed on, held back by reason, missing attributes. No names."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

#: Seconds between two writes.
_EVERY: Final = 5.0


@dataclass(slots=True)
class Tally:
    """Counts since they were begun; they outlive the program."""

    path: Path
    counts: Counter[str] = field(default_factory=Counter)
    _next: float = 0.0
    _written: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def recall(self) -> None:
        """Go on from what was written down; a damaged file is begun anew."""
        try:
            self.counts.update(json.loads(self.path.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            self.counts.clear()

    def add(self, *names: str) -> None:
        """Count each name once, and write all counts down now and then."""
        with self._lock:
            self.counts.update(names)
            due = time.monotonic() >= self._next
        if due:
            self.write()

    def write(self) -> None:
        """Write the counts down, whole or not at all."""
        with self._lock:
            draft = self.path.with_suffix(".new")
            told = json.dumps({"passed-on": 0, **self.counts}, sort_keys=True)
            draft.write_text(f"{told}\n", encoding="utf-8")
            draft.replace(self.path)
            self._next, self._written = time.monotonic() + _EVERY, self.counts.total()

    def settle(self) -> None:
        """Write the counts down if something was counted since."""
        if self.counts.total() != self._written and time.monotonic() >= self._next:
            self.write()
