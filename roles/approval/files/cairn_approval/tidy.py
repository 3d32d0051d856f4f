"""Deletes copies of data sets that no task needs: `python3 -m cairn_approval.tidy`."""

from __future__ import annotations

import json
import shutil
import time
from typing import TYPE_CHECKING, Any, Final

from cairn_approval import approvals, desk, holding

if TYPE_CHECKING:
    from pathlib import Path

#: Seconds after the last task at which a copy of a data set goes.
IDLE: Final = 3600


def tidy(folder: Path = approvals.FOLDER, idle: int = IDLE) -> dict[str, Any]:
    """Delete the copies of data sets that no task reads, and of which one of these is true.

    No approval covers the data set today, there is a newer version (who withdrew since is in the
    older one), or no task used it lately.
    """
    wanted = {one["dataset"] for one in desk.listed(folder)["apps"] if one["counts"]}
    gone = []
    for place in sorted(holding.COPIES.glob("*/readers")):
        name = place.parent.name
        with holding.alone(name) as free:
            for one in _unused(place.parent, idle if name in wanted else 0) if free else ():
                shutil.rmtree(one)
                gone.append(f"{name}/{one.name}")
    return {"deleted": gone}


def _unused(folder: Path, idle: int) -> list[Path]:
    used = sorted((one.stat().st_mtime, one) for one in folder.iterdir() if one.is_dir())
    return [one for at, one in used if time.time() - at >= idle or (at, one) != used[-1]]


if __name__ == "__main__":
    print(json.dumps(tidy()))  # noqa: T201 - into the journal
