"""`cairn sandbox`: the throw-away hosts of this computer."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import click

from cairn.cli.arguments import format_option
from cairn.errors import Misuse

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cairn.sandbox import HostRecord

_names = click.argument("names", nargs=-1, metavar="[NODE[/HOST]]...")
_all = click.option("--all", "every", is_flag=True, help="All hosts of this checkout.")


@click.group(short_help="Manage the throw-away hosts of this computer")
def sandbox() -> None:
    """Manage the throw-away hosts of this computer.

    `cairn up` makes and starts the sandbox hosts of a node; these verbs are for the time between.
    All but `list` need root.
    """


@sandbox.command("list", short_help="List sandbox hosts and whether they run")
@click.option("--all", "every", is_flag=True, help="Also those of other checkouts.")
@format_option("json")
def list_hosts(form: str, *, every: bool) -> None:
    """List sandbox hosts and whether they run. Changes nothing."""
    from cairn import sandbox as hosts  # noqa: PLC0415 - help needs no sandbox
    from cairn.cli import screen  # noqa: PLC0415 - help needs no screen

    found = hosts.hosts(all_checkouts=every)
    if form == "json":
        screen.say_json({"hosts": [_as_json(record) for record in found]})
    elif found:
        rows = [_row(record, every=every) for record in found]
        headings = ("host", "state", "address", "system", *(["checkout"] if every else []))
        screen.say(screen.table(rows, headings=headings))
    else:
        screen.say("there is no sandbox host; `cairn up NODE` makes those of a node")


@sandbox.command(short_help="Make base images and package cache ahead of the first host")
@click.option(
    "--os",
    "systems",
    multiple=True,
    default=("debian-13",),
    show_default=True,
    help="Operating system to make a base image of; may be repeated.",
)
def prepare(systems: tuple[str, ...]) -> None:
    """Make base images and package cache ahead of the first host.

    Writes into the user's cache only, downloads some 80 MB, takes a minute or two the first time
    and nothing after that.
    """
    from cairn import sandbox as hosts  # noqa: PLC0415 - help needs no sandbox

    hosts.prepare(systems, progress=_tell)


@sandbox.command(short_help="Start sandbox hosts that were stopped")
@_names
@_all
def start(names: tuple[str, ...], *, every: bool) -> None:
    """Start sandbox hosts that were stopped, as they were last started.

    A host that runs is left running; its ways out are resolved anew.
    """
    from cairn import sandbox as hosts  # noqa: PLC0415 - help needs no sandbox

    for record in _chosen(names, every=every):
        hosts.start(
            record.node,
            record.host,
            os=record.os,
            memory=record.memory,
            volumes=record.volumes,
            egress=record.egress,
            progress=_tell,
        )
        _tell(f"{record.name} runs")


@sandbox.command(short_help="Power sandbox hosts off and keep what they wrote")
@_names
@_all
def stop(names: tuple[str, ...], *, every: bool) -> None:
    """Power sandbox hosts off and keep what they wrote."""
    from cairn import sandbox as hosts  # noqa: PLC0415 - help needs no sandbox

    for record in _chosen(names, every=every):
        hosts.stop(record.node, record.host)
        _tell(f"{record.name} is stopped")


@sandbox.command(short_help="Power sandbox hosts off and start them again")
@_names
@_all
def restart(names: tuple[str, ...], *, every: bool) -> None:
    """Power sandbox hosts off and start them again."""
    from cairn import sandbox as hosts  # noqa: PLC0415 - help needs no sandbox

    for record in _chosen(names, every=every):
        hosts.restart(record.node, record.host, progress=_tell)
        _tell(f"{record.name} runs again")


@sandbox.command(short_help="Remove sandbox hosts without trace")
@_names
@click.option(
    "--all",
    "every",
    is_flag=True,
    help="All hosts of this checkout, half-made ones too; their addresses are given up.",
)
@click.option("--orphans", is_flag=True, help="Hosts whose checkout is gone from this computer.")
@click.option(
    "--delete-data",
    metavar="NODE",
    help="Delete data volumes too; repeat the node's name to say that you mean it.",
)
def remove(
    names: tuple[str, ...],
    *,
    every: bool,
    orphans: bool,
    delete_data: str | None,
) -> None:
    """Remove sandbox hosts without trace.

    Data volumes stay under /var/lib/cairn/sandboxes unless their deletion is asked for. The
    state of `cairn up` is not touched: `cairn destroy NODE` is the way to remove a whole node.
    """
    from cairn import sandbox as hosts  # noqa: PLC0415 - help needs no sandbox

    if orphans:
        for name in hosts.remove_orphans(progress=_tell):
            _tell(f"{name} is removed")
    if every:
        for name in hosts.remove_all(delete_data_of=delete_data):
            _tell(f"{name} is removed")
    if delete_data and not (names or every):
        names = _of_node(delete_data)
        if not names:
            hosts.delete_data(delete_data)
            _tell(f"the data volumes of {delete_data} are deleted")
            return
    if names or not (orphans or every):
        for record in _chosen(names, every=False):
            hosts.remove(record.node, record.host, delete_data=delete_data == record.node)
            _tell(f"{record.name} is removed")


def _chosen(names: Sequence[str], *, every: bool) -> list[HostRecord]:
    from cairn import sandbox as hosts  # noqa: PLC0415 - help needs no sandbox

    if not names and not every:
        raise Misuse("name the hosts as NODE or NODE/HOST, or say --all")
    known = hosts.hosts()
    if every:
        return known
    for name in names:
        if not any(name in {record.node, record.name} for record in known):
            raise Misuse(f"there is no sandbox host `{name}`; see `cairn sandbox list`")
    return [record for record in known if {record.node, record.name} & set(names)]


def _of_node(node: str) -> tuple[str, ...]:
    from cairn import sandbox as hosts  # noqa: PLC0415 - help needs no sandbox

    return tuple(record.name for record in hosts.hosts() if record.node == node)


def _as_json(record: HostRecord) -> dict[str, Any]:
    return {
        **dataclasses.asdict(record),
        "state": _state(record),
        "log": str(record.log),
    }


def _row(record: HostRecord, *, every: bool) -> tuple[str, ...]:
    checkout = (record.checkout,) if every else ()
    return (record.name, _state(record), record.address, record.os, *checkout)


def _state(record: HostRecord) -> str:
    state = "runs" if record.runs else "stopped" if record.process is None else "died"
    return f"{state}, checkout gone" if record.is_orphan else state


def _tell(text: str) -> None:
    click.echo(text, err=True)
