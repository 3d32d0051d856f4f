"""`cairn drift`: find what was changed on the hosts by hand."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING, Literal

import click

from cairn.errors import VerifyFailed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cairn.stack.drift import Drift


@click.command(short_help="Find what was changed on the hosts by hand")
@click.argument("node")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text")
@click.option("--diff/--no-diff", default=True, help="Show what differs in files.")
def drift(node: str, form: Literal["text", "json"], *, diff: bool) -> None:
    """Find what was changed on the hosts by hand.

    Runs every role in Ansible's check mode and records the answer in the state, so that the next
    `cairn up` repairs it. Changes no host. Exit code 5 if something drifted.
    """
    from cairn.stack.drift import find_drift  # noqa: PLC0415 - `cairn --help` pays for no Pulumi

    click.echo(f"{node}: asking the hosts ...", err=True)
    found = find_drift(node)
    if form == "json":
        told = [dataclasses.asdict(each) for each in found]
        click.echo(json.dumps({"node": node, "drift": told}, indent=2))
    else:
        for line in _lines(node, found, diff=diff):
            click.echo(line)
    if found:
        raise click.exceptions.Exit(VerifyFailed.exit_code)


def _lines(node: str, found: tuple[Drift, ...], *, diff: bool) -> Iterator[str]:
    for each in found:
        place = click.style(f"{each.host}: {each.role}:", bold=True)
        yield f"{place} {each.task}" + (f": {each.what}" if each.what else "")
        if diff:
            yield from (f"    {line}" for line in each.diff.splitlines())
    if found:
        yield f"\n{node}: {len(found)} differences; `cairn up {node}` puts them right."
    else:
        yield f"{node}: no drift; the hosts are as the last `cairn up` left them."
