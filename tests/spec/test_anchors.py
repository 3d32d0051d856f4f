"""Trust anchors are certificates of authorities in PEM, and nothing else."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from cairn.spec.loader import load

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.spec.conftest import Declare

ANCHORS = ("network:\n", "network:\n  trust_anchors: [site.pem]\n")


def certificate(*, authority: bool | None, expired: bool = False) -> x509.Certificate:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Example Hospital")])
    builder = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(datetime(2001, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2002 if expired else 2090, 1, 1, tzinfo=UTC))
    )
    if authority is not None:
        builder = builder.add_extension(x509.BasicConstraints(authority, None), critical=True)
    return builder.sign(key, hashes.SHA256())


def pem(found: x509.Certificate) -> bytes:
    return found.public_bytes(serialization.Encoding.PEM)


def test_the_certificate_of_an_authority_is_kept_by_its_name(
    declare: Declare, tmp_path: Path
) -> None:
    text = pem(certificate(authority=True))
    (tmp_path / "site.pem").write_bytes(text)

    assert dict(load(declare(ANCHORS)).anchors) == {"site": text.decode()}


def test_expiry_is_no_question_of_the_spec(declare: Declare, tmp_path: Path) -> None:
    (tmp_path / "site.pem").write_bytes(pem(certificate(authority=True, expired=True)))

    assert load(declare(ANCHORS)).anchors


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (pem(certificate(authority=False)), ("holds a certificate of no authority; give the "
         "certificates of authorities only")),
        (pem(certificate(authority=None)), ("holds a certificate of no authority; give the "
         "certificates of authorities only")),
        (b"nothing", ("holds no certificate; give PEM text, beginning with "
         "`-----BEGIN CERTIFICATE-----`")),
        (b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", ("holds a certificate "
         "that cannot be read; export it again as PEM")),
        (certificate(authority=True).public_bytes(serialization.Encoding.DER), ("holds no text; "
         "make PEM of it with `openssl x509 -inform der -in FILE -out FILE.pem`")),
        (b"-----BEGIN EC PRIVATE KEY-----\n", ("holds a private key; take it out of the file, and "
         "make a new key")),
    ],
)  # fmt: skip
def test_anything_else_is_refused(
    said: Callable[..., list[str]], tmp_path: Path, content: bytes, expected: str
) -> None:
    (tmp_path / "site.pem").write_bytes(content)

    assert said(ANCHORS) == [f"la-fe.yaml:22:19: network.trust_anchors.1: {expected}"]


def test_a_missing_anchor_is_placed_at_its_name(said: Callable[..., list[str]]) -> None:
    assert said(ANCHORS) == [
        "la-fe.yaml:22:19: network.trust_anchors.1: there is no such file; check the path"
    ]


def test_two_anchors_of_one_name_are_refused(
    said: Callable[..., list[str]], tmp_path: Path
) -> None:
    for name in ("site.pem", "site.crt"):
        (tmp_path / name).write_bytes(pem(certificate(authority=True)))

    assert said(("network:\n", "network:\n  trust_anchors: [site.pem, site.crt]\n")) == [
        (
            "la-fe.yaml:22:29: network.trust_anchors.2: another file is called `site` too; "
            "rename one "
            "of them"
        )
    ]
