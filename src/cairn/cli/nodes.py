"""`cairn nodes`: all nodes of this checkout at a glance."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import click

from cairn.cli.arguments import format_option, specs
from cairn.errors import InvalidSpec

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.text import Text


@dataclasses.dataclass(frozen=True, slots=True)
class Line:
    """What is told about one node; only its name and problems where the spec does not load."""

    node: str
    kind: str = ""
    stage: str = ""
    institution: str = ""
    hosts: tuple[str, ...] = ()
    problems: int = 0


@click.command(short_help="List all nodes and whether their specs load")
@format_option("json")
def nodes(form: str) -> None:
    """List all nodes and whether their specs load.

    One line for each spec in nodes/. Changes nothing. Exit code 2 if a spec does not load.
    """
    from cairn.cli import screen  # noqa: PLC0415 - help needs no screen

    found = [_line(node) for node in specs()]
    if form == "json":
        screen.say_json({"nodes": [dataclasses.asdict(line) for line in found]})
    elif found:
        _print(found)
    else:
        screen.say("there is no spec in nodes/ yet; `cairn new NAME` writes one")
    if any(line.problems for line in found):
        raise click.exceptions.Exit(InvalidSpec.exit_code)


def _line(node: str) -> Line:
    from cairn.spec.loader import load_node  # noqa: PLC0415 - help needs no loader

    try:
        spec = load_node(node).spec
    except InvalidSpec as error:
        return Line(node, problems=len(error.problems))
    hosts = tuple(host.name for host in spec.hosts)
    return Line(node, spec.kind, spec.stage, spec.site.institution, hosts)


def _print(found: Sequence[Line]) -> None:
    from cairn.cli import screen  # noqa: PLC0415 - help needs no screen

    screen.say(
        screen.table(
            [_row(line) for line in found],
            headings=("  node", "kind", "stage", "hosts", "institution"),
        )
    )


def _row(line: Line) -> tuple[str | Text, ...]:
    from cairn.cli import screen  # noqa: PLC0415 - help needs no screen

    mark = screen.verdict("fail" if line.problems else "pass", word=False)
    name = mark + screen.text(" ", (line.node, "bold"))
    if line.problems:
        told = f"does not load; see `cairn check {line.node}`"
        return name, "", "", "", screen.text((told, "red"))
    return name, line.kind, line.stage, ", ".join(line.hosts), line.institution
