"""`cairn app`: from the folder of an app to the approval of each site, and to a run."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cairn.cli.arguments import format_option, node_argument
from cairn.cli.files import write_new
from cairn.errors import ApplyFailed, Misuse, PlanRefused

if TYPE_CHECKING:
    from cairn.apps.bundle import App
    from cairn.spec.document import Document

FILE = click.Path(path_type=Path, dir_okay=False)

_by = click.option("--by", required=True, metavar="MAIL", help="Who decides this; it is recorded.")
_digest = click.argument("digest", metavar="DIGEST")


@click.group(short_help="Build, sign, submit, approve and run apps of the federation")
def app() -> None:
    """Build, sign, submit, approve and run apps of the federation.

    An app is bytes with a SHA-256. Nothing of it is run on this computer.
    """


@app.command(short_help="Bundle the folder of an app into one file")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), required=True, metavar="FILE",
    help="The bundle (.fab); one that is there stays.",
)  # fmt: skip
@format_option("json")
def build(folder: Path, out: Path, form: str) -> None:
    """Bundle the folder of an app into one file.

    The same files give the same bytes on every computer. Writes FILE and nothing else.
    """
    from cairn.apps import bundle  # noqa: PLC0415 - help needs none of it

    made = bundle.build(folder)
    write_new(out, made.data)
    if not _said_as_json(form, {"app": made.digest, "file": str(out), **_called(made)}):
        click.echo(f"{out}: {made.title}, {len(made.data)} bytes")
        click.echo(f"  sha256:{made.digest}")


@app.command(short_help="Sign an app, so that sites see who vouches for it")
@click.argument("file", type=FILE)
@click.option(
    "--key", required=True, metavar="REFERENCE", envvar="CAIRN_REPORT_KEY",
    help="The private key that signs, file:PATH or pkcs11:...; CAIRN_REPORT_KEY names it too.",
)  # fmt: skip
def sign(file: Path, key: str) -> None:
    """Sign an app, so that sites see who vouches for it. Writes FILE.sig."""
    from cairn.apps import signature  # noqa: PLC0415 - help needs none of it
    from cairn.evidence import keys  # noqa: PLC0415

    made, signer = _read(file), keys.private(key)
    out = file.with_name(f"{file.name}{signature.SUFFIX}")
    write_new(out, signature.sign(made, signer))
    click.echo(f"{out}: {made.title}, signed by {keys.fingerprint(signer.public_key())}")


@app.command(short_help="Hand an app in at the hub")
@node_argument
@click.argument("file", type=FILE)
@_by
@format_option("json")
def submit(node: str, file: Path, by: str, form: str) -> None:
    """Hand an app in at the hub, with the signature that lies beside it. It is not run by this."""
    from cairn.apps import desk, signature  # noqa: PLC0415 - help needs none of it

    made, beside = _read(file), file.with_name(f"{file.name}{signature.SUFFIX}")
    signed = beside.read_bytes() if beside.exists() else b""
    sent = {
        **_called(made),
        "by": by,
        "data": b64encode(made.data).decode(),
        "signature": signed.decode(),
    }
    told = desk.told(_hub(node), "submit", feed=json.dumps(sent).encode())
    if not _said_as_json(form, told):
        signer = f"signed by {told['signed_by']}" if told["signed_by"] else "unsigned"
        click.echo(f"{node}: {made.title} is handed in, {signer}")
        click.echo(f"  sha256:{told['app']}")


@app.command(short_help="Let an app run on a node, on one data set and one permit")
@node_argument
@_digest
@click.option("--dataset", required=True, metavar="NAME", help="The data set that it may see.")
@click.option("--permit", required=True, metavar="NUMBER", help="The permit that it rests on.")
@click.option("--file", type=FILE, metavar="FILE", help="The app, to be held against DIGEST.")
@click.option(
    "--signer", type=FILE, metavar="FILE.pub",
    help="Public key of who must have signed; FILE.sig lies beside the app.",
)  # fmt: skip
@click.option("--yes", is_flag=True, help="Do not ask whether it is meant.")
@_by
@format_option("json")
def approve(  # noqa: PLR0913 - one parameter for each option
    *, node: str, digest: str, dataset: str, permit: str, file: Path | None,
    signer: Path | None, by: str, form: str, yes: bool,
) -> None:  # fmt: skip
    """Let an app run on a node, on one data set and one permit.

    Changes the list of approved apps on the host, and adds a line to its account. The approval
    ends with the permit; a second one for the same app replaces the first.
    """
    from cairn.apps import desk  # noqa: PLC0415 - help needs none of it
    from cairn.spec.loader import load_node  # noqa: PLC0415

    document, wanted = load_node(node), _whole(digest)
    ends = _permit_ends(document, permit, dataset)
    made, signed_by = _held(wanted, file, signer)
    _show(
        {
            "app": f"sha256:{wanted}",
            "called": made.title if made else "not looked at (--file)",
            "signed by": signed_by or "not looked at (--file and --signer)",
            "data set": f"{dataset} of {node}",
            "permit": f"{permit}, valid until {ends}",
            "by": by,
        }
    )
    if not yes:
        click.confirm("Let it run?", abort=True, err=True)
    words = ["--dataset", dataset, "--permit", permit, "--by", by, "--signed-by", signed_by]
    if made:
        words += ["--name", f"{made.publisher}/{made.name}", "--version", made.version]
    told = desk.told(document, "approve", wanted, *words)
    if not _said_as_json(form, told):
        click.echo(f"{node}: approved, until {told['permit_ends']}")


@app.command(short_help="Let an app run on a node no more")
@node_argument
@_digest
@_by
@format_option("json")
def revoke(node: str, digest: str, by: str, form: str) -> None:
    """Let an app run on a node no more.

    A task that has begun still ends; the next one is refused.
    """
    from cairn.apps import desk  # noqa: PLC0415 - help needs none of it
    from cairn.spec.loader import load_node  # noqa: PLC0415

    told = desk.told(load_node(node), "revoke", _whole(digest), "--by", by)
    if not _said_as_json(form, told):
        click.echo(f"{node}: sha256:{told['app']} no longer runs on {told['dataset']}")


@app.command("list", short_help="List the apps that a site approved, or that the hub has")
@node_argument
@format_option("json")
def list_apps(node: str, form: str) -> None:
    """List the apps that a site approved, or that the hub has. Changes nothing."""
    from cairn.apps import desk  # noqa: PLC0415 - help needs none of it
    from cairn.cli import screen  # noqa: PLC0415
    from cairn.spec.loader import load_node  # noqa: PLC0415

    document = load_node(node)
    told = desk.told(document, "list")
    if _said_as_json(form, told):
        return
    hub = ("name", "version", "by", "at", "signed_by")
    wanted = hub if desk.is_hub(document) else ("name", "dataset", "permit", "permit_ends", "by")
    rows = [(one["app"], *(str(one.get(word) or "-") for word in wanted)) for one in told["apps"]]
    if rows:
        screen.say(
            screen.table(rows, headings=("app", *(word.replace("_", " ") for word in wanted)))
        )
    else:
        click.echo(f"{node}: no app")
    for one in told["apps"]:
        if one.get("why"):
            click.echo(f"{one['app'][:12]}: {one['why']}")


@app.command(short_help="Run an app of the hub on the sites that approved it")
@node_argument
@_digest
@click.option(
    "--set", "settings", multiple=True, metavar="KEY=VALUE",
    help="A setting of the app, as in num-server-rounds=3; repeat it.",
)  # fmt: skip
@click.option("--no-wait", is_flag=True, help="Do not wait for the end.")
@_by
@format_option("json")
def run(  # noqa: PLR0913 - one parameter for each option
    *, node: str, digest: str, settings: tuple[str, ...], no_wait: bool, by: str, form: str
) -> None:
    """Run an app of the hub on the sites that approved it.

    Refused while fewer sites are there than hub.minimum_sites. It goes on without this computer;
    `cairn runs` tells what became of it. Exit code 4 if it fails.
    """
    from cairn.apps import desk  # noqa: PLC0415 - help needs none of it

    hub = _hub(node)
    words = [word for one in settings for word in ("--set", one)]
    told = desk.told(hub, "run", _whole(digest), "--by", by, *words)
    click.echo(f"{node}: run {told['run']} has started on {told['sites']} sites", err=True)
    if not no_wait:
        told = _waited(hub, told)
    if not _said_as_json(form, told):
        click.echo(f"{node}: run {told['run']}: {told['status']}")
        for name in told.get("results", ()):
            click.echo(f"  {told['folder']}/{name}")
    if told.get("ended") and told["status"] != "finished:completed":
        raise ApplyFailed(f"{node}: run {told['run']} did not succeed: {told.get('why') or '?'}")


@app.command(short_help="Copy the results of a run from the hub")
@node_argument
@click.argument("number", metavar="RUN")
@click.option(
    "--out", type=click.Path(path_type=Path), required=True, metavar="FOLDER",
    help="A new folder; one that is there stays.",
)  # fmt: skip
def fetch(node: str, number: str, out: Path) -> None:
    """Copy the results of a run from the hub.

    Writes the model, its card and its figures into a new folder, from the hub's bucket `results`
    or, where it has no storage, from its disk. `cairn results` compares them.
    """
    from cairn.apps import desk  # noqa: PLC0415 - help needs none of it

    files = desk.told(_hub(node), "fetch", number)["files"]
    try:
        out.mkdir(parents=True)
    except OSError as error:
        raise Misuse(f"{out} cannot be made: {error.strerror}; name a new folder") from None
    for name, text in files.items():
        write_new(out / Path(name).name, b64decode(text))
        click.echo(str(out / Path(name).name))


@app.command(short_help="Stop a run")
@node_argument
@click.argument("number", metavar="RUN")
@_by
def stop(node: str, number: str, by: str) -> None:
    """Stop a run.

    No node is asked for a further task. One that has begun goes on, for at most
    fl_agent.minutes_per_task of the node's spec, and its answer is dropped.
    """
    from cairn.apps import desk  # noqa: PLC0415 - help needs none of it

    desk.told(_hub(node), "stop", number, "--by", by)
    click.echo(f"{node}: run {number} is stopped")


def _waited(hub: Document, told: dict[str, Any]) -> dict[str, Any]:
    """Follow a run to its end, with its states on standard error."""
    from cairn.apps import desk  # noqa: PLC0415 - help needs none of it

    said = ""
    while not told["ended"]:
        if told["status"] != said:
            said = told["status"]
            click.echo(f"run {told['run']}: {said}", err=True)
        told = desk.told(hub, "wait", told["run"], said)
    return told


def _hub(name: str) -> Document:
    from cairn.apps import desk  # noqa: PLC0415 - help needs none of it
    from cairn.spec.loader import load_node  # noqa: PLC0415

    document = load_node(name)
    if not desk.is_hub(document):
        raise Misuse(f"{name} is no hub; apps are handed in and run at the hub of the federation")
    return document


def _read(file: Path) -> App:
    from cairn.apps import bundle  # noqa: PLC0415 - help needs none of it

    try:
        data = file.read_bytes()
    except OSError as error:
        raise Misuse(f"{file}: cannot be read: {error.strerror}") from None
    return bundle.read(data, str(file))


def _called(made: App) -> dict[str, str]:
    return {"name": f"{made.publisher}/{made.name}", "version": made.version}


def _whole(digest: str) -> str:
    """Return a digest as its 64 digits; a part of one could be of two apps."""
    found = digest.removeprefix("sha256:").lower()
    if len(found) != 64 or set(found) - set("0123456789abcdef"):  # noqa: PLR2004 - of a SHA-256
        raise Misuse("an app is named by its whole SHA-256, 64 digits; `cairn app list` has it")
    return found


def _permit_ends(document: Document, number: str, dataset: str) -> str:
    """Return the last day of a permit that covers a data set today."""
    permits = {one.id: one for one in getattr(document.spec, "permits", ())}
    if number not in permits:
        known = ", ".join(permits) or "none"
        raise Misuse(f"{document.spec.name} has no permit `{number}`; declared: {known}")
    permit = permits[number]
    if dataset not in permit.datasets:
        raise PlanRefused(f"permit {number} is for {', '.join(permit.datasets)}, not for {dataset}")
    if permit.expires < datetime.now(UTC).date():
        raise PlanRefused(f"permit {number} ended on {permit.expires}; name one that is valid")
    return str(permit.expires)


def _held(digest: str, file: Path | None, signer: Path | None) -> tuple[App | None, str]:
    """Hold a file against the digest, and its signature against a key, where they are given."""
    if file is None:
        if signer is not None:
            raise Misuse("--signer judges the signature beside the app; name the app with --file")
        return None, ""
    made = _read(file)
    if made.digest != digest:
        raise PlanRefused(f"{file} has the SHA-256 {made.digest}, which is another app")
    if signer is None:
        return made, ""
    from cairn.apps import signature  # noqa: PLC0415 - help needs none of it
    from cairn.evidence import keys  # noqa: PLC0415

    beside = file.with_name(f"{file.name}{signature.SUFFIX}")
    if not beside.exists():
        raise Misuse(f"{beside} is not there; ask for the signature, or leave --signer out")
    return made, signature.verify(made, beside.read_bytes(), keys.public(signer), beside)


def _show(words: dict[str, str]) -> None:
    for word, value in words.items():
        click.echo(f"  {word:<10} {value}", err=True)


def _said_as_json(form: str, told: object) -> bool:
    if form != "json":
        return False
    from cairn.cli import screen  # noqa: PLC0415 - help needs no screen

    screen.say_json(told)
    return True
