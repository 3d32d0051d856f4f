"""What a live host lets out: tried, not read."""

from __future__ import annotations

import ipaddress
import json
from typing import TYPE_CHECKING

from cairn.checks.doors import doors
from cairn.checks.registry import check
from cairn.checks.verdicts import MANUAL, NOT_APPLICABLE, At, Severity
from cairn.errors import VerifyFailed
from cairn.plan.model import RESOLVERS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cairn.checks.host import EvidenceHost, Reply
    from cairn.checks.verdicts import Answer, Findings
    from cairn.plan.model import Flow

#: Ports of the computer that asks, open for the time of the trial.
DOORS = 3

#: Peer, port and protocol of one trial.
Job = tuple[str, int, str]

#: Tries TCP connections side by side and says what became of each; reads JSON, writes JSON.
CONNECT = """python3 - <<'EOF'
import concurrent.futures, json, os, socket, struct, time
def tcp(peer, port):
    with socket.create_connection((peer, port), timeout=4):
        return "connected"
def udp(peer, port):
    # A question that servers of these ports answer: DNS for the root, NTP version 4 as client.
    ask = {53: struct.pack(">6H", 7, 256, 1, 0, 0, 0) + b"\\0" + struct.pack(">2H", 2, 1),
           123: b"\\x23" + bytes(47)}.get(port)
    if ask is None:
        return "silent"
    kind = socket.AF_INET6 if ":" in peer else socket.AF_INET
    peer = socket.getaddrinfo(peer, port, type=socket.SOCK_DGRAM)[0][4][0]
    with socket.socket(socket.AF_INET6 if ":" in peer else socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(4)
        s.connect((peer, port))
        s.send(ask)
        s.recv(512)
        return "connected"
def one(job):
    peer, port, protocol = job
    try:
        return {"tcp": tcp, "udp": udp}[protocol](peer, port)
    except TimeoutError:
        return "no answer in 4 seconds"
    except OSError as error:
        return error.strerror or type(error).__name__
def resolvers():
    servers = []
    for path in ("/etc/resolv.conf", "/run/systemd/resolve/resolv.conf"):
        try:
            text = open(path).read()
        except OSError:
            continue
        words = [line.split() for line in text.splitlines()]
        servers += [word[1] for word in words if len(word) > 1 and word[0] == "nameserver"]
    return [one for one in dict.fromkeys(servers) if not one.startswith("127.")]
jobs = [(peer, port, protocol) for name, port, protocol in json.loads(JOBS)
        for peer in (resolvers() if name == "resolvers" else [name])]
with concurrent.futures.ThreadPoolExecutor(max(1, len(jobs))) as pool:
    print(json.dumps([[*job, said] for job, said in zip(jobs, pool.map(one, jobs))]))
EOF"""
REFUSED = """nft -j list chain inet cairn output"""
#: sudo hides where the connection came from; the login shell above it still knows.
CAME_FROM = r"""p=$$
while [ "$p" -gt 1 ]; do
    from=$(tr '\0' '\n' </proc/$p/environ 2>/dev/null | sed -n 's/^SSH_CONNECTION=//p')
    [ -z "$from" ] || { echo "$from"; exit 0; }
    p=$(sed -n 's/^PPid:[[:space:]]*//p' /proc/$p/status)
done
exit 1"""


