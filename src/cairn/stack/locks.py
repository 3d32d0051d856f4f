"""Who holds the lock of a stack, and whether that process still lives."""

from __future__ import annotations

import fcntl
import getpass
import json
import os
import socket
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from cairn import house
from cairn.errors import ApplyFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@dataclass(frozen=True, slots=True)
class Lock:
    """One lock of a stack in a local backend, as Pulumi writes it."""

    pid: int
    user: str
    computer: str
    since: str

    @property
    def here(self) -> bool:
        """Whether it was taken on this computer, so that its process can be looked for."""
        return self.computer == socket.gethostname()

    @property
    def holder_lives(self) -> bool:
        """Whether the process exists on this computer and is a Pulumi CLI."""
        try:
            return self.here and "pulumi" in psutil.Process(self.pid).name()
        except psutil.Error:
            return False

    def __str__(self) -> str:
        holder = f"process {self.pid} of {self.user} on {self.computer}, since {self.since}"
        if not self.here:
            return f"{holder}; ask there whether it still runs"
        return f"{holder}; that process {'is running' if self.holder_lives else 'is gone'}"


def local_backend() -> Path | None:
    """Return the folder of the state if the backend is a local one, else None."""
    url = house.pulumi_environment()["PULUMI_BACKEND_URL"]
    return Path(url.removeprefix("file://")) / ".pulumi" if url.startswith("file://") else None


def held(node: str) -> tuple[Lock, ...]:
    """Return the locks of the node's stack; none for a backend that is not local."""
    backend = local_backend()
    if backend is None:
        return ()
    folder = backend / "locks" / "organization" / "cairn-nodes" / node
    return tuple(_read(file) for file in sorted(folder.glob("*.json")))


def release_dead(node: str, unlock: Callable[[str], None]) -> bool:
    """Unlock the stack if all its locks were left by processes of this computer that are gone.

    Returns whether it was unlocked. A lock of another computer is never touched.
    """
    locks = held(node)
    if not locks or any(not lock.here or lock.holder_lives for lock in locks):
        return False
    unlock(node)
    return True


@contextmanager
def alone(node: str) -> Iterator[None]:
    """Make one change at a time to a node, from the first moment on.

    Pulumi looks for locks, writes its own and looks again, so that of two that start in the same
    moment both may give up. Here the first one wins, and a process that dies lets go.

    Raises:
        ApplyFailed: Says who is at work on the node.
    """
    file = house.private() / "busy" / f"{node}.json"
    file.parent.mkdir(mode=0o700, exist_ok=True)
    with file.open("a") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            refuse(node)
            raise _refusal(node, _told(file)) from None
        refuse(node)
        handle.truncate(0)
        handle.write(json.dumps(_myself()))
        handle.flush()
        yield


def refuse(node: str) -> None:
    """Refuse a change while somebody else makes one.

    Raises:
        ApplyFailed: Says who holds the lock.
    """
    for lock in held(node):
        raise _refusal(node, str(lock))


def _refusal(node: str, holder: str) -> ApplyFailed:
    return ApplyFailed(
        f"{node}: nothing was done, because the node is locked by {holder}; "
        f"wait for its end, or see `cairn unlock {node}`"
    )


def _myself() -> dict[str, str | int]:
    """Return what Pulumi writes into a lock, about this process."""
    return {
        "pid": os.getpid(),
        "username": getpass.getuser(),
        "hostname": socket.gethostname(),
        "timestamp": datetime.now(UTC).isoformat(),
    }


def _told(file: Path) -> str:
    try:
        lock = _read(file)
    except ValueError:  # it has only just begun
        return "a process of this computer that has just begun"
    return f"process {lock.pid} of {lock.user} on {lock.computer}, since {lock.since}, which starts"


def _read(file: Path) -> Lock:
    told = json.loads(file.read_text())
    return Lock(
        pid=int(told["pid"]),
        user=str(told["username"]),
        computer=str(told["hostname"]),
        since=str(told["timestamp"])[:19],
    )
