"""The firewall of a live host, and what listens behind it."""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING

from cairn.checks.lateness import later, there
from cairn.checks.registry import check
from cairn.checks.verdicts import NOT_APPLICABLE, At, Severity
from cairn.errors import VerifyFailed

if TYPE_CHECKING:
    from cairn.checks.host import EvidenceHost, Reply
    from cairn.checks.parameters import Parameters
    from cairn.checks.verdicts import Findings
    from cairn.plan.model import Listener

RULES = "/etc/cairn/nftables.conf"
LOADED = "nft --stateless --terse list table inet cairn"
#: The kernel's own words for the rendered rules: loaded into an empty network namespace.
WANTED = f"""printf %s {{rules}} | base64 -d | unshare --net sh -c 'nft -f - && {LOADED}'"""
HOOKS = ("input", "forward", "output")


@check(
    id="HST-03",
    title="The firewall that is loaded is the one that was rendered, and drops by default",
    severity=Severity.HIGH,
    supports=(
        "CIS-D12 4.3.8 4.3.9 4.3.10",
        "CIS-D13 4.1.3 4.1.4 (ufw only)",
        "BSI SYS.1.1.A19",
        "GS++ KONF.7.15",
        "ANSSI R79",
        "NIS2 21(2)(e)",
        "ISO A.8.20",
    ),
    remediation="Run `systemctl restart cairn-firewall` on the host, or `cairn up NAME`.",
)
def firewall_is_as_rendered(host: EvidenceHost) -> Findings:
    """Rules in a file protect nobody; only those in the kernel do."""
    rules = base64.b64encode(host.rendered[RULES].content.encode()).decode()
    replies = host.ask(loaded=LOADED, wanted=WANTED.format(rules=rules))
    loaded, wanted = replies["loaded"], replies["wanted"]
    if wanted.status:
        raise VerifyFailed(f"the rendered rules cannot be loaded to compare: {wanted.last}")
    if loaded.status:
        yield False, At(host, "nft list table inet cairn"), f"nothing is loaded: {loaded.last}"
        return
    differing = _difference(loaded, wanted)
    told = f"differs: {differing}" if differing else f"{len(loaded.lines)} lines are equal"
    yield not differing, At(host, "nft list table inet cairn"), told
    for hook in HOOKS:
        drops = re.search(rf"hook {hook} priority filter; policy drop;", loaded.text) is not None
        said = "drops" if drops else "does not drop"
        yield drops, At(host, f"chain {hook}"), f"the chain {said} what no rule lets through"


def _difference(loaded: Reply, wanted: Reply) -> str:
    """Name the first line that is on one side only."""
    extra = [line.strip() for line in loaded.lines if line not in wanted.lines]
    missing = [line.strip() for line in wanted.lines if line not in loaded.lines]
    if extra or missing:
        return f"loaded and not rendered `{extra[0]}`" if extra else f"not loaded `{missing[0]}`"
    return "" if loaded.lines == wanted.lines else "the order of the rules"


_SOCKET = re.compile(
    r"(?P<protocol>tcp|udp)\s+\S+\s+\d+\s+\d+\s+(?P<address>\S+):(?P<port>\d+)\s+\S+"
    r"(?:\s+users:\(\(\"(?P<process>[^\"]*)\")?"
)
EVERYWHERE = {"*", "0.0.0.0", "[::]"}  # noqa: S104 - compared with, not bound to


@check(
    id="HST-04",
    title="Nothing listens on the host but what the plan names",
    severity=Severity.HIGH,
    supports=(
        "CIS-D12 2.1.22",
        "CIS-D13 2.1.23",
        "ANSSI R62 R80",
        "ISO A.8.20",
    ),
    remediation="Stop the service that listens, or declare it; then run `cairn verify NAME` again.",
)
def sockets_are_as_planned(host: EvidenceHost, limits: Parameters) -> Findings:
    """A service that nobody planned is watched and updated by nobody."""
    replies = host.ask(answer="ss -H -lntup", **later(host.plan.listeners))
    reply, there_now = replies["answer"], there(replies)
    if reply.status:
        raise VerifyFailed(f"the sockets cannot be listed: {reply.last}")
    found = [match.groupdict() for match in map(_SOCKET.match, reply.lines) if match]
    if len(found) < len(reply.lines):
        raise VerifyFailed("the list of sockets has lines that cannot be read")
    system = limits.words("sockets_of_the_system")
    for planned in host.plan.listeners:
        heard = any(_is(socket, planned) for socket in found)
        at = At(host, f"{planned.protocol}/{planned.port}")
        if not heard and planned.after and planned.after not in there_now:
            yield NOT_APPLICABLE, at, f"{planned.process} waits for {planned.after}"
            continue
        if not heard and planned.sometimes:
            yield NOT_APPLICABLE, at, f"{planned.process} listens only while it is at work"
            continue
        said = "listens" if heard else "does not listen"
        yield heard, at, f"{planned.process} {said} on {planned.address}"
    for socket in found:
        name = f"{socket['protocol']}/{socket['port']}"
        known = any(_is(socket, planned) for planned in host.plan.listeners)
        if not known and name.replace("/", ":") not in system:
            process = socket["process"] or "an unknown process"
            yield False, At(host, name), f"{process} listens on {socket['address']}, not planned"
    if not host.plan.listeners and not found:
        yield True, At(host, "ss"), "nothing listens"


def _is(socket: dict[str, str], planned: Listener) -> bool:
    address = socket["address"].partition("%")[0]
    same = address.strip("[]") == planned.address.strip("[]")
    anywhere = planned.address == "*" and address in EVERYWHERE
    return (
        (socket["protocol"], int(socket["port"])) == (planned.protocol, planned.port)
        and socket["process"] == planned.process
        and (same or anywhere)
    )
