"""Every link of a page leads somewhere."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from docs.pages import DOCS, GUIDE, PAGES, ROOT, RUNBOOKS, headings, named

if TYPE_CHECKING:
    from pathlib import Path

LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


def anchors(page: Path) -> set[str]:
    every = [title for level in (1, 2, 3) for title in headings(page, level)]
    return {re.sub(r"[^a-z0-9 -]", "", title.lower()).replace(" ", "-") for title in every}


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_links_resolve(page: Path) -> None:
    lost = []
    for link in LINK.findall(page.read_text(encoding="utf-8")):
        if link.startswith(("http:", "https:", "mailto:")):
            continue
        target, _, anchor = link.partition("#")
        place = (page.parent / target).resolve() if target else page
        if not place.exists() or (anchor and anchor not in anchors(place)):
            lost.append(link)
    assert lost == []


@pytest.mark.parametrize("page", [*GUIDE, *RUNBOOKS], ids=named)
def test_the_overview_leads_to_each_page(page: Path) -> None:
    overview = DOCS / "README.md"
    links = LINK.findall(overview.read_text(encoding="utf-8"))
    assert str(page.relative_to(DOCS)) in links


def test_the_decisions_are_all_listed() -> None:
    folder = DOCS / "adr"
    listed = LINK.findall((folder / "README.md").read_text(encoding="utf-8"))
    assert sorted(listed) == sorted(page.name for page in folder.glob("0*.md"))


def test_decisions_have_their_three_parts() -> None:
    parts = {named(page): headings(page) for page in (DOCS / "adr").glob("0*.md")}
    odd = {page: found for page, found in parts.items() if found[:3] != WANTED}
    assert odd == {}
    assert (ROOT / "docs" / "limits.md").exists()


WANTED = ["Context", "Decision", "Consequences"]
