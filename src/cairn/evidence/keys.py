"""The Ed25519 key that signs: made here, named by a reference, read when it is needed."""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from cairn.checks.approvers import Signs
from cairn.errors import EvidenceRefused, Misuse
from cairn.evidence import tokens

if TYPE_CHECKING:
    from collections.abc import Callable

    from cryptography.hazmat.primitives.asymmetric.ed25519 import (
        Ed25519PublicKey,
    )

#: How a reference to a key in a file begins.
FILE = "file:"
#: Names the key where `--key` does not.
VARIABLE = "CAIRN_REPORT_KEY"


class SigningKey(Signs, Protocol):
    """What signs, and tells its public half: a key of a file, or of a token that keeps it."""

    def public_key(self) -> Ed25519PublicKey:
        """Return the public half."""


def make(file: Path) -> Path:
    """Make a key in a file that only its owner reads (PKCS #8, PEM), and its public half beside.

    Returns:
        The file of the public key, `FILE.pub` (SubjectPublicKeyInfo, PEM).

    Raises:
        Misuse: One of the two files is there, or cannot be written.
    """
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415 - help needs none
    from cryptography.hazmat.primitives.asymmetric.ed25519 import (  # noqa: PLC0415
        Ed25519PrivateKey,
    )

    public = file.with_name(f"{file.name}.pub")
    for one in (file, public):
        if one.exists() or one.is_symlink():
            raise Misuse(f"{one} is there already; give another name, or move it away")
    key = Ed25519PrivateKey.generate()
    _write(
        file,
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ),
        0o600,
    )
    _write(public, pem(key.public_key()), 0o644)
    return public


def private(reference: str, passphrase: Callable[[str], str] | None = None) -> SigningKey:
    """Read the key that a reference names: `file:PATH`, or a key in hardware (`pkcs11:...`).

    In a file it is PKCS #8 in PEM, or of OpenSSH.

    Args:
        reference: The reference.
        passphrase: Asks a person for the passphrase of that file; without it such a key is refused.

    Raises:
        Misuse: The reference is of another kind, or names no private Ed25519 key of its owner.
    """
    from cryptography.hazmat.primitives.asymmetric.ed25519 import (  # noqa: PLC0415
        Ed25519PrivateKey,
    )

    if reference.startswith(tokens.SCHEME):
        return tokens.TokenKey(tokens.read(reference))
    if not reference.startswith(FILE):
        # The rest may be a PIN, or somebody's key itself.
        kind = reference.partition(":")[0] if re.match(r"[a-z0-9]{1,12}:", reference) else ""
        told = f"; `{kind}:` is not read" if kind else ""
        raise Misuse(f"a key is named as file:PATH or {tokens.EXAMPLE}{told}")
    file = Path(reference.removeprefix(FILE)).expanduser()
    try:
        if file.stat().st_mode & 0o077:
            raise Misuse(f"{file}: others may read this key; `chmod 600 {file}`, or make a new one")
        key = _read(file.read_bytes(), file, passphrase)
    except OSError as error:
        raise Misuse(f"{file}: cannot be read: {error.strerror}") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise Misuse(f"{file}: is no Ed25519 key; `cairn report key FILE` makes one")
    return key


def _read(data: bytes, file: Path, passphrase: Callable[[str], str] | None) -> object:
    """Read a private key in either form, with its passphrase where it has one."""
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415 - help needs none
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415

    of_openssh = data.startswith(b"-----BEGIN OPENSSH")
    load = serialization.load_ssh_private_key if of_openssh else serialization.load_pem_private_key
    try:
        try:
            return load(data, None)
        except TypeError:  # the library's word for a key with a passphrase
            if passphrase is None:
                raise Misuse(f"{file}: has a passphrase; name a key without one here") from None
            return load(data, passphrase(str(file)).encode())
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise Misuse(
            f"{file}: is no private key, or the passphrase is not its own; "
            "`cairn report key FILE` makes a key"
        ) from None


def public(file: Path) -> Ed25519PublicKey:
    """Read a public key.

    Raises:
        EvidenceRefused: The file is no public Ed25519 key in PEM.
    """
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415 - help needs none
    from cryptography.hazmat.primitives.asymmetric.ed25519 import (  # noqa: PLC0415
        Ed25519PublicKey,
    )

    try:
        key = serialization.load_pem_public_key(file.read_bytes())
    except OSError as error:
        raise EvidenceRefused(f"{file}: cannot be read: {error.strerror}") from None
    except ValueError:
        raise EvidenceRefused(f"{file}: is no public key in PEM") from None
    if not isinstance(key, Ed25519PublicKey):
        raise EvidenceRefused(f"{file}: is no Ed25519 key")
    return key


def fingerprint(key: Ed25519PublicKey) -> str:
    """Return `sha256:` and the digest of the key's DER form.

    The same as `openssl pkey -pubin -in KEY.pub -outform DER | sha256sum`.
    """
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415 - help needs none

    der = key.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return f"sha256:{hashlib.sha256(der).hexdigest()}"


def write_public(key: Ed25519PublicKey, file: Path) -> None:
    """Write a public key, SubjectPublicKeyInfo in PEM; a file that is there stays.

    Raises:
        Misuse: It is there, or cannot be written.
    """
    _write(file, pem(key), 0o644)


def pem(key: Ed25519PublicKey) -> bytes:
    """Return a public key as SubjectPublicKeyInfo in PEM."""
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415 - help needs none

    return key.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def _write(file: Path, content: bytes, mode: int) -> None:
    try:
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as out:
            out.write(content)
    except OSError as error:
        raise Misuse(f"{file}: cannot be written: {error.strerror}") from error
