"""Signatures of a federation: Ed25519 (RFC 8032) over canonical JSON (RFC 8785)."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

#: How keys and signatures begin.
ALGORITHM = "ed25519:"


def signed_bytes(content: Mapping[str, Any]) -> bytes:
    """Return what is signed: all but the signature itself."""
    import rfc8785  # noqa: PLC0415 - most specs need none of it

    return rfc8785.dumps({key: value for key, value in content.items() if key != "signature"})


def is_signed(content: Mapping[str, Any], signature: str, keys: Iterable[str]) -> bool:
    """Whether one of the keys made the signature.

    Args:
        content: Plain data; a `signature` among them does not count.
        signature: `ed25519:` and 64 bytes in base64.
        keys: Public keys, `ed25519:` and 32 bytes in base64.
    """
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric.ed25519 import (  # noqa: PLC0415
        Ed25519PublicKey,
    )

    data, made = signed_bytes(content), _decoded(signature)
    for key in keys:
        try:
            Ed25519PublicKey.from_public_bytes(_decoded(key)).verify(made, data)
        except InvalidSignature:
            continue
        return True
    return False


def _decoded(text: str) -> bytes:
    return base64.b64decode(text.removeprefix(ALGORITHM))
