"""The reference page of the command line, made of the verbs' own help.

`python -m cairn.cli.reference` writes it; a test compares it with the committed page.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cairn import house
from cairn.cli.main import cairn
from cairn.cli.verbs import SECTIONS

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Where the page is committed, below the checkout.
PAGE = "docs/reference/cli.md"
#: Columns that the help is wrapped at.
WIDTH = 92

_HEAD = """\
<!-- Made by `python -m cairn.cli.reference` from the verbs' own help. -->

# Command line

What each verb says about itself with `--help`.
"""
_FOOT = """\
## Completion

The shell completes verbs, options and names of nodes once one of these lines is in its start file:

| shell | line | file |
|---|---|---|
| bash | `eval "$(_CAIRN_COMPLETE=bash_source cairn)"` | `~/.bashrc` |
| zsh | `eval "$(_CAIRN_COMPLETE=zsh_source cairn)"` | `~/.zshrc` |
| fish | `_CAIRN_COMPLETE=fish_source cairn \\| source` | `~/.config/fish/config.fish` |
"""


def page() -> str:
    """Return the page: the overview, each verb by section with its sub-verbs, completion."""
    return "\n".join((_HEAD, *_parts(), _FOOT))


def _parts() -> Iterator[str]:
    with _context(cairn, "cairn") as context:
        yield _block(context)
        for title, verbs in SECTIONS.items():
            yield f"## {title}\n"
            for verb in verbs:
                command = cairn.get_command(context, verb.name)
                if command is not None:
                    yield from _command(context, verb.name, command, "###")


def _command(parent: click.Context, name: str, command: click.Command, level: str) -> Iterator[str]:
    with _context(command, name, parent) as context:
        yield f"{level} `{context.command_path}`\n"
        yield _block(context)
        if isinstance(command, click.Group):
            for each in command.list_commands(context):
                found = command.get_command(context, each)
                if found is not None:
                    yield from _command(context, each, found, f"{level}#")


def _block(context: click.Context) -> str:
    return f"```text\n{context.get_help()}\n```\n"


def _context(
    command: click.Command, name: str, parent: click.Context | None = None
) -> click.Context:
    return click.Context(
        command,
        parent,
        name,
        terminal_width=WIDTH,
        max_content_width=WIDTH,
        color=False,
        help_option_names=["-h", "--help"],
    )


def write() -> None:
    """Write the page."""
    target = house.root() / PAGE
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    write()
