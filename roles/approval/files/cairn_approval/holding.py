"""Who holds the copy of a data set right now: tasks that read it, or what makes and deletes it."""

from __future__ import annotations

import fcntl
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

COPIES: Final = Path("/var/cache/cairn-fl-agent")


@contextmanager
def reading(dataset: str) -> Iterator[None]:
    """Keep the copies of a data set where they are meanwhile."""
    folder = COPIES / dataset
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (folder / "readers").open("a") as handle:
        fcntl.flock(handle, fcntl.LOCK_SH)
        yield


@contextmanager
def making(dataset: str) -> Iterator[None]:
    """Let nobody else make or delete copies of a data set meanwhile."""
    with (COPIES / dataset / "makers").open("a") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


@contextmanager
def alone(dataset: str) -> Iterator[bool]:
    """Say whether no task reads a copy of a data set, and keep it so meanwhile."""
    with making(dataset), (COPIES / dataset / "readers").open("a") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True
