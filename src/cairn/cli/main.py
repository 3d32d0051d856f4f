"""The `cairn` command."""

from __future__ import annotations

import io
import os
import sys

import click

from cairn import __version__
from cairn.cli.group import Verbs

EPILOG = """\b
Exit codes: 0 fine, 1 a mistake in Cairn, 2 spec or usage, 3 refused by
            policy, 4 apply failed, 5 findings open on live hosts,
            130 interrupted.

\b
The shell completes verbs and nodes after
eval "$(_CAIRN_COMPLETE=bash_source cairn)"   (or zsh_source, fish_source)."""


@click.group(
    cls=Verbs,
    epilog=EPILOG,
    no_args_is_help=True,
    subcommand_metavar="VERB [ARGS]...",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.option(
    "--color/--no-color",
    default=None,
    help="Colours always or never; by default on a terminal, unless NO_COLOR is set.",
)
@click.version_option(__version__, prog_name="cairn", message="%(prog)s %(version)s")
@click.pass_context
def cairn(ctx: click.Context, *, color: bool | None) -> None:
    """Cairn sets up the nodes of a federated cancer-imaging infrastructure from YAML specs.

    A spec in nodes/NAME.yaml describes a node. Read what follows from it (check, show, render,
    preview), then make it so (up), then ask the hosts themselves (verify, drift).
    """
    ctx.color = False if color is None and os.environ.get("NO_COLOR") else color


def main() -> None:
    """Run the command line; what the `cairn` script calls."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal without UTF-8 shows `?`
    cairn.main(prog_name="cairn")
