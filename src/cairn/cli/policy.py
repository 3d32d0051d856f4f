"""`cairn policy`: what is asked, why, on which demand, and what another bundle asks otherwise."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.shell_completion import CompletionItem

from cairn.cli.arguments import did_you_mean, format_option
from cairn.errors import Misuse

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cairn.checks.coverage import Share
    from cairn.checks.registry import Catalogue, Check


class CheckName(click.ParamType[str]):
    """The id of a check, in any case."""

    name = "check"

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Complete ids of the checks in force."""
        del ctx, param
        ids = (one.id for one in _in_force().checks)
        return [CompletionItem(one) for one in ids if one.startswith(incomplete.upper())]


def _in_force() -> Catalogue:
    from cairn.checks import registry  # noqa: PLC0415 - help needs no checks

    return registry.catalogue()


@click.group(short_help="Read what is asked of nodes, and on which demand", no_args_is_help=True)
def policy() -> None:
    """Read what is asked of nodes, and on which demand.

    The bundles in force are the policies of this checkout and the folders that CAIRN_POLICIES
    names; FOLDER@sha256:DIGEST holds a folder to its digest. Changes nothing.
    """


@policy.command("list", short_help="List bundles, checks, and thresholds that were loosened")
@format_option("json")
def list_(form: str) -> None:
    """List bundles, checks, and thresholds that were loosened."""
    from cairn.cli import screen  # noqa: PLC0415 - help needs no screen

    found = _in_force()
    loosened = [dataclasses.asdict(one) for one in found.parameters.loosened]
    if form == "json":
        screen.say_json(
            {
                "bundles": [_bundle(one) for one in found.bundles],
                "checks": [_fields(one) for one in found.checks],
                "loosened": [{**one, "expires": str(one["expires"])} for one in loosened],
            }
        )
        return
    for one in found.bundles:
        screen.say(screen.text((one.name, "bold"), f" {one.version}  {one.digest}"))
    for each in loosened:
        screen.say(
            screen.text(
                ("loosened ", "yellow"),
                f"{each['name']}: {each['before']} -> {each['after']} until {each['expires']} "
                f"by {each['approved_by']}: {each['reason']}",
            )
        )
    rows = [(one.id, str(one.moment), str(one.severity), one.title) for one in found.checks]
    screen.say("", screen.table(rows, headings=("check", "moment", "severity", "wanted")))


def _bundle(one: object) -> dict[str, str]:
    return {key: str(getattr(one, key)) for key in ("name", "version", "digest")}


def _fields(one: Check) -> dict[str, object]:
    return {
        "id": one.id,
        "title": one.title,
        "moment": str(one.moment),
        "severity": str(one.severity),
        "waivable": one.waivable,
        "applies": list(one.applies),
        "needs": list(one.needs),
        "supports": list(one.supports),
        "rationale": one.rationale,
        "remediation": one.remediation,
    }


@policy.command(short_help="Say why a check is asked, of whom, and what to do when it fails")
@click.argument("check", type=CheckName(), metavar="CHECK")
@format_option("json")
def explain(check: str, form: str) -> None:
    """Say why a check is asked, of whom, and what to do when it fails."""
    from cairn.cli import screen  # noqa: PLC0415 - help needs no screen

    found = _in_force()
    one = found.find(check.upper())
    if one is None:
        known = [each.id for each in found.checks]
        close = did_you_mean(check.upper(), known)
        hint = close if close.startswith("did") else "see `cairn policy list`"
        raise Misuse(f"there is no check `{check}`; {hint}")
    if form == "json":
        screen.say_json(_fields(one))
        return
    screen.say(screen.text((one.id, "bold"), f" {one.title}"), "")
    screen.say(*one.rationale.splitlines(), "")
    screen.say(screen.table(list(_explained(found, one))))


