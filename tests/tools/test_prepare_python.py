"""The virtual environment follows from the locks, and is left alone while they stay."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Checkout

SCRIPT = "tools/prepare-python"

#: Writes down how pip is called instead of installing.
PYTHON = r"""
case "$*" in
"-m venv "*) mkdir -p "$3/bin"; cp "$0" "$3/bin/python" ;;
*" -m pip "* | "-m pip "*)
    echo "$*" >>"$HOME/pip"
    [ -z "${PIP_FAILS:-}" ] || { echo "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES"; exit 1; } ;;
*version_info*) exit "${TOO_OLD:-0}" ;;
*_base_executable*) echo "$0" ;;
--version) echo "Python 3.13.5" ;;
esac
"""


@pytest.fixture
def pip_calls(checkout: Checkout) -> Path:
    checkout.pretend("python3", PYTHON)
    (checkout.root / "requirements-dev.txt").write_text("")
    return checkout.root / "home" / "pip"


def test_every_file_is_checked_against_its_hash(checkout: Checkout, pip_calls: Path) -> None:
    code, said = checkout.run(SCRIPT)
    assert code == 0, said
    locked, editable, check = pip_calls.read_text().splitlines()
    assert "--require-hashes" in locked
    assert "-r requirements.txt -r requirements-dev.txt" in locked
    assert "--no-index" in editable
    assert check.endswith("check")


def test_a_second_run_asks_nothing_of_pip(checkout: Checkout, pip_calls: Path) -> None:
    checkout.run(SCRIPT)
    pip_calls.unlink()
    assert checkout.run(SCRIPT) == (0, "")
    assert not pip_calls.exists()


def test_a_changed_lock_is_installed(checkout: Checkout, pip_calls: Path) -> None:
    checkout.run(SCRIPT)
    pip_calls.unlink()
    (checkout.root / "requirements-dev.txt").write_text("# a new lock\n")
    checkout.run(SCRIPT)
    assert "--require-hashes" in pip_calls.read_text()


def test_a_failed_installation_is_tried_again(checkout: Checkout, pip_calls: Path) -> None:
    checkout.variables["PIP_FAILS"] = "yes"
    code, said = checkout.run(SCRIPT)
    assert code == 1
    assert "DO NOT MATCH THE HASHES" in said
    assert "pip configuration" in said
    del checkout.variables["PIP_FAILS"]
    pip_calls.unlink()
    code, said = checkout.run(SCRIPT)
    assert code == 0, said
    assert pip_calls.exists()


def test_the_environment_of_a_moved_checkout_is_made_anew(
    checkout: Checkout,
    pip_calls: Path,
) -> None:
    checkout.run(SCRIPT)
    pip_calls.unlink()
    stamp = checkout.root / ".venv" / "cairn-made-from"
    stamp.write_text(stamp.read_text().replace(str(checkout.root), "/elsewhere"))
    code, said = checkout.run(SCRIPT)
    assert code == 0
    assert "Making the virtual environment" in said


def test_an_old_python_is_refused_with_both_remedies(checkout: Checkout, pip_calls: Path) -> None:
    checkout.variables |= {"TOO_OLD": "1", "PYTHON": "python3"}
    code, said = checkout.run(SCRIPT)
    assert code == 1
    assert "needs Python 3.11 or newer" in said
    assert "apt-get install python3 python3-venv" in said
    assert "make setup PYTHON=" in said
    assert not pip_calls.exists()
