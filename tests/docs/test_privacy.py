"""Pages name nobody's computer, no package registry and no real hospital."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from docs.pages import DOCS, PAGES, named

if TYPE_CHECKING:
    from pathlib import Path

FORBIDDEN = re.compile(
    r"/work/|/tmp/|/home/(?!amarin)|/Users/|pythonhoste[d]|pypi\.|proxy\.golang|registry\.npm|docker\.io"
    r"|quay\.io|ghcr\.|index-url",
    re.IGNORECASE,
)
ADDRESS = re.compile(r"[\w.-]+@([\w-]+(?:\.[\w-]+)+)")
#: Photographs are of a rehearsal, and were looked at; what they show cannot be searched.
DRAWN = [one for one in sorted(DOCS.glob("pictures/*")) if one.suffix != ".png"]
SHOWN = [*PAGES, *DRAWN, *sorted(DOCS.glob("guide/*.yaml"))]


@pytest.mark.parametrize("page", SHOWN, ids=named)
def test_no_path_of_somebodys_computer_and_no_registry(page: Path) -> None:
    assert FORBIDDEN.findall(page.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("page", SHOWN, ids=named)
def test_mail_addresses_are_made_up(page: Path) -> None:
    domains = ADDRESS.findall(page.read_text(encoding="utf-8"))
    real = [
        one for one in domains if not one.endswith((".example", "openssh.com", "0.0.12", ".timer"))
    ]
    assert real == []
