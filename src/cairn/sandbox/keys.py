"""SSH keys of the sandbox: one for its operator, one per host, all made on the computer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cairn.sandbox import commands, places

if TYPE_CHECKING:
    from pathlib import Path


def operator_key() -> Path:
    """Return the private key that opens this checkout's hosts, made at the first call."""
    return make(places.sandbox() / "ssh_key", comment="cairn-sandbox")


def make(file: Path, *, comment: str) -> Path:
    """Return an Ed25519 private key (mode 0600), made if there is none."""
    if not (file.exists() and public(file)):
        file.unlink(missing_ok=True)
        argv = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", str(file)]
        commands.run(argv, why=f"make the SSH key {file}")
    return file


def public(file: Path) -> str:
    """Return the public half of a private key as `ssh-ed25519 AAAA...`, empty if there is none."""
    beside = file.with_name(f"{file.name}.pub")
    words = beside.read_text(encoding="ascii").split() if beside.exists() else []
    return " ".join(words[:2])
