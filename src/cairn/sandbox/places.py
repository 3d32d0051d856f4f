"""Where the sandbox keeps its things on the computer, and how it names them."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from cairn import house
from cairn.errors import SandboxError

if TYPE_CHECKING:
    from collections.abc import Iterator

#: One folder per checkout; root's, because the roots of whole machines lie in it.
SANDBOXES: Final = Path("/var/lib/cairn/sandboxes")

_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


@dataclass(frozen=True, slots=True)
class HostPlaces:
    """Folders and files of one sandbox host."""

    folder: Path

    @property
    def upper(self) -> Path:
        """What the host wrote over the base image."""
        return self.folder / "upper"

    @property
    def work(self) -> Path:
        """Scratch of the overlay file system."""
        return self.folder / "work"

    @property
    def root(self) -> Path:
        """The host's root file system while it is mounted."""
        return self.folder / "root"

    @property
    def log(self) -> Path:
        """What the host printed on its console since its last start."""
        return self.folder / "boot.log"

    @property
    def known_hosts(self) -> Path:
        """The host's public key in the format of ssh(1)."""
        return self.folder / "known_hosts"

    @property
    def furnished(self) -> Path:
        """Stands only when the per-host files were all written."""
        return self.folder / "furnished"


def sandbox() -> Path:
    """Return this checkout's sandbox folder (not made here)."""
    return SANDBOXES / house.checkout_id()


def check_name(name: str) -> None:
    """Refuse what cannot be a host name (RFC 1123, section 2.1).

    Raises:
        SandboxError: Says what a name may be.
    """
    if not _NAME.fullmatch(name):
        raise SandboxError(
            f"`{name}` cannot name a sandbox host; use a-z, 0-9 and inner hyphens, at most 63",
        )


def of_host(node: str, host: str) -> HostPlaces:
    """Return the places of a host of this checkout.

    Raises:
        SandboxError: A name cannot be a host name.
    """
    check_name(node)
    check_name(host)
    return HostPlaces(sandbox() / "hosts" / node / host)


def volumes(node: str, host: str) -> Path:
    """Return the folder of a host's data volumes: they outlive the host."""
    return sandbox() / "volumes" / node / host


def label() -> str:
    """Return 6 hex digits of the checkout for names that the kernel keeps short."""
    return house.checkout_id()[:6]


def bridge() -> str:
    """Return the name of this checkout's bridge (at most 15 characters, as the kernel demands)."""
    return f"cairn-{label()}"


@contextlib.contextmanager
def locked(file: Path) -> Iterator[None]:
    """Hold an exclusive lock on a file; a process that dies lets go of it.

    Who holds a lock may remove its file; who waited for it then begins again with a new one.
    """
    while True:
        file.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileNotFoundError), file.open("a") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            if _is_still(file, handle.fileno()):
                yield
                return


def _is_still(file: Path, descriptor: int) -> bool:
    try:
        return file.stat().st_ino == os.fstat(descriptor).st_ino
    except FileNotFoundError:
        return False


def read_json(file: Path) -> dict[str, Any]:
    """Return a JSON object from a file, an empty one when the file does not exist.

    Raises:
        SandboxError: The file is not a JSON object.
    """
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (ValueError, OSError) as error:
        raise SandboxError(f"{file} cannot be read ({error}); remove it and run again") from error
    if not isinstance(content, dict):
        raise SandboxError(f"{file} is damaged: not a JSON object; remove it and run again")
    return content


def write_json(file: Path, content: dict[str, Any]) -> None:
    """Put a JSON object into a file at once: readers see the old one or the new one."""
    fresh = file.with_name(f".{file.name}.{os.getpid()}")
    fresh.write_text(json.dumps(content, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    owner = file.parent.stat()
    if os.geteuid() == 0:
        os.chown(fresh, owner.st_uid, owner.st_gid)
    fresh.replace(file)
