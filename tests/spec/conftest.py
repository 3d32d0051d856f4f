"""The sample of a spec, changed as a test wants it, and what the loader says about it."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import pytest

from cairn.errors import InvalidSpec
from cairn.spec.loader import load

if TYPE_CHECKING:
    from collections.abc import Callable

HERE = Path(__file__).parent
FIXTURES = HERE / "fixtures"
SAMPLE = (FIXTURES / "la-fe.yaml").read_text(encoding="utf-8")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give a test of `faults` the cases of the table that is named like its module."""
    if "faults" in metafunc.fixturenames:
        table = HERE / "faults" / f"{Path(metafunc.module.__file__).stem.removeprefix('test_')}.txt"
        cases = table.read_text(encoding="utf-8").split("\n## ")[1:]
        names = [case.partition("\n")[0] for case in cases]
        metafunc.parametrize("faults", [_case(case) for case in cases], ids=names)


def _case(text: str) -> tuple[list[tuple[str, str]], list[str]]:
    """Return the edits (what is replaced by what) and the lines that are said."""
    edits = [
        (_unmarked(match[1]), _unmarked(match[2]))
        for match in re.finditer(r"((?:^-.*\n)+)((?:^\+.*\n)+)", text, re.MULTILINE)
    ]
    return edits, re.findall(r"^> (.*)$", text, re.MULTILINE)


def _unmarked(lines: str) -> str:
    return "\n".join(line[2:] for line in lines.splitlines())


class Declare(Protocol):
    def __call__(
        self, *edits: tuple[str, str], text: str | bytes | None = None, name: str = "la-fe"
    ) -> Path: ...


@pytest.fixture
def declare(tmp_path: Path) -> Declare:
    """Write a spec beside its federation file; each edit replaces a text that is there once."""
    shutil.copy(FIXTURES / "demo.federation.json", tmp_path)

    def written(
        *edits: tuple[str, str], text: str | bytes | None = None, name: str = "la-fe"
    ) -> Path:
        content = SAMPLE if text is None else text
        for old, new in edits:
            assert isinstance(content, str)
            assert old in content
            content = content.replace(old, new, 1)
        path = tmp_path / f"{name}.yaml"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return written


@pytest.fixture
def said(declare: Declare, tmp_path: Path) -> Callable[..., list[str]]:
    """Load a spec and return the problems as lines without the folder; none if it loads."""

    def loaded(*edits: tuple[str, str], text: str | bytes | None = None) -> list[str]:
        try:
            load(declare(*edits, text=text))
        except InvalidSpec as error:
            return str(error).replace(f"{tmp_path}/", "").splitlines()
        return []

    return loaded
