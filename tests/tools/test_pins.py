"""One version of Pulumi everywhere: the CLI that is built, the SDK, and the lock."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from cairn.sandbox import commands

ROOT = Path(__file__).parents[2]
PREFIX = "github.com/pulumi/pulumi"


def pinned(module: str, package: str) -> str:
    text = (ROOT / "tools" / module / "go.mod").read_text()
    (version,) = re.findall(rf"^\s*(?:require )?{re.escape(package)} v(\S+)", text, re.MULTILINE)
    return version


def locked(package: str) -> str:
    text = (ROOT / "requirements.txt").read_text()
    (version,) = re.findall(rf"^{package}==(\S+) \\$", text, re.MULTILINE)
    return version


def test_the_cli_has_the_version_of_the_locked_sdk() -> None:
    assert pinned("pulumi", f"{PREFIX}/pkg/v3") == locked("pulumi")


def test_the_language_host_script_has_the_version_of_the_cli() -> None:
    assert pinned("pulumi", f"{PREFIX}/sdk/v3") == pinned("pulumi", f"{PREFIX}/pkg/v3")


def test_the_language_host_is_pinned_where_a_tagged_module_last_holds_it() -> None:
    assert pinned("pulumi-language-python", f"{PREFIX}/sdk/v3") == "3.79.0"


def test_the_builder_says_the_version_that_it_builds() -> None:
    said = subprocess.run(
        [ROOT / "tools" / "build-pulumi", "--version"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert said.strip() == locked("pulumi")


def test_every_pinned_module_that_is_compiled_has_its_sum() -> None:
    for module, package in (("pulumi", "pkg/v3"), ("pulumi-language-python", "sdk/v3")):
        sums = (ROOT / "tools" / module / "go.sum").read_text()
        version = pinned(module, f"{PREFIX}/{package}")
        assert f"{PREFIX}/{package} v{version} h1:" in sums


def test_what_the_sandbox_asks_of_debian_is_installed_by_the_set_up() -> None:
    text = (ROOT / "tools" / "debian-packages.txt").read_text()
    installed = {line.split()[0] for line in text.splitlines() if not line.startswith("#")}
    assert installed >= set(commands.PACKAGES)
