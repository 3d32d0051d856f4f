"""`cairn report`: what an auditor gets, and whether it is still what was signed."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import CompletionItem

from cairn.cli.arguments import NodeName, specs
from cairn.errors import Misuse, VerifyFailed

if TYPE_CHECKING:
    from rich.text import Text

    from cairn.checks.verdicts import Verdict
    from cairn.evidence.gather import Gathered
    from cairn.evidence.model import Report
    from cairn.evidence.publish import Published
    from cairn.evidence.verify import Proven
    from cairn.spec.document import Document

#: Names the key that signs a report.
signing_key = click.option(
    "--key", metavar="REFERENCE", envvar="CAIRN_REPORT_KEY",
    help="The private key that signs, file:PATH or pkcs11:...; CAIRN_REPORT_KEY names it too.",
)  # fmt: skip
#: As `cairn.evidence.formats.FORMATS`, which help does not import; a test compares them.
FORMATS = ("html", "officer", "oscal", "oscal-component", "sarif", "junit")


class _OfNodes(click.Group):
    """Takes a first word that is none of its verbs for the name of a node."""

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command:
        """Return the verb of that name; for every other name, the making of a report."""
        return super().get_command(ctx, cmd_name) or make

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Leave the words of a call without a verb as they are."""
        if args[0] in self.commands:
            return super().resolve_command(ctx, args)
        return "", make, args

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Complete names of nodes beside the verbs."""
        nodes = [CompletionItem(name) for name in specs() if name.startswith(incomplete)]
        return [*nodes, *super().shell_complete(ctx, incomplete)]

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        """Say how a report is made; the verbs follow below."""
        return make.collect_usage_pieces(ctx)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options of a call without a verb, then the verbs."""
        with click.Context(make, ctx.parent, ctx.info_name) as own:
            click.Command.format_options(make, own, formatter)
        self.format_commands(ctx, formatter)


@click.group(
    cls=_OfNodes,
    short_help="Write what an auditor can verify off-line",
    no_args_is_help=True,
    context_settings={"ignore_unknown_options": True},
)
def report() -> None:
    """Write what an auditor can verify off-line.

    Judges spec and plan of a node, asks its live hosts as `cairn verify` does, and writes all
    answers into a new folder below .cairn/reports/NODE/: the report as data, the raw answers, and
    pages and files made of them. Signs it where a key is named. Changes nothing on hosts. With
    --fleet it asks nobody: it lays the newest reports of all nodes side by side. Exit code 5 if
    something is open.
    """


class _InPlaceOfTheGroup(click.Command):
    """Calls itself by the name of the group, because no name of its own was typed."""

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None = None,
        **extra: Any,  # noqa: ANN401 - click's own signature
    ) -> click.Context:
        """Make the context as if the group were not there."""
        if parent is not None and not info_name:
            info_name, parent = parent.info_name, parent.parent
        return super().make_context(info_name, args, parent, **extra)


@click.command(cls=_InPlaceOfTheGroup)
@click.argument("node", type=NodeName(), metavar="[NODE]", required=False)
@click.option("--fleet", is_flag=True, help="All nodes on one page, from their newest reports.")
@click.option(
    "--format", "wanted", multiple=True, type=click.Choice(FORMATS),
    help="What is made of the report; repeat it. All of them if absent.",
)  # fmt: skip
@signing_key
def make(node: str | None, wanted: tuple[str, ...], key: str | None, *, fleet: bool) -> None:
    """Make the report of a node, or of all."""
    if fleet == (node is not None):
        raise click.UsageError("give the name of a node, or --fleet")
    if node is None:
        if wanted:
            raise click.UsageError("--format is for the report of a node")
        _make_fleet()
        return
    _, made = publish_next(node, wanted, key)
    if made.report.blocking:
        raise click.exceptions.Exit(VerifyFailed.exit_code)


def publish_next(node: str, wanted: tuple[str, ...], key: str | None) -> tuple[Document, Published]:
    """Ask everything of a node and its live hosts, make the next report, and say what it is."""
    from cairn.evidence import keys, places, publish  # noqa: PLC0415 - help needs none of it

    # A key or an earlier report that will not do is told before hosts are asked.
    private = keys.private(key) if key else None
    publish.before(places.folder_of(node))
    found = _gather(node)
    made = publish.publish(found, wanted, private)
    _say(made)
    return found.document, made


def _gather(node: str) -> Gathered:
    from cairn.checks.live import verify_hosts  # noqa: PLC0415 - help needs none of it
    from cairn.cli import screen  # noqa: PLC0415
    from cairn.evidence.gather import gather  # noqa: PLC0415
    from cairn.plan.derive import derive  # noqa: PLC0415
    from cairn.spec.loader import load_node  # noqa: PLC0415
    from cairn.stack.places import connections, places  # noqa: PLC0415

    document = load_node(node)
    plan = derive(document, places(document))
    started = datetime.now(UTC).replace(microsecond=0)
    names = ", ".join(each.name for each in plan.hosts)
    with screen.working(f"{node}: asking {names}") as progress:
        hosts = verify_hosts(document, plan, connections(document), progress=progress)
    return gather(document, plan, hosts, started_at=started)


