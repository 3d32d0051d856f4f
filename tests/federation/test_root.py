"""The root signs a hub's intermediate and withdraws it, as openssl sees it; never replaced."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from cairn.errors import Misuse
from cairn.federation import root

if TYPE_CHECKING:
    from pathlib import Path

PASSPHRASE = "three words suffice"
DOMAIN = "hub.demo.example"
OPENSSL = "/usr/bin/openssl"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root.make(tmp_path / "root", "demo", PASSPHRASE)
    return tmp_path / "root"


def request(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> x509.CertificateSigningRequest:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "demo hub intermediate")])
    return x509.CertificateSigningRequestBuilder().subject_name(name).sign(key, hashes.SHA256())


def openssl(folder: Path, line: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [OPENSSL, *line.split()], cwd=folder, capture_output=True, text=True, check=False
    )


def intermediate(folder: Path, name: str = "hub.crt") -> x509.Certificate:
    """Sign an intermediate and write it beside the root."""
    made = root.sign_intermediate(
        root.read(folder, PASSPHRASE), request(ec.generate_private_key(ec.SECP256R1())), DOMAIN
    )
    (folder / name).write_bytes(root.pem(made))
    return made


def test_the_key_is_encrypted_and_its_owners_alone(folder: Path) -> None:
    file = folder / root.KEY
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.read_text().startswith("-----BEGIN ENCRYPTED PRIVATE KEY-----")
    assert openssl(folder, "pkey -in root.key -noout -passin pass:wrong").returncode != 0


def test_openssl_accepts_the_chain_in_its_strict_mode(folder: Path) -> None:
    intermediate(folder)
    strict = "verify -x509_strict -crl_check -CRLfile root.crl -CAfile root.crt hub.crt"
    assert openssl(folder, strict).stdout == "hub.crt: OK\n"


def test_an_intermediate_signs_no_authority_and_for_its_domain_only(folder: Path) -> None:
    extensions = intermediate(folder).extensions
    basic = extensions.get_extension_for_class(x509.BasicConstraints)
    names = extensions.get_extension_for_class(x509.NameConstraints)
    assert (basic.critical, basic.value.ca, basic.value.path_length) == (True, True, 0)
    assert (names.critical, names.value.permitted_subtrees) == (True, [x509.DNSName(DOMAIN)])


def test_what_is_withdrawn_stays_withdrawn(folder: Path) -> None:
    opened = root.read(folder, PASSPHRASE)
    root.withdraw(folder, opened, intermediate(folder, "first.crt"))
    root.withdraw(folder, opened, intermediate(folder, "second.crt"))
    intermediate(folder, "third.crt")
    checked = "verify -crl_check -CRLfile root.crl -CAfile root.crt"
    for name in ("first", "second"):
        assert "certificate revoked" in openssl(folder, f"{checked} {name}.crt").stderr
    assert openssl(folder, f"{checked} third.crt").returncode == 0


def test_a_certificate_of_another_root_is_not_withdrawn(folder: Path, tmp_path: Path) -> None:
    root.make(tmp_path / "other", "other", PASSPHRASE)
    foreign = intermediate(tmp_path / "other")
    before = (folder / root.CRL).read_bytes()
    with pytest.raises(Misuse, match="none of this root"):
        root.withdraw(folder, root.read(folder, PASSPHRASE), foreign)
    assert (folder / root.CRL).read_bytes() == before


def test_a_root_is_never_made_over_another(folder: Path) -> None:
    before = {file.name: file.read_bytes() for file in folder.iterdir()}
    with pytest.raises(Misuse, match=r"holds root\.key already"):
        root.make(folder, "demo", PASSPHRASE)
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == before


def test_a_short_passphrase_makes_nothing(tmp_path: Path) -> None:
    with pytest.raises(Misuse, match="fewer than 12 characters"):
        root.make(tmp_path / "root", "demo", "short")
    assert not (tmp_path / "root").exists()


def test_what_does_not_open_is_told_without_the_passphrase(folder: Path) -> None:
    with pytest.raises(Misuse, match="does not open with this passphrase") as told:
        root.read(folder, "a guess that is long")
    assert "guess" not in str(told.value)
    (folder / root.KEY).chmod(0o640)
    with pytest.raises(Misuse, match="others may read this key"):
        root.read(folder, PASSPHRASE)


def test_a_key_that_fits_another_certificate_is_refused(folder: Path, tmp_path: Path) -> None:
    root.make(tmp_path / "other", "other", PASSPHRASE)
    (folder / root.CERTIFICATE).write_bytes((tmp_path / "other" / root.CERTIFICATE).read_bytes())
    with pytest.raises(Misuse, match="do not belong together"):
        root.read(folder, PASSPHRASE)


def test_requests_that_no_hub_makes_are_refused(folder: Path) -> None:
    opened = root.read(folder, PASSPHRASE)
    with pytest.raises(Misuse, match="another kind"):
        root.sign_intermediate(opened, request(rsa.generate_private_key(65537, 2048)), DOMAIN)
    with pytest.raises(Misuse, match="the root's own key"):
        root.sign_intermediate(opened, request(opened.key), DOMAIN)


@pytest.mark.parametrize("content", [None, "", "lorem ipsum", "-----BEGIN CERTIFICATE-----\nMIIB"])
def test_files_that_are_none_are_told(folder: Path, content: str | None) -> None:
    file = folder / "given"
    if content is not None:
        file.write_text(content)
    told = "cannot be read" if content is None else "is no certificate"
    with pytest.raises(Misuse, match=told):
        root.read_request(file)
    with pytest.raises(Misuse, match=told):
        root.read_certificate(file)


def test_a_request_that_somebody_changed_is_refused(folder: Path) -> None:
    made = request(ec.generate_private_key(ec.SECP256R1())).public_bytes(Encoding.DER)
    altered = made[:-1] + bytes([made[-1] ^ 1])
    loaded = x509.load_der_x509_csr(altered)
    (folder / "given").write_bytes(loaded.public_bytes(Encoding.PEM))
    with pytest.raises(Misuse, match="is not signed with the key that it is for"):
        root.read_request(folder / "given")
