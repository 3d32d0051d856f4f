"""The authority of a federation for one test: a real root, an intermediate, and their lists."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from cairn.federation import root

if TYPE_CHECKING:
    from pathlib import Path

PASSPHRASE = "three words suffice"


class Authority:
    """Certifies nodes as step-ca does, and says which of them were revoked.

    Attributes:
        root: What both nodes trust, PEM.
    """

    def __init__(self, folder: Path, domain: str) -> None:
        self._above = root.make(folder / "root", "demo", PASSPHRASE)
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._serials: dict[str, int] = {}
        asked = (
            x509.CertificateSigningRequestBuilder()
            .subject_name(_named("demo intermediate"))
            .sign(self._key, hashes.SHA256())
        )
        self._own = root.sign_intermediate(self._above, asked, domain)
        self.root = root.pem(self._above.certificate).decode()

    def issue(self, name: str) -> tuple[str, str]:
        """Return chain and key for a name, PEM."""
        key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
        made = (
            x509.CertificateBuilder()
            .subject_name(_named(name))
            .issuer_name(self._own.subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(minutes=5))
            .not_valid_after(now + timedelta(days=2))
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
            .add_extension(
                x509.ExtendedKeyUsage(
                    [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
                ),
                critical=False,
            )
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()),
                critical=False,
            )
            .sign(self._key, hashes.SHA256())
        )
        self._serials[name] = made.serial_number
        private = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        return (root.pem(made) + root.pem(self._own)).decode(), private.decode()

    def lists(self, *revoked: str) -> str:
        """Return the lists of intermediate and root; on it stand the newest of these names."""
        now = datetime.now(UTC)
        made = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self._own.subject)
            .last_update(now - timedelta(minutes=5))
            .next_update(now + timedelta(hours=1))
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()),
                critical=False,
            )
            .add_extension(x509.CRLNumber(int(now.timestamp())), critical=False)
        )
        for name in revoked:
            made = made.add_revoked_certificate(
                x509.RevokedCertificateBuilder()
                .serial_number(self._serials[name])
                .revocation_date(now - timedelta(minutes=1))
                .build()
            )
        own = made.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
        return (own + root.empty_list(self._above)).decode()


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
