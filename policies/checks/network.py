"""The network that a spec declares: nothing goes out or comes in that is not named."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from cairn.checks.registry import check
from cairn.checks.subjects import is_rehearsal
from cairn.checks.verdicts import MANUAL, NOT_APPLICABLE, At, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cairn.checks.parameters import Parameters
    from cairn.checks.verdicts import Answer, Findings
    from cairn.spec.document import Document
    from cairn.spec.hosts import Host
    from cairn.spec.network import Zones

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def _as_network(text: str) -> Network | None:
    """Return the network that a destination is; None for a host name."""
    try:
        return ipaddress.ip_network(text)
    except ValueError:
        return None


@check(
    id="NET-01",
    title="Every destination is named, narrow and has a reason; all others are denied",
    severity=Severity.HIGH,
    supports=(
        "EHDS 73(1)(b)",
        "TEHDAS SPER-6 OPR-22",
        "EUCAIM-HB 7.4",
        "NIS2 21(2)(e) (CIR 6.7 6.8)",
        "ISO A.8.12 A.8.20 A.8.22",
        "BSI SYS.1.1.A19",
        "GS++ ARCH.2.1",
    ),
    remediation="Replace the wide network of network.egress by the host names behind it.",
)
def destinations_are_narrow(document: Document, limits: Parameters) -> Findings:
    """Data leave through the widest door; a rule for a whole network is no rule."""
    spec = document.spec
    widest = limits.number("egress_widest_addresses")
    if not spec.network.egress:
        yield True, At(spec, "network.egress"), "nothing is let out beyond what the roles need"
    for entry in spec.network.egress:
        network = _as_network(entry.to)
        size = network.num_addresses if network else 1
        yield (
            size <= widest,
            At(spec, f"network.egress.{entry.name}"),
            f"{entry.to} port {entry.port}/{entry.protocol} covers {size} address(es) or one name",
        )


@check(
    id="NET-02",
    title="Only networks of the site reach the node",
    severity=Severity.HIGH,
    supports=("EUCAIM-HB 7.4(2) 7.4(3)", "EHDS 73(1)(b)", "ISO A.8.22", "ANSSI R80"),
    remediation="Set network.operators_from and modalities_from to networks of the site.",
    applies=("T2", "T3", "compute"),
)
def only_the_site_comes_in(document: Document, limits: Parameters) -> Findings:
    """Agents of a federation call out; who could call in would be past the hospital's firewall."""
    spec = document.spec
    net = spec.network
    most = limits.number("egress_widest_addresses")
    if not net.operators_from:
        yield (
            is_rehearsal(document),
            At(spec, "network.operators_from"),
            "only this computer reaches the sandboxes"
            if is_rehearsal(document)
            else "administrators may come from anywhere",
        )
    for place, text in _sources(document):
        network = ipaddress.ip_network(text)
        narrow = network.num_addresses <= most
        inside = network.is_private and network.prefixlen > 0
        yield (
            inside or narrow,
            At(spec, place),
            f"{text} is {'a private' if inside else 'a public'} network",
        )


def _sources(document: Document) -> Iterator[tuple[str, str]]:
    net = document.spec.network
    for source in net.operators_from:
        yield "network.operators_from", source
    if net.modalities_from is not None:
        yield "network.modalities_from", net.modalities_from


@check(
    id="NET-03",
    title="The research zone is apart from the clinical zones",
    severity=Severity.HIGH,
    supports=(
        "EUCAIM-HB 7.4(1)",
        "NIS2 21(2)(e) (CIR 6.8)",
        "ISO A.8.22",
        "ANSSI R78",
        "GS++ ARCH.2.1",
    ),
    remediation="Declare network.zones with a research network of its own and put the hosts there.",
    applies=("T2", "T3", "compute"),
)
def zones_are_apart(document: Document) -> Findings:
    """A node that outside code computes on has no place beside ventilators and archives."""
    spec = document.spec
    zones = spec.network.zones
    if zones is None:
        yield False, At(spec, "network.zones"), "no research zone is declared"
        return
    research = ipaddress.ip_network(zones.research)
    if not zones.clinical:
        yield False, At(spec, "network.zones.clinical"), "no clinical network is declared"
    for text in zones.clinical:
        clinical = ipaddress.ip_network(text)
        apart = clinical.version != research.version or not research.overlaps(clinical)
        yield (
            apart,
            At(spec, "network.zones.clinical"),
            f"{text} {'is apart from' if apart else 'overlaps'} research zone {research}",
        )
    for host in spec.hosts:
        yield _stands_in(host, zones)


def _stands_in(host: Host, zones: Zones) -> Answer:
    at = At(host, "machine")
    if host.machine == "sandbox":
        return NOT_APPLICABLE, at, "a sandbox stands in a network of this computer"
    if host.machine.existing == "local":
        return MANUAL, at, "look whether this computer stands in the research zone"
    address = ipaddress.ip_address(host.machine.existing)
    inside = address in ipaddress.ip_network(zones.research)
    clinical = any(address in ipaddress.ip_network(zone) for zone in zones.clinical)
    where = "in" if inside else "outside"
    return inside and not clinical, at, f"{address} is {where} research zone {zones.research}"


@check(
    id="NET-04",
    title="Every connection that leaves the node is TLS of a current version",
    severity=Severity.HIGH,
    supports=(
        "GDPR 32(1)(a)",
        "EUCAIM-HB 7.3.1",
        "TEHDAS TIR-8 TIR-29 TIR-30 FSPER-8",
        "NIS2 21(2)(h) (CIR 9)",
        "ISO A.8.24",
    ),
    remediation="Set tls on the network.egress entry, use https addresses, set hub.tls to 1.3.",
    applies=("T2", "T3", "hub", "compute"),
)
def connections_are_encrypted(document: Document, limits: Parameters) -> Findings:
    """Between hospital and hub lies the Internet."""
    spec = document.spec
    lowest = limits.text("tls_lowest")
    for entry in spec.network.egress:
        at = At(spec, f"network.egress.{entry.name}.tls")
        said = f"TLS {entry.tls} at least" if entry.tls else "no TLS version is declared"
        yield entry.tls is not None and entry.tls >= lowest, at, said
    for place, url in _addresses(document):
        yield url.startswith("https://"), At(spec, place), f"the address begins {url.split(':')[0]}"
    if spec.kind == "hub":
        wanted = limits.text("tls_lowest_hub")
        yield spec.hub.tls >= wanted, At(spec, "hub.tls"), f"TLS {spec.hub.tls} at least"
    elif not spec.network.egress and not any(_addresses(document)):
        yield NOT_APPLICABLE, "the spec adds no connection to those of the roles"


def _addresses(document: Document) -> Iterator[tuple[str, str]]:
    spec = document.spec
    if spec.backup is not None:
        yield "backup.to", spec.backup.to
    if spec.identity is not None:
        yield "identity.issuer", spec.identity.issuer
    if spec.storage is not None and spec.storage.endpoint is not None:
        yield "storage.endpoint", spec.storage.endpoint
