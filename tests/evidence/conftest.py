"""Fixtures of the tests of reports."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cairn.evidence import build, formats
from evidence import samples

if TYPE_CHECKING:
    from cairn.evidence.build import Made


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """The first report of a node: two waivers, one thing wrong, one that could not be asked."""
    return build.build(samples.gathered(tmp_path_factory.mktemp("spec")))


@pytest.fixture(scope="module")
def source(made: Made) -> formats.Source:
    """What the formats are made of."""
    return formats.source(made)


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout of its own, with the real policies and templates."""
    root = Path(__file__).parents[2]
    for folder in ("templates", "policies"):
        (tmp_path / folder).symlink_to(root / folder)
    (tmp_path / "nodes").mkdir()
    monkeypatch.setenv("CAIRN_HOME", str(tmp_path))
    return tmp_path
