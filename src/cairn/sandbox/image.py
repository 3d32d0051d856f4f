"""Base images: what all sandbox hosts of a Debian release have in common, made once."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from cairn import house
from cairn.errors import SandboxError
from cairn.sandbox import commands, places

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

#: Operating systems that a sandbox host can have, each with its Debian release.
RELEASES: Final = {"debian-13": "trixie", "debian-12": "bookworm"}

#: What a host has before any role: what a freshly installed server answers SSH and Ansible with.
INCLUDED: Final = (
    "ca-certificates",
    "dbus",
    "iproute2",
    "iputils-ping",
    "libpam-systemd",
    "nftables",
    "openssh-server",
    "procps",
    "python3",
    "python3-apt",
    "sudo",
    "systemd",
    "systemd-sysv",
)

#: Nothing that tells one host from another may lie in the base: keys, machine id, names.
CUSTOMIZE: Final = """\
set -eu
chroot "$1" systemctl enable systemd-networkd.service
chroot "$1" systemctl mask console-getty.service systemd-networkd-wait-online.service
rm -f "$1"/etc/ssh/ssh_host_* "$1"/etc/machine-id "$1"/var/lib/dbus/machine-id
rm -f "$1"/etc/resolv.conf "$1"/etc/hostname
"""

_OFFICIAL = ("http://deb.debian.org/debian", "http://deb.debian.org/debian-security")
_TIME_LIMIT = 1800.0


def ensure(os: str, progress: Callable[[str], None]) -> Path:
    """Return the base image of an operating system, made now if the cache lacks it.

    The image's name carries the hash of its recipe. It is made beside its place and moved there
    when complete; a second process that wants the same image waits for the first.

    Raises:
        SandboxError: Unknown operating system, or the image could not be made.
    """
    if os not in RELEASES:
        raise SandboxError(f"`{os}` cannot be a sandbox host; use {' or '.join(RELEASES)}")
    place = _place(os)
    if not place.is_dir():
        with places.locked(place.parent / f".{place.name}.lock"):
            if not place.is_dir():
                _make(os, place, progress)
    return place


def mirrors(sources: Iterable[str]) -> tuple[str, str]:
    """Return the Debian and the security mirror that the computer itself uses.

    Args:
        sources: Lines of its apt sources, in either format of sources.list(5).

    Returns:
        The first http or https URI that ends in `/debian` and in `/debian-security`;
        Debian's own where there is none.
    """
    text = "\n".join(line for line in sources if not line.lstrip().startswith("#"))
    chosen = []
    for official in _OFFICIAL:
        name = official.rsplit("/", 1)[1]
        found = re.search(rf"https?://[^\s\]]+/{name}(?=/?(?:\s|$))", text)
        chosen.append(found[0] if found else official)
    return chosen[0], chosen[1]


def sources(release: str) -> list[str]:
    """Return the apt sources of a host of a release, one line each."""
    files = [Path("/etc/apt/sources.list"), *sorted(Path("/etc/apt/sources.list.d").glob("*"))]
    lines = [line for file in files if file.is_file() for line in file.read_text().splitlines()]
    debian, security = mirrors(lines)
    return [
        f"deb {debian} {release} main",
        f"deb {debian} {release}-updates main",
        f"deb {security} {release}-security main",
    ]


def _place(os: str) -> Path:
    release = RELEASES[os]
    recipe = json.dumps([release, INCLUDED, CUSTOMIZE, sources(release)])
    digest = hashlib.sha256(recipe.encode()).hexdigest()[:16]
    return house.cache() / "base" / f"{release}-{digest}"


def _make(os: str, place: Path, progress: Callable[[str], None]) -> None:
    progress(f"making the base image of {os}: once per computer, half a minute to two minutes")
    began = time.monotonic()
    unfinished = place.with_name(f".{place.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    try:
        debootstrap(RELEASES[os], INCLUDED, unfinished, lambda step: progress(f"{os}: {step}"))
        unfinished.rename(place)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    progress(f"base image of {os} is ready after {time.monotonic() - began:.0f} s: {place}")


def debootstrap(
    release: str,
    packages: Iterable[str],
    folder: Path,
    progress: Callable[[str], None],
) -> None:
    """Make the root file system of a Debian release in a folder.

    Raises:
        SandboxError: mmdebstrap failed or took more than half an hour; quotes what it said.
    """
    argv = [
        "mmdebstrap",
        "--mode=root",
        "--variant=minbase",
        "--format=directory",
        f"--include={','.join(packages)}",
        f"--customize-hook={CUSTOMIZE}",
        release,
        str(folder),
        *sources(release),
    ]
    said = _follow(argv, progress)
    if said is not None:
        raise SandboxError(
            f"the base image of {release} could not be made: {said}; "
            f"check that this computer reaches {sources(release)[0].split()[1]}, then run again",
        )


def _follow(argv: list[str], progress: Callable[[str], None]) -> str | None:
    """Run a program, pass its `I:` lines on, and return its last other words if it failed."""
    began, said = time.monotonic(), ["it said nothing"]
    with subprocess.Popen(
        argv,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        env=commands.environment(),
    ) as process:
        limit = threading.Timer(_TIME_LIMIT, process.kill)
        limit.start()
        try:
            for line in process.stderr or ():
                if line.startswith("I: "):
                    step = line[3:].split(" in shell")[0]
                    progress(f"{step.strip().rstrip('.')} ({time.monotonic() - began:.0f} s)")
                elif line.strip():
                    said = [*said[-3:], line.strip()]
        finally:
            limit.cancel()
    return None if process.returncode == 0 else " / ".join(said[1:] or said)
