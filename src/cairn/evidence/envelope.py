"""A signed envelope: DSSE 1.0 around a statement of in-toto, with an Ed25519 signature."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cairn.errors import EvidenceRefused
from cairn.evidence import canonical, keys

if TYPE_CHECKING:
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    from cairn.evidence.keys import SigningKey

PAYLOAD_TYPE = "application/vnd.in-toto+json"


def seal(content: Any, key: SigningKey) -> bytes:  # noqa: ANN401 - any JSON
    """Return plain data in a signed envelope, as canonical JSON."""
    from securesystemslib.dsse import Envelope  # noqa: PLC0415 - help needs none of it
    from securesystemslib.signer import Signature  # noqa: PLC0415

    envelope = Envelope(canonical.encode(content), PAYLOAD_TYPE, {})
    keyid = keys.fingerprint(key.public_key())
    envelope.signatures[keyid] = Signature(keyid, key.sign(envelope.pae()).hex())
    return canonical.encode(envelope.to_dict())


def opened(data: bytes, key: Ed25519PublicKey, file: Path) -> bytes:
    """Return what is in an envelope that this key has signed.

    Raises:
        EvidenceRefused: It was cut short or altered, or signed by another key.
    """
    from securesystemslib.dsse import Envelope  # noqa: PLC0415 - help needs none of it
    from securesystemslib.exceptions import VerificationError  # noqa: PLC0415
    from securesystemslib.signer import SSlibKey  # noqa: PLC0415

    value = canonical.decode(data, file)
    try:
        signers = [str(one["keyid"]) for one in value["signatures"]]
        envelope = Envelope.from_dict(value)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise EvidenceRefused(f"{file}: is no DSSE envelope; it was altered") from error
    # Base64 says the same in several ways; only the one that we write was signed for.
    if canonical.encode(envelope.to_dict()) != data:
        raise EvidenceRefused(f"{file}: is not as an envelope is written; it was altered")
    mine = keys.fingerprint(key)
    if mine not in signers:
        raise EvidenceRefused(
            f"{file}: is signed by another key ({', '.join(signers) or 'nobody'}), not by {mine}"
        )
    try:
        envelope.verify([SSlibKey.from_crypto(key, keyid=mine)], 1)
    except (VerificationError, ValueError) as error:
        raise EvidenceRefused(
            f"{file}: its signature does not fit its content; one of them was altered"
        ) from error
    if envelope.payload_type != PAYLOAD_TYPE:
        raise EvidenceRefused(f"{file}: holds {envelope.payload_type}, not a statement of in-toto")
    payload: bytes = envelope.payload
    return payload
