"""Certificates for clients of a node: requests are judged here and signed on the host."""

from __future__ import annotations

import base64
import shlex
from typing import TYPE_CHECKING, Any, Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import NameOID

from cairn.checks.connect import connected
from cairn.errors import ApplyFailed, Misuse
from cairn.plan.context import Context
from cairn.plan.roles import certificate
from cairn.stack.places import connections, places

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cairn.spec.document import Document
    from cairn.spec.hosts import Host

PROGRAM: Final = "/usr/local/libexec/cairn/node-certificate"
#: DICOM PS3.15 B.12 (BCP 195): RSA keys have at least 2048 bits.
RSA_BITS: Final = 2048


def authority_of(document: Document, host: Host) -> str:
    """Return the certificate of a host's authority as PEM text.

    Raises:
        ApplyFailed: The host has none yet, or cannot be asked.
    """
    return _ask(document, host, f"cat {certificate.AUTHORITY}")


def sign(document: Document, host: Host, request: bytes, name: str | None = None) -> str:
    """Have a request signed on the host, which keeps the key of its authority.

    Args:
        document: The spec of the node.
        host: The host whose services the client is to reach.
        request: The request, PEM.
        name: Declared name of the client; the request's common name if absent.

    Returns:
        The certificate as PEM text, with the declared name for a subject.

    Raises:
        Misuse: The request is none, is weak, or names a client that the spec does not.
        ApplyFailed: The host did not sign.
    """
    found = _judged(request)
    client = name or _common_name(found)
    declared = certificate.clients(
        Context(document, host, places(document)[host.name]),
    )
    if client not in declared:
        known = ", ".join(declared) or "nobody"
        raise Misuse(
            f"{document.spec.name} declares no client `{client}`, only {known}; declare it in "
            "pacs.accepts or pacs.consumers, or name the one it is for with --name"
        )
    encoded = base64.b64encode(request).decode()
    command = f"printf %s {encoded} | base64 -d | {PROGRAM} sign {shlex.quote(client)}"
    return _ask(document, host, command)


def _judged(request: bytes) -> x509.CertificateSigningRequest:
    """Return a request that is one, by whoever has its key, and strong enough."""
    try:
        found = x509.load_pem_x509_csr(request)
        proved = found.is_signature_valid
        key = found.public_key()
    except ValueError:
        raise Misuse(
            "this is no certificate request; make one where the key is, with "
            "`openssl req -new -key FILE -subj /CN=NAME`, and give it as PEM"
        ) from None
    if not proved:
        raise Misuse("the request is not signed by its own key; make it anew")
    strong = isinstance(key, ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey) or (
        isinstance(key, rsa.RSAPublicKey) and key.key_size >= RSA_BITS
    )
    if not strong:
        raise Misuse(f"the key is too weak; use EC P-256, or RSA with {RSA_BITS} bits or more")
    return found


def _common_name(request: x509.CertificateSigningRequest) -> str:
    names = request.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(names[0].value) if names else ""


def _ask(document: Document, host: Host, command: str) -> str:
    ways: Mapping[str, dict[str, Any] | None] = connections(document)
    node = document.spec.name
    with connected(host.name, ways[host.name]) as shell:
        answer = shell.run(command)
    if answer.rc or "BEGIN CERTIFICATE" not in answer.stdout:
        reason = answer.stderr.strip().splitlines() or ["it gave no reason"]
        raise ApplyFailed(
            f"{node}: {host.name} gave no certificate ({reason[-1]}); "
            f"run `cairn up {node}`, then this again"
        )
    text: str = answer.stdout
    return text
