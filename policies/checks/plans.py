"""What a plan may put on hosts: nothing open to the world, nothing open without a reason."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from cairn.checks.registry import check
from cairn.checks.verdicts import MANUAL, NOT_APPLICABLE, At, Severity
from cairn.plan.model import ANYWHERE, RESOLVERS
from cairn.spec.secrets import looks_secret

if TYPE_CHECKING:
    from cairn.checks.parameters import Parameters
    from cairn.checks.verdicts import Findings
    from cairn.plan.model import Flow, Listener, Plan, PlannedHost
    from cairn.render.files import RenderedFile
    from cairn.spec.document import Document

HTTPS, SSH = 443, 22
LOOPBACK = ("127.", "::1", "[::1]", "localhost")


@check(
    id="PLN-05",
    title="No port is open to the world, and SSH only to operators",
    severity=Severity.CRITICAL,
    supports=(
        "NIS2 21(2)(e) (CIR 6.7)",
        "ISO A.8.20",
        "ANSSI R79 R80",
        "BSI SYS.1.1.A19",
    ),
    remediation="Set network.operators_from to the networks that administrators come from.",
    waivable=False,
)
def nothing_is_open_to_the_world(plan: Plan, document: Document) -> Findings:
    """What everybody can reach is attacked by everybody within the hour."""
    operators = document.spec.network.operators_from
    for host in plan.hosts:
        inbound = [flow for flow in host.flows if flow.direction == "in"]
        if not inbound:
            yield True, At(host, "flows"), "no port is open"
        for flow in inbound:
            at = At(host, f"flows.{flow.name}")
            told = f"port {flow.port}/{flow.protocol} is open to {flow.peer}"
            if _is_everywhere(flow.peer):
                yield plan.kind == "hub" and flow.port == HTTPS, at, told
            elif flow.port == _ssh_port(document, host.name):
                yield _is_operator(flow, host, operators), at, told
            else:
                yield True, at, told


def _is_everywhere(peer: str) -> bool:
    network = _network(peer)
    return peer == ANYWHERE or (network is not None and network.prefixlen == 0)


def _network(peer: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    try:
        return ipaddress.ip_network(peer)
    except ValueError:
        return None


def _ssh_port(document: Document, name: str) -> int:
    host = next(host for host in document.spec.hosts if host.name == name)
    return SSH if host.machine == "sandbox" else host.machine.port


def _is_operator(flow: Flow, host: PlannedHost, operators: tuple[str, ...]) -> bool:
    """Whether the peer is a declared network, or the one address a sandbox is reached from."""
    network = _network(flow.peer)
    gateway = host.sandbox and network is not None and network.num_addresses == 1
    return gateway or flow.peer in operators


@check(
    id="PLN-07",
    title="Every machine shows a pinned host key, and Cairn does not log in as root",
    severity=Severity.HIGH,
    supports=("BSI SYS.1.3.A8", "ISO A.8.20 A.8.24", "ANSSI R67", "NIS2 21(2)(h)"),
    remediation="Copy /etc/ssh/ssh_host_ed25519_key.pub at the console into machine.host_key.",
)
def host_keys_are_pinned(plan: Plan, document: Document) -> Findings:
    """Whoever answers at an address gets the keys and files that were meant for the host."""
    for host in document.spec.hosts:
        if host.name not in {planned.name for planned in plan.hosts}:
            continue
        at = At(host, "machine.host_key")
        if host.machine == "sandbox":
            yield True, at, "the key of a sandbox is made and pinned on this computer"
        elif host.machine.existing == "local":
            yield NOT_APPLICABLE, at, "this computer is not reached over SSH"
        else:
            pinned = host.machine.host_key is not None
            yield pinned, at, "a host key is pinned" if pinned else "no host key is pinned"
            user = host.machine.user
            yield user != "root", At(host, "machine.user"), f"Cairn logs in as {user}"


@check(
    id="PLN-09",
    title="The plan follows from the spec that was judged",
    severity=Severity.HIGH,
    supports=(
        "ISO A.8.32",
        "NIS2 21(2)(e) (CIR 6.4)",
        "GDPR 32(1)(d)",
        "TEHDAS OPR-14",
    ),
    remediation="Plan again from the present spec.",
)
def plan_follows_from_spec(plan: Plan, document: Document) -> Findings:
    """A plan made from another text was judged by nobody."""
    same = plan.spec_digest == document.digest
    said = "is that of" if same else "differs from that of"
    yield same, At(document.spec), f"the digest in the plan {said} the spec ({document.digest})"


@check(
    id="PLN-14",
    title="Every service that listens has its flow, and every open port its service",
    severity=Severity.HIGH,
    supports=("ISO A.8.20", "ANSSI R62 R80"),
    remediation="Declare the missing flow or listener in the role's plan.",
)
def listeners_and_flows_agree(plan: Plan) -> Findings:
    """A port nobody listens on waits for whoever takes it; a service nobody reaches is no use."""
    for host in plan.hosts:
        opened = {(flow.protocol, flow.port) for flow in host.flows if flow.direction == "in"}
        heard = {(one.protocol, one.port) for one in host.listeners if _is_reachable(one)}
        for protocol, port in sorted(opened | heard):
            at = At(host, f"{protocol}/{port}")
            missing = [
                name
                for name, known in (("flow", opened), ("listener", heard))
                if (protocol, port) not in known
            ]
            yield not missing, at, f"no {missing[0]} for it" if missing else "flow and listener"
        if not opened | heard:
            yield True, At(host), "nothing listens and no port is open"


def _is_reachable(listener: Listener) -> bool:
    return not listener.inward and not listener.address.startswith(LOOPBACK)


@check(
    id="PLN-15",
    title="Every connection that is let out has a narrow destination and a reason",
    severity=Severity.HIGH,
    supports=("EHDS 73(1)(b)", "EUCAIM-HB 7.4", "ISO A.8.20 A.8.22"),
    remediation="Name the host that the role needs to reach, and say why in a sentence.",
)
def destinations_are_bounded(plan: Plan, limits: Parameters) -> Findings:
    """The firewall is as tight as the widest of its rules."""
    widest = limits.number("egress_widest_addresses")
    for host in plan.hosts:
        outbound = [flow for flow in host.flows if flow.direction == "out"]
        names = [flow.name for flow in host.flows]
        for flow in outbound:
            network = _network(flow.peer)
            bounded = flow.peer != ANYWHERE and (
                flow.peer == RESOLVERS or network is None or network.num_addresses <= widest
            )
            reasoned = len(flow.why.split()) > 2 and names.count(flow.name) == 1  # noqa: PLR2004 - a sentence
            at = At(host, f"flows.{flow.name}")
            yield (
                bounded and reasoned,
                at,
                f"to {flow.peer} {flow.port}/{flow.protocol}: {flow.why}",
            )
        if not outbound:
            yield True, At(host, "flows"), "nothing is let out"


@check(
    id="PLN-16",
    title="Every host has the firewall",
    severity=Severity.CRITICAL,
    supports=("NIS2 21(2)(e)", "ISO A.8.20", "ANSSI R79"),
    remediation="See why the role `firewall` is missing from the plan.",
    waivable=False,
)
def every_host_has_a_firewall(plan: Plan) -> Findings:
    """Flows are only words until something refuses all others."""
    for host in plan.hosts:
        planned = any(role.name == "firewall" and role.files for role in host.roles)
        yield planned, At(host, "roles"), "planned" if planned else "no firewall is planned"


@check(
    id="PLN-17",
    title="Files on hosts are writable by their owner only and hold no secret",
    severity=Severity.HIGH,
    supports=("ISO A.8.3 A.5.17", "BSI SYS.1.6.A8", "GDPR 32(1)(a)"),
    remediation="Give the file the mode 0644 or less, and let the host make its secrets itself.",
)
def files_are_careful(plan: Plan) -> Findings:
    """Rendered files pass through the preview, the state and the logs: they are public."""
    for host in plan.hosts:
        files = _rendered(plan, host)
        for file in files:
            wrong = []
            if int(file.mode, 8) & 0o6022:
                wrong.append(f"mode {file.mode} lets others write or run it as somebody else")
            if looks_secret(file.content):
                wrong.append("holds what looks like a secret")
            yield not wrong, At(host, file.path), "; ".join(wrong) or f"mode {file.mode}"
        if not files:
            yield True, At(host), "no file is rendered"


def _rendered(plan: Plan, host: PlannedHost) -> list[RenderedFile]:
    from cairn.render.files import render_role  # noqa: PLC0415 - only plans need the templates

    return [file for role in host.roles for file in render_role(plan.node, host, role)]


@check(
    id="PLN-18",
    title="Every role of the spec is part of the plan",
    severity=Severity.LOW,
    supports=("ISO A.5.9",),
    remediation="Take the role from the host, or wait for the release that brings it.",
)
def every_role_is_planned(plan: Plan) -> Findings:
    """What a spec asks for and a release cannot give is said aloud, not left out in silence."""
    for host in plan.hosts:
        for name in host.pending:
            yield MANUAL, At(host, f"runs.{name}"), f"{name} is not built yet; nothing is installed"
        names = ", ".join(role.name for role in host.roles)
        yield bool(host.roles), At(host, "roles"), f"planned: {names or 'no role'}"


@check(
    id="PLN-19",
    title="What a machine cannot do is said in the plan",
    severity=Severity.MEDIUM,
    supports=("ISO A.8.9",),
    remediation="Let the role name what it leaves out, with the reason.",
)
def limits_are_said(plan: Plan) -> Findings:
    """Hardening that is skipped without a word looks like hardening that was done."""
    for host in plan.hosts:
        able = set(host.capabilities)
        lacking = sorted({"kernel", "clock", "audit", "apparmor"} - able)
        said = [reason for role in host.roles for reason in role.without]
        at = At(host, "without")
        if not lacking:
            yield True, at, "the machine can do everything"
        else:
            told = f"lacks {', '.join(lacking)}; left out: {'; '.join(said) or 'nothing is said'}"
            yield bool(said), at, told


@check(
    id="PLN-20",
    title="Only the account that Cairn uses becomes root without a password",
    severity=Severity.HIGH,
    supports=("ANSSI R39", "ISO A.8.2", "NIS2 21(2)(i)"),
    remediation="Give the account `sudo: with password`.",
)
def root_asks_for_a_password(plan: Plan, document: Document) -> Findings:
    """A stolen key of a person then opens a shell, not the host."""
    people = {person.name for person in document.spec.administrators}
    for host in plan.hosts:
        free = [one.name for one in host.accounts if one.sudo == "without password"]
        wrong = sorted(people.intersection(free)) or free[1:]
        at = At(host, "accounts")
        yield not wrong, at, f"root without a password: {', '.join(free) or 'nobody'}"