def _say(made: Published) -> None:
    from cairn.cli import screen  # noqa: PLC0415 - help needs no screen

    told = made.report
    screen.say(_total(told))
    if told.previous:
        changes = [one.change for one in told.questions]
        counts = ", ".join(f"{changes.count(kind)} {kind}" for kind in ("better", "worse", "new"))
        screen.say(f"  against report {told.previous.number}: {counts}")
    screen.say(f"  report {told.number} {made.digest}", f"  {_short(made.folder)}/")
    for name in sorted(made.files):
        screen.say(f"    {name}")
    if not made.signed:
        screen.tell(
            "It is not signed. `cairn report key FILE` makes a key; give it with --key file:FILE."
        )


def _total(told: Report) -> Text:
    """Return the line that sums up, as `cairn verify` has it."""
    from cairn.cli import screen  # noqa: PLC0415 - help needs no screen

    counts: dict[Verdict, int] = told.totals.verdicts
    parts = ", ".join(
        f"{count} {kind.replace('-', ' ')}" for kind, count in counts.items() if count
    )
    mark = screen.verdict("fail" if told.blocking else "pass", word=False)
    return mark + screen.text(" ", (told.node.name, "bold"), f"   {parts}")


def _make_fleet() -> None:
    from cairn.cli import screen  # noqa: PLC0415 - help needs none of it
    from cairn.evidence import fleet  # noqa: PLC0415

    made = fleet.publish(tuple(specs()), datetime.now(UTC))
    for one in made.fleet.nodes:
        kind = "not-evaluated" if one.missing else "fail" if one.blocking else "pass"
        mark = screen.verdict(kind, word=False)
        screen.say(mark + screen.text(" ", (one.name, "bold"), f"   {one.told}"))
    screen.say(f"  {_short(made.folder)}/fleet.html")
    if any(one.missing or one.blocking for one in made.fleet.nodes):
        raise click.exceptions.Exit(VerifyFailed.exit_code)


@report.command("verify", short_help="Tell whether a report is what was signed")
@click.argument("place", type=click.Path(path_type=Path), metavar="FILE")
@click.option(
    "--key", "key_file", type=click.Path(path_type=Path), metavar="PUB", required=True,
    help="The public key, PEM, got on another way than the report.",
)  # fmt: skip
@click.option(
    "--since", type=click.IntRange(min=1), default=1, metavar="N",
    help="The first report that has to be there; earlier ones were put away.",
)  # fmt: skip
def verify_report(place: Path, key_file: Path, since: int) -> None:
    """Tell whether a report is what was signed.

    FILE is a report's folder or a file in it, or the folder of all reports of a node: then also
    that none between the first and the last is missing. Asks nobody and changes nothing. Exit
    code 5 if anything was altered, cut short, added, left out, or signed by another key.
    """
    from cairn.cli import screen  # noqa: PLC0415 - help needs none of it
    from cairn.evidence import chain, keys, places, verify  # noqa: PLC0415

    if not place.exists():
        raise Misuse(f"{place}: is not there")
    folder = place if place.is_dir() else place.parent
    key = keys.public(key_file)
    single = (folder / places.REPORT).exists() or (folder / places.STATEMENT).exists()
    proven: tuple[Proven, ...] = (
        (verify.report(folder, key),) if single else chain.reports(folder, key, since=since)
    )
    for one in proven:
        told = one.report
        screen.say(
            screen.verdict("pass", word=False)
            + screen.text(" ", (f"report {told.number} of {told.node.name}", "bold"))
            + screen.text(f"   {told.made_at}  {one.digest}  {_open(told)}")
        )
    screen.say(f"  signed by {keys.fingerprint(key)}")
    if not single:
        screen.say(
            f"  none is missing from {proven[0].report.number} to {proven[-1].report.number}"
        )


def _open(told: Report) -> str:
    return f"{told.blocking} of {told.totals.questions} questions open"


@report.command("key", short_help="Make a key that signs reports")
@click.argument("file", type=click.Path(path_type=Path), metavar="FILE")
@click.option(
    "--of", "reference", metavar="REFERENCE",
    help="Make none: write the public half of this key, as of one in hardware, to FILE.",
)  # fmt: skip
def make_key(file: Path, reference: str | None) -> None:
    """Make a key that signs reports.

    Writes an Ed25519 key to FILE, readable by its owner alone, and its public half to FILE.pub,
    which is for auditors. A file that is there stays.
    """
    from cairn.evidence import keys  # noqa: PLC0415 - help needs none of it

    if reference:
        known = keys.private(reference).public_key()
        keys.write_public(known, file)
        click.echo(f"{file} is for auditors: {keys.fingerprint(known)}")
        return
    public = keys.make(file)
    click.echo(f"{file} signs: keep it, and name it with --key file:{file}")
    click.echo(f"{public} is for auditors: {keys.fingerprint(keys.public(public))}")


def _short(path: Path) -> str:
    """Return a path as a person would type it here."""
    return os.path.relpath(path) if path.is_relative_to(Path.cwd()) else str(path)
