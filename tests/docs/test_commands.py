"""Verbs, options and targets that a page names are there."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

import click
import pytest

from cairn.cli.main import cairn
from docs.pages import DOCS, PAGES, ROOT, code, named

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

#: What separates commands on a line, and the marks around one inside an output.
BETWEEN = re.compile(r"&&|\|\|?|;|\$\(|`")
#: A command with what may stand before it, up to a remark, a redirection or the column beside it.
COMMAND = re.compile(
    r"(?:[$#] )?(?:\w+=\S+ )*(?:sudo (?:-E )?)?(?:xargs (?:-\w \d+ )*)?(?:\.venv/bin/)?"
    r"cairn ((?:(?! {2,}| #| \d?>|[<)…]).)+)"
)
TARGET = re.compile(r"(?:sudo )?make ([a-z]+)\b")
#: What stands for a verb in a sentence about all of them.
ANY = {"VERB", "..."}


def typed(page: Path) -> Iterator[str]:
    """Yield what is typed after `cairn`, wherever a page shows it as code."""
    for part in parts(page):
        found = COMMAND.match(part)
        if found:
            yield found[1].strip().rstrip(".,;:")


def parts(page: Path) -> Iterator[str]:
    """Yield the single commands of all code of a page."""
    for text in code(page):
        yield from (part.strip() for part in BETWEEN.split(text))


def fault(words: list[str]) -> str | None:
    """Return why the command line does not take these words, or None; nothing is run."""
    if words[0] in ANY or words[0].startswith("-"):
        return None
    with click.Context(cairn, **cairn.context_settings) as above:
        command = cairn.get_command(above, words[0])
        rest = words[1:]
        while isinstance(command, click.Group) and rest:
            command, rest = command.get_command(above, rest[0]), rest[1:]
        if command is None:
            return "there is no such verb"
        try:
            command.make_context(words[0], [w for w in rest if w != "--help"], parent=above)
        except (click.MissingParameter, click.exceptions.NoArgsIsHelpError):
            return None  # a sentence may speak of a verb without its arguments
        except click.UsageError as error:
            return error.format_message()
    return None


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_verbs_and_options_exist(page: Path) -> None:
    wrong = [(line, why) for line in typed(page) if (why := fault(shlex.split(line)))]
    assert wrong == []


def test_a_verb_and_an_option_that_do_not_exist_are_found() -> None:
    assert fault(["uup", "lyon"]) is not None
    assert fault(["up", "lyon", "--yess"]) is not None
    assert fault(["show", "lyon", "--format", "pdf"]) is not None


def test_the_guide_shows_commands_at_all() -> None:
    pages = [page for page in PAGES if page.parent.name == "guide"]
    assert [named(page) for page in pages if not list(typed(page))] == []


def test_the_guide_speaks_of_every_verb() -> None:
    spoken = {line.split()[0] for page in DOCS.glob("*/*.md") for line in typed(page)}
    with click.Context(cairn, **cairn.context_settings) as above:
        assert set(cairn.list_commands(above)) - spoken == set()


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_targets_of_make_exist(page: Path) -> None:
    known = set(re.findall(r"(?m)^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8")))
    wanted = {found[1] for part in parts(page) if (found := TARGET.match(part))}
    assert wanted - known == set()
