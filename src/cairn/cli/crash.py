"""Keeps the traceback of an unforeseen error in a file and says one sentence about it."""

from __future__ import annotations

import os
import sys
import tempfile
import traceback
from datetime import UTC, datetime
from pathlib import Path

from cairn import __version__, house


def told(error: Exception) -> str:
    """Write the traceback of an error to a log of mode 0600 and return a sentence that names it.

    The sentence has the kind of the error and not its text, which may quote what was being read.
    """
    try:
        log = _write(house.private(), error)
    except OSError:
        log = _write(Path(tempfile.gettempdir()), error)
    return (
        f"Cairn ran into something that it does not foresee ({type(error).__name__}). "
        f"This is a mistake in Cairn; the details are in {log}"
    )


def _write(folder: Path, error: Exception) -> Path:
    now = datetime.now(tz=UTC)
    log = folder / f"crash-{now:%Y%m%dT%H%M%S}-{os.getpid()}.log"
    story = "".join(traceback.format_exception(error))
    # A second crash of the same process in the same second keeps the later story.
    log.unlink(missing_ok=True)
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace") as file:
        file.write(f"cairn {__version__}, Python {sys.version}\n{now.isoformat()}\n\n{story}")
    return log
