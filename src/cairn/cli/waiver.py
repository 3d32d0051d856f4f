"""`cairn waiver`: read the exceptions of a node, and sign them as who approves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cairn.cli.arguments import did_you_mean, node_argument
from cairn.errors import Misuse

if TYPE_CHECKING:
    from cairn.spec.document import Document
    from cairn.spec.legal import Waiver

_check = click.argument("check", metavar="CHECK")
_host = click.option("--host", metavar="HOST", help="The host it is for, where it names one.")


@click.group(short_help="Read and sign the exceptions of a node", no_args_is_help=True)
def waiver() -> None:
    """Read and sign the exceptions of a node.

    A waiver of a spec counts when a person whom a policy bundle names (approvers.yaml) has signed
    it, and did not ask for it. Changes nothing: the signature is printed, and goes into the spec.
    """


@waiver.command("list", short_help="List the waivers of a node, and whether each is approved")
@node_argument
def list_(node: str) -> None:
    """List the waivers of a node, and whether each is approved."""
    from cairn.checks import approvers, registry  # noqa: PLC0415 - help needs no checks
    from cairn.cli import screen  # noqa: PLC0415

    document = _document(node)
    named = registry.catalogue().approvers
    rows = [
        (
            one.check,
            one.host or node,
            str(one.expires),
            one.requested_by or "",
            one.approved_by,
            approvers.fault(named, node, one) or "approved",
        )
        for one in document.spec.compliance.waivers
    ]
    headings = ("check", "target", "last day", "asked for by", "approved by", "signature")
    screen.say(screen.table(rows, headings=headings) if rows else f"{node} has no waiver.")


@waiver.command(short_help="Print exactly what is signed")
@node_argument
@_check
@_host
def text(node: str, check: str, host: str | None) -> None:
    """Print exactly what is signed: canonical JSON, without a line end.

    Whoever approves without Cairn signs these bytes with `openssl pkeyutl -sign -rawin`.
    """
    from cairn.checks import approvers  # noqa: PLC0415 - help needs no checks

    said = approvers.signed_bytes(node, _chosen(_document(node), check, host))
    click.echo(said, nl=False)


@waiver.command(short_help="Sign a waiver with the key of who approves it")
@node_argument
@_check
@_host
@click.option(
    "--key", required=True, metavar="REFERENCE",
    help="Private Ed25519 key: `file:PATH`, of OpenSSH or in PEM, or `pkcs11:...`.",
)  # fmt: skip
def sign(node: str, check: str, host: str | None, key: str) -> None:
    """Sign a waiver with the key of who approves it.

    Shows what is signed and prints the line that goes into the waiver. The key has to be the one
    that a policy bundle names for `approved_by`; any change of the waiver makes it void.
    """
    from cairn.checks import approvers, registry  # noqa: PLC0415 - help needs no checks
    from cairn.cli import screen  # noqa: PLC0415
    from cairn.evidence import keys  # noqa: PLC0415

    chosen = _chosen(_document(node), check, host)
    signature = approvers.sign(node, chosen, keys.private(key, _passphrase))
    approved = chosen.model_copy(update={"signature": signature})
    fault = approvers.fault(registry.catalogue().approvers, node, approved)
    if fault:
        raise Misuse(f"{node}: the waiver of {check} would not count: {fault}")
    screen.tell(f"Signed, as {chosen.approved_by}: {approvers.signed_bytes(node, chosen).decode()}")
    screen.tell("Write this line into the waiver:")
    click.echo(f"signature: {signature}")


def _passphrase(file: str) -> str:
    return str(click.prompt(f"Passphrase of {file}", hide_input=True, err=True))


def _document(node: str) -> Document:
    from cairn.spec.loader import load_node  # noqa: PLC0415 - help needs no specs

    return load_node(node)


def _chosen(document: Document, check: str, host: str | None) -> Waiver:
    node, waivers = document.spec.name, document.spec.compliance.waivers
    found = [one for one in waivers if one.check == check.upper() and one.host == host]
    if found:
        return found[0]
    hosts = [one.host for one in waivers if one.check == check.upper() and one.host]
    if hosts:
        raise Misuse(f"{node} waives {check} on {', '.join(hosts)}; say with --host which is meant")
    known = {one.check for one in waivers}
    raise Misuse(f"{node} has no waiver of `{check}`; {did_you_mean(check.upper(), known)}")
