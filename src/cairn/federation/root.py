"""The root of a federation: made once, kept off-line, it signs the hub's intermediate and a CRL.

X.509 v3 as RFC 5280 has it. The root's key is a file with a passphrase, or stays in a PKCS #11
token, and is never on a host; the key of the intermediate is made on the hub and never leaves it:
only its request comes out.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from cairn.errors import Misuse
from cairn.evidence import tokens
from cairn.federation import token_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

#: Files of a root's folder: its key, or the place of one that is in a token.
KEY, PLACE, CERTIFICATE, CRL = "root.key", "root.pkcs11", "root.crt", "root.crl"
#: Years that a root, and an intermediate, are valid; the CRL of a root, in days.
ROOT_YEARS, INTERMEDIATE_YEARS, CRL_DAYS = 20, 5, 400
#: Shortest passphrase of a root, in characters.
SHORTEST: Final = 12
_YEAR = timedelta(days=365)
#: A certificate is valid a little before it is made, because clocks differ.
_EARLIER = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Root:
    """A root with its key at hand, from a file or in a token."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey


def make(folder: Path, federation: str, passphrase: str, now: datetime | None = None) -> Root:
    """Make a root in a new folder: key (0600, encrypted), certificate, and an empty CRL.

    Raises:
        Misuse: The folder holds a root already or cannot be written, or the passphrase is short.
    """
    if len(passphrase) < SHORTEST:
        raise Misuse(f"the passphrase has fewer than {SHORTEST} characters; take a longer one")
    key = ec.generate_private_key(ec.SECP384R1())
    root = _certified(key, federation, now)
    secret = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(passphrase.encode()),
    )
    _write_new(folder, {KEY: secret, **_public_files(root)})
    return root


def make_in_token(
    folder: Path, federation: str, reference: str, now: datetime | None = None
) -> Root:
    """Make a root of which the key pair is made in a token, and stays there.

    The folder gets the certificate, an empty CRL, and the reference, which holds no secret.

    Raises:
        Misuse: The folder holds a root already or cannot be written; the reference is wrong, or
            the token is not there, does not open, or has a key of that label.
    """
    place = tokens.read(reference)
    _refuse_another(folder)
    key = token_key.make(place)
    try:
        root = _certified(key, federation, now)
        _write_new(folder, {PLACE: f"{reference}\n".encode(), **_public_files(root)})
    except Misuse as error:
        told = f"`{place.label}` is in the token by now; remove it there, or name another `object`"
        raise Misuse(f"{error}; {told}") from None
    return root


def is_in_token(folder: Path) -> bool:
    """Whether the key of a root stays in a token."""
    return (folder / PLACE).exists()


def read(folder: Path, passphrase: str = "") -> Root:
    """Read a root with its key, of which one in a token needs no passphrase.

    Raises:
        Misuse: It is not there, the passphrase is wrong, the token does not open, or key and
            certificate do not fit.
    """
    certificate = read_certificate(folder / CERTIFICATE)
    key: ec.EllipticCurvePrivateKey
    if is_in_token(folder):
        name, key = PLACE, token_key.TokenKey(_place(folder / PLACE))
    else:
        name, key = KEY, _key_of_file(folder / KEY, passphrase)
    if key.public_key() != certificate.public_key():
        raise Misuse(f"{folder}: {name} and {CERTIFICATE} do not belong together")
    return Root(certificate, key)


def _place(file: Path) -> tokens.Place:
    try:
        return tokens.read(_content(file).decode().strip())
    except (Misuse, UnicodeDecodeError) as error:
        raise Misuse(f"{file}: {error}") from None


def _key_of_file(file: Path, passphrase: str) -> ec.EllipticCurvePrivateKey:
    secret = _content(file)
    if file.stat().st_mode & 0o077:
        raise Misuse(f"{file}: others may read this key; `chmod 600 {file}`")
    try:
        key = serialization.load_pem_private_key(secret, passphrase.encode())
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise Misuse(f"{file}: does not open with this passphrase") from None
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise Misuse(f"{file}: is no key that `cairn hub init` made")
    return key


def read_certificate(file: Path) -> x509.Certificate:
    """Read one certificate in PEM; `Misuse` if it is none."""
    try:
        return x509.load_pem_x509_certificate(_content(file))
    except ValueError:
        raise Misuse(f"{file}: is no certificate in PEM") from None


def read_request(file: Path) -> x509.CertificateSigningRequest:
    """Read a request in PEM whose sender holds its key; `Misuse` if it is none."""
    try:
        request = x509.load_pem_x509_csr(_content(file))
    except ValueError:
        raise Misuse(f"{file}: is no certificate request in PEM") from None
    if not request.is_signature_valid:
        raise Misuse(f"{file}: is not signed with the key that it is for")
    return request


