"""The hard limits of size that keep the house readable."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PYTHON = sorted(
    path
    for folder in ("src", "stacks", "policies", "roles", "federation")
    for path in (ROOT / folder).rglob("*.py")
)


@pytest.mark.parametrize("path", PYTHON, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_function_is_longer_than_fifty_lines(path: Path) -> None:
    long = [
        f"{node.name}: {node.end_lineno - node.lineno + 1} lines"
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.end_lineno is not None
        and node.end_lineno - node.lineno + 1 > 50
    ]
    assert long == []


def test_the_program_stays_under_twenty_lines() -> None:
    assert len((ROOT / "stacks" / "__main__.py").read_text().splitlines()) < 20


def test_the_readme_stays_within_a_hundred_and_fifty_lines() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) <= 150
