"""All nodes at a glance, the broken ones too."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from click.testing import Result

    Run = Callable[..., Result]


def test_each_node_is_a_line(run: Run, lyon: Path) -> None:
    result = run("nodes")
    assert result.exit_code == 0
    assert "✓ lyon  data-provider  staging  imaging-1  Example Hospital, Lyon" in result.stdout


def test_a_broken_spec_is_listed_with_what_to_do(run: Run, lyon: Path) -> None:
    (lyon.parent / "broken.yaml").write_text("kind: [\n")
    result = run("nodes")
    assert result.exit_code == 2
    assert "does not load; see `cairn check broken`" in result.stdout
    assert "✓ lyon" in result.stdout


def test_a_program_reads_the_same(run: Run, lyon: Path) -> None:
    (node,) = json.loads(run("nodes", "--format", "json").stdout)["nodes"]
    assert node["node"] == "lyon"
    assert node["hosts"] == ["imaging-1"]
    assert node["problems"] == 0


def test_an_empty_checkout_says_how_to_begin(run: Run, checkout: Path) -> None:
    result = run("nodes")
    assert result.exit_code == 0
    assert "cairn new" in result.stdout


def test_a_pipe_gets_no_colours_and_no_blanks_at_line_ends(run: Run, lyon: Path) -> None:
    lines = run("nodes").stdout.splitlines()
    assert lines == [line.rstrip() for line in lines]
    assert not any("\x1b" in line for line in lines)
