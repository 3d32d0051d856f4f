"""`cairn destroy`: remove what Cairn put on the hosts of a node."""

from __future__ import annotations

import sys

import click

from cairn.errors import ApplyFailed, Misuse


@click.command(short_help="Remove what Cairn put on the hosts of a node")
@click.argument("node")
@click.option("--yes", is_flag=True, help="Remove without asking.")
@click.option(
    "--delete-data",
    metavar="NODE",
    help="Delete the data volumes too; the node's name must be repeated here.",
)
def destroy(node: str, *, yes: bool, delete_data: str | None) -> None:
    """Remove what Cairn put on the hosts of a node.

    Changes hosts. Each role takes back what it installed where that is safe, and sandbox hosts
    are removed. Data volumes stay unless --delete-data repeats the name of the node; it deletes
    those of sandbox hosts, and on existing machines the declared buckets with all that is in them.
    """
    from cairn.stack import pulumi_cli  # noqa: PLC0415 - `cairn --help` pays for no Pulumi

    if delete_data is not None and delete_data != node:
        raise Misuse(
            f"--delete-data says `{delete_data}`, the node is `{node}`; "
            "repeat the node's name to delete its data"
        )
    if pulumi_cli.require(node):
        click.echo(f"{node}: broke a lock whose process is gone", err=True)
    fate = "and DELETE ITS DATA VOLUMES" if delete_data else "and keep its data volumes"
    if not yes and not sys.stdin.isatty():
        raise click.UsageError("nobody can be asked here; use --yes when you are sure")
    if not yes:
        click.confirm(f"Remove everything Cairn put on the hosts of {node}, {fate}?", abort=True)
    also = {"CAIRN_DELETE_DATA": delete_data} if delete_data else {}
    status = pulumi_cli.show("destroy", "--yes", "--skip-preview", node=node, also=also)
    if status:
        raise ApplyFailed(
            f"{node}: not everything was removed; mend the cause named above "
            f"and run `cairn destroy {node}` again."
        )
