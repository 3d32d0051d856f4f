"""`cairn verify`: the live hosts asked whether they are as planned."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import click

from cairn.cli.arguments import chosen_hosts, format_option, host_option, node_argument
from cairn.errors import PolicyError, VerifyFailed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import RenderableType

    from cairn.checks.verdicts import Finding, Judgement
    from cairn.plan.model import Plan


@click.command(short_help="Ask the live hosts whether they are as planned")
@node_argument
@host_option
@click.option("--brief", is_flag=True, help="Show only what needs attention.")
@format_option("json")
def verify(node: str, host: str | None, form: str, *, brief: bool) -> None:
    """Ask the live hosts whether they are as planned.

    One line for each expectation, with the reason and the remedy where it is not met. Reads the
    hosts over SSH and changes nothing on them; what can be tried is tried (is an undeclared
    connection really blocked). Exit code 5 if something is not as planned or could not be asked.
    """
    from cairn.cli import findings, screen  # noqa: PLC0415 - help needs neither

    plan, judgement = _asked(node, host)
    if not judgement.findings:
        raise PolicyError("the catalogue asks nothing of live hosts; nothing was verified")
    if form == "json":
        screen.say_json({"node": node, **findings.as_json(judgement)})
    else:
        _print(plan, judgement, everything=not brief)
    if judgement.blocking:
        raise click.exceptions.Exit(VerifyFailed.exit_code)


def _asked(node: str, host: str | None) -> tuple[Plan, Judgement]:
    from cairn.checks.live import verify_node  # noqa: PLC0415 - help needs none of it
    from cairn.cli import screen  # noqa: PLC0415
    from cairn.plan.derive import derive  # noqa: PLC0415
    from cairn.spec.loader import load_node  # noqa: PLC0415
    from cairn.stack.places import connections, places  # noqa: PLC0415

    document = load_node(node)
    whole = derive(document, places(document))
    plan = dataclasses.replace(whole, hosts=chosen_hosts(whole, host))
    names = ", ".join(each.name for each in plan.hosts)
    with screen.working(f"{node}: asking {names}") as progress:
        return plan, verify_node(document, plan, connections(document), progress=progress)


def _print(plan: Plan, judgement: Judgement, *, everything: bool) -> None:
    """Print the findings host by host, then the counts of all."""
    from cairn.cli import findings, screen  # noqa: PLC0415 - help needs neither

    for target in (plan.node, *(host.name for host in plan.hosts)):
        own = [each for each in judgement.findings if each.target == target]
        shown = _silent(own) or findings.lines(own, everything=everything)
        if shown is not None:
            screen.say(screen.text((target, "bold")), screen.indented(shown, 2), "")
    screen.say(findings.total(judgement))


def _silent(found: Sequence[Finding]) -> RenderableType | None:
    """Return one line for a host that answered nothing at all; None for one that did."""
    from cairn.checks.verdicts import Verdict  # noqa: PLC0415 - help needs neither
    from cairn.cli import screen  # noqa: PLC0415

    asked = [each for each in found if each.verdict is not Verdict.NOT_APPLICABLE]
    reasons = {each.message for each in asked}
    if len(reasons) != 1 or any(each.verdict is not Verdict.NOT_EVALUATED for each in asked):
        return None
    told = f"  none of {len(asked)} expectations could be asked\n"
    return screen.verdict(Verdict.NOT_EVALUATED) + screen.text(told, *reasons)
