"""What the models say about each key: the docstrings under their attributes, read when asked for.

pydantic can read them while it makes the classes, which every start of Cairn would pay for.
"""

from __future__ import annotations

import ast
import importlib
import inspect
from functools import cache

from cairn.spec.model import Declared


@cache
def docstrings(model: type[Declared]) -> dict[str, str]:
    """Return the docstring of each attribute of a model, those it inherits included."""
    found: dict[str, str] = {}
    for each in reversed(model.__mro__):
        if issubclass(each, Declared):
            found |= _of_module(each.__module__).get(each.__name__, {})
    return found


@cache
def _of_module(name: str) -> dict[str, dict[str, str]]:
    source = inspect.getsource(importlib.import_module(name))
    classes = (node for node in ast.parse(source).body if isinstance(node, ast.ClassDef))
    return {each.name: dict(_attributes(each)) for each in classes}


def _attributes(node: ast.ClassDef) -> list[tuple[str, str]]:
    pairs = zip(node.body, node.body[1:], strict=False)
    return [
        (before.target.id, inspect.cleandoc(after.value.value))
        for before, after in pairs
        if isinstance(before, ast.AnnAssign)
        and isinstance(before.target, ast.Name)
        and isinstance(after, ast.Expr)
        and isinstance(after.value, ast.Constant)
        and isinstance(after.value.value, str)
    ]
