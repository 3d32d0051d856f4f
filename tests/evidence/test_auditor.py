"""The auditor's guide, done word for word: openssl, ten lines of Python, sha256sum."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from cairn import house as checkout
from cairn.checks import bundle
from cairn.evidence import keys, publish
from checks.approvals import signed
from evidence import samples

if TYPE_CHECKING:
    from pathlib import Path

PAGE = checkout.root() / "docs" / "guide" / "auditor.md"
INDENT = 7 * " "


def block(first: str) -> str:
    """Return the code block of the guide that begins with these words."""
    text = PAGE.read_text()
    start = text.index(f"{INDENT}{first}")
    lines = text[start:].partition("\n\n")[0].splitlines()
    return "\n".join(line.removeprefix(INDENT) for line in lines)


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A signed report with its public key above it, and `unpack.py` of the guide beside."""
    house = tmp_path_factory.mktemp("house")
    for folder in ("templates", "policies"):
        (house / folder).symlink_to(checkout.root() / folder)
    keys.make(house / "cairn-reports.key")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CAIRN_HOME", str(house))
        key = keys.private(f"file:{house}/cairn-reports.key")
        waiver = signed(
            "test-hospital",
            {"check": "STO-02", "reason": "a new array arrives in März", "expires": "2027-01-31",
             "approved_by": "dpo@hospital.example"},
        )  # fmt: skip
        changes = {"storage.encryption": None, "compliance.waivers": [waiver]}
        made = publish.publish(samples.gathered(house, **changes), (), key)
    (house / "cairn-reports.key.pub").rename(made.folder.parent / "cairn-reports.key.pub")
    for name, first in (("unpack", "import base64, json\n       envelope"),
                        ("waivers", "import base64, json\n       report")):  # fmt: skip
        (made.folder.parent / f"{name}.py").write_text(block(first))
    return made.folder


def run(folder: Path, command: str) -> subprocess.CompletedProcess[str]:
    """Run a command of the guide in the folder of the report."""
    command = command.replace("cairn-reports.key.pub", "../cairn-reports.key.pub")
    return subprocess.run(
        ["/bin/bash", "-c", f"set -o pipefail; {command}"], cwd=folder, capture_output=True,
        text=True, check=False,
    )  # fmt: skip


def unpack(folder: Path) -> None:
    subprocess.run([sys.executable, "../unpack.py"], cwd=folder, check=True)


def test_the_script_has_ten_lines() -> None:
    assert len(block("import base64").splitlines()) == 10


def test_openssl_verifies_who_approved_a_waiver_and_refuses_another_reason(
    published: Path,
) -> None:
    subprocess.run([sys.executable, "../waivers.py"], cwd=published, check=True)
    verify = block("openssl pkeyutl -verify -pubin -inkey ../waiver-1.pub")
    assert run(published, verify).stdout == "Signature Verified Successfully\n"
    said = published.parent / "waiver-1.bin"
    said.write_bytes(said.read_bytes().replace(b"array", b"arrow"))
    assert run(published, verify).returncode != 0


def test_openssl_tells_the_fingerprint(published: Path) -> None:
    done = run(published, block("openssl pkey "))
    public = keys.public(published.parent / "cairn-reports.key.pub")
    assert f"sha256:{done.stdout.split()[0]}" == keys.fingerprint(public)


def test_openssl_verifies_the_statement_and_sha256sum_the_files(published: Path) -> None:
    unpack(published)
    verified = run(published, block("openssl pkeyutl"))
    assert (verified.returncode, verified.stdout) == (0, "Signature Verified Successfully\n")
    summed = run(published, block("sha256sum --check"))
    assert summed.returncode == 0
    assert summed.stdout.count(": OK\n") == len(list(published.iterdir())) - 1


def test_openssl_refuses_a_statement_that_was_altered(published: Path) -> None:
    unpack(published)
    signed = published.parent / "signed.bin"
    signed.write_bytes(signed.read_bytes().replace(b'"number":1', b'"number":2'))
    refused = run(published, block("openssl pkeyutl"))
    assert refused.returncode != 0
    assert "Verified Successfully" not in refused.stdout


def test_sha256sum_refuses_a_file_that_was_altered(published: Path) -> None:
    unpack(published)
    page = published / "data-protection.html"
    before = page.read_bytes()
    page.write_bytes(before.replace(b"declared", b"Declared"))
    summed = run(published, block("sha256sum --check"))
    page.write_bytes(before)
    assert summed.returncode != 0
    assert "data-protection.html: FAILED" in summed.stdout


def test_the_digest_of_the_policies_is_that_of_the_guide() -> None:
    done = run(checkout.root() / "policies", block("find . -type f"))
    assert bundle.read(checkout.root() / "policies").digest == f"sha256:{done.stdout.split()[0]}"
