"""`cairn hub`: a federation, of which the root never meets a network."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from cairn.cli import hub_nodes
from cairn.cli.files import write_new
from cairn.errors import Misuse

if TYPE_CHECKING:
    from cairn.federation.root import Root

FOLDER = click.Path(path_type=Path, file_okay=False)
FILE = click.Path(path_type=Path, dir_okay=False)

_root = click.option(
    "--root", "folder", type=FOLDER, required=True, metavar="FOLDER", help="The root's folder."
)
_passphrase = click.option(
    "--passphrase", metavar="REFERENCE",
    help="Where the passphrase of a key in a file stands, env:NAME or file:/path; asked for if "
    "absent.",
)  # fmt: skip


@click.group(short_help="Keep a federation: its root, and who belongs to it", no_args_is_help=True)
def hub() -> None:
    """Keep a federation: its root, and who belongs to it.

    The root signs twice in five years: run init, intermediate and withdraw on a computer without a
    network, and carry requests and certificates on a stick. The other verbs ask the hub over SSH.
    """


for _verb in hub_nodes.VERBS:
    hub.add_command(_verb)


@hub.command(short_help="Make the root of a federation, once")
@click.argument("folder", type=FOLDER)
@click.option("--federation", required=True, metavar="NAME", help="Name of the federation.")
@click.option(
    "--key", metavar="REFERENCE",
    help="Token that makes the key and keeps it, pkcs11:...; a key in a file if absent.",
)  # fmt: skip
@_passphrase
def init(folder: Path, federation: str, key: str | None, passphrase: str | None) -> None:
    """Make the root of a federation, once.

    Writes its key (encrypted, for its owner alone), its certificate and an empty list of what it
    withdrew into FOLDER. What is there stays.

    With --key the key pair is made in that token, under a label that is free there, and never
    leaves it; FOLDER gets the reference in place of the key. The reference names where the PIN
    stands (pin-source=env:NAME or file:/path), not the PIN.
    """
    from cairn.federation import root  # noqa: PLC0415 - help needs none of it

    if key is None:
        made = root.make(folder, federation, _read(passphrase, confirm=True))
        keep = (
            f"Copy {folder} to two sticks, keep them in two safes, keep the passphrase in a third\n"
            "place, and delete the folder here."
        )
    else:
        _refuse_passphrase(passphrase)
        made = root.make_in_token(folder, federation, key)
        keep = (
            f"Keep the token in one safe, its PIN in another, and {folder} on two sticks; it has\n"
            "no secret in it. The key has no copy, unless the maker of the token has a way for it."
        )
    click.echo(f"{folder / root.CERTIFICATE}  {root.fingerprint(made.certificate)}")
    click.echo(f"  valid until {made.certificate.not_valid_after_utc:%Y-%m-%d}")
    click.echo(f"{keep} The hub and its nodes need {root.CERTIFICATE} and {root.CRL} only.")


@hub.command(short_help="Sign the intermediate of a hub")
@click.argument("request", type=FILE, metavar="CSR")
@_root
@click.option("--domain", required=True, metavar="NAME", help="hub.domain of the hub's spec.")
@click.option(
    "--out", type=FILE, required=True, metavar="FILE", help="The chain; one that is there stays."
)
@_passphrase
def intermediate(
    request: Path, folder: Path, domain: str, out: Path, passphrase: str | None
) -> None:
    """Sign the intermediate of a hub.

    CSR is what the hub made for a key that never leaves it. Writes the certificate, the root's
    below it, and the root's list of what it withdrew. It is valid for five years, signs no
    authority, and only names below the domain.
    """
    from cairn.federation import root  # noqa: PLC0415 - help needs none of it

    asked = root.read_request(request)
    opened = _opened(folder, passphrase)
    made = root.sign_intermediate(opened, asked, domain)
    write_new(out, root.pem(made) + root.pem(opened.certificate) + root.read_list(folder))
    click.echo(f"{out}  {root.fingerprint(made)}")
    click.echo(
        f"  valid until {made.not_valid_after_utc:%Y-%m-%d}, for {domain} and names below it"
    )


@hub.command(short_help="Withdraw an intermediate")
@click.argument("certificate", type=FILE)
@_root
@_passphrase
def withdraw(certificate: Path, folder: Path, passphrase: str | None) -> None:
    """Withdraw an intermediate.

    Adds it to the list of the root's folder; carry the list to whoever verifies clients.
    """
    from cairn.federation import root  # noqa: PLC0415 - help needs none of it

    withdrawn = root.read_certificate(certificate)
    root.withdraw(folder, _opened(folder, passphrase), withdrawn)
    click.echo(f"{folder / root.CRL} names {withdrawn.serial_number:x}")


def _opened(folder: Path, passphrase: str | None) -> Root:
    from cairn.federation import root  # noqa: PLC0415 - help needs none of it

    if not root.is_in_token(folder):
        return root.read(folder, _read(passphrase))
    _refuse_passphrase(passphrase)
    return root.read(folder)


def _refuse_passphrase(reference: str | None) -> None:
    if reference is not None:
        raise Misuse("a key in a token has a PIN (pin-source) and no passphrase; leave it out")


def _read(reference: str | None, *, confirm: bool = False) -> str:
    from cairn.spec.references import value_of  # noqa: PLC0415 - help needs none of it

    if reference is None:
        return str(
            click.prompt(
                "Passphrase of the root", hide_input=True, confirmation_prompt=confirm, err=True
            )
        )
    if not reference.startswith(("env:", "file:")):
        raise Misuse("a passphrase is named as env:NAME or file:/path")
    try:
        return value_of(reference)
    except LookupError:
        raise Misuse(f"the passphrase cannot be read from {reference}") from None
