"""The full log of each run: one file, readable by its owner only, the newest twenty kept."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

#: How many logs of one role on one host are kept.
KEPT = 20


def new_log(runs: Path, node: str, host: str, role: str) -> Path:
    """Make an empty log and remove the oldest ones of the same role on the same host.

    Args:
        runs: The folder of all logs.
        node: Name of the node, a folder below it.
        host: Name of the host.
        role: Name of the role.

    Returns:
        The path of the new file, named with the time in UTC down to the microsecond.
    """
    folder = runs / node
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
    log = folder / f"{host}-{role}-{stamp}.log"
    log.touch(mode=0o600)
    # Digits and the letters of the stamp only: `imaging-1-base` is no log of `imaging-1`'s.
    for old in sorted(folder.glob(f"{host}-{role}-[0-9]*Z.log"))[:-KEPT]:
        old.unlink(missing_ok=True)
    return log
