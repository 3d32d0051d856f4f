"""`cairn unlock`: who holds the lock of a node, and how to break one left behind."""

from __future__ import annotations

import click

from cairn.errors import ApplyFailed


@click.command(short_help="Show who holds the lock of a node, and break a lock left behind")
@click.argument("node")
@click.option("--force", is_flag=True, help="Break the lock although its process runs.")
def unlock(node: str, *, force: bool) -> None:
    """Show who holds the lock of a node, and break a lock left behind.

    Changes the state's lock, no host. A lock whose process still runs on this computer, or was
    taken on another one, or lies in a backend that is not local, is broken only with --force.
    """
    from cairn.stack import locks, pulumi_cli  # noqa: PLC0415 - `cairn --help` pays for no Pulumi

    pulumi_cli.require_known(node)
    found = locks.held(node)
    for lock in found:
        click.echo(f"{node}: locked by {lock}")
    if locks.local_backend() is None and not force:
        raise ApplyFailed(
            f"{node}: who holds a lock in this backend cannot be seen from here; "
            "ask your colleagues, then use --force"
        )
    if locks.local_backend() is not None and not found:
        click.echo(f"{node}: not locked")
        return
    if any(not lock.here or lock.holder_lives for lock in found) and not force:
        raise ApplyFailed(
            f"{node}: not unlocked, somebody may be at work; "
            "wait for that process, or use --force when you are sure"
        )
    pulumi_cli.unlock(node)
    click.echo(f"{node}: unlocked")
