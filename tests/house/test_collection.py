"""Every function that looks like a test is one that pytest runs."""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def test_every_test_looking_function_is_collected() -> None:
    lost = []
    for path in ROOT.rglob("*.py"):
        tree = ast.parse(path.read_text())
        for node in tree.body:
            named = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            if named and node.name.startswith("test_") and not path.name.startswith("test_"):
                lost.append(f"{path.name}: {node.name} is in a file that pytest does not read")
            if (
                isinstance(node, ast.ClassDef)
                and any(
                    isinstance(inner, ast.FunctionDef) and inner.name.startswith("test_")
                    for inner in node.body
                )
                and not node.name.startswith("Test")
            ):
                lost.append(f"{path.name}: class {node.name} is not collected")
    assert lost == []


def test_no_test_is_without_an_assertion() -> None:
    silent = []
    for path in ROOT.rglob("test_*.py"):
        functions = [
            node
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        ]
        judges = {function.name for function in functions if _asserts(function)}
        silent += [
            f"{path.relative_to(ROOT)}: {function.name}"
            for function in functions
            if function.name.startswith("test_")
            and function.name not in judges
            and not _called(function) & judges
        ]
    assert silent == [], silent


def _called(function: ast.AST) -> set[str]:
    """Return the names of the functions of the same file that a test calls."""
    return {
        node.func.id
        for node in ast.walk(function)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }


def _asserts(function: ast.AST) -> bool:
    return any(
        isinstance(node, ast.Assert)
        or (isinstance(node, ast.Attribute) and node.attr in {"raises", "fail"})
        for node in ast.walk(function)
    )
