"""`cairn hub`, second half: who belongs to the federation, and what the hub publishes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cairn.cli.arguments import NodeName, format_option
from cairn.cli.files import write_new
from cairn.errors import Misuse

if TYPE_CHECKING:
    from cairn.spec.document import Document

#: Longest and usual life of an invitation, in hours.
LONGEST_H, USUAL_H = 336, 72
FILE = click.Path(path_type=Path, dir_okay=False)

_hub = click.option(
    "--hub", "named", type=NodeName(), metavar="NAME",
    help="The hub; needed where nodes/ holds the specs of several.",
)  # fmt: skip
_node = click.argument("node", type=NodeName(), metavar="NODE")


@click.command(short_help="Fetch the request of a hub, for its root to sign")
@_hub
@click.option("--out", type=FILE, required=True, metavar="FILE", help="One that is there stays.")
def request(named: str | None, out: Path) -> None:
    """Fetch the request of a hub, for its root to sign.

    Writes what the hub made for the key of its intermediate, which stays there. Changes nothing on
    the hub. Carry the file to the root, and the chain back (`cairn hub intermediate`).
    """
    from cairn.federation import hub as desk  # noqa: PLC0415 - help needs none of it

    write_new(out, desk.request(_chosen(named)).encode())
    click.echo(f"{out} goes to the root; `cairn hub intermediate` signs it there")


@click.command(short_help="Invite a node, once")
@_node
@_hub
@click.option("--tier", type=click.IntRange(1, 3), default=3, show_default=True, help="Its tier.")
@click.option(
    "--stage", type=click.Choice(("production", "staging")), default="production",
    show_default=True, help="Its stage.",
)  # fmt: skip
@click.option(
    "--hours", type=click.IntRange(1, LONGEST_H), default=USUAL_H, show_default=True,
    help="How long the invitation counts.",
)  # fmt: skip
@click.option("--out", type=FILE, metavar="FILE", help="NODE.invitation.json here if absent.")
def invite(  # noqa: PLR0913 - one parameter for each option
    node: str, *, named: str | None, tier: int, stage: str, hours: int, out: Path | None
) -> None:
    """Invite a node, once.

    Writes a file with a one-time token, signed by the hub, and notes on the hub who is invited. The
    hospital puts it beside its spec and runs `cairn up`. An earlier invitation of the node that is
    still open counts no more. Until it is used, whoever has the file can enrol in the node's name.
    """
    from cairn.federation import hub as desk  # noqa: PLC0415 - help needs none of it

    document = _chosen(named)
    file = out or Path(f"{node}.invitation.json")
    if file.exists():
        raise Misuse(f"{file} is there already; name another file with --out, or remove it")
    _write_invitation(desk.invite(document, node, tier, stage, hours), file)


@click.command(short_help="Have a node that is enrolled make new keys")
@_node
@_hub
@click.option("--out", type=FILE, metavar="FILE", help="NODE.invitation.json here if absent.")
def rotate(node: str, named: str | None, out: Path | None) -> None:
    """Have a node that is enrolled make new keys.

    Writes an invitation for it. With its next `cairn up` the node makes both keys anew, and what it
    had before is revoked; until then it goes on as it is.
    """
    from cairn.federation import hub as desk  # noqa: PLC0415 - help needs none of it

    document = _chosen(named)
    found = {one["node"]: one for one in desk.nodes(document)}
    if found.get(node, {}).get("status") != "enrolled":
        raise Misuse(f"{node} is not enrolled; `cairn hub invite {node}` invites it")
    file = out or Path(f"{node}.invitation.json")
    if file.exists():
        raise Misuse(f"{file} is there already; name another file with --out, or remove it")
    told = desk.invite(document, node, found[node]["tier"], found[node]["stage"], USUAL_H)
    _write_invitation(told, file)


def _write_invitation(told: dict[str, Any], file: Path) -> None:
    write_new(file, (json.dumps(told, indent=2) + "\n").encode())
    file.chmod(0o600)
    click.echo(f"{file} counts once, until {told['expires']}")
    for fingerprint in told["authorities"]:
        click.echo(f"  root of the federation  {fingerprint}")
    click.echo("Read the fingerprint to the hospital on the telephone; the file is for it alone.")


@click.command("nodes", short_help="List the nodes of the federation")
@_hub
@format_option("json")
def list_nodes(named: str | None, form: str) -> None:
    """List the nodes of the federation. Changes nothing."""
    from cairn.cli import screen  # noqa: PLC0415 - help needs none of it
    from cairn.federation import hub as desk  # noqa: PLC0415

    found = desk.nodes(_chosen(named))
    if form == "json":
        screen.say_json(found)
        return
    rows = [
        (
            one["node"],
            one["status"],
            str(one["tier"]),
            one["stage"],
            one["last_seen"] or "never",
            one["certificate_ends"] or "",
            " ".join(f"{key} {value}" for key, value in one["versions"].items()),
        )
        for one in found
    ]
    if not rows:
        click.echo("nobody was invited yet; `cairn hub invite NODE`")
        return
    headings = ("node", "status", "tier", "stage", "last seen", "certificate ends", "runs")
    screen.say(screen.table(rows, headings=headings))


@click.command(short_help="Keep a node out for a time")
@_node
@_hub
def suspend(node: str, named: str | None) -> None:
    """Keep a node out for a time.

    The gate refuses it from now on; its certificate stays valid, and `cairn hub resume` lets it in.
    """
    _set("suspend", node, named, "is kept out from now on")


@click.command(short_help="Let a node that was suspended in again")
@_node
@_hub
def resume(node: str, named: str | None) -> None:
    """Let a node that was suspended in again."""
    _set("resume", node, named, "may come in again")


@click.command(short_help="End the membership of a node")
@_node
@_hub
@click.option("--yes", is_flag=True, help="Do not ask whether it is meant.")
def revoke(node: str, named: str | None, *, yes: bool) -> None:
    """End the membership of a node.

    Its certificates go on the list of those revoked, the gate refuses it at once, and runs it takes
    part in go on without it. It comes back with a new invitation only.
    """
    if not yes:
        click.confirm(f"Revoke {node} for good?", abort=True, err=True)
    _set("revoke", node, named, "is out, and its certificates are revoked")


def _set(verb: str, node: str, named: str | None, then: str) -> None:
    from cairn.federation import hub as desk  # noqa: PLC0415 - help needs none of it

    desk.ask(_chosen(named), verb, node)
    click.echo(f"{node} {then}")


@click.command(short_help="Write the federation file of a hub, signed")
@_hub
@click.option(
    "--out", type=FILE, metavar="FILE",
    help="nodes/FEDERATION.federation.json if absent; one that is there is replaced.",
)  # fmt: skip
@click.option(
    "--application", "applications", multiple=True, metavar="NAME=SHA256",
    help="An application that nodes may approve; repeat it.",
)  # fmt: skip
@click.option("--policies", metavar="SHA256", help="Digest of the consortium's policy bundle.")
def publish(
    named: str | None, out: Path | None, applications: tuple[str, ...], policies: str | None
) -> None:
    """Write the federation file of a hub, signed.

    It holds what nodes may know of the hub: addresses, roots, keys, approved applications.
    Nodes pin it by the fingerprint that this prints. Changes nothing on the hub.
    """
    from cairn import house  # noqa: PLC0415 - help needs none of it
    from cairn.federation import hub as desk  # noqa: PLC0415
    from cairn.spec.digest import digest_of  # noqa: PLC0415

    document = _chosen(named)
    listed = []
    for one in applications:
        name, equals, digest = one.partition("=")
        if not equals:
            raise Misuse(f"`{one}` names no application; write NAME=sha256:DIGEST")
        listed.append({"name": name, "digest": digest})
    told = desk.federation_file(document, listed, policies)
    file = out or house.root() / "nodes" / f"{told['name']}.federation.json"
    data = (json.dumps(told, indent=2) + "\n").encode()
    try:
        file.write_bytes(data)
    except OSError as error:
        raise Misuse(f"{file} cannot be written: {error.strerror}") from None
    click.echo(f"{file}  {digest_of(data)}")
    click.echo("Nodes write this fingerprint into federation.fingerprint, compared by telephone.")


def _chosen(named: str | None) -> Document:
    """Return the hub that is meant: the named one, or the only one there is."""
    from cairn.cli.arguments import specs  # noqa: PLC0415 - help needs none of it
    from cairn.spec.loader import load_node  # noqa: PLC0415

    if named:
        return load_node(named)
    hubs = [name for name, path in specs().items() if _is_hub(path)]
    if len(hubs) != 1:
        told = f"say with --hub which of {', '.join(hubs)}" if hubs else "there is no spec of one"
        raise Misuse(f"which hub is meant? {told}")
    return load_node(hubs[0])


def _is_hub(path: Path) -> bool:
    """Whether a spec says `kind: hub`, without judging the rest of it."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return False
    return any(line.split("#")[0].strip() == "kind: hub" for line in lines)


#: The verbs, in the order in which help lists them.
VERBS = (request, invite, list_nodes, rotate, suspend, resume, revoke, publish)
