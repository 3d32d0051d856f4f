"""Which Pulumi CLI the virtual environment gets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Checkout


@pytest.fixture
def environment(checkout: Checkout) -> Path:
    """Return .venv/bin of a checkout whose own build of the CLI lies in the cache already."""
    _, version = checkout.run("tools/build-pulumi", "--version")
    built = checkout.root / "home" / ".cache" / "cairn" / "tools" / f"pulumi-{version.strip()}"
    for name in ("pulumi", "pulumi-language-python", "pulumi-language-python-exec"):
        checkout.pretend(name, "echo v3.259.0", folder=built / "bin")
    folder = checkout.root / ".venv" / "bin"
    folder.mkdir(parents=True)
    return folder


def official(checkout: Checkout, version: str) -> Path:
    """Put an official CLI of `version` on the PATH."""
    folder = checkout.root / "official"
    checkout.pretend("pulumi-language-python", "", folder=folder)
    checkout.variables["PATH"] = f"{folder}:{checkout.environment()['PATH']}"
    return checkout.pretend("pulumi", f"echo {version}", folder=folder)


def test_without_an_official_cli_our_own_is_used(checkout: Checkout, environment: Path) -> None:
    code, said = checkout.run("tools/prepare-pulumi")
    assert (code, said) == (0, "")
    linked = (environment / "pulumi").readlink()
    assert linked.is_relative_to(checkout.root / "home" / ".cache" / "cairn" / "tools")


@pytest.mark.parametrize("version", ["v3.255.0", "v3.260.1", "v4.0.0"])
def test_an_official_cli_that_is_new_enough_is_used(
    checkout: Checkout,
    environment: Path,
    version: str,
) -> None:
    program = official(checkout, version)
    checkout.run("tools/prepare-pulumi")
    assert (environment / "pulumi").readlink() == program


@pytest.mark.parametrize("version", ["v3.254.9", "v3.99.0", ""])
def test_an_official_cli_that_is_too_old_is_not_used(
    checkout: Checkout,
    environment: Path,
    version: str,
) -> None:
    program = official(checkout, version)
    checkout.run("tools/prepare-pulumi")
    assert (environment / "pulumi").readlink() != program


def test_an_official_cli_without_its_language_host_is_not_used(
    checkout: Checkout,
    environment: Path,
) -> None:
    program = official(checkout, "v3.260.0")
    (program.parent / "pulumi-language-python").unlink()
    checkout.run("tools/prepare-pulumi")
    assert (environment / "pulumi").readlink() != program


def test_an_active_environment_is_not_taken_for_an_official_cli(
    checkout: Checkout,
    environment: Path,
) -> None:
    checkout.run("tools/prepare-pulumi")
    first = (environment / "pulumi").readlink()
    checkout.variables["PATH"] = f"{environment}:{checkout.environment()['PATH']}"
    code, said = checkout.run("tools/prepare-pulumi")
    assert (code, said) == (0, "")
    assert (environment / "pulumi").readlink() == first
