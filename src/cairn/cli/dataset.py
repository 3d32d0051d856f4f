"""`cairn dataset`: the frozen data sets of a node."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from cairn.cli.arguments import format_option, node_argument
from cairn.errors import VerifyFailed

if TYPE_CHECKING:
    from collections.abc import Mapping

_dataset = click.option(
    "--dataset", metavar="NAME", help="The data set; needed where the node has several."
)
_version = click.option(
    "--version", type=click.IntRange(min=1), metavar="N", help="The version; the newest if absent."
)


@click.group(short_help="Freeze data sets, and look after them")
def dataset() -> None:
    """Freeze data sets, and look after them.

    A data set is a cohort of the archive, copied into a bucket on the same host, with a manifest.
    No image and no pseudonym comes to this computer; `lend` alone sends copies to another node.
    """


@dataset.command(short_help="Make a cohort of the archive the next version of a data set")
@node_argument
@_dataset
@click.option(
    "--query", multiple=True, required=True, metavar="KEY=VALUE",
    help="What the images must have, as in Modality=CT or StudyDate=20200101-20211231; repeat it.",
)  # fmt: skip
@click.option("--permit", required=True, metavar="NUMBER", help="The permit that it rests on.")
@click.option("--anew", is_flag=True, help="Drop a freeze that was cut short and begin again.")
@format_option("json")
def freeze(  # noqa: PLR0913 - one parameter for each option
    node: str, dataset: str | None, query: tuple[str, ...], permit: str, form: str, *, anew: bool
) -> None:
    """Make a cohort of the archive the next version of a data set.

    Copies images from archive to storage on the host, reads them back, then writes the manifest.
    A freeze that was cut short goes on with the same command; earlier versions are not touched.
    """
    from cairn.datasets import jobs  # noqa: PLC0415 - help needs none of it
    from cairn.spec.loader import load_node  # noqa: PLC0415

    document = load_node(node)
    today = datetime.now(UTC).date()
    job = jobs.freeze(document, dataset=dataset, query=query, permit=permit, anew=anew, today=today)
    told = _done(node, job)
    if _said_as_json(form, told):
        return
    if not told["is_new"]:
        click.echo(f"{told['dataset']}: nothing changed since version {told['version']}")
        return
    click.echo(f"{told['dataset']}: version {told['version']} is frozen, {_amount(told)}")
    click.echo(f"  manifest  {told['digest']}")
    click.echo(f"  permit    {told['permit']['id']}, valid until {told['permit']['expires']}")


@dataset.command("list", short_help="List the data sets of a node and their versions")
@node_argument
@format_option("json")
def list_datasets(node: str, form: str) -> None:
    """List the data sets of a node and their versions. Changes nothing."""
    from cairn.cli import screen  # noqa: PLC0415 - help needs none of it
    from cairn.datasets import jobs  # noqa: PLC0415
    from cairn.spec.loader import load_node  # noqa: PLC0415

    told = _done(node, jobs.every(load_node(node), "list"))
    if _said_as_json(form, told):
        return
    rows = [
        (
            one["dataset"],
            str(each["version"]),
            each["frozen_at"],
            _amount(each),
            each["permit"]["id"],
        )
        for one in told["datasets"]
        for each in one["versions"]
    ]
    if rows:
        headings = ("data set", "version", "frozen", "holds", "permit")
        screen.say(screen.table(rows, headings=headings))
    for one in told["datasets"]:
        if one["is_unfinished"]:
            click.echo(
                f"{one['dataset']}: a freeze was cut short; the same command goes on with it"
            )
        elif not one["versions"]:
            click.echo(f"{one['dataset']}: nothing was frozen into it yet")


@dataset.command(short_help="Show what is in a version of a data set, in counts")
@node_argument
@_dataset
@_version
@format_option("json")
def show(node: str, dataset: str | None, version: int | None, form: str) -> None:
    """Show what is in a version of a data set, in counts. Changes nothing.

    Counts below search.minimum_cohort of the spec are not told.
    """
    told = _about(node, "show", dataset, version)
    if _said_as_json(form, told):
        return
    click.echo(f"{told['dataset']}, version {told['version']}, frozen {told['frozen_at']}")
    query = ", ".join(f"{key}={value}" for key, value in sorted(told["query"].items()))
    for word, value in {
        "holds": _amount(told),
        "query": query,
        "permit": f"{told['permit']['id']}, valid until {told['permit']['expires']}",
        "profile": " ".join(
            (told["deidentification"]["profile"], *told["deidentification"]["options"])
        ),
        "withdrawn": ", ".join(one["at"] for one in told["withdrawals"]) or "nobody",
        "manifest": told["digest"],
    }.items():
        click.echo(f"  {word:<10} {value}")
    least = told["summary"]["smallest_count"]
    for attribute, rows in told["summary"]["subjects_by"].items():
        counts = ", ".join(f"{value} {_count(number, least)}" for value, number in rows.items())
        click.echo(f"  {attribute:<17} {counts}")


@dataset.command(short_help="Read a version of a data set again and compare it with its manifest")
@node_argument
@_dataset
@_version
@format_option("json")
def verify(node: str, dataset: str | None, version: int | None, form: str) -> None:
    """Read a version of a data set again and compare it with its manifest.

    Changes nothing. Exit code 5 if something differs; which objects, stands on the host only.
    """
    told = _about(node, "verify", dataset, version)
    kinds = ("missing", "changed", "unlisted")
    differs = any(told[kind] for kind in kinds) or bool(told["broken_chain"])
    if not _said_as_json(form, told):
        name = f"{told['dataset']}, version {told['version']}"
        counts = ", ".join(f"{told[kind]} {kind}" for kind in kinds)
        click.echo(f"{name}: {told['objects']} objects read again: {counts}")
        if told["broken_chain"]:
            broken = ", ".join(str(number) for number in told["broken_chain"])
            click.echo(f"{name}: manifests do not follow from one another at version {broken}")
        if differs:
            place = f"/var/lib/cairn-freeze/work-{told['dataset']}/differences.json"
            click.echo(f"{name}: the keys of what differs are in {place} on the host")
    if differs:
        raise click.exceptions.Exit(VerifyFailed.exit_code)


@dataset.command(short_help="Take a subject who withdraws out of every data set")
@node_argument
@click.option(
    "--subject", required=True, metavar="PSEUDONYM",
    help="Who withdraws; `-` reads it from standard input, so that no shell remembers it.",
)  # fmt: skip
@click.option("--yes", is_flag=True, help="Do not ask whether it is meant.")
@format_option("json")
def withdraw(node: str, subject: str, form: str, *, yes: bool) -> None:
    """Take a subject who withdraws out of every data set.

    Deletes the subject's objects in all their versions, takes them out of all manifests, makes a
    new version of each data set that had some, and keeps later ones without. It cannot be undone.
    The archive still holds the images.
    """
    from cairn.datasets import jobs  # noqa: PLC0415 - help needs none of it
    from cairn.spec.loader import load_node  # noqa: PLC0415

    document = load_node(node)
    who = sys.stdin.readline().strip() if subject == "-" else subject
    if not yes:
        click.confirm("Delete all objects of this subject, for good?", abort=True, err=True)
    told = _done(node, {**jobs.every(document, "withdraw"), "subject": who})
    if _said_as_json(form, told):
        return
    for one in told["left"]:
        click.echo(f"{one['dataset']}: the subject left; version {one['version']} is without")
    if not told["left"]:
        click.echo(f"{node}: the newest version of no data set held the subject")
    click.echo(
        f"{node}: no later data set takes the subject in; the archive still holds the images"
    )
    for name, to in jobs.copies(document):
        click.echo(f"{name}: {to} may hold a copy; lend it anew, or `cairn dataset recall` it")


_by = click.option(
    "--by", required=True, metavar="WHO", help="Who does this, a mail address; it is written down."
)


@dataset.command(short_help="Lend a version of a data set to a compute node")
@node_argument
@click.argument("dataset", metavar="DATASET")
@_version
@click.option("--to", required=True, metavar="COMPUTE", help="The compute node.")
@_by
@format_option("json")
def lend(  # noqa: PLR0913 - one parameter for each option
    node: str, dataset: str, version: int | None, to: str, by: str, *, form: str
) -> None:
    """Lend a version of a data set to a compute node.

    The site consents under `copies` of the data set. Images leave the host, over TLS with
    certificates of the federation on both sides; the compute node then holds this version and no
    other, until the consent or its permit ends. The same command goes on where it was cut short.
    """
    from cairn.datasets import desk, jobs  # noqa: PLC0415 - help needs none of it
    from cairn.spec.loader import load_node  # noqa: PLC0415

    job = jobs.lend(
        load_node(node), dataset=dataset, version=version, to=to, by=by,
        today=datetime.now(UTC).date(),
    )  # fmt: skip
    told = _done(node, job, desk.LENDING)
    if _said_as_json(form, told):
        return
    what = f"{told['dataset']}: {to} holds version {told['version']}"
    sent = f"{told['sent']} objects sent, {told['bytes'] / 10**6:,.1f} MB"
    click.echo(f"{what}, {sent if told['is_new'] else 'as before'}")
    click.echo(f"  manifest  {told['digest']}")
    click.echo(f"  permit    {told['permit']['id']}, valid until {told['permit']['expires']}")
    click.echo(f"  consent   until {told['until']}, then {to} deletes it")


@dataset.command(short_help="Have a compute node delete its copy of a data set")
@node_argument
@click.argument("dataset", metavar="DATASET")
@click.option("--from", "of", required=True, metavar="COMPUTE", help="The compute node.")
@_by
@format_option("json")
def recall(node: str, dataset: str, of: str, by: str, form: str) -> None:
    """Have a compute node delete its copy of a data set.

    Waits until it says that nothing is left of it. What was trained with it stays.
    """
    from cairn.datasets import desk, jobs  # noqa: PLC0415 - help needs none of it
    from cairn.spec.loader import load_node  # noqa: PLC0415

    told = _done(node, jobs.recall(load_node(node), dataset=dataset, of=of, by=by), desk.LENDING)
    if _said_as_json(form, told):
        return
    was = told["was"]
    if was is None:
        click.echo(f"{told['dataset']}: {of} held no copy")
    else:
        click.echo(f"{told['dataset']}: {of} deleted its copy, version {was['version']}")


def _about(node: str, verb: str, dataset: str | None, version: int | None) -> dict[str, Any]:
    from cairn.datasets import jobs  # noqa: PLC0415 - help needs none of it
    from cairn.spec.loader import load_node  # noqa: PLC0415

    return _done(node, {**jobs.about(load_node(node), verb, dataset), "version": version})


def _done(node: str, job: Mapping[str, Any], program: str = "") -> dict[str, Any]:
    """Have a job done, with its progress on standard error."""
    from cairn.datasets import desk  # noqa: PLC0415 - help needs none of it
    from cairn.spec.loader import load_node  # noqa: PLC0415

    last: list[str] = []

    def tell(part: str, done: int, of: int) -> None:
        line = f"{part}: {done} of {of}"
        if [line] != last:
            last[:] = [line]
            click.echo(line, err=True)

    return desk.do(load_node(node), job, tell, program or desk.PROGRAM)


def _said_as_json(form: str, told: Mapping[str, Any]) -> bool:
    if form != "json":
        return False
    from cairn.cli import screen  # noqa: PLC0415 - help needs no screen

    screen.say_json(told)
    return True


def _amount(told: Mapping[str, Any]) -> str:
    """Return how much a version holds, as people say it."""
    return f"{told['objects']} objects, {told['size'] / 10**6:,.1f} MB"


def _count(number: int | None, least: int) -> str:
    return f"(fewer than {least})" if number is None else str(number)
