"""`cairn runs`: the account of a hub or a node, held against itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cairn.cli.arguments import format_option, node_argument

if TYPE_CHECKING:
    from cairn.apps.account import Line

#: What people look for in a line, after its time and event.
DETAILS = (
    *("dataset", "dataset_version", "node", "permit", "objects", "samples", "sites"),
    *("bytes_in", "bytes_out", "outcome", "why"),
)
#: Characters of a digest that tell apps apart at a glance.
SHORT = 12


@click.command(short_help="Show what was approved, run and refused on a node or the hub")
@node_argument
@click.option("--run", metavar="RUN", help="Only this run.")
@format_option("json")
def runs(node: str, run: str | None, form: str) -> None:
    """Show what was approved, run and refused on a node or the hub.

    Each line of the account holds the digest of the one before; exit code 5 if they do not follow
    from one another. Changes nothing. Keep the last digest elsewhere: it stands for all lines.
    """
    from cairn.apps import account, desk  # noqa: PLC0415 - help needs none of it
    from cairn.cli import screen  # noqa: PLC0415
    from cairn.spec.loader import load_node  # noqa: PLC0415

    lines, last = account.read(desk.ask(load_node(node), "runs"), node)
    shown = lines if run is None else account.of_run(lines, run)
    if form == "json":
        screen.say_json({"node": node, "lines": list(shown), "count": len(lines), "last": last})
        return
    if shown:
        headings = ("time", "event", "run", "app", "by", "details")
        screen.say(screen.table([_row(line) for line in shown], headings=headings))
    click.echo(f"{node}: {len(lines)} lines follow one another; the last is {last}")


def _row(line: Line) -> tuple[str, ...]:
    told = [word for word in DETAILS if line.get(word, "") != ""]
    details = [f"{word.replace('_', ' ')} {line[word]}" for word in told]
    who = line.get("by") or line.get("started_by") or "-"
    run, app = str(line.get("run", "-")), str(line.get("app", "-"))[:SHORT]
    return (line["at"], line["event"], run, app, who, ", ".join(details))
