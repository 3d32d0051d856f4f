"""The S3 server is built from its pins, to the same bytes wherever and whenever it is built."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cairn.artefacts.cache import digest_of
from cairn.artefacts.lock import locked

if TYPE_CHECKING:
    from conftest import Checkout

TOOLS = Path(__file__).parents[2] / "tools"
MODULE = "github.com/versity/versitygw"
#: Packages that may have to be compiled again before it takes minutes.
FEW = 40


def stale() -> int:
    """Return how many packages of the program Go would have to compile."""
    settings = {"GOTOOLCHAIN": "go1.26.8", "CGO_ENABLED": "0", "GOFLAGS": "-buildvcs=false"}
    listed = subprocess.run(
        [
            shutil.which("go") or "go",
            "list",
            "-deps",
            "-trimpath",
            "-f",
            "{{.Stale}}",
            f"{MODULE}/cmd/versitygw",
        ],
        cwd=TOOLS / "versitygw",
        env={**os.environ, **settings, "GOAMD64": "v1"},
        capture_output=True,
        text=True,
        check=False,
    )
    return listed.stdout.split().count("true") if listed.returncode == 0 else 10**6


def test_a_build_in_another_folder_with_other_settings_gives_the_locked_bytes(
    tmp_path: Path,
) -> None:
    if shutil.which("go") is None or stale() > FEW:
        pytest.skip("Go's cache has no earlier build; run `tools/build-versitygw FOLDER` once")
    shutil.copytree(TOOLS, tmp_path / "elsewhere" / "tools")
    builder = tmp_path / "elsewhere" / "tools" / "build-versitygw"
    odd = {"GOFLAGS": "-p=1", "GOAMD64": "v3", "GOOS": "freebsd", "CGO_ENABLED": "1"}
    done = subprocess.run(
        [builder, tmp_path / "built"],
        cwd=tmp_path,
        env={**os.environ, **odd},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    program = tmp_path / "built" / "bin" / "versitygw"
    assert digest_of(program) == locked("versitygw").sha256
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
    assert "v1.8.0" in said.stdout


def test_the_lock_has_the_version_that_is_built(checkout: Checkout) -> None:
    code, said = checkout.run("tools/build-versitygw", "--version")
    assert (code, said.strip()) == (0, locked("versitygw").version)


def test_the_compiler_is_pinned_too() -> None:
    pins = (TOOLS / "versitygw" / "go.mod").read_text()
    assert re.search(r"^toolchain go\d+\.\d+\.\d+$", pins, re.MULTILINE)
    assert (
        f"{MODULE} v{locked('versitygw').version} h1:"
        in (TOOLS / "versitygw" / "go.sum").read_text()
    )


def test_without_go_the_way_without_it_is_named(checkout: Checkout) -> None:
    code, said = checkout.run("tools/build-versitygw", str(checkout.root / "home" / "built"))
    assert code == 1
    assert "the S3 server versitygw v1.8.0 must be built and Go is missing" in said
    assert "docs/runbooks/artefact-missing.md" in said
