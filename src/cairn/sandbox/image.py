"""Base images: what all sandbox hosts of a Debian release have in common, made once."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import threading
import time
from dataclasses import dataclass
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

#: What a release has on iron because a kernel package wants it.
_INCLUDED_TOO: Final = {"trixie": ("linux-sysctl-defaults",), "bookworm": ()}

#: Nothing that tells one host from another may lie in the base: keys, machine id, names.
#: Throw-away hosts need not survive a power cut, so dpkg does not wait for the disk.
CUSTOMIZE: Final = """\
set -eu
echo force-unsafe-io > "$1/etc/dpkg/dpkg.cfg.d/cairn-sandbox"
chroot "$1" systemctl enable systemd-networkd.service
chroot "$1" systemctl mask console-getty.service systemd-networkd-wait-online.service
rm -f "$1"/etc/ssh/ssh_host_* "$1"/etc/machine-id "$1"/var/lib/dbus/machine-id
rm -f "$1"/etc/resolv.conf "$1"/etc/hostname
"""

_OFFICIAL = ("http://deb.debian.org/debian", "http://deb.debian.org/debian-security")
_TIME_LIMIT = 1800.0


@dataclass(frozen=True, slots=True)
class Recipe:
    """What an image is made of.

    Attributes:
        name: What the image is called in messages.
        takes: How long it takes to make, in words.
        release: Debian release, as in apt sources.
        variant: Starting point, in mmdebstrap's words.
        packages: Debian packages in it beyond the variant's.
        customize: Shell script that completes it; `$1` is its folder.
    """

    name: str
    takes: str
    release: str
    variant: str
    packages: tuple[str, ...]
    customize: str

    @property
    def place(self) -> Path:
        """The folder of the finished image: its name carries the hash of all that decides it."""
        parts = [self.variant, self.packages, self.customize, sources(self.release)]
        digest = hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]
        return house.cache() / "base" / f"{self.release}-{digest}"


def of_system(os: str) -> Recipe:
    """Return the recipe of a host's base image.

    Raises:
        SandboxError: Cairn has no sandbox hosts of this operating system.
    """
    if os not in RELEASES:
        raise SandboxError(f"`{os}` cannot be a sandbox host; use {' or '.join(RELEASES)}")
    return Recipe(
        name=f"base image of {os}",
        takes="30 seconds to two minutes",
        release=RELEASES[os],
        variant="minbase",
        packages=(*INCLUDED, *_INCLUDED_TOO[RELEASES[os]]),
        customize=CUSTOMIZE,
    )


def ensure(recipe: Recipe, progress: Callable[[str], None]) -> Path:
    """Return the folder of an image, made now if the cache lacks it.

    It is made beside its place and moved there when complete; a second process that wants the
    same image waits for the first.

    Raises:
        SandboxError: The image could not be made.
    """
    place = recipe.place
    if not place.is_dir():
        with places.locked(place.parent / f".{place.name}.lock"):
            if not place.is_dir():
                _make(recipe, place, progress)
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


def _make(recipe: Recipe, place: Path, progress: Callable[[str], None]) -> None:
    progress(f"making the {recipe.name}: this once, {recipe.takes}")
    began = time.monotonic()
    unfinished = place.with_name(f".{place.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    try:
        said = _follow(recipe, unfinished, progress)
        if said is not None:
            mirror = sources(recipe.release)[0].split()[1]
            raise SandboxError(
                f"the {recipe.name} could not be made: {said}; "
                f"check that this computer reaches {mirror}, then run again",
            )
        unfinished.rename(place)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    progress(f"{recipe.name} is ready after {time.monotonic() - began:.0f} s: {place}")


def _command(recipe: Recipe, folder: Path) -> list[str]:
    return [
        "mmdebstrap",
        "--mode=root",
        f"--variant={recipe.variant}",
        "--format=directory",
        f"--include={','.join(recipe.packages)}",
        # Without maintainer scripts (`extract`) the customize hook does not run.
        f"--{'extract' if recipe.variant == 'extract' else 'customize'}-hook={recipe.customize}",
        recipe.release,
        str(folder),
        *sources(recipe.release),
    ]


def _follow(recipe: Recipe, folder: Path, progress: Callable[[str], None]) -> str | None:
    """Make the image, pass mmdebstrap's `I:` lines on, return its last words if it failed."""
    began, said = time.monotonic(), ["it said nothing"]
    with subprocess.Popen(
        _command(recipe, folder),
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
                    step = line[3:].split(" in shell")[0].strip().rstrip(".")
                    progress(f"{recipe.name}: {step} ({time.monotonic() - began:.0f} s)")
                elif line.strip():
                    said = [*said[-3:], line.strip()]
        finally:
            limit.cancel()
    return None if process.returncode == 0 else " / ".join(said[1:] or said)
