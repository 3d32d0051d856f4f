"""`cairn certificate`: give a client of a node its certificate."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from cairn.cli.arguments import did_you_mean, host_option, node_argument
from cairn.cli.files import write_new
from cairn.errors import Misuse

if TYPE_CHECKING:
    from cairn.spec.document import Document
    from cairn.spec.hosts import Host


@click.command(short_help="Give a client of a node its certificate")
@node_argument
@host_option
@click.option(
    "--csr", type=click.Path(path_type=Path), metavar="FILE",
    help="The client's request, PEM; its private key stays with it.",
)  # fmt: skip
@click.option(
    "--out", type=click.Path(path_type=Path), metavar="FILE",
    help="Where the certificate goes; a file that is there stays.",
)  # fmt: skip
@click.option("--name", metavar="NAME", help="The declared client, if the request names it not.")
@click.option("--authority", is_flag=True, help="Print the certificate that clients trust.")
def certificate(  # noqa: PLR0913 - one parameter for each option
    node: str,
    host: str | None,
    csr: Path | None,
    out: Path | None,
    name: str | None,
    *,
    authority: bool,
) -> None:
    """Give a client of a node its certificate.

    Has the client's request signed on the host, which keeps the key of its authority. Makes one
    file here and changes nothing on the host. The client is a
    modality of pacs.accepts (its title) or a consumer of pacs.consumers (its name). With
    --authority it prints what clients must trust, and signs nothing.
    """
    from cairn.spec.loader import load_node  # noqa: PLC0415 - help needs none of it
    from cairn.stack import certificates  # noqa: PLC0415

    if authority == (csr is not None) or (csr is None) != (out is None):
        raise click.UsageError("give --csr and --out together, or --authority alone")
    document = load_node(node)
    chosen = _host(document, host)
    if csr is None or out is None:
        click.echo(certificates.authority_of(document, chosen), nl=False)
        return
    write_new(out, certificates.sign(document, chosen, _read(csr), name).encode())
    click.echo(f"{node}: {out} is valid for {chosen.name}", err=True)


def _host(document: Document, name: str | None) -> Host:
    """Return the host that is meant: the named one, or the only one with services for clients."""
    from cairn.spec.roles import applied  # noqa: PLC0415 - help needs none of it

    issuing = {
        host.name: host for host in document.spec.hosts if "certificate" in applied(host.runs)
    }
    node = document.spec.name
    if not issuing:
        raise Misuse(f"no host of {node} has services for clients; let one run `pacs` or `storage`")
    if name is None and len(issuing) > 1:
        raise Misuse(f"{node} has {', '.join(issuing)}; say with --host which one is meant")
    if name is not None and name not in issuing:
        raise Misuse(f"{node} has no host `{name}` that issues; {did_you_mean(name, issuing)}")
    return issuing[name or next(iter(issuing))]


def _read(request: Path) -> bytes:
    try:
        return request.read_bytes()
    except OSError as error:
        raise Misuse(f"{request} cannot be read: {error.strerror}") from None
