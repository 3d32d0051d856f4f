"""The work that a freeze has begun: kept on the host, so that a killed one goes on."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from cairn_freeze import cohort
from cairn_freeze.manifest import Entry, belongs

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from cairn_freeze.cohort import Scan


class Work:
    """The cohort of an unfinished freeze of one data set, and what of it is stored."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._plan, self._done = folder / "cohort.json", folder / "stored.jsonl"

    def begin(self, grounds: Mapping[str, Any], scans: Iterable[Scan]) -> None:
        """Write down what is to be frozen, before anything is stored."""
        self.folder.mkdir(mode=0o700, exist_ok=True)
        self._done.unlink(missing_ok=True)
        self._write({"grounds": dict(grounds), "scans": cohort.as_json(scans)})

    def begun(self) -> tuple[dict[str, Any], tuple[Scan, ...]] | None:
        """Return grounds and cohort of an unfinished freeze; None if there is none."""
        if not self._plan.exists():
            return None
        plan = json.loads(self._plan.read_bytes())
        return plan["grounds"], cohort.from_json(plan["scans"])

    def stored(self) -> dict[str, Entry]:
        """Return what is stored, by the archive's number of the image.

        The last line may be torn by a power cut; that image is stored once more.
        """
        found: dict[str, Entry] = {}
        for line in self._done.read_text("utf-8").splitlines() if self._done.exists() else []:
            try:
                number, *entry = json.loads(line)
                found[number] = Entry(*entry)
            except (ValueError, TypeError):
                continue
        return found

    def store(self, rows: Iterable[tuple[str, Entry]]) -> None:
        """Note images as stored, on disk before this returns."""
        with self._done.open("a", encoding="utf-8") as file:
            # A line break first: what a power cut tore ends here.
            file.writelines(f"\n{json.dumps([number, *entry])}" for number, entry in rows)
            file.write("\n")
            file.flush()
            os.fsync(file.fileno())

    def drop(self, subject: str) -> None:
        """Forget a subject that has withdrawn."""
        begun = self.begun()
        if begun:
            grounds, scans = begun
            rest = [scan for scan in scans if scan.subject != subject]
            kept = [row for row in self.stored().items() if not belongs(row[1].key, subject)]
            self._done.unlink(missing_ok=True)
            self._write({"grounds": grounds, "scans": cohort.as_json(rest)})
            self.store(kept)
        (self.folder / "differences.json").unlink(missing_ok=True)

    def end(self) -> None:
        """Forget the work: the version is published, or is not wanted any more."""
        self._plan.unlink(missing_ok=True)
        self._done.unlink(missing_ok=True)

    def _write(self, plan: Mapping[str, Any]) -> None:
        fresh = self._plan.with_suffix(".new")
        with fresh.open("w", encoding="utf-8") as file:
            json.dump(plan, file)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._plan)
