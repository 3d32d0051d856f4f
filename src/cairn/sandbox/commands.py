"""Programs of the computer, run with a time limit and errors a person can act on."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING, Final

from cairn.errors import SandboxError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

#: Debian packages that the controller needs before it can run sandbox hosts.
PACKAGES: Final = (
    "ca-certificates",
    "debian-archive-keyring",
    "iproute2",
    "mmdebstrap",
    "nftables",
    "openssh-client",
    "systemd-container",
)

#: Programs that are called, each with the Debian package it comes in.
PROGRAMS: Final = {
    "chroot": "coreutils",
    "ip": "iproute2",
    "mmdebstrap": "mmdebstrap",
    "mount": "mount",
    "nft": "nftables",
    "setpriv": "util-linux",
    "ssh": "openssh-client",
    "ssh-keygen": "openssh-client",
    "systemd-nspawn": "systemd-container",
    "umount": "mount",
    "unshare": "util-linux",
}

#: Administrators' programs are often missing from the PATH of an ordinary session.
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def require_root() -> None:
    """Refuse to go on without root.

    Raises:
        SandboxError: The caller is not root; names the command that works.
    """
    if os.geteuid() != 0:
        raise SandboxError(
            "sandbox hosts need root (namespaces, mounts, a bridge); run the same command as root, "
            "for example `sudo -E cairn sandbox list`",
        )


def require_programs() -> None:
    """Refuse to go on while a program is missing.

    Raises:
        SandboxError: Names every missing program and the one command that installs them.
    """
    missing = [name for name in PROGRAMS if shutil.which(name, path=_PATH) is None]
    if missing:
        packages = " ".join(sorted({PROGRAMS[name] for name in missing}))
        raise SandboxError(
            f"missing on this computer: {', '.join(missing)}; "
            f"run `apt-get install --no-install-recommends {packages}`",
        )


def environment() -> dict[str, str]:
    """Return the environment for programs: the caller's, a full PATH, messages in English."""
    return {**os.environ, "PATH": _PATH, "LC_ALL": "C.UTF-8"}


def run(
    argv: Sequence[str | Path],
    *,
    why: str,
    timeout: float = 30,
    stdin: str | None = None,
) -> str:
    """Run a program to its end and return what it printed.

    Args:
        argv: The program and its arguments; no shell is involved.
        why: What the program is run for, in words that complete "cannot ...".
        timeout: Limit in seconds.
        stdin: Text for the program's input; None for an empty input.

    Raises:
        SandboxError: It failed, did not end in time or does not exist.
    """
    words = [str(word) for word in argv]
    try:
        done = subprocess.run(
            words,
            input=stdin or "",
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout,
            check=False,
            env=environment(),
        )
    except subprocess.TimeoutExpired as error:
        raise SandboxError(f"cannot {why}: `{words[0]}` took over {timeout:.0f} s") from error
    except OSError as error:
        raise SandboxError(f"cannot {why}: `{words[0]}`: {error.strerror}") from error
    if done.returncode != 0:
        raise SandboxError(f"cannot {why}: `{' '.join(words)}` said: {_last_words(done)}")
    return done.stdout


def succeeds(argv: Sequence[str | Path], *, timeout: float = 30) -> bool:
    """Tell whether a program ends with status 0 in time; what it prints is dropped."""
    try:
        run(argv, why="ask", timeout=timeout)
    except SandboxError:
        return False
    return True


def _last_words(done: subprocess.CompletedProcess[str]) -> str:
    lines = (done.stderr.strip() or done.stdout.strip()).splitlines()
    return " / ".join(lines[-3:]) or f"nothing (exit status {done.returncode})"