@check(
    id="HST-05",
    title="A connection that nobody declared is refused by the host's own firewall",
    severity=Severity.CRITICAL,
    supports=(
        "EHDS 73(1)(b)",
        "TEHDAS SPER-6",
        "EUCAIM-HB 7.4",
        "ISO A.8.12 A.8.22",
        "GDPR 32(1)(d)",
    ),
    remediation="Run `cairn up NAME`; then look which rule lets the connection out.",
    waivable=False,
    limit_s=45,
)
def undeclared_egress_is_refused(host: EvidenceHost) -> Findings:
    """A rule that was never tried is a hope.

    Connections are tried to ports of the computer that asks, where something does listen. That
    they fail proves nothing, for a network can be broken elsewhere; that the counter of the host's
    own refusals rises with each of them does. Nobody else's address is ever tried.
    """
    start = host.ask(refused=REFUSED, came=CAME_FROM)
    before, came = _refusals(start["refused"]), start["came"]
    if came.status:
        yield MANUAL, "this computer asks itself; run `cairn verify` from another one to try it"
        return
    with doors(DOORS) as (ports, visitors):
        jobs: list[Job] = [(came.text.split()[0], port, "tcp") for port in ports]
        replies = host.ask(tried=_connect(jobs), refused=REFUSED)
        heard = len(visitors)
    for peer, number, _, said in _outcomes(replies["tried"]):
        refused = said != "connected"
        yield refused, At(host, f"to {peer} {number}/tcp"), f"not declared, tried: {said}"
    yield heard == 0, At(host, "at the other end"), f"{heard} connections arrived"
    rose = _refusals(replies["refused"]) - before
    at = At(host, "nft counter of refusals")
    yield rose >= len(jobs), at, f"{len(jobs)} connections tried, {rose} packets refused"


def _refusals(reply: Reply) -> int:
    """Read how many packets the last rule of the output chain refused."""
    if reply.status:
        raise VerifyFailed(f"the rules of the output chain cannot be read: {reply.last}")
    for item in json.loads(reply.text)["nftables"]:
        rule = item.get("rule", {})
        if rule.get("comment") == "refused:output":
            for part in rule["expr"]:
                if "counter" in part:
                    return int(part["counter"]["packets"])
    raise VerifyFailed("the output chain has no rule that refuses and counts")


def _connect(jobs: list[Job]) -> str:
    return CONNECT.replace("JOBS", repr(json.dumps(jobs)))


def _outcomes(reply: Reply) -> list[tuple[str, int, str, str]]:
    try:
        return [(str(a), int(b), str(c), str(d)) for a, b, c, d in json.loads(reply.text)]
    except (ValueError, TypeError):
        raise VerifyFailed(f"the trial gave no result: {reply.last}") from None


@check(
    id="FLW-01",
    title="Every declared destination answers",
    severity=Severity.MEDIUM,
    supports=("EHDS 73(1)(b)", "EUCAIM-HB 7.4", "ISO A.8.20"),
    remediation="Ask the site's network team to let it through, or correct the spec.",
    limit_s=45,
)
def declared_destinations_answer(host: EvidenceHost) -> Findings:
    """A node that cannot reach its name servers or mirrors works today and fails in the night."""
    flows = [flow for flow in host.plan.flows if flow.direction == "out"]
    if not flows:
        yield NOT_APPLICABLE, "nothing is let out"
        return
    tried = [flow for flow in flows if not _why_untried(flow)]
    jobs: list[Job] = [(flow.peer, flow.port, flow.protocol) for flow in tried]
    outcomes = _outcomes(host.run(_connect(jobs)))
    for flow in flows:
        yield from _outcome(host, flow, outcomes)


def _why_untried(flow: Flow) -> str:
    if flow.user is not None:
        return f"open to the account {flow.user} only; that service says itself whether it arrives"
    if flow.peer.rpartition(".")[2] in {"example", "test", "invalid"}:
        return "a name for examples, which nobody has (RFC 2606)"
    if flow.peer != RESOLVERS and "/" in flow.peer:
        return f"{ipaddress.ip_network(flow.peer)} is a network, not one destination"
    if flow.protocol == "udp" and flow.port not in {53, 123}:
        return "UDP of this port gives no answer that could be waited for"
    return ""


def _outcome(
    host: EvidenceHost, flow: Flow, outcomes: list[tuple[str, int, str, str]]
) -> Iterator[Answer]:
    at = At(host, f"flows.{flow.name}")
    untried = _why_untried(flow)
    if untried:
        yield NOT_APPLICABLE, at, untried
        return
    own = [
        (peer, said)
        for peer, port, protocol, said in outcomes
        if (port, protocol) == (flow.port, flow.protocol) and flow.peer in {peer, RESOLVERS}
    ]
    if not own:
        yield False, at, "the host knows no name server"
    for peer, said in own:
        yield said == "connected", at, f"{peer} {flow.port}/{flow.protocol}: {said}"
