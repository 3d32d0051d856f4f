"""A real step-ca under our intermediate enrols, renews and revokes; curl and openssl ask it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from cairn.federation import root
from federation.authority import DOMAIN, LIST, Authority, Node, authority, sign
from federation.test_root import PASSPHRASE, openssl

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cairn.federation.root import Root

# It needs no root, but a program that was built for hosts.
pytestmark = pytest.mark.sandbox


@pytest.fixture(scope="module")
def above(tmp_path_factory: pytest.TempPathFactory) -> Root:
    return root.make(tmp_path_factory.mktemp("root") / "demo", "demo", PASSPHRASE)


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory, above: Root) -> Iterator[Authority]:
    running = authority(tmp_path_factory.mktemp("hub") / "ca", above).start()
    yield running
    running.stop()


@pytest.fixture
def node(tmp_path: Path, hub: Authority) -> Node:
    """A host that has enrolled."""
    made = Node(tmp_path / "a", "hospital-a")
    status, answer = enrol(hub, made)
    assert status == "201", answer
    made.keep(answer)
    return made


def enrol(hub: Authority, node: Node, token: str | None = None) -> tuple[str, dict[str, list[str]]]:
    return hub.curl("/1.0/sign", body={"csr": node.request, "ott": token or hub.token(node.host)})


def test_the_chain_of_a_node_ends_at_the_root(hub: Authority, node: Node, above: Root) -> None:
    (node.folder / "roots.crt").write_bytes(root.pem(above.certificate))
    line = "verify -x509_strict -CAfile roots.crt -untrusted node.crt node.crt"
    assert openssl(node.folder, line).stdout == "node.crt: OK\n"
    points = node.certificate.extensions.get_extension_for_class(x509.CRLDistributionPoints).value
    assert [name.value for point in points for name in point.full_name or ()] == [LIST]
    assert node.certificate.public_key() == node.key.public_key()


def test_a_token_counts_once(hub: Authority, tmp_path: Path) -> None:
    made = Node(tmp_path / "b", "hospital-b")
    token = hub.token(made.host)
    assert enrol(hub, made, token)[0] == "201"
    assert enrol(hub, made, token)[0] == "401"


@pytest.mark.parametrize(
    ("claims", "status"),
    [
        ({"sub": f"hospital-c.{DOMAIN}", "sans": [f"hospital-c.{DOMAIN}"]}, "403"),
        ({"exp": 1_700_000_000, "nbf": 1_600_000_000}, "401"),
        ({"nbf": 4_000_000_000, "exp": 4_000_000_600}, "401"),
        ({"aud": "https://ca.elsewhere.example/1.0/sign"}, "401"),
        ({"iss": "somebody"}, "401"),
    ],
)
def test_a_token_for_somebody_else_or_another_time_enrols_nobody(
    hub: Authority, tmp_path: Path, claims: dict[str, object], status: str
) -> None:
    made = Node(tmp_path / "d", "hospital-d")
    assert enrol(hub, made, hub.token(made.host, **claims))[0] == status


def test_a_name_outside_the_domain_is_not_certified(hub: Authority, tmp_path: Path) -> None:
    class Elsewhere(Node):
        @property
        def host(self) -> str:
            return "hospital.elsewhere.example"

    made = Elsewhere(tmp_path / "e", "hospital-e")
    assert enrol(hub, made)[0] in {"400", "403", "500"}


def test_a_node_renews_with_the_certificate_that_it_has(hub: Authority, node: Node) -> None:
    before = node.certificate
    status, answer = hub.curl("/1.0/renew", *node.shows(), body={})
    assert status == "201"
    node.keep(answer)
    assert node.certificate.serial_number != before.serial_number
    assert node.certificate.public_key() == before.public_key()
    assert hub.curl("/1.0/renew", body={})[0] == "400"


def test_who_is_revoked_renews_no_more_and_stands_on_the_list(
    hub: Authority, node: Node, above: Root
) -> None:
    listed = node.folder / "list.pem"
    (node.folder / "both.crt").write_bytes(
        root.pem(above.certificate) + (hub.folder / "intermediate.crt").read_bytes()
    )
    verify = "verify -crl_check -CRLfile list.pem -CAfile both.crt node.crt"
    hub.fetch_list(listed)
    assert openssl(node.folder, verify).returncode == 0
    serial = str(node.certificate.serial_number)
    body = {"serial": serial, "ott": hub.token(serial, "/1.0/revoke"), "passive": True,
            "reasonCode": 4}  # fmt: skip
    assert hub.curl("/1.0/revoke", body=body)[0] == "200"
    assert hub.curl("/1.0/renew", *node.shows(), body={})[0] == "401"
    hub.fetch_list(listed)
    assert "certificate revoked" in openssl(node.folder, verify).stderr


def test_a_second_root_takes_over_while_nodes_hold_certificates_of_the_first(
    tmp_path: Path, above: Root
) -> None:
    """Both roots are trusted for a time; the hub changes to the new one, and nodes renew."""
    hub = authority(tmp_path / "ca", above).start()
    try:
        made = Node(tmp_path / "f", "hospital-f")
        made.keep(enrol(hub, made)[1])
        second = root.make(tmp_path / "second", "demo", PASSPHRASE)
        hub.trust(above.certificate, second.certificate)
        hub.stop()
        key = load_pem_private_key((hub.folder / "intermediate.key").read_bytes(), None)
        sign(hub.folder, second, key)  # type: ignore[arg-type]
        # The hub goes on trusting the first root for what it issued under it.
        both = (root.pem(above.certificate), root.pem(second.certificate))
        settings = (hub.folder / "ca.json").read_text()
        (hub.folder / "first.crt").write_bytes(both[0])
        old, new = (
            f'"{hub.folder}/root.crt"',
            f'["{hub.folder}/root.crt", "{hub.folder}/first.crt"]',
        )
        (hub.folder / "ca.json").write_text(settings.replace(f'"root": {old}', f'"root": {new}'))
        hub.start()
        status, answer = hub.curl("/1.0/renew", *made.shows(), body={})
        assert status == "201", answer
        made.keep(answer)
        (made.folder / "second.crt").write_bytes(both[1])
        line = "verify -CAfile second.crt -untrusted node.crt node.crt"
        assert openssl(made.folder, line).stdout == "node.crt: OK\n"
    finally:
        hub.stop()
