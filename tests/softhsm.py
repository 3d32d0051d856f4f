"""Tokens in software (SoftHSM), for the tests of keys in hardware."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

#: The tokens that there are; the library looks for them when it is loaded, and then no more.
LABELS = ("site", "vault")
MODULE = "/usr/lib/softhsm/libsofthsm2.so"
PIN = "4711-0815"


@pytest.fixture(scope="session")
def token_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Give the library a folder of its own with empty tokens in it, and a file with the PIN."""
    folder = tmp_path_factory.mktemp("softhsm")
    (folder / "tokens").mkdir()
    (folder / "softhsm2.conf").write_text(f"directories.tokendir = {folder}/tokens\n")
    (folder / "pin").write_text(f"{PIN}\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SOFTHSM2_CONF", str(folder / "softhsm2.conf"))
        for label in LABELS:
            tool("--init-token", "--free", "--label", label, "--pin", PIN, "--so-pin", PIN)
        yield folder


def tool(*words: str) -> None:
    """Call the tool that SoftHSM brings."""
    program = shutil.which("softhsm2-util") or "softhsm2-util"
    subprocess.run([program, *words], check=True, capture_output=True)


def reference(pin: str, token: str = "site", label: str = "reports") -> str:
    """Write the reference to a key as RFC 7512 has it."""
    return f"pkcs11:token={token};object={label}?module-path={MODULE}&pin-source={pin}"
