"""Where reports stand: `.cairn/reports/NODE/TIME/`, one folder each, never written twice."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from cairn import house
from cairn.errors import EvidenceRefused, Misuse

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

#: Names that no folder of a report has, because no node is called like this.
FLEET = "_fleet"
REPORT = "report.json"
STATEMENT = "statement.dsse.json"


def folder_of(node: str) -> Path:
    """Return the folder of all reports of a node (or `FLEET`)."""
    return house.private() / "reports" / node


def name_of(moment: datetime) -> str:
    """Return the name of the folder of a report of that moment, UTC: ISO 8601, basic form."""
    return moment.strftime("%Y%m%dT%H%M%SZ")


def reports(folder: Path) -> list[Path]:
    """Return the folders of the reports below a folder, oldest first; drafts do not count."""
    return sorted(file.parent for file in folder.glob(f"[0-9]*/{REPORT}"))


def newest(folder: Path) -> Path | None:
    """Return the folder of the newest report below a folder, or None."""
    found = reports(folder)
    return found[-1] if found else None


def read(file: Path) -> bytes:
    """Read a file of a report.

    Raises:
        EvidenceRefused: It is not there or cannot be read.
    """
    try:
        return file.read_bytes()
    except OSError as error:
        raise EvidenceRefused(f"{file}: cannot be read: {error.strerror}") from error


def write(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write a folder with these files, complete or not at all.

    Files are readable by their owner alone: raw answers tell an attacker where to look.

    Raises:
        Misuse: It is there already, or cannot be written.
    """
    try:
        folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=".draft-", dir=folder.parent))
        try:
            for name, content in files.items():
                with os.fdopen(os.open(draft / name, os.O_WRONLY | os.O_CREAT, 0o600), "wb") as out:
                    out.write(content)
            draft.rename(folder)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
    except OSError as error:
        raise Misuse(f"{folder}: the report cannot be written: {error.strerror}") from error
