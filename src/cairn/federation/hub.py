"""Asks the hub of a federation, as root over SSH: who belongs to it, and what it signs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from cairn.errors import Misuse
from cairn.spec.node import HubNode
from cairn.spec.signatures import signed_bytes
from cairn.stack import orders
from cairn.stack.places import places

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from cairn.spec.document import Document
    from cairn.spec.hosts import Host

PROGRAM: Final = "/usr/local/libexec/cairn/hub-registry"
REQUEST: Final = "/etc/cairn/hub/intermediate.csr"
#: What a spec lets the host of the authority run.
AUTHORITY: Final = "hub-ca"


def host_of(document: Document) -> Host:
    """Return the host of the authority and of the register.

    Raises:
        Misuse: The node is no hub, or has no such host.
    """
    for host in document.spec.hosts:
        if isinstance(document.spec, HubNode) and AUTHORITY in host.runs:
            return host
    raise Misuse(f"{document.spec.name} has no host that runs `{AUTHORITY}`; name the hub's node")


def ask(document: Document, *words: str, data: bytes = b"") -> str:
    """Have the register of a hub do one thing and return what it says.

    Args:
        document: The hub.
        words: Verb and names; none of them is a secret.
        data: Standard input.

    Raises:
        ApplyFailed: The hub cannot be reached, or refuses.
        Misuse: The node is no hub.
    """
    return orders.ask(
        document,
        host_of(document).name,
        f'exec {PROGRAM} "$@"',
        *words,
        feed=data,
        absent="it keeps no register yet; have the root sign it (docs/guide/root.md) and run "
        "`cairn up`",
    )


def request(document: Document) -> str:
    """Return the request of a hub for its root, in PEM.

    Raises:
        ApplyFailed: The hub cannot be reached, or has made none.
        Misuse: The node is no hub.
    """
    script = f"[ -e {REQUEST} ] || exit {orders.ABSENT}; cat {REQUEST}"
    absent = "it made no request yet; run `cairn up` first"
    return orders.ask(document, host_of(document).name, script, absent=absent)


def nodes(document: Document) -> list[dict[str, Any]]:
    """Return the nodes of the federation as the register has them."""
    return [json.loads(line) for line in ask(document, "list").splitlines()]


def signed(document: Document, content: Mapping[str, Any]) -> dict[str, Any]:
    """Return content with the signature of the federation's key, which stays on the hub."""
    return {**content, "signature": ask(document, "sign", data=signed_bytes(content)).strip()}


def invite(document: Document, node: str, tier: int, stage: str, hours: int) -> dict[str, Any]:
    """Return a signed invitation for one node; it holds a one-time token.

    Args:
        document: The hub.
        node: Name of the node.
        tier: 1 to 3.
        stage: `production` or `staging`.
        hours: How long it counts.
    """
    from datetime import UTC, datetime  # noqa: PLC0415

    made = json.loads(ask(document, "invite", node, str(tier), stage, str(hours)))
    return signed(
        document,
        {
            "invitation_version": 1,
            "federation": federation_name(document),
            "node": node,
            "name": f"{node}.{made['domain']}",
            "hub": made["domain"],
            "authorities": fingerprints(document),
            "expires": _iso(datetime.fromtimestamp(made["ends"], UTC)),
            "token": made["token"],
        },
    )


def _iso(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def federation_name(document: Document) -> str:
    """Return the name of the federation: the first label of the hub's domain that says it."""
    spec = document.spec
    if not isinstance(spec, HubNode):
        raise Misuse(f"{spec.name} is no hub")
    return spec.hub.federation or spec.name.removesuffix("-hub")


def roots(document: Document) -> list[str]:
    """Return the roots of the federation in PEM: what `hub.authority` has besides intermediates."""
    from cryptography import x509  # noqa: PLC0415 - help needs none of it
    from cryptography.hazmat.primitives.serialization import Encoding  # noqa: PLC0415

    found = [
        certificate
        for text in document.hub_authority.values()
        for certificate in x509.load_pem_x509_certificates(text.encode())
    ]
    return [one.public_bytes(Encoding.PEM).decode() for one in found if one.issuer == one.subject]


def fingerprints(document: Document) -> list[str]:
    """Return the SHA-256 of each root, as people compare them."""
    from cryptography import x509  # noqa: PLC0415 - help needs none of it
    from cryptography.hazmat.primitives import hashes  # noqa: PLC0415

    found = [x509.load_pem_x509_certificate(pem.encode()) for pem in roots(document)]
    return [f"sha256:{one.fingerprint(hashes.SHA256()).hex()}" for one in found]


def federation_file(
    document: Document, applications: Iterable[Mapping[str, str]] = (), policies: str | None = None
) -> dict[str, Any]:
    """Return what the hub publishes of itself, signed.

    Args:
        document: The hub.
        applications: Name and digest of each application that nodes may approve.
        policies: Digest of the consortium's policy bundle.
    """
    spec = document.spec
    if not isinstance(spec, HubNode):
        raise Misuse(f"{spec.name} is no hub")
    domain, address = spec.hub.domain, places(document)[host_of(document).name].address
    ends = {
        "fl": (domain, "Federated-learning agents fetch their tasks and return model updates"),
        "ca": (f"ca.{domain}", "Hosts have their certificates signed and renewed"),
    }
    told: dict[str, Any] = {
        "federation_version": 1,
        "name": federation_name(document),
        "hub": spec.name,
        "domain": domain,
        "endpoints": [
            {"name": name, "host": host, "port": 443, "protocol": "tcp", "tls": spec.hub.tls,
             "why": why}
            for name, (host, why) in ends.items()
        ],
        "addresses": {host: address for host, _ in ends.values()},
        "ca_certificates": roots(document),
        "keys": [ask(document, "key").strip()],
        "applications": [dict(one) for one in applications],
    }  # fmt: skip
    if policies:
        told["policies"] = policies
    return signed(document, told)
