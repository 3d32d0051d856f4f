"""The site's trust anchors on real hosts: trusted, refused, taken away, nobody else's touched."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from cairn import sandbox
from cairn.plan.roles import trust
from roles.harness import RELEASES, ground

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cairn.plan.model import PlannedRole
    from roles.harness import Ground

NODE = "role-trust"
NOW = dt.datetime.now(dt.UTC)
PUT = "Put the site's trust anchors in place"


def certificate(name: str, *, authority: bool = True, begins: int = -1, ends: int = 365) -> str:
    """Return a certificate that signs itself, valid between two days counted from today."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW + dt.timedelta(days=begins))
        .not_valid_after(NOW + dt.timedelta(days=ends))
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    return made.public_bytes(Encoding.PEM).decode()


def planned(box: Ground, **anchors: str) -> PlannedRole:
    """Return the planned trust store with these anchors."""
    context = box.context()
    return trust.plan(replace(context, document=replace(context.document, anchors=anchors)))


def trusts(box: Ground, pem: str) -> bool:
    """Whether the host's own trust store, file and folder alike, verifies a certificate."""
    return all(
        box.ssh(f"openssl verify {store} <<'PEM'\n{pem}PEM").returncode == 0
        for store in (
            "-no-CApath -CAfile /etc/ssl/certs/ca-certificates.crt",
            "-no-CAfile -CApath /etc/ssl/certs",
        )
    )


def test_each_certificate_of_a_file_becomes_a_file_of_its_own() -> None:
    pair = f"the hospital's\n{certificate('one')}and its issuer\n{certificate('two')}"
    found = dict(trust.certificates({"hospital": pair, "proxy": certificate("three")}))
    assert list(found) == ["hospital+1", "hospital+2", "proxy"]
    assert all(pem.startswith("-----BEGIN") for pem in found.values())


@pytest.fixture(scope="module", params=RELEASES)
def box(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Ground]:
    """Yield a host with an anchor of somebody else's."""
    host = request.param.replace("debian-", "d")
    try:
        here = ground(NODE, host, request.param, tmp_path_factory.mktemp(host))
        here.ask(
            "cat > /usr/local/share/ca-certificates/theirs.crt <<'PEM'\n"
            f"{certificate('theirs')}PEM\nupdate-ca-certificates"
        )
        yield here
    finally:
        sandbox.remove(NODE, host)


def apply(box: Ground, role: PlannedRole, **how: object) -> list[str]:
    """Apply a trust store and return the names of the tasks that changed something."""
    outcome = box.apply(role, **how)
    assert outcome.failure is None, outcome.failure
    return [change.task for change in outcome.changes]


@pytest.mark.sandbox
def test_an_anchor_is_trusted_until_the_plan_drops_it(box: Ground) -> None:
    ours, other = certificate("ours"), certificate("other")
    role = planned(box, ours=ours, other=other)
    before = trusts(box, ours)
    apply(box, role)
    during = trusts(box, ours)
    assert apply(box, role, check=True) == []
    apply(box, planned(box, other=other), obsolete=(role.files[1].path,))
    assert (before, during, trusts(box, ours), trusts(box, other)) == (False, True, False, True)


@pytest.mark.sandbox
def test_harm_done_by_hand_is_found_and_mended(box: Ground) -> None:
    ours = certificate("ours")
    role = planned(box, ours=ours)
    apply(box, role)
    box.ask("rm /etc/ssl/certs/cairn-ours.pem")
    unlinked = apply(box, role, check=True)
    apply(box, role)
    box.ask("rm /usr/local/share/ca-certificates/cairn-ours.crt; update-ca-certificates --fresh")
    gone = apply(box, role, check=True)
    apply(box, role)
    assert unlinked == ["Compare the trust store with the anchors"]
    assert gone == [PUT]
    assert trusts(box, ours)


@pytest.mark.sandbox
@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param({"ends": 0}, id="expired"),
        pytest.param({"begins": 3}, id="not valid yet"),
        pytest.param({"authority": False}, id="no authority"),
    ],
)
def test_what_cannot_be_trusted_is_refused_before_any_change(
    box: Ground, wrong: dict[str, int]
) -> None:
    outcome = box.apply(planned(box, wrong=certificate("wrong", **wrong)))
    assert outcome.failure
    assert "cairn-wrong.crt is no certificate of a certificate authority" in str(outcome.failure)
    assert outcome.changes == ()


@pytest.mark.sandbox
def test_an_anchor_of_ours_that_no_plan_speaks_of_is_removed(box: Ground) -> None:
    stray = certificate("stray")
    box.ask(
        f"cat > /usr/local/share/ca-certificates/cairn-stray.crt <<'PEM'\n{stray}PEM\n"
        "update-ca-certificates"
    )
    before = trusts(box, stray)
    apply(box, planned(box))
    assert (before, trusts(box, stray)) == (True, False)


@pytest.mark.sandbox
def test_removal_takes_ours_and_leaves_the_rest(box: Ground) -> None:
    ours = certificate("ours")
    role = planned(box, ours=ours)
    apply(box, role)
    apply(box, role, tasks_from="remove")
    assert not trusts(box, ours)
    assert apply(box, role, tasks_from="remove") == []
    theirs = box.ask("cat /usr/local/share/ca-certificates/theirs.crt")
    assert trusts(box, f"{theirs}\n")
