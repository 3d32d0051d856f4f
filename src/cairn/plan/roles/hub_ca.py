"""The certificate authority of a federation on its hub: step-ca, under an off-line root."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from cairn.artefacts.lock import locked
from cairn.plan.model import Account, Listener, PlannedFile, PlannedRole, Secret, Service
from cairn.plan.roles.trust import certificates
from cairn.spec.node import HubNode

if TYPE_CHECKING:
    from cairn.plan.context import Context

#: As folders and variables call it; a spec says `hub-ca`.
ROLE: Final = "hub_ca"
USER: Final = "cairn-ca"
FOLDER: Final = "/etc/cairn/hub"
#: On the loopback; what nodes reach passes through the hub's one public port.
PORT: Final = 9000
PROGRAM: Final = "/usr/local/libexec/cairn/step-ca"
UNIT: Final = f"/etc/systemd/system/{USER}.service"
#: Keys that the host makes and that never leave it.
KEY: Final = f"{FOLDER}/intermediate.key"
TOKEN_KEY: Final = f"{FOLDER}/token.key"
#: Signs invitations and the federation file.
FEDERATION_KEY: Final = f"{FOLDER}/federation.key"
FILES: Final = (f"{FOLDER}/chain.crt", f"{FOLDER}/settings.json", UNIT)


def plan(context: Context) -> PlannedRole:
    """Plan the authority; without a chain from the root it makes its request, and waits."""
    if not isinstance(context.spec, HubNode):
        raise TypeError(f"{context.spec.name} is no hub and runs `hub-ca`")
    hub = context.spec.hub
    chain = [pem for _, pem in certificates(context.document.hub_authority)]
    waits = f"step-ca: it waits for the root to sign {FOLDER}/intermediate.csr (`cairn hub`)"
    return PlannedRole(
        name=ROLE,
        variables={"hub_ca_domain": hub.domain, "hub_ca_signed": bool(chain)},
        settings={
            "chain": [*chain, *_lists(context)],
            "days": hub.certificate_days,
            "domain": hub.domain,
            "folder": FOLDER,
            "port": PORT,
            "program": PROGRAM,
            "user": USER,
        },
        files=tuple(PlannedFile(path, f"{ROLE}{path}.j2") for path in FILES),
        packages=("openssl",),
        services=(Service(f"{USER}.service", confined=True),) if chain else (),
        accounts=(Account(USER, "the certificate authority", login=False),),
        listeners=(Listener("127.0.0.1", PORT, "tcp", "step-ca"),) if chain else (),
        without=() if chain else (waits,),
        artefacts=(locked("step-ca"),),
        secrets=(Secret(KEY), Secret(TOKEN_KEY), Secret(FEDERATION_KEY)),
    )


def _lists(context: Context) -> list[str]:
    """Return what the roots withdrew, in PEM, as it stands below the chain."""
    return [
        found for text in context.document.hub_authority.values() for found in LIST.findall(text)
    ]


#: A list of certificates that were revoked, in PEM (RFC 7468 section 6).
LIST: Final = re.compile(r"-----BEGIN X509 CRL-----[^-]+-----END X509 CRL-----")
