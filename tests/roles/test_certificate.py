"""The authority of a host and what it issues, on real hosts, looked at with openssl."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from cairn import sandbox
from cairn.plan.roles import certificate
from roles.harness import ground

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cairn.plan.context import Context
    from roles.harness import Ground

NODE = "role-certificate"
PROGRAM = "/usr/local/libexec/cairn/node-certificate"
MADE = "Make or renew the authority and the certificate of the services"
CLIENT = "CT-1/A"


@pytest.fixture(scope="module", params=["debian-12"])
def box(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Ground]:
    """Yield a host with its certificates made."""
    host = request.param.replace("debian-", "d")
    try:
        here = ground(NODE, host, request.param, tmp_path_factory.mktemp(host))
        apply(here)
        yield here
    finally:
        sandbox.remove(NODE, host)


def apply(box: Ground, **how: object) -> list[str]:
    """Apply the role and return the names of the tasks that changed something."""
    outcome = box.apply(certificate.plan(pacs(box)), **how)
    assert outcome.failure is None, outcome.failure
    return [change.task for change in outcome.changes]


def pacs(box: Ground) -> Context:
    """Return the context of a hospital with one modality."""
    return box.context(
        kind="data-provider",
        pacs={"aet": "R", "accepts": [{"aet": CLIENT, "address": "192.0.2.9", "may": ["find"]}]},
    )


def read(box: Ground, name: str) -> x509.Certificate:
    """Return a certificate of the host."""
    return x509.load_pem_x509_certificate(box.ask(f"cat /etc/cairn/pki/{name}").encode())


def usages(found: x509.Certificate) -> set[x509.ObjectIdentifier]:
    return set(found.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value)


def request(name: str) -> str:
    """Return a certificate signing request, made by a client with its own key."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    key = ec.generate_private_key(ec.SECP256R1())
    made = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(key, hashes.SHA256())
    return made.public_bytes(Encoding.PEM).decode()


@pytest.mark.sandbox
def test_the_authority_may_issue_and_nothing_else(box: Ground) -> None:
    authority = read(box, "authority.crt")
    constraints = authority.extensions.get_extension_for_class(x509.BasicConstraints)
    assert constraints.critical
    assert (constraints.value.ca, constraints.value.path_length) == (True, 0)
    usage = authority.extensions.get_extension_for_class(x509.KeyUsage).value
    assert (usage.key_cert_sign, usage.digital_signature) == (True, False)
    assert isinstance(authority.public_key(), ec.EllipticCurvePublicKey)
    assert authority.public_key().curve.name == "secp384r1"


@pytest.mark.sandbox
def test_the_services_answer_to_the_names_and_addresses_of_the_host(box: Ground) -> None:
    node = read(box, "node.crt")
    names = node.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["box", NODE, "localhost"]
    addresses = [str(one) for one in names.get_values_for_type(x509.IPAddress)]
    assert addresses == [box.place.address, "127.0.0.1"]
    assert usages(node) == {ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH}
    assert node.not_valid_after_utc - node.not_valid_before_utc < dt.timedelta(days=398)
    box.ask("cd /etc/cairn/pki && openssl verify -x509_strict -CAfile authority.crt node.crt")


@pytest.mark.sandbox
def test_dicom_has_a_certificate_with_an_rsa_key(box: Ground) -> None:
    key = read(box, "dicom.crt").public_key()
    assert isinstance(key, rsa.RSAPublicKey)
    assert key.key_size == 3072
    box.ask("cd /etc/cairn/pki && openssl verify -x509_strict -CAfile authority.crt dicom.crt")


@pytest.mark.sandbox
def test_the_keys_are_readable_by_root_only(box: Ground) -> None:
    modes = box.ask("stat --format='%a %U %n' /etc/cairn/pki/*.key")
    assert modes.splitlines() == [
        "600 root /etc/cairn/pki/authority.key",
        "600 root /etc/cairn/pki/dicom.key",
        "600 root /etc/cairn/pki/node.key",
    ]


