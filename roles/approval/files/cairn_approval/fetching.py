"""Has the data sets of the approvals on the disk, begun while Flower is still being imported.

The work is done by `cairn_approval.copies` with Debian's Python, which has what speaks S3.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from cairn_account.refusal import Refused
from cairn_approval import approvals

PYTHON: Final = "/usr/bin/python3"
#: Data sets that are begun before it is known which is asked for; a site rarely approves more.
AT_ONCE: Final = 2

_begun: dict[str, subprocess.Popen[bytes]] = {}


def begin(folder: Path = approvals.FOLDER) -> None:
    """Begin with the data sets that approvals of today cover; what is wrong is told later."""
    today = datetime.now(UTC).date()
    wanted: set[str] = set()
    with contextlib.suppress(Refused):
        for app in approvals.read(folder):
            with contextlib.suppress(Refused):
                wanted.add(approvals.granted(app, today=today, folder=folder)["dataset"])
    for dataset in sorted(wanted)[:AT_ONCE]:
        _begun[dataset] = _started(dataset)


def copy(dataset: str) -> dict[str, Any]:
    """Have a data set on the disk, as its manifest says, and return where.

    Raises:
        Refused: It cannot be had.
    """
    process = _begun.pop(dataset, None) or _started(dataset)
    out, _ = process.communicate()
    try:
        told: dict[str, Any] = json.loads(out)
    except ValueError:
        raise Refused("the data set cannot be fetched; read the journal of the agent") from None
    if "refused" in told:
        raise Refused(told["refused"])
    return told


def _started(dataset: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [PYTHON, "-B", "-m", "cairn_approval.copies", dataset],
        env={"PYTHONPATH": str(Path(__file__).parents[1]), "LANG": "C.UTF-8"},
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
    )  # fmt: skip
