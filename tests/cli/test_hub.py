"""`cairn hub` makes a root once, signs a request and withdraws, passphrase by reference."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from federation.test_root import PASSPHRASE, openssl, request
from softhsm import reference

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


@pytest.fixture
def in_token(run: Run, tmp_path: Path, token_folder: Path) -> Path:
    key = reference(f"file:{token_folder}/pin", "vault", f"cli-{tmp_path.name}")
    result = run("hub", "init", str(tmp_path / "root"), "--federation", "demo", "--key", key)
    assert result.exit_code == 0, result.stderr
    assert "Keep the token in one safe" in result.stdout
    return tmp_path


def test_a_root_in_a_token_signs_and_withdraws_without_a_word_of_it(
    run: Run, in_token: Path
) -> None:
    asked = request(ec.generate_private_key(ec.SECP256R1()))
    (in_token / "hub.csr").write_bytes(asked.public_bytes(Encoding.PEM))
    of_root, out = ("--root", str(in_token / "root")), in_token / "hub.crt"
    words = ("--domain", "hub.demo.example", "--out", str(out))
    signed = run("hub", "intermediate", str(in_token / "hub.csr"), *of_root, *words)
    assert signed.exit_code == 0, signed.stderr
    verified = "verify -crl_check -CRLfile root/root.crl -CAfile root/root.crt hub.crt"
    assert openssl(in_token, verified).stdout == "hub.crt: OK\n"
    assert run("hub", "withdraw", str(out), *of_root).exit_code == 0
    assert "certificate revoked" in openssl(in_token, verified).stderr


def test_a_token_that_is_away_is_told_and_the_list_stays(in_token: Path) -> None:
    """In a process of its own, as a person has it: the library looks for tokens once."""
    (in_token / "none").mkdir()
    (in_token / "none.conf").write_text(f"directories.tokendir = {in_token}/none\n")
    before = (in_token / "root" / "root.crl").read_bytes()
    verb = ("hub", "withdraw", str(in_token / "root" / "root.crt"))
    done = subprocess.run(
        [sys.executable, "-c", "from cairn.cli.main import main; main()", *verb,
         "--root", str(in_token / "root")],
        env={**os.environ, "SOFTHSM2_CONF": str(in_token / "none.conf")},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "of token `vault`: NoSuchToken" in done.stderr
    assert "plug it in" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert (in_token / "root" / "root.crl").read_bytes() == before


def test_a_passphrase_for_a_token_is_refused(run: Run, in_token: Path, tmp_path: Path) -> None:
    key = (in_token / "root" / "root.pkcs11").read_text().strip()
    words = ("--federation", "demo", "--key", key, "--passphrase", "env:ANY")
    result = run("hub", "init", str(tmp_path / "second"), *words)
    assert (result.exit_code, "has a PIN" in result.stderr) == (2, True)
    of_root = ("--root", str(in_token / "root"), "--passphrase", "env:ANY")
    result = run("hub", "withdraw", str(in_token / "root" / "root.crt"), *of_root)
    assert (result.exit_code, "has a PIN" in result.stderr) == (2, True)
