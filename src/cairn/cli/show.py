"""`cairn show`: everything that follows from a spec, before anything happens."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import click

from cairn.cli.arguments import format_option, node_argument

if TYPE_CHECKING:
    from cairn.plan.model import Plan
    from cairn.spec.document import Document


@click.command(short_help="Show everything that follows from a spec")
@node_argument
@format_option("json", "mermaid", "svg")
def show(node: str, form: str) -> None:
    """Show everything that follows from a spec.

    Hosts and what runs on each, every allowed connection with its reason, accounts, packages,
    services and files, and what is left out. Changes nothing and asks no host. The formats
    mermaid and svg are diagrams of hosts and connections.
    """
    from cairn.cli import plan_mermaid, plan_svg, screen  # noqa: PLC0415 - each format pays for itself
    from cairn.plan.derive import derive  # noqa: PLC0415
    from cairn.spec.loader import load_node  # noqa: PLC0415
    from cairn.stack.places import places  # noqa: PLC0415

    document = load_node(node)
    plan = derive(document, places(document))
    if form == "json":
        screen.say_json(dataclasses.asdict(plan))
    elif form == "mermaid":
        screen.say_raw(plan_mermaid.flowchart(plan))
    elif form == "svg":
        screen.say_raw(plan_svg.picture(plan, document.spec.site.institution))
    else:
        _print(document, plan)


def _print(document: Document, plan: Plan) -> None:
    from cairn.cli import plan_text, screen  # noqa: PLC0415 - only text needs rich

    screen.say(plan_text.title(plan, document.spec.site))
    for host in plan.hosts:
        screen.say("", *plan_text.host_parts(host))
