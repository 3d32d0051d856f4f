"""Cleaning never forgets what stands on the hosts of a node, unless it is told to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Checkout

SCRIPT = "tools/clean"


@pytest.fixture
def private(checkout: Checkout) -> Path:
    """Return .cairn of a checkout with the state of one node and of one that was destroyed."""
    stacks = checkout.root / ".cairn" / "state" / ".pulumi" / "stacks" / "cairn-nodes"
    stacks.mkdir(parents=True)
    (stacks / "la-fe.json").write_text('{"checkpoint":{"latest":{"resources":[{"urn":"u"}]}}}')
    (stacks / "gone.json").write_text('{"checkpoint":{"latest":{}}}')
    return checkout.root / ".cairn"


def test_state_is_kept_and_its_nodes_are_named(checkout: Checkout, private: Path) -> None:
    code, said = checkout.run(SCRIPT)
    assert code == 1
    assert "holds the state of: la-fe;" in said
    assert private.exists()


def test_a_confirmation_removes_it(checkout: Checkout, private: Path) -> None:
    checkout.variables["CONFIRM"] = "yes"
    code, _ = checkout.run(SCRIPT)
    assert code == 0
    assert not private.exists()


def test_without_state_no_confirmation_is_needed(checkout: Checkout, private: Path) -> None:
    next(private.rglob("la-fe.json")).unlink()
    (checkout.root / ".venv").mkdir()
    code, _ = checkout.run(SCRIPT)
    assert code == 0
    assert not private.exists()
    assert not (checkout.root / ".venv").exists()


def test_sandbox_hosts_that_cannot_be_removed_are_not_forgotten(
    checkout: Checkout,
    private: Path,
) -> None:
    checkout.variables["CONFIRM"] = "yes"
    checkout.pretend("id", "echo 1000")
    checkout.pretend("cairn", "exit 1", folder=checkout.root / ".venv" / "bin")
    checkout.pretend("python", "echo 0a1b2c3d", folder=checkout.root / ".venv" / "bin")
    hosts = checkout.root / "sandboxes"
    (hosts / "0a1b2c3d").mkdir(parents=True)
    script = checkout.root / SCRIPT
    script.write_text(script.read_text().replace("/var/lib/cairn/sandboxes", str(hosts)))
    code, said = checkout.run(SCRIPT)
    assert code == 1
    assert "run `sudo make clean`" in said
    assert private.exists()
