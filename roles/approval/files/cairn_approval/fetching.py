"""Has the data sets of the approvals on the disk, begun while Flower is still being imported.

The work is done by `cairn_approval.copies` with Debian's Python, which has what speaks S3. To start
that takes a core most of a second, so what it said a moment ago counts for the next task too.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from cairn_account.refusal import Refused
from cairn_approval import approvals, holding

PYTHON: Final = "/usr/bin/python3"
#: Data sets that are begun before it is known which is asked for; a site rarely approves more.
AT_ONCE: Final = 2
#: Seconds for which a look into the storage counts: the messages of a round follow one another.
FRESH: Final = 15

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
        if _known(dataset) is None:
            _begun[dataset] = _started(dataset)


def copy(dataset: str) -> dict[str, Any]:
    """Have a data set on the disk, as its manifest says, and return where.

    To be called while the data set is read (`holding.reading`), so that the copy stays there.

    Raises:
        Refused: It cannot be had.
    """
    known = None if dataset in _begun else _known(dataset)
    if known is not None:
        os.utime(known["folder"])  # `cairn_approval.tidy` goes by it
        return known
    process = _begun.pop(dataset, None) or _started(dataset)
    out, _ = process.communicate()
    try:
        told: dict[str, Any] = json.loads(out)
    except ValueError:
        raise Refused("the data set cannot be fetched; read the journal of the agent") from None
    if "refused" in told:
        raise Refused(told["refused"])
    _keep(dataset, out)
    return told


def _known(dataset: str) -> dict[str, Any] | None:
    """Return what was said of a data set a moment ago, if its copy is still there."""
    answer = holding.COPIES / dataset / "newest.json"
    try:
        age = time.time() - answer.stat().st_mtime
        told: dict[str, Any] = json.loads(answer.read_bytes())
    except (OSError, ValueError):
        return None
    return told if 0 <= age < FRESH and Path(told["folder"]).is_dir() else None


def _keep(dataset: str, said: bytes) -> None:
    draft = holding.COPIES / dataset / f"newest.{os.getpid()}"
    draft.write_bytes(said)
    draft.replace(draft.with_name("newest.json"))


def _started(dataset: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [PYTHON, "-B", "-m", "cairn_approval.copies", dataset],
        env={"PYTHONPATH": str(Path(__file__).parents[1]), "LANG": "C.UTF-8"},
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
    )  # fmt: skip
