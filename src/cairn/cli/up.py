"""`cairn up`: make the hosts of a node as its spec says."""

from __future__ import annotations

import sys

import click


@click.command(short_help="Make the hosts of a node as its spec says")
@click.argument("node")
@click.option("--yes", is_flag=True, help="Apply without asking; for scripts and timers.")
@click.option("--refresh", is_flag=True, help="Ask the hosts first and repair what drifted.")
def up(node: str, *, yes: bool, refresh: bool) -> None:
    """Make the hosts of a node as its spec says.

    Changes hosts. Shows what would change and asks; with --yes it applies at once. The same as
    `pulumi up -s NODE`. Interrupted work is kept, and the next `up` goes on from there.
    """
    from cairn.cli import change_text  # noqa: PLC0415 - `cairn --help` pays for no Pulumi
    from cairn.errors import ApplyFailed  # noqa: PLC0415
    from cairn.stack import pulumi_cli  # noqa: PLC0415
    from cairn.stack.admission import admit  # noqa: PLC0415
    from cairn.stack.places import require_running  # noqa: PLC0415
    from cairn.stack.preview import preview_changes  # noqa: PLC0415

    if yes:
        document = admit(node).document
        if refresh:
            require_running(document)
        if pulumi_cli.prepare(node):
            click.echo(f"{node}: broke a lock whose process is gone", err=True)
    elif not sys.stdin.isatty():
        raise click.UsageError("nobody can be asked here; read `cairn preview`, then use --yes")
    else:
        found = preview_changes(node, refresh=refresh)
        for line in change_text.lines(node, found):
            click.echo(line)
        if not found:
            return
        click.confirm("Apply this?", abort=True)
    options = ("--refresh",) if refresh else ()
    status = pulumi_cli.show("up", "--yes", "--skip-preview", *options, node=node)
    if status:
        raise ApplyFailed(
            f"{node}: not everything was applied; what was done is kept. "
            f"Mend the cause named above and run `cairn up {node}` again."
        )
    click.echo(f"{node} is as its spec says; `cairn verify {node}` shows each expectation.")
