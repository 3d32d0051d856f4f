"""`cairn hub` makes a root once, signs a request and withdraws, passphrase by reference."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from federation.test_root import PASSPHRASE, openssl, request

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from click.testing import Result

    Run = Callable[..., Result]

BY_NAME = ("--passphrase", "env:ROOT_PASSPHRASE")


@pytest.fixture
def made(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ROOT_PASSPHRASE", PASSPHRASE)
    result = run("hub", "init", str(tmp_path / "root"), "--federation", "demo", *BY_NAME)
    assert result.exit_code == 0, result.stderr
    assert "keep them in two safes" in result.stdout
    asked = request(ec.generate_private_key(ec.SECP256R1()))
    (tmp_path / "hub.csr").write_bytes(asked.public_bytes(Encoding.PEM))
    return tmp_path


def sign(run: Run, made: Path) -> Result:
    words = ("--root", str(made / "root"), "--domain", "hub.demo.example", *BY_NAME)
    out = ("--out", str(made / "hub.crt"))
    return run("hub", "intermediate", str(made / "hub.csr"), *words, *out)


def test_a_request_becomes_a_chain_that_stays(run: Run, made: Path) -> None:
    assert sign(run, made).exit_code == 0
    chain = x509.load_pem_x509_certificates((made / "hub.crt").read_bytes())
    assert chain[0].subject.rfc4514_string() == "CN=demo hub intermediate"
    assert openssl(made, "verify -CAfile root/root.crt hub.crt").stdout == "hub.crt: OK\n"
    again = sign(run, made)
    assert (again.exit_code, "is there already" in again.stderr) == (2, True)


def test_an_intermediate_is_withdrawn(run: Run, made: Path) -> None:
    sign(run, made)
    words = ("--root", str(made / "root"), *BY_NAME)
    assert run("hub", "withdraw", str(made / "hub.crt"), *words).exit_code == 0
    told = openssl(made, "verify -crl_check -CRLfile root/root.crl -CAfile root/root.crt hub.crt")
    assert "certificate revoked" in told.stderr


def test_a_passphrase_is_typed_twice_when_a_root_is_made(run: Run, tmp_path: Path) -> None:
    words = ("hub", "init", str(tmp_path / "root"), "--federation", "demo")
    assert run(*words, stdin=f"{PASSPHRASE}\nanother one here\n").exit_code != 0
    assert not (tmp_path / "root").exists()
    typed = run(*words, stdin=f"{PASSPHRASE}\n{PASSPHRASE}\n")
    assert typed.exit_code == 0
    assert PASSPHRASE not in typed.output


@pytest.mark.parametrize("reference", ["env:CAIRN_NOBODY", "file:/nowhere", "three words suffice"])
def test_a_passphrase_that_cannot_be_read_is_told(run: Run, made: Path, reference: str) -> None:
    words = ("--federation", "demo", "--passphrase", reference)
    result = run("hub", "init", str(made / "other"), *words)
    assert result.exit_code == 2
    assert not (made / "other").exists()
    assert "three words" not in result.stderr
