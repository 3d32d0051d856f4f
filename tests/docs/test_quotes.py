"""A message that a runbook quotes is one that the code can say."""

from __future__ import annotations

import ast
import re
from functools import cache
from typing import TYPE_CHECKING

import pytest

from docs.pages import GUIDE, ROOT, RUNBOOKS, named, quotes

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

#: Stands for what only the moment knows.
GAP = "…"
#: `{{ x }}` of a role, `{x}` of a format, `$x` and `${x}` of a shell script.
VARIABLE = re.compile(r"\{\{.*?\}\}|\{[a-z_.]+\}|\$\{[^}]*\}|\$\(?[a-z_]\w*\)?|\$\d")
#: Shorter pieces stand in any text.
SHORTEST = 4


def of_python(path: Path) -> Iterator[str]:
    """Yield every text of a module, gaps where it fills something in."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            parts = [part.value if isinstance(part, ast.Constant) else GAP for part in node.values]
            yield "".join(map(str, parts))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


@cache
def said() -> str:
    """Return all that Cairn can say, in one line, gaps where it fills something in."""
    texts = [text for path in sorted(ROOT.glob("src/**/*.py")) for text in of_python(path)]
    for folder in ("roles", "tools"):
        files = sorted(path for path in (ROOT / folder).rglob("*") if path.is_file())
        texts += [path.read_text(encoding="utf-8") for path in files if path.suffix != ".pyc"]
    filled = VARIABLE.sub(GAP, "\n\n".join(texts))
    return " ".join(filled.replace('"\n            "', "").split())


def lost(quote: str) -> list[str]:
    pieces = [piece.strip() for piece in re.split(rf"{GAP}|\.\.\.", quote)]
    wanted = [piece for piece in pieces if len(piece) >= SHORTEST]
    return [piece for piece in wanted if piece not in said()] if wanted else [quote]


@pytest.mark.parametrize("page", [*GUIDE, *RUNBOOKS], ids=named)
def test_quoted_messages_are_those_of_the_code(page: Path) -> None:
    assert [piece for quote in quotes(page) for piece in lost(quote)] == []


def test_a_message_that_nobody_says_is_found() -> None:
    assert lost("the host at … has a headache; give it some rest") != []


@pytest.mark.parametrize("page", RUNBOOKS, ids=named)
def test_each_runbook_quotes_what_is_said(page: Path) -> None:
    assert quotes(page)
