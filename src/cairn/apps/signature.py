"""Who vouches for an app: a statement of in-toto about its digest, in a signed envelope.

The key is one of those that sign reports (`cairn report key`), in a file or in hardware.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from cairn.errors import EvidenceRefused
from cairn.evidence import envelope, keys

if TYPE_CHECKING:
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    from cairn.apps.bundle import App
    from cairn.evidence.keys import SigningKey

STATEMENT: Final = "https://in-toto.io/Statement/v1"
PREDICATE: Final = "urn:cairn:app:1"
#: What the name of a signature ends in; it lies beside the app.
SUFFIX: Final = ".sig"


def statement(app: App) -> dict[str, Any]:
    """Return what is signed about an app."""
    return {
        "_type": STATEMENT,
        "subject": [{"name": f"{app.publisher}/{app.name}", "digest": {"sha256": app.digest}}],
        "predicateType": PREDICATE,
        "predicate": {"publisher": app.publisher, "name": app.name, "version": app.version},
    }


def sign(app: App, key: SigningKey) -> bytes:
    """Return the signature of an app."""
    return envelope.seal(statement(app), key)


def verify(app: App, data: bytes, key: Ed25519PublicKey, file: Path) -> str:
    """Return the fingerprint of the key that has signed these bytes.

    Args:
        app: The app.
        data: Its signature.
        key: The public key of who should have signed.
        file: Where the signature is from, for messages.

    Raises:
        EvidenceRefused: The signature is for other bytes, altered, or by another key.
    """
    payload = envelope.opened(data, key, file)
    if json.loads(payload) != statement(app):
        raise EvidenceRefused(f"{file}: is the signature of another app than sha256:{app.digest}")
    return keys.fingerprint(key)
