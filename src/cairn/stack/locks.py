"""Who holds the lock of a stack, and whether that process still lives."""

from __future__ import annotations

import json
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from cairn import house
from cairn.errors import ApplyFailed

if TYPE_CHECKING:
    from collections.abc import Callable


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


def refuse(node: str) -> None:
    """Refuse a change while somebody else makes one.

    Raises:
        ApplyFailed: Says who holds the lock.
    """
    for lock in held(node):
        raise ApplyFailed(
            f"{node}: nothing was done, because the node is locked by {lock}; "
            f"wait for its end, or see `cairn unlock {node}`"
        )


def _read(file: Path) -> Lock:
    told = json.loads(file.read_text())
    return Lock(
        pid=int(told["pid"]),
        user=str(told["username"]),
        computer=str(told["hostname"]),
        since=str(told["timestamp"])[:19],
    )
