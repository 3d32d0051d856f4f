"""A waiver is signed with the key of who approves, and with no other."""

from __future__ import annotations

import base64
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from cairn.checks import registry
from docs.pictures import ROOT, SAMPLE, house_of_sample

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from click.testing import Result

NODE = SAMPLE.stem
KEYGEN = shutil.which("ssh-keygen") or "ssh-keygen"


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A checkout with the sample of the guide, whose approver has a key of OpenSSH."""
    folder = tmp_path / "house"
    folder.mkdir()
    house_of_sample(folder)
    make_key(tmp_path / "dpo")
    (tmp_path / "beside").mkdir()
    shutil.copy(ROOT / "docs/guide/example-policies/bundle.yaml", tmp_path / "beside")
    line = (tmp_path / "dpo.pub").read_text().strip()
    (tmp_path / "beside" / "approvers.yaml").write_text(
        f"approvers:\n  - {{name: dpo@hospital.example, key: {line}}}\n"
    )
    monkeypatch.setenv("CAIRN_HOME", str(folder))
    monkeypatch.setenv("CAIRN_POLICIES", str(tmp_path / "beside"))
    registry.catalogue.cache_clear()
    yield folder
    registry.catalogue.cache_clear()


def make_key(file: Path, kind: str = "ed25519", passphrase: str = "") -> None:
    words = ("-q", "-t", kind, "-N", passphrase, "-C", "made up", "-f", str(file))
    subprocess.run([KEYGEN, *words], check=True)


def test_a_signature_written_into_the_spec_approves(
    house: Path, run: Callable[..., Result]
) -> None:
    spec = house / "nodes" / SAMPLE.name
    assert "another key signed it" in " ".join(run("waiver", "list", NODE).stdout.split())

    signed = run("waiver", "sign", NODE, "pac-01", "--key", f"file:{house.parent / 'dpo'}")

    assert signed.exit_code == 0, signed.output
    assert "cannot speak TLS" in signed.stderr
    text = spec.read_text()
    old = next(line for line in text.splitlines() if "signature:" in line)
    spec.write_text(text.replace(old.strip(), signed.stdout.strip()))
    assert "approved" in run("waiver", "list", NODE).stdout.split()


def test_a_key_with_a_passphrase_is_asked_for_it(house: Path, run: Callable[..., Result]) -> None:
    key = house.parent / "dpo"
    words = ("-q", "-p", "-N", "long enough", "-f", str(key))
    subprocess.run([KEYGEN, *words], check=True)
    sign = ("waiver", "sign", NODE, "PAC-01", "--key", f"file:{key}")
    right, wrong = run(*sign, stdin="long enough\n"), run(*sign, stdin="guessed\n")
    assert right.stdout.startswith("signature: ed25519:")
    assert wrong.exit_code == 2
    assert "the passphrase is not its own" in wrong.stderr


def test_the_key_of_somebody_else_signs_nothing(house: Path, run: Callable[..., Result]) -> None:
    make_key(house.parent / "other")
    refused = run("waiver", "sign", NODE, "PAC-01", "--key", f"file:{house.parent / 'other'}")
    assert "would not count: its signature is not that of dpo@" in refused.stderr
    assert "signature:" not in refused.stdout


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("STO-01",), "has no waiver of `STO-01`"),
        (("PAC-01", "--host", "imaging-1"), "has no waiver of `PAC-01`"),
    ],
)
def test_what_is_not_waived_is_not_signed(
    house: Path, run: Callable[..., Result], words: tuple[str, ...], told: str
) -> None:
    refused = run("waiver", "sign", NODE, *words, "--key", f"file:{house.parent / 'dpo'}")
    assert told in refused.stderr


def test_only_keys_of_the_right_kind_sign(house: Path, run: Callable[..., Result]) -> None:
    make_key(house.parent / "ecdsa", "ecdsa")
    refused = run("waiver", "sign", NODE, "PAC-01", "--key", f"file:{house.parent / 'ecdsa'}")
    assert "is no Ed25519 key" in refused.stderr


def test_openssl_signs_what_is_printed_as_well(house: Path, run: Callable[..., Result]) -> None:
    """Whoever approves needs no Cairn: the bytes, and a key in PEM."""
    for_openssl = house.parent / "pem"
    openssl = shutil.which("openssl") or "openssl"
    subprocess.run(
        [openssl, "genpkey", "-algorithm", "ed25519", "-out", str(for_openssl)], check=True
    )
    for_openssl.chmod(0o600)
    said = house.parent / "said"
    said.write_bytes(run("waiver", "text", NODE, "PAC-01").stdout_bytes)
    public = subprocess.check_output([openssl, "pkey", "-in", str(for_openssl), "-pubout"])
    (house.parent / "beside" / "approvers.yaml").write_text(
        "approvers:\n  - name: dpo@hospital.example\n    key: |\n"
        + "".join(f"      {line}\n" for line in public.decode().splitlines())
    )
    registry.catalogue.cache_clear()
    made = subprocess.check_output(
        [openssl, "pkeyutl", "-sign", "-rawin", "-inkey", str(for_openssl), "-in", str(said)]
    )
    ours = run("waiver", "sign", NODE, "PAC-01", "--key", f"file:{for_openssl}").stdout
    assert ours.strip() == f"signature: ed25519:{base64.b64encode(made).decode()}"
