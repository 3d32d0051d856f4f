"""Fixtures of the tests of the engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from checks.trials import maker

if TYPE_CHECKING:
    from pathlib import Path

    from checks.trials import Maker


@pytest.fixture
def catalogue(tmp_path: Path) -> Maker:
    """Return a function that makes catalogues out of source text."""
    return maker(tmp_path)
