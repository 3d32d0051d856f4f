"""Programs for hosts are built from their pins, to the same bytes wherever and whenever."""

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
#: Each program with the module that it comes from, what it is, and the version that it tells.
PROGRAMS = {
    "versitygw": ("github.com/versity/versitygw", "the S3 server", "v1.8.0"),
    "step-ca": ("github.com/smallstep/certificates", "the certificate authority", "0.30.2"),
}
#: Packages that may have to be compiled again before it takes minutes.
FEW = 40


def stale(name: str) -> int:
    """Return how many packages of a program Go would have to compile."""
    settings = {"GOTOOLCHAIN": "go1.26.8", "CGO_ENABLED": "0", "GOFLAGS": "-buildvcs=false"}
    listed = subprocess.run(
        [
            shutil.which("go") or "go",
            "list",
            "-deps",
            "-trimpath",
            "-f",
            "{{.Stale}}",
            f"{PROGRAMS[name][0]}/cmd/{name}",
        ],
        cwd=TOOLS / name,
        env={**os.environ, **settings, "GOAMD64": "v1"},
        capture_output=True,
        text=True,
        check=False,
    )
    return listed.stdout.split().count("true") if listed.returncode == 0 else 10**6


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_build_in_another_folder_with_other_settings_gives_the_locked_bytes(
    tmp_path: Path, name: str
) -> None:
    if shutil.which("go") is None or stale(name) > FEW:
        pytest.skip(f"Go's cache has no earlier build; run `tools/build-{name} FOLDER` once")
    shutil.copytree(TOOLS, tmp_path / "elsewhere" / "tools")
    builder = tmp_path / "elsewhere" / "tools" / f"build-{name}"
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
    program = tmp_path / "built" / "bin" / name
    assert digest_of(program) == locked(name).sha256
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
    assert PROGRAMS[name][2] in said.stdout


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_lock_has_the_version_that_is_built(checkout: Checkout, name: str) -> None:
    code, said = checkout.run(f"tools/build-{name}", "--version")
    assert (code, said.strip()) == (0, locked(name).version)


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_compiler_is_pinned_too(name: str) -> None:
    pins = (TOOLS / name / "go.mod").read_text()
    assert re.search(r"^toolchain go\d+\.\d+\.\d+$", pins, re.MULTILINE)
    sums = (TOOLS / name / "go.sum").read_text()
    assert f"{PROGRAMS[name][0]} v{locked(name).version} h1:" in sums


@pytest.mark.parametrize("name", PROGRAMS)
def test_without_go_the_way_without_it_is_named(checkout: Checkout, name: str) -> None:
    code, said = checkout.run(f"tools/build-{name}", str(checkout.root / "home" / "built"))
    product = f"{PROGRAMS[name][1]} {name} v{locked(name).version}"
    assert code == 1
    assert f"{product} must be built and Go is missing" in said
    assert "docs/runbooks/artefact-missing.md" in said
