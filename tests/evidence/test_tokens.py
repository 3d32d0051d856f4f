"""A key that stays in a token signs reports and waivers; each way to miss it is one sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from cairn.errors import Misuse
from cairn.evidence import keys, publish, statement, verify
from evidence import samples
from softhsm import MODULE, PIN, reference

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def token(token_folder: Path) -> str:
    """Make a token with one key pair, and return the reference to it."""
    make_key("reports")
    return reference(f"file:{token_folder}/pin")


def make_key(label: str) -> None:
    import pkcs11  # noqa: PLC0415 - reads SOFTHSM2_CONF
    from pkcs11.util.ec import encode_named_curve_parameters  # noqa: PLC0415

    curve = encode_named_curve_parameters("1.3.101.112")  # id-Ed25519, RFC 8410
    found = pkcs11.lib(MODULE).get_token(token_label="site")
    with found.open(user_pin=PIN, rw=True) as session:
        wish = {pkcs11.Attribute.EC_PARAMS: curve}
        kind = pkcs11.KeyType.EC_EDWARDS
        domain = session.create_domain_parameters(kind, wish, local=True)
        made = pkcs11.Mechanism.EC_EDWARDS_KEY_PAIR_GEN
        domain.generate_keypair(mechanism=made, store=True, label=label)


def test_a_report_is_signed_in_the_token_and_verified_without_it(
    token: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cairn.house.private", lambda: tmp_path)
    key = keys.private(token)
    made = publish.publish(samples.gathered(tmp_path), ("sarif",), key)
    keys.write_public(key.public_key(), tmp_path / "key.pub")
    public = keys.public(tmp_path / "key.pub")
    assert verify.report(made.folder, public).report.number == 1
    envelope = (made.folder / "statement.dsse.json").read_bytes()
    assert statement.verify(envelope, public, made.folder).predicate.node == "test-hospital"


def test_a_signature_of_the_token_is_ed25519(token: str) -> None:
    key = keys.private(token)
    public = key.public_key()
    assert isinstance(public, Ed25519PublicKey)
    public.verify(key.sign(b"what was said"), b"what was said")


@pytest.mark.parametrize(
    ("label", "named", "told"),
    [("site", "nobody", "NoSuchKey"), ("nowhere", "reports", "NoSuchToken")],
)
def test_what_the_token_does_not_have_is_named(
    token: str, label: str, named: str, told: str
) -> None:
    pin = token.rpartition("pin-source=")[2]
    with pytest.raises(Misuse, match=f"key `{named}` of token `{label}`: {told}"):
        keys.private(reference(pin, label, named)).sign(b"x")


def test_a_wrong_pin_is_told_and_not_repeated(token: str, monkeypatch: pytest.MonkeyPatch) -> None:
    del token
    monkeypatch.setenv("GUESSED", "1234-5678")
    with pytest.raises(Misuse, match="PinIncorrect") as told:
        keys.private(reference("env:GUESSED")).sign(b"x")
    assert "1234" not in str(told.value)


@pytest.mark.parametrize(
    ("named", "told"),
    [
        ("pkcs11:token=a;object=b?module-path=/x&pin-value=1234", "a PIN is never written"),
        ("pkcs11:token=a;object=b", "lacks module-path, pin-source"),
        ("pkcs11:", "lacks module-path, token, object, pin-source"),
    ],
)
def test_a_reference_that_will_not_do_is_refused(named: str, told: str) -> None:
    with pytest.raises(Misuse, match=told) as refused:
        keys.private(named)
    assert "1234" not in str(refused.value)


def test_a_library_or_a_pin_that_is_not_there_is_told() -> None:
    with pytest.raises(Misuse, match="the PIN cannot be read from env:CAIRN_NO_PIN"):
        keys.private(reference("env:CAIRN_NO_PIN")).sign(b"x")
    with pytest.raises(Misuse, match="of token"):
        keys.private(reference("env:PATH").replace(MODULE, "/nowhere/lib.so")).sign(b"x")