def sign_intermediate(
    root: Root, request: x509.CertificateSigningRequest, domain: str, now: datetime | None = None
) -> x509.Certificate:
    """Sign the intermediate of a hub: it signs no authority, and only names below its domain.

    Args:
        root: The root.
        request: What the hub asks for; of it only the name and the key are taken.
        domain: Name of the hub; certificates of the intermediate are for it and names below it
            (RFC 5280 section 4.2.1.10).
        now: The time of signing.

    Raises:
        Misuse: The key of the request is none of an elliptic curve, or the root's own.
    """
    key = request.public_key()
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise Misuse("the request is for a key of another kind than the hub makes; make it anew")
    if key == root.certificate.public_key():
        raise Misuse("the request is for the root's own key; a hub makes a key of its own")
    moment = now or datetime.now(UTC)
    usages = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
    names = x509.NameConstraints([x509.DNSName(domain)], None)
    identifier = x509.SubjectKeyIdentifier.from_public_key(key)
    above = root.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    return (
        _authority(
            root.certificate.subject, request.subject, key, moment, INTERMEDIATE_YEARS, depth=0
        )
        .add_extension(x509.ExtendedKeyUsage(usages), critical=False)
        .add_extension(names, critical=True)
        .add_extension(identifier, critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(above), critical=False
        )
        .sign(root.key, hashes.SHA384())
    )


def empty_list(root: Root) -> bytes:
    """Return a list in PEM on which nobody stands."""
    return _crl(root, (), 1, datetime.now(UTC))


def read_list(folder: Path) -> bytes:
    """Return the list of what a root withdrew, in PEM; `Misuse` if it is none."""
    file = folder / CRL
    data = _content(file)
    try:
        x509.load_pem_x509_crl(data)
    except ValueError:
        raise Misuse(f"{file}: cannot be read; put it back from your copy of the root") from None
    return data


def withdraw(folder: Path, root: Root, certificate: x509.Certificate) -> None:
    """Add an intermediate to the CRL of a root's folder; those on it stay on it.

    Raises:
        Misuse: The CRL cannot be read or written, or the certificate is none of this root.
    """
    if not is_signed_by(certificate, root.certificate):
        raise Misuse("the certificate to be withdrawn is none of this root")
    file = folder / CRL
    old = x509.load_pem_x509_crl(read_list(folder))
    number = old.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number + 1
    moment = datetime.now(UTC)
    entry = (
        x509.RevokedCertificateBuilder()
        .serial_number(certificate.serial_number)
        .revocation_date(moment)
        .build()
    )
    entries = {one.serial_number: one for one in (entry, *old)}
    draft = file.with_name(f".{CRL}")
    try:
        draft.write_bytes(_crl(root, entries.values(), number, moment))
        draft.replace(file)
    except OSError as error:
        raise Misuse(f"{file}: cannot be written: {error.strerror}") from error


def _crl(
    root: Root, entries: Iterable[x509.RevokedCertificate], number: int, moment: datetime
) -> bytes:
    """Return the signed list of intermediates that the root has withdrawn, in PEM."""
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(root.certificate.subject)
        .last_update(moment - _EARLIER)
        .next_update(moment + timedelta(days=CRL_DAYS))
        .add_extension(x509.CRLNumber(number), critical=False)
    )
    for one in entries:
        builder = builder.add_revoked_certificate(one)
    return builder.sign(root.key, hashes.SHA384()).public_bytes(serialization.Encoding.PEM)


def is_signed_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Whether a certificate carries the signature of that issuer."""
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def fingerprint(certificate: x509.Certificate) -> str:
    """Return `sha256:` and the digest of the DER form, as `openssl x509 -fingerprint` has it."""
    return f"sha256:{certificate.fingerprint(hashes.SHA256()).hex()}"


def pem(certificate: x509.Certificate) -> bytes:
    """Return a certificate in PEM."""
    return certificate.public_bytes(serialization.Encoding.PEM)


def _certified(key: ec.EllipticCurvePrivateKey, federation: str, now: datetime | None) -> Root:
    moment, public = now or datetime.now(UTC), key.public_key()
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, federation),
            x509.NameAttribute(NameOID.COMMON_NAME, f"{federation} root {moment.year}"),
        ]
    )
    certificate = (
        _authority(name, name, public, moment, ROOT_YEARS, depth=1)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .sign(key, hashes.SHA384())
    )
    return Root(certificate, key)


def _public_files(root: Root) -> dict[str, bytes]:
    return {CERTIFICATE: pem(root.certificate), CRL: empty_list(root)}


def _authority(  # noqa: PLR0913 - what every certificate of an authority says
    issuer: x509.Name,
    subject: x509.Name,
    key: ec.EllipticCurvePublicKey,
    moment: datetime,
    years: int,
    *,
    depth: int,
) -> x509.CertificateBuilder:
    usage = x509.KeyUsage(
        digital_signature=False, content_commitment=False, key_encipherment=False,
        data_encipherment=False, key_agreement=False, key_cert_sign=True, crl_sign=True,
        encipher_only=False, decipher_only=False,
    )  # fmt: skip
    return (
        x509.CertificateBuilder()
        .issuer_name(issuer)
        .subject_name(subject)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(moment - _EARLIER)
        .not_valid_after(moment + years * _YEAR)
        .add_extension(x509.BasicConstraints(ca=True, path_length=depth), critical=True)
        .add_extension(usage, critical=True)
    )


def _content(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise Misuse(f"{file}: cannot be read: {error.strerror}") from None


def _write_new(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write files for their owner alone; one that is there stays, and so does all else."""
    _refuse_another(folder)
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name, content in files.items():
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
            with os.fdopen(os.open(folder / name, flags, 0o600), "wb") as out:
                out.write(content)
    except OSError as error:
        raise Misuse(f"{folder} cannot be written: {error.strerror}") from error


def _refuse_another(folder: Path) -> None:
    for name in (KEY, PLACE, CERTIFICATE, CRL):
        if (folder / name).exists():
            raise Misuse(f"{folder} holds {name} already; give another folder, or move it away")
