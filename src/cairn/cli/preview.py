"""`cairn preview`: read what an `up` would do before it does it."""

from __future__ import annotations

import json
from typing import Literal

import click


@click.command(short_help="Show exactly what `cairn up` would change")
@click.argument("node")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text")
@click.option("--refresh", is_flag=True, help="Ask the hosts first, so that drift shows too.")
def preview(node: str, form: Literal["text", "json"], *, refresh: bool) -> None:
    """Show exactly what `cairn up` would change.

    Every file that would be written is shown as a unified diff against what the last `up` wrote;
    secrets are masked. Changes nothing; without --refresh no host is even asked.
    """
    from cairn.cli import change_text  # noqa: PLC0415 - `cairn --help` pays for no Pulumi
    from cairn.stack.preview import preview_changes  # noqa: PLC0415

    found = preview_changes(node, refresh=refresh)
    if form == "json":
        click.echo(json.dumps({"node": node, "changes": change_text.as_json(found)}, indent=2))
        return
    for line in change_text.lines(node, found):
        click.echo(line)
