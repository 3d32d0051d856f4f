"""The site's own certificate authorities, in the trust store of a host."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from cairn.plan.model import PlannedFile, PlannedRole

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from cairn.plan.context import Context

ROLE: Final = "trust"
#: Where Debian looks for anchors of the site (update-ca-certificates(8)); ours begin with `cairn-`.
FOLDER: Final = "/usr/local/share/ca-certificates"
TEMPLATE: Final = f"{ROLE}{FOLDER}/cairn-anchor.crt.j2"


def plan(context: Context) -> PlannedRole:
    """Plan the trust store of one host: one file for each certificate that the spec names."""
    return PlannedRole(
        name=ROLE,
        files=tuple(
            PlannedFile(f"{FOLDER}/cairn-{name}.crt", TEMPLATE, settings={"certificate": pem})
            for name, pem in certificates(context.document.anchors)
        ),
        packages=("ca-certificates",),
    )


def certificates(anchors: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield each certificate with a name of its own, since the trust store wants one a file.

    Args:
        anchors: PEM text by name; one text may hold several certificates.

    Yields:
        Name and PEM text in the form of RFC 7468, without what people wrote around it.
    """
    for name, text in sorted(anchors.items()):
        found = x509.load_pem_x509_certificates(text.encode())
        for number, certificate in enumerate(found, 1):
            pem = certificate.public_bytes(Encoding.PEM).decode().rstrip("\n")
            yield (name if len(found) == 1 else f"{name}+{number}"), pem
