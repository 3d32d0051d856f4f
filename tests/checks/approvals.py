"""An approver for tests: a key that everybody can make, and what it signs."""

from __future__ import annotations

from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cairn.checks import approvers
from cairn.checks.approvers import Approver
from cairn.spec.legal import Waiver

#: The key of who approves in tests and in the sample of the guide; it protects nothing.
KEY = Ed25519PrivateKey.from_private_bytes(b"this key is made up for examples")


def public_line(key: Ed25519PrivateKey = KEY) -> str:
    """Return the public half as OpenSSH writes it."""
    line = key.public_key().public_bytes(
        serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH
    )
    return line.decode()


def approver(name: str, *nodes: str, key: Ed25519PrivateKey = KEY) -> Approver:
    """Return an approver with the key."""
    return Approver(name, public_line(key), frozenset(nodes), "approvers.yaml")


def signed(node: str, waiver: dict[str, Any], key: Ed25519PrivateKey = KEY) -> dict[str, Any]:
    """Return a waiver as somebody of IT asked for it and the approver signed it."""
    asked = {"requested_by": f"it@{waiver['approved_by'].partition('@')[2]}", **waiver}
    return {**asked, "signature": approvers.sign(node, Waiver.model_validate(asked), key)}
