"""An invitation is read only if the pinned federation signed it, for this node."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cairn.errors import InvalidSpec
from cairn.spec.digest import digest_of
from cairn.spec.loader import load
from cairn.spec.signatures import signed_bytes

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.spec.conftest import Declare

PINNED = "sha256:88e181a355ed274d01114314b56e05d396f4374b550ed5c8fc4ec2bdf1755a2d"
KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))
OTHER = Ed25519PrivateKey.from_private_bytes(bytes(31) + b"\1")

Told = dict[str, Any]


def written(data: bytes) -> str:
    return f"ed25519:{base64.b64encode(data).decode()}"


def signed(told: Told, key: Ed25519PrivateKey = KEY) -> Told:
    return {**told, "signature": written(key.sign(signed_bytes(told)))}


@pytest.fixture
def spec(declare: Declare, tmp_path: Path) -> Path:
    """A spec that pins a federation file which its hub has signed."""
    path = declare()
    file = tmp_path / "demo.federation.json"
    content = json.loads(file.read_text())
    content["keys"] = [written(KEY.public_key().public_bytes_raw())]
    file.write_text(json.dumps(signed(content), indent=2))
    declare((PINNED, digest_of(file.read_bytes())))
    return path


@pytest.fixture
def invitation(spec: Path) -> Callable[..., Path]:
    """Lay an invitation beside the spec, with changes."""

    def laid(key: Ed25519PrivateKey = KEY, **changes: object) -> Path:
        told: Told = {
            "invitation_version": 1,
            "federation": "demo",
            "node": "la-fe",
            "name": "la-fe.hub.demo.example",
            "hub": "hub.demo.example",
            "authorities": [],
            "expires": "2026-12-01T00:00:00Z",
            "token": "aGVhZA.e30.c2ln",
        }
        file = spec.with_name("la-fe.invitation.json")
        file.write_text(json.dumps(signed({**told, **changes}, key)))
        return file

    return laid


def said(spec: Path) -> str:
    with pytest.raises(InvalidSpec) as caught:
        load(spec)
    return str(caught.value)


def test_without_one_the_node_waits(spec: Path) -> None:
    assert load(spec).invitation is None


def test_what_the_federation_signed_is_read(spec: Path, invitation: Callable[..., Path]) -> None:
    file = invitation()
    found = load(spec).invitation
    assert found is not None
    assert f"sha256:{found.digest}" == digest_of(file.read_bytes())
    assert found.expires == "2026-12-01T00:00:00Z"
    # The token reaches the host and nothing else.
    assert "e30" not in repr(load(spec))


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({"node": "la-paz"}, "is for another node"),
        ({"federation": "other"}, "is of another federation"),
        ({"hub": "hub.elsewhere.example"}, "is of another federation"),
        ({"invitation_version": 2}, "is an invitation of another version"),
        ({"key": OTHER}, "is not signed by this federation"),
        ({"more": 1}, "is no invitation"),
    ],
)
def test_what_does_not_fit_is_refused(
    spec: Path, invitation: Callable[..., Path], changes: Told, wrong: str
) -> None:
    file = invitation(**changes)
    assert f"{file}:1:1: {wrong}" in said(spec)


@pytest.mark.parametrize("text", ["", "[]", "{", "[" * 9000, "null", '{"token": 1}', "\0"])
def test_what_is_no_invitation_is_refused(spec: Path, text: str) -> None:
    spec.with_name("la-fe.invitation.json").write_text(text)
    assert "la-fe.invitation.json" in said(spec)


def test_one_that_was_altered_is_refused(spec: Path, invitation: Callable[..., Path]) -> None:
    file = invitation()
    file.write_text(file.read_text().replace("2026-12-01", "2027-12-01"))
    assert "is not signed by this federation" in said(spec)
    told = json.loads(file.read_text())
    for signature in ("ed25519:AAAA", "nonsense", 7, None):
        file.write_text(json.dumps({**told, "signature": signature}))
        assert "is not signed by this federation" in said(spec)


def test_a_federation_file_that_was_altered_is_refused(declare: Declare, tmp_path: Path) -> None:
    path = declare()
    file = tmp_path / "demo.federation.json"
    content = {
        **json.loads(file.read_text()),
        "keys": [written(KEY.public_key().public_bytes_raw())],
    }
    altered = {**signed(content), "domain": "hub.evil.example"}
    file.write_text(json.dumps(altered))
    declare((PINNED, digest_of(file.read_bytes())))
    assert "signature: was altered after the hub signed it" in said(path)
