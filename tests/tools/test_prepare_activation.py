"""The activation of the virtual environment is enough for a raw `pulumi up`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import Checkout

SOURCE = Path(__file__).parents[2] / "src"
ACTIVATED = '. .venv/bin/activate; printf "%s\\n" "${PULUMI_BACKEND_URL-unset}"'


@pytest.fixture
def activate(checkout: Checkout) -> Path:
    """Return the activation script of a fresh virtual environment that knows `cairn`."""
    subprocess.run(
        [sys.executable, "-m", "venv", "--without-pip", checkout.root / ".venv"],
        check=True,
    )
    (packages,) = (checkout.root / ".venv" / "lib").glob("python*/site-packages")
    (packages / "cairn.pth").write_text(f"{SOURCE}\n")
    checkout.variables["CAIRN_HOME"] = str(checkout.root)
    return checkout.root / ".venv" / "bin" / "activate"


def test_the_state_stands_in_the_checkout(checkout: Checkout, activate: Path) -> None:
    checkout.run("tools/prepare-activation")
    assert activate.exists()
    _, said = checkout.run("bash", "-euc", ACTIVATED)
    assert said == f"file://{checkout.root}/.cairn/state\n"


def test_a_second_run_changes_nothing(checkout: Checkout, activate: Path) -> None:
    checkout.run("tools/prepare-activation")
    first = activate.read_text(), (checkout.root / ".cairn" / "passphrase").read_text()
    code, said = checkout.run("tools/prepare-activation")
    assert (code, said) == (0, "")
    assert (activate.read_text(), (checkout.root / ".cairn" / "passphrase").read_text()) == first


def test_leaving_the_environment_takes_its_variables_away(
    checkout: Checkout,
    activate: Path,
) -> None:
    checkout.run("tools/prepare-activation")
    assert activate.exists()
    _, said = checkout.run("bash", "-uc", f"{ACTIVATED}; deactivate; env")
    assert "PULUMI" not in said.split("\n", 1)[1]
    assert "CAIRN_ACTIVATED" not in said


def test_a_backend_that_is_set_before_wins_and_stays(checkout: Checkout, activate: Path) -> None:
    checkout.run("tools/prepare-activation")
    assert activate.exists()
    checkout.variables["PULUMI_BACKEND_URL"] = "s3://consortium"
    _, said = checkout.run("bash", "-uc", f"{ACTIVATED}; deactivate; echo $PULUMI_BACKEND_URL")
    assert said.splitlines() == ["s3://consortium", "s3://consortium"]


def test_another_checkout_does_not_inherit_the_state(checkout: Checkout, activate: Path) -> None:
    checkout.run("tools/prepare-activation")
    assert activate.exists()
    twice = f"{ACTIVATED}; export CAIRN_HOME=$HOME; {ACTIVATED}"
    _, said = checkout.run("bash", "-uc", twice)
    assert said.splitlines()[1] == f"file://{checkout.root}/home/.cairn/state"


def test_the_passphrase_is_long_and_for_its_owner_only(checkout: Checkout, activate: Path) -> None:
    checkout.run("tools/prepare-activation")
    assert activate.exists()
    passphrase = checkout.root / ".cairn" / "passphrase"
    assert passphrase.stat().st_mode & 0o777 == 0o600
    assert passphrase.parent.stat().st_mode & 0o777 == 0o700
    assert len(passphrase.read_text().strip()) >= 40


def test_a_lost_passphrase_is_not_replaced_while_there_is_state(
    checkout: Checkout,
    activate: Path,
) -> None:
    checkout.run("tools/prepare-activation")
    assert activate.exists()
    (checkout.root / ".cairn" / "passphrase").unlink()
    stacks = checkout.root / ".cairn" / "state" / ".pulumi" / "stacks" / "cairn-nodes"
    stacks.mkdir(parents=True)
    (stacks / "demo.json").write_text("{}")
    code, said = checkout.run("tools/prepare-activation")
    assert code == 1
    assert "put it back from your backup" in said
    assert not (checkout.root / ".cairn" / "passphrase").exists()