@pytest.mark.sandbox
def test_a_second_run_and_a_look_change_nothing(box: Ground) -> None:
    before = box.ask("sha256sum /etc/cairn/pki/*.key /etc/cairn/pki/*.crt")
    assert apply(box, check=True) == []
    assert apply(box) == []
    assert box.ask("sha256sum /etc/cairn/pki/*.key /etc/cairn/pki/*.crt") == before


@pytest.mark.sandbox
def test_a_certificate_that_ends_soon_is_renewed_by_the_timer_with_the_same_key(
    box: Ground,
) -> None:
    box.ask(
        "mkdir -p /run/test && cd /etc/cairn/pki && systemctl is-active cairn-certificate.timer && "
        "printf '[Service]\\nExecStart=/bin/sleep inf\\nExecReload=/bin/touch /run/test/told\\n' "
        ">/run/systemd/system/user.service && systemctl start user.service && "
        "echo 'reload user.service' >reload.d/user && "
        "openssl req -new -key node.key -config openssl.cnf -subj /CN=old | "
        "openssl x509 -req -CA authority.crt -CAkey authority.key -days 100 "
        "-extfile openssl.cnf -extensions node -out node.crt"
    )
    old = read(box, "node.crt")
    looked = apply(box, check=True)
    box.ask("systemctl start cairn-certificate.service && ls /run/test/told")
    new = read(box, "node.crt")
    assert looked == [MADE]
    assert new.not_valid_after_utc > old.not_valid_after_utc + dt.timedelta(days=200)
    assert new.public_key() == old.public_key()
    box.ask("systemctl stop user.service; rm -r /etc/cairn/pki/reload.d/user /run/test")


@pytest.mark.sandbox
def test_what_renews_is_hardened(box: Ground) -> None:
    told = box.ask("systemd-analyze security --no-pager cairn-certificate.service | tail -n 1")
    assert float(told.split(": ")[1].split()[0]) <= 3.0, told


@pytest.mark.sandbox
def test_a_declared_client_gets_a_certificate_under_its_declared_name(box: Ground) -> None:
    answer = box.ask(f"{PROGRAM} sign {CLIENT} <<'CSR'\n{request('something else')}CSR")
    found = x509.load_pem_x509_certificate(answer.encode())
    assert found.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value == CLIENT
    assert usages(found) == {ExtendedKeyUsageOID.CLIENT_AUTH}
    found.verify_directly_issued_by(read(box, "authority.crt"))


@pytest.mark.sandbox
def test_nobody_else_gets_one(box: Ground) -> None:
    stranger = box.ssh(f"sudo {PROGRAM} sign CT-2 <<'CSR'\n{request('CT-2')}CSR")
    assert stranger.returncode == 3
    assert "CT-2 is no client of this host" in stranger.stderr
    broken = request(CLIENT).replace("A", "B", 20)
    assert box.ssh(f"sudo {PROGRAM} sign {CLIENT} <<'CSR'\n{broken}CSR").returncode not in {0, 3}


@pytest.mark.sandbox
def test_harm_done_by_hand_is_found_and_mended(box: Ground) -> None:
    box.ask("chmod 644 /etc/cairn/pki/node.key; rm /etc/cairn/pki/clients.crt")
    assert apply(box, check=True) == [MADE]
    assert apply(box) == [MADE]
    assert apply(box, check=True) == []


@pytest.mark.sandbox
def test_an_authority_whose_key_is_gone_is_not_replaced(box: Ground) -> None:
    box.ask("mv /etc/cairn/pki/authority.key /root/")
    outcome = box.apply(certificate.plan(pacs(box)))
    box.ask("mv /root/authority.key /etc/cairn/pki/")
    assert "authority.key is gone" in str(outcome.failure)
    assert outcome.changes == ()


@pytest.mark.sandbox
def test_removal_keeps_the_keys_and_the_next_run_goes_on_with_them(box: Ground) -> None:
    before = read(box, "authority.crt")
    apply(box, tasks_from="remove")
    assert box.ask("ls /etc/cairn/pki").split() == [
        "authority.crt", "authority.key", "dicom.crt", "dicom.key", "node.crt", "node.key",
        "reload.d",
    ]  # fmt: skip
    assert apply(box, tasks_from="remove") == []
    apply(box)
    assert read(box, "authority.crt") == before