def _explained(found: Catalogue, one: Check) -> Iterator[tuple[str, str]]:
    import inspect  # noqa: PLC0415 - help needs none of it
    import re  # noqa: PLC0415

    from cairn.checks import controls, tightness  # noqa: PLC0415

    yield "asked of", f"the {one.moment}; {', '.join(one.applies)}"
    if one.needs:
        yield "needs", ", ".join(one.needs)
    yield "severity", f"{one.severity}, {'can' if one.waivable else 'cannot'} be waived"
    yield "remedy", one.remediation
    asked = re.findall(r'limits\.\w+\("(\w+)"\)', inspect.getsource(one.function))
    for name in dict.fromkeys(asked):
        yield "threshold", f"{name}: {tightness.told(found.parameters.values[name])}"
    demands = {
        (file.framework, demand.id): demand
        for file in controls.read(found)
        for demand in file.demands
    }
    for family, clause in (each for word in one.supports for each in controls.clauses(word)):
        demand = demands.get((family, clause))
        told = f" {demand.title} ({demand.status})" if demand else " (framework not listed in full)"
        yield "supports", f"{family} {clause}{told}"
    yield "written in", one.origin


@policy.command(short_help="Say how much of each framework is asked, and how much people answer")
@click.option("--write", is_flag=True, help="Write the page of all demands to docs/reference/.")
@format_option("json")
def coverage(form: str, *, write: bool) -> None:
    """Say how much of each framework is asked, and how much people answer.

    Shares are of the demands that apply. Changes nothing but the committed page, and only with
    --write.
    """
    from cairn import house  # noqa: PLC0415 - help needs none of it
    from cairn.checks import controls, registry  # noqa: PLC0415
    from cairn.checks import coverage as covered  # noqa: PLC0415
    from cairn.cli import screen  # noqa: PLC0415

    if write:
        ours = registry.load([house.root() / "policies"])
        (house.root() / covered.PAGE).write_text(covered.page(ours), encoding="utf-8")
        screen.tell(f"Wrote {covered.PAGE}")
        return
    found = _in_force()
    shares = [covered.share(one) for one in controls.read(found)]
    rest = covered.families_without_file(found)
    if form == "json":
        screen.say_json(
            {"frameworks": [dataclasses.asdict(one) for one in shares], "not_listed_in_full": rest}
        )
        return
    headings = ("apply", "automated", "in part", "by people", "unverified", "framework")
    screen.say(screen.table([_row(one) for one in shares], headings=headings))
    named = ", ".join(f"{name} ({count})" for name, count in rest.items())
    screen.say("", f"Clauses of frameworks that are not listed in full: {named}.")
    screen.say("Checks support demands; they fulfil none.")


def _row(one: Share) -> tuple[str, ...]:
    parts = (one.automated, one.partial, one.by_people)
    shares = (f"{count:3} {one.percent(count):3} %" for count in parts)
    return f"{one.applicable:5}", *shares, f"{one.unverified:4}", one.title


@policy.command(short_help="Say what one bundle asks otherwise than another")
@click.argument("old", type=click.Path(path_type=Path, file_okay=False), required=False)
@click.argument("new", type=click.Path(path_type=Path, file_okay=False), required=False)
@format_option("json")
def diff(old: Path | None, new: Path | None, form: str) -> None:
    """Say what one bundle asks otherwise than another.

    Without folders: what CAIRN_POLICIES adds to this checkout and changes in it. With two folders:
    what NEW asks otherwise than OLD, each whole by itself.
    """
    if (old is None) != (new is None):
        raise click.UsageError("give both folders, or none")
    from cairn import house  # noqa: PLC0415 - help needs none of it
    from cairn.checks import registry  # noqa: PLC0415
    from cairn.checks.difference import between  # noqa: PLC0415
    from cairn.cli import screen  # noqa: PLC0415

    before = registry.load([old or house.root() / "policies"])
    after = registry.load([new]) if new else _in_force()
    changes = between(before, after)
    if form == "json":
        screen.say_json({"changes": [dataclasses.asdict(one) for one in changes]})
    elif changes:
        screen.say(screen.table([(one.kind, one.what, one.told) for one in changes]))
    else:
        screen.say("Nothing is asked otherwise.")
