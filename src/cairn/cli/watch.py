"""`cairn watch`: ask a node, keep the report, and tell what changed; made for a timer."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cairn import house
from cairn.cli.arguments import NodeName
from cairn.cli.report import publish_next, signing_key
from cairn.errors import Misuse, VerifyFailed

if TYPE_CHECKING:
    from cairn.evidence.publish import Published
    from cairn.spec.legal import Watch

UNITS = ("cairn-watch@.service", "cairn-watch@.timer")


@click.command(short_help="Ask a node, keep the report, and tell what changed")
@click.argument("node", type=NodeName(), metavar="[NODE]", required=False)
@signing_key
@click.option(
    "--units", type=click.Path(path_type=Path, file_okay=False), metavar="FOLDER",
    help="Write the systemd units that do this daily, and do nothing else.",
)  # fmt: skip
def watch(node: str | None, key: str | None, units: Path | None) -> None:
    """Ask a node, keep the report, and tell what changed.

    Makes the next report as `cairn report` does, writes each change of a verdict to the journal,
    posts them to compliance.watch.hook, and deletes reports older than compliance.watch.keep_days.
    Changes nothing on hosts. Exit code 5 if something is open, or the hook was not told.
    """
    if (node is None) == (units is None):
        raise click.UsageError("give the name of a node, or --units")
    if units is not None:
        _write_units(units)
    if node is not None:
        _watch(node, key)


def _watch(node: str, key: str | None) -> None:
    document, made = publish_next(node, (), key)
    _tell(made, document.spec.compliance.watch)
    if made.report.blocking:
        raise click.exceptions.Exit(VerifyFailed.exit_code)


def _tell(made: Published, settings: Watch) -> None:
    from cairn.cli import screen  # noqa: PLC0415 - help needs none of it
    from cairn.evidence import watch as told  # noqa: PLC0415

    above = made.folder.parent
    changed = told.changes(made.report, told.last_told(above))
    for one in changed:
        screen.tell(one.told)
    if not told.to_journal(made, changed):
        screen.tell("This computer has no systemd journal; nothing was written to it.")
    if settings.hook and changed:
        told.to_hook(settings.hook, made, changed)
    told.remember(made)
    for folder in told.put_away(above, settings.keep_days):
        screen.tell(f"Deleted report {folder.name}, older than {settings.keep_days} days.")


def _write_units(folder: Path) -> None:
    from cairn.render.files import fill  # noqa: PLC0415 - help needs none of it

    for name in UNITS:
        text = fill(f"watch/{name}.j2", {"house": house.root(), "user": getpass.getuser()})
        try:
            (folder / name).write_text(text, encoding="utf-8")
        except OSError as error:
            raise Misuse(f"{folder / name} cannot be written: {error.strerror}") from None
        click.echo(f"Wrote {folder / name}")
    click.echo("Then: systemctl daemon-reload; systemctl enable --now cairn-watch@NODE.timer")
