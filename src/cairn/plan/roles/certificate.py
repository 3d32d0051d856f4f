"""The authority of a host and the certificate of its services; keys are made there and stay."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Any, Final

from cairn.plan.model import PlannedFile, PlannedRole, Secret, Service
from cairn.plan.roles.trust import certificates
from cairn.spec.node import DataProviderNode

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cairn.plan.context import Context
    from cairn.spec.imaging import Pacs

ROLE: Final = "certificate"
FOLDER: Final = "/etc/cairn/pki"
#: What other roles use. The keys are root's alone; the rest may be read by everybody.
AUTHORITY: Final = f"{FOLDER}/authority.crt"
CERTIFICATE: Final = f"{FOLDER}/node.crt"
KEY: Final = f"{FOLDER}/node.key"
AUTHORITY_KEY: Final = f"{FOLDER}/authority.key"
#: The same for DICOM, with an RSA key: what the cipher suites of PS3.15 B.12 ask for.
DICOM_CERTIFICATE: Final = f"{FOLDER}/dicom.crt"
DICOM_KEY: Final = f"{FOLDER}/dicom.key"
#: The authorities of clients: the host's own and those of `pacs.tls.client_authorities`.
CLIENTS: Final = f"{FOLDER}/clients.crt"
#: A role that uses the certificate plans a file of its own name here, with lines `reload UNIT` or
#: `restart UNIT`: what is done when there is a new one.
RELOAD: Final = f"{FOLDER}/reload.d"
TIMER: Final = "cairn-certificate.timer"
#: The consumer that the agent on the same host is.
AGENT: Final = "fl-agent"

#: CA/Browser Forum Baseline Requirements 6.3.2: at most 398 days; one is left for clocks.
DAYS: Final = 397
AUTHORITY_DAYS: Final = 3650
FILES: Final = (
    f"{FOLDER}/client-names",
    f"{FOLDER}/openssl.cnf",
    f"{FOLDER}/receiver-names",
    f"{FOLDER}/site-authorities.crt",
    "/etc/systemd/system/cairn-certificate.service",
    f"/etc/systemd/system/{TIMER}",
)


def plan(context: Context) -> PlannedRole:
    """Plan the authority and the certificate of one host."""
    return PlannedRole(
        name=ROLE,
        settings=_settings(context),
        files=tuple(PlannedFile(path, f"{ROLE}{path}.j2") for path in FILES),
        packages=("openssl",),
        services=(
            Service(TIMER),
            Service("cairn-certificate.service", active=False, confined=True),
        ),
        secrets=(Secret(KEY), Secret(AUTHORITY_KEY), Secret(DICOM_KEY)),
    )


def _settings(context: Context) -> dict[str, Any]:
    pacs = _pacs(context)
    return {
        "authority_days": AUTHORITY_DAYS,
        "days": DAYS,
        "names": [*_names(context)],
        "clients": clients(context),
        "receivers": [one.aet for one in (pacs.accepts if pacs else ()) if "move" in one.may],
        "authorities": list(certificates(context.document.client_authorities)),
    }


def _names(context: Context) -> Iterator[str]:
    """Yield the names that the services answer to, as `subjectAltName` of x509v3_config(5)."""
    yield from (f"DNS:{name}" for name in (context.host.name, context.spec.name, "localhost"))
    for address in (context.place.address, "127.0.0.1"):
        if _is_address(address):
            yield f"IP:{address}"


def _is_address(text: str) -> bool:
    try:
        return bool(ipaddress.ip_address(text))
    except ValueError:
        return False


def _pacs(context: Context) -> Pacs | None:
    return context.spec.pacs if isinstance(context.spec, DataProviderNode) else None


def clients(context: Context) -> list[str]:
    """Return who may get a certificate: modalities by title, consumers by name, the agent."""
    pacs = _pacs(context)
    agent = [AGENT] if AGENT in context.host.runs else []
    if pacs is None:
        return agent
    modalities = [modality.aet for modality in pacs.accepts]
    return [*modalities, *(consumer.name for consumer in pacs.consumers), *agent]
