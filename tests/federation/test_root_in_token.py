"""A root whose key is made in a token signs as one of a file does; the key is never on a disk."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from cairn.errors import Misuse
from cairn.federation import root
from federation.test_root import DOMAIN, openssl, request
from softhsm import MODULE, PIN, reference

if TYPE_CHECKING:
    from pathlib import Path

    from cryptography import x509

    from cairn.federation.root import Root


@pytest.fixture(scope="module")
def pin(token_folder: Path) -> str:
    return f"file:{token_folder}/pin"


@pytest.fixture
def folder(pin: str, tmp_path: Path) -> Path:
    """Make a root in the token, under a label of its own for each test."""
    root.make_in_token(tmp_path / "root", "demo", reference(pin, "vault", tmp_path.name))
    return tmp_path / "root"


def sign(opened: Root, folder: Path, name: str) -> x509.Certificate:
    asked = request(ec.generate_private_key(ec.SECP256R1()))
    made = root.sign_intermediate(opened, asked, DOMAIN)
    (folder / name).write_bytes(root.pem(made))
    return made


def test_openssl_accepts_the_chain_and_the_list(folder: Path) -> None:
    opened = root.read(folder)
    sign(opened, folder, "hub.crt")
    root.withdraw(folder, opened, sign(opened, folder, "former.crt"))
    strict = "verify -x509_strict -crl_check -CRLfile root.crl -CAfile root.crt"
    assert openssl(folder, f"{strict} hub.crt").stdout == "hub.crt: OK\n"
    assert "certificate revoked" in openssl(folder, f"{strict} former.crt").stderr


def test_nothing_of_the_key_is_in_the_folder(folder: Path) -> None:
    assert {file.name for file in folder.iterdir()} == {"root.pkcs11", "root.crt", "root.crl"}
    for file in folder.iterdir():
        assert b"PRIVATE" not in file.read_bytes()
        assert PIN.encode() not in file.read_bytes()


def test_the_token_lets_nobody_take_the_key_out(folder: Path) -> None:
    import pkcs11  # noqa: PLC0415 - reads SOFTHSM2_CONF

    label = (folder / "root.pkcs11").read_text().split("object=")[1].split("?")[0]
    with pkcs11.lib(MODULE).get_token(token_label="vault").open(user_pin=PIN) as session:
        key = session.get_key(object_class=pkcs11.ObjectClass.PRIVATE_KEY, label=label)
        asked = (pkcs11.Attribute.NEVER_EXTRACTABLE, pkcs11.Attribute.ALWAYS_SENSITIVE)
        assert [key[one] for one in asked] == [True, True]
        with pytest.raises(pkcs11.AttributeSensitive):
            key[pkcs11.Attribute.VALUE]
    for refused in (root.read(folder).key.private_numbers, root.read(folder).key.private_bytes):
        with pytest.raises(Misuse, match="stays in its token"):
            refused()  # type: ignore[call-arg]


def test_a_root_is_never_made_over_another(folder: Path, tmp_path: Path) -> None:
    before = {file.name: file.read_bytes() for file in folder.iterdir()}
    named = before["root.pkcs11"].decode().strip()
    with pytest.raises(Misuse, match=r"holds root\.pkcs11 already"):
        root.make(folder, "demo", "three words suffice")
    with pytest.raises(Misuse, match=r"holds root\.pkcs11 already"):
        root.make_in_token(folder, "demo", named.replace("object=", "object=other-"))
    with pytest.raises(Misuse, match="token `vault` has a `test_a_root_is_never_made"):
        root.make_in_token(tmp_path / "second", "demo", named)
    assert not (tmp_path / "second").exists()
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == before


def test_a_folder_that_cannot_be_written_is_told_with_what_is_in_the_token(
    pin: str, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(Misuse, match=r"cannot be written: .*; `stranded` is in the token by now"):
        root.make_in_token(tmp_path / "file" / "root", "demo", reference(pin, "vault", "stranded"))


def test_a_wrong_pin_is_told_once_and_not_repeated(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GUESSED", "1234-5678")
    named = (folder / "root.pkcs11").read_text().partition("&pin-source=")[0]
    (folder / "root.pkcs11").write_text(f"{named}&pin-source=env:GUESSED")
    with pytest.raises(Misuse, match="PinIncorrect; correct what pin-source names") as told:
        root.read(folder)
    assert "1234" not in str(told.value)
    with pytest.raises(Misuse, match="PinIncorrect"):
        root.make_in_token(folder / "new", "demo", reference("env:GUESSED", "vault", "new"))
    assert not (folder / "new").exists()


def test_a_label_that_the_token_does_not_have_is_told(folder: Path) -> None:
    change(folder, "object=", "object=no-")
    with pytest.raises(Misuse, match=r"key `no-test_a_label.*NoSuchKey.*; compare `object`"):
        root.read(folder)


def test_a_key_of_another_root_is_refused(folder: Path, pin: str, tmp_path: Path) -> None:
    root.make_in_token(tmp_path / "other", "other", reference(pin, "vault", "another"))
    (folder / "root.pkcs11").write_bytes((tmp_path / "other" / "root.pkcs11").read_bytes())
    with pytest.raises(Misuse, match=r"root\.pkcs11 and root\.crt do not belong together"):
        root.read(folder)


def test_a_key_that_is_none_of_ours_is_told(folder: Path, pin: str) -> None:
    import pkcs11  # noqa: PLC0415 - reads SOFTHSM2_CONF
    from pkcs11.util.ec import encode_named_curve_parameters  # noqa: PLC0415

    curve = {pkcs11.Attribute.EC_PARAMS: encode_named_curve_parameters("1.2.840.10045.3.1.7")}
    with pkcs11.lib(MODULE).get_token(token_label="vault").open(user_pin=PIN, rw=True) as session:
        made = session.create_domain_parameters(pkcs11.KeyType.EC, curve, local=True)
        made.generate_keypair(mechanism=pkcs11.Mechanism.EC_KEY_PAIR_GEN, label="short", store=True)
    (folder / "root.pkcs11").write_text(reference(pin, "vault", "short"))
    with pytest.raises(Misuse, match="key `short` is none that `cairn hub init` made"):
        root.read(folder)


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("pkcs11:token=a;object=b?module-path=/x&pin-value=1234", "a PIN is never written"),
        ("pkcs11:token=a", "lacks module-path, object, pin-source"),
        ("root.key", "lacks module-path, token, object, pin-source"),
    ],
)
def test_a_reference_that_will_not_do_is_told(folder: Path, written: str, told: str) -> None:
    (folder / "root.pkcs11").write_text(written)
    with pytest.raises(Misuse, match=rf"root\.pkcs11: .*{told}"):
        root.read(folder)


def change(folder: Path, old: str, new: str) -> None:
    file = folder / "root.pkcs11"
    file.write_text(file.read_text().replace(old, new))
