"""`cairn render`: the files that a node's hosts would get."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cairn.cli.arguments import chosen_hosts, format_option, host_option, node_argument

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cairn.render.files import Placed


@click.command(short_help="Write the files that a node's hosts would get")
@node_argument
@click.option(
    "--to",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="Write them below this folder, as HOST/PATH; printed if absent.",
)
@host_option
@format_option("json")
def render(node: str, folder: Path | None, host: str | None, form: str) -> None:
    """Write the files that a node's hosts would get.

    Only files that follow from the spec alone; the roles add those that need a fact of the host.
    Changes nothing but the folder given with --to, which must be empty, new, or made by an
    earlier `cairn render`.
    """
    from cairn.cli import file_tree, screen  # noqa: PLC0415 - `cairn --help` pays for none of it

    placed = _rendered(node, host)
    if folder is not None:
        file_tree.write(folder, placed)
        screen.tell(f"{node}: {len(placed)} files written below {folder}")
    if form == "json":
        screen.say_json(
            {"node": node, "files": [_as_json(each) for each in placed]},
        )
    elif folder is None:
        for each in placed:
            screen.say_raw(_as_text(each))


def _rendered(node: str, host: str | None) -> Sequence[Placed]:
    from cairn.plan.derive import derive  # noqa: PLC0415 - `cairn --help` pays for none of it
    from cairn.render.files import render_plan  # noqa: PLC0415
    from cairn.spec.loader import load_node  # noqa: PLC0415
    from cairn.stack.places import places  # noqa: PLC0415

    document = load_node(node)
    plan = derive(document, places(document))
    chosen = dataclasses.replace(plan, hosts=chosen_hosts(plan, host))
    return tuple(render_plan(chosen))


def _as_json(placed: Placed) -> dict[str, object]:
    return {
        "host": placed.host,
        "role": placed.role,
        **dataclasses.asdict(placed.file),
        "digest": placed.file.digest,
    }


def _as_text(placed: Placed) -> str:
    file = placed.file
    head = f"==> {placed.host}:{file.path}  {file.mode} {file.owner}:{file.group}  {placed.role}"
    return f"{head}\n{file.content}\n"
