"""What `cairn certificate` refuses before it asks any host."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from cairn.errors import Misuse
from cairn.plan.context import Place
from cairn.stack import certificates
from roles.harness import document

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from click.testing import Result

ACCEPTS = [{"aet": "CT-1", "address": "192.0.2.9", "may": ["store"]}]
EC = ec.generate_private_key(ec.SECP256R1())
WEAK = rsa.generate_private_key(65537, 1024)  # noqa: S505 - it is to be refused


@pytest.fixture(autouse=True)
def no_host(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give every host an address without asking the sandbox."""
    monkeypatch.setattr(certificates, "places", lambda _: {"box": Place("192.0.2.1", "admin")})


def request(name: str, key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey = EC) -> bytes:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    made = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(key, hashes.SHA256())
    return made.public_bytes(Encoding.PEM)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (b"lorem ipsum", "this is no certificate request"),
        (request("CT-2"), "declares no client `CT-2`, only CT-1"),
        (request("CT-1", WEAK), "the key is too weak"),
    ],
)
def test_what_no_host_should_sign_is_refused_here(given: bytes, told: str) -> None:
    papers = document(
        "demo", "debian-13", kind="data-provider", pacs={"aet": "R", "accepts": ACCEPTS}
    )
    with pytest.raises(Misuse, match=told):
        certificates.sign(papers, papers.spec.hosts[0], given)


@pytest.mark.parametrize(
    "words", [(), ("--authority", "--csr", "FILE", "--out", "x"), ("--csr", "FILE")]
)
def test_it_is_either_a_request_or_the_authority(
    run: Callable[..., Result], tmp_path: Path, words: tuple[str, ...]
) -> None:
    file = tmp_path / "request.pem"
    file.write_bytes(request("CT-1"))
    answer = run("certificate", "demo", *(str(file) if word == "FILE" else word for word in words))
    assert answer.exit_code == 2
    assert "give --csr and --out together, or --authority alone" in answer.stderr
