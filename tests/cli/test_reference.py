"""The committed reference page is the help of the verbs."""

from __future__ import annotations

from pathlib import Path

from cairn.cli import reference
from cairn.cli.verbs import VERBS

ROOT = Path(__file__).parents[2]


def test_the_page_is_what_the_verbs_say() -> None:
    committed = (ROOT / reference.PAGE).read_text(encoding="utf-8")
    assert committed == reference.page(), "run `python -m cairn.cli.reference` and commit"


def test_the_page_has_every_verb() -> None:
    page = reference.page()
    assert all(f"### `cairn {name}`\n" in page for name in VERBS)


def test_no_line_of_help_is_wider_than_the_page() -> None:
    blocks = reference.page().split("```")[1::2]
    assert max(len(line) for block in blocks for line in block.splitlines()) <= reference.WIDTH
