"""What a live host is asked by trying: the trials hold here, and notice when they should not."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from approval.federation import make_filter
from cairn import house

if TYPE_CHECKING:
    from pathlib import Path

TRY = """
import json, sys
from pathlib import Path
from cairn_approval import cell, proof
cell.FILTER = Path(sys.argv[1])
{harm}
print(json.dumps({{**proof.cell(), "gate": proof.gate()}}))
"""
SHOWN = "cell.command_of = _with(['--ro-bind', '/etc', '/etc'])"
WRITABLE = "cell.command_of = _with(['--tmpfs', '/data/proof'])"
WITH = """
plain = cell.command_of
def _with(more):
    def command(*given):
        words = plain(*given)
        at = words.index("--chdir")
        return [*words[:at], *more, *words[at:]]
    return command
"""


def tried(python: str, folder: Path, harm: str = "") -> dict[str, Any]:
    roles = [str(house.root() / "roles" / role / "files") for role in ("account", "approval")]
    code = TRY.format(harm=f"{WITH}\n{harm}")
    done = subprocess.run(
        [python, "-c", code, str(make_filter(folder))],
        env={"PYTHONPATH": ":".join(roles), "FLWR_TELEMETRY_ENABLED": "0"},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def test_all_trials_hold(python: str, tmp_path: Path) -> None:
    told = tried(python, tmp_path)
    assert set(told) == {"network", "files", "writing", "gate"}
    assert [word for word, (holds, _) in told.items() if not holds] == []


@pytest.mark.parametrize(("word", "harm"), [("files", SHOWN), ("writing", WRITABLE)])
def test_a_cell_that_is_open_is_noticed(python: str, tmp_path: Path, word: str, harm: str) -> None:
    told = tried(python, tmp_path, harm)
    assert not told[word][0], told


def test_without_its_filter_there_is_no_cell(python: str, tmp_path: Path) -> None:
    told = tried(python, tmp_path, "cell.FILTER = Path('/nowhere')")
    assert not told["network"][0]
    assert "run `cairn up`" in told["network"][1]
