"""Federated learning on a live host: who runs it, what they reach, what the hub lets them ask."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING

from cairn.checks.registry import check
from cairn.checks.verdicts import NOT_APPLICABLE, At, Severity
from cairn.errors import VerifyFailed

if TYPE_CHECKING:
    from cairn.checks.host import EvidenceHost, Reply
    from cairn.checks.verdicts import Findings

HEALTH = "/usr/local/libexec/cairn/agent-health"
#: The questions that the agent's own program answers.
ASKED = ("way", "node", "agent", "answer", "hub", "tasks", "approval")
#: Units with their users, by the role that has them.
USERS = {
    "fl_agent": {
        "cairn-fl-forward": "cairn-fl-forward",
        "cairn-fl-node": "cairn-fl-node",
        "cairn-fl-agent": "cairn-fl-agent",
    },
    "hub_fl": {"cairn-fl-link": "cairn-fl", "cairn-fl-exec": "cairn-fl-exec"},
}
FORWARDER = "cairn-fl-forward"
#: Of the hub's gate.
HTTPS = 443
LOOK = "test -e /etc/cairn/federation/enrolled && echo enrolled || echo waits"
#: Prints unit, account and how many of the two settings its process has, of what runs.
PROCESSES = r"""for unit in UNITS; do
    pid=$(systemctl show --property=MainPID --value "$unit.service")
    [ "${pid:-0}" -gt 0 ] || continue
    quiet=$(tr '\0' '\n' <"/proc/$pid/environ" \
        | grep -cxE 'FLWR_TELEMETRY_ENABLED=0|FLWR_DISABLE_UPDATE_CHECK=1')
    echo "$unit $(ps -o user:40= -p "$pid" | tr -d ' ') $quiet"
done; true"""
#: TEST-NET-1 (RFC 5737): nobody has it, and the host's own firewall answers before anything leaves.
NOBODY = "192.0.2.1"
OUTWARD = """import socket, sys
try:
    socket.create_connection((sys.argv[1], 443), 4).close()
    print("connected")
except OSError as error:
    print(error.strerror or type(error).__name__)"""
COUNTERS = "nft -j list chain inet cairn output"
#: Asks the hub through the forwarder; what comes first must be reached, or the rest proves nothing.
AT_THE_HUB = r"""python3 - <<'EOF'
import json, http.client, ssl
way = ssl.create_default_context(cafile="/etc/cairn/fl-agent/ca.crt")
def said(path):
    line = http.client.HTTPSConnection("127.0.0.1", 9443, context=way, timeout=8)
    try:
        line.request("GET", path)
        return line.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        return type(error).__name__
    finally:
        line.close()
paths = ["/v1/fleet/pull-messages", "/v1/control/list-nodes", "/v1/control/start-run",
         "/v1/runtime/acquire-task", "/docs", "/openapi.json", "/v1/fleet/../control/list-nodes"]
print(json.dumps([[path, said(path)] for path in paths]))
EOF"""
#: Asks the server unsigned, and the gate without a certificate and with one of nobody's.
STRANGER = r"""python3 - <<'EOF'
import json, http.client, ssl, subprocess, tempfile
def said(port, method, path, way):
    line = http.client.HTTPSConnection("127.0.0.1", port, context=way, timeout=8)
    try:
        line.request(method, path, b"", {"Content-Type": "application/protobuf"})
        return line.getresponse().status
    except ssl.SSLError as error:
        return error.reason or "refused by TLS"
    except (OSError, http.client.HTTPException) as error:
        return type(error).__name__
    finally:
        line.close()
def way():
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.check_hostname, made.verify_mode = False, ssl.CERT_NONE
    return made
told = {path: said(18000, "POST", path, way())
        for path in ("/v1/fleet/pull-messages", "/v1/runtime/acquire-task")}
told["bare"] = said(443, "GET", "/v1/fleet/pull-messages", way())
with tempfile.TemporaryDirectory() as folder:
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1"]
    subprocess.run(["openssl", "req", "-x509", *curve, "-subj", "/CN=stranger",
                    "-keyout", folder + "/key", "-out", folder + "/crt"],
                   check=True, capture_output=True)
    shown = way()
    shown.load_cert_chain(folder + "/crt", folder + "/key")
    told["foreign"] = said(443, "GET", "/v1/fleet/pull-messages", shown)
print(json.dumps(told))
EOF"""


def _runs(host: EvidenceHost, role: str) -> bool:
    found = next((one for one in host.plan.roles if one.name == role), None)
    return found is not None and found.variables.get(f"{role}_wanted", True) is True


@check(
    id="AGT-01",
    title="The agent asks for tasks, and what the node sends leaves for the hub",
    severity=Severity.HIGH,
    supports=("GDPR 32(1)(b)", "EUCAIM-HB 7.4", "ISO A.8.20"),
    remediation="Follow docs/runbooks/agent-does-not-train.md.",
    limit_s=45,
)
def agent_can_run_tasks(host: EvidenceHost) -> Findings:
    """A hub calls a node online as long as one of its two programs lives, whatever the other does.

    So both are watched for some seconds: whether the one asks for tasks, and whether what the
    other sends goes out.
    """
    if not _runs(host, "fl_agent"):
        yield NOT_APPLICABLE, "no agent runs on this host"
        return
    reply = host.run(HEALTH)
    told = {words[1]: words for line in reply.lines if len(words := line.split("\t")) == 3}  # noqa: PLR2004
    if told.get("enrolled", [""])[0] == "no":
        yield NOT_APPLICABLE, "the node is not enrolled yet"
        return
    if not {"enrolled", *ASKED} <= set(told):
        raise VerifyFailed(f"the agent says nothing of itself: {reply.last}")
    for word in ASKED:
        said, _, sentence = told[word]
        yield said == "yes", At(host, word), sentence


@check(
    id="AGT-02",
    title="Each part of federated learning runs under a user of its own",
    severity=Severity.HIGH,
    supports=("ANSSI R34", "ISO A.8.2", "GDPR 32(1)(b)"),
    remediation="Remove drop-ins of its units (`systemctl cat UNIT`), then `cairn up NAME`.",
)
def parts_run_apart(host: EvidenceHost) -> Findings:
    """Keys and the way out with one user, images with another: whoever takes one has not both."""
    units = _units(host)
    if not units:
        yield NOT_APPLICABLE, "nothing of federated learning runs on this host"
        return
    reply = host.run(_processes(units))
    seen = {unit: user for unit, user, _ in _told(reply)}
    if not seen:
        yield from _nothing_runs(host, reply)
        return
    for unit, user in units.items():
        found = seen.get(unit, "nobody")
        yield found == user, At(host, unit), f"runs as {found}, planned as {user}"


@check(
    id="AGT-03",
    title="Federated learning reports nothing to the makers of its software",
    severity=Severity.MEDIUM,
    supports=("GDPR 32(1)(b)", "ISO A.8.12"),
    remediation="Remove drop-ins of its units (`systemctl cat UNIT`), then `cairn up NAME`.",
)
def nothing_is_reported(host: EvidenceHost) -> Findings:
    """When a hospital trains, and with what, is nobody's business but the federation's.

    The settings are read from the processes that run, not from a file.
    """
    units = [unit for unit in _units(host) if unit != FORWARDER]
    if not units:
        yield NOT_APPLICABLE, "nothing of federated learning runs on this host"
        return
    reply = host.run(_processes(_units(host)))
    seen = {unit: quiet for unit, _, quiet in _told(reply)}
    if not seen:
        yield from _nothing_runs(host, reply)
        return
    for unit in units:
        quiet = seen.get(unit, "0")
        yield quiet == "2", At(host, unit), f"{quiet} of 2 settings keep it from reporting"


def _units(host: EvidenceHost) -> dict[str, str]:
    return {
        unit: user
        for role, units in USERS.items()
        if _runs(host, role)
        for unit, user in units.items()
    }


def _processes(units: dict[str, str]) -> str:
    return PROCESSES.replace("UNITS", " ".join(shlex.quote(unit) for unit in units))


def _told(reply: Reply) -> list[tuple[str, str, str]]:
    rows = [line.split() for line in reply.lines]
    if any(len(row) != 3 or not row[2].isdigit() for row in rows):  # noqa: PLR2004
        raise VerifyFailed(f"the processes cannot be listed: {reply.last}")
    return [(row[0], row[1], row[2]) for row in rows]


def _nothing_runs(host: EvidenceHost, reply: Reply) -> Findings:
    """Say that nothing runs; on a node that has not enrolled nothing has to."""
    waits = host.run(LOOK) if _runs(host, "fl_agent") else reply
    if reply.status or waits.text.strip() != "waits":
        raise VerifyFailed("no process of federated learning runs")
    yield NOT_APPLICABLE, "the node is not enrolled yet"


@check(
    id="AGT-04",
    title="What gives orders at the hub is out of a node's reach",
    severity=Severity.CRITICAL,
    supports=("TEHDAS SPER-6", "ISO A.8.22", "EHDS 73(1)(b)", "GDPR 32(1)(d)"),
    remediation="Tell the operators of the hub at once; its gate lets through more than it may.",
    waivable=False,
    limit_s=45,
)
def hub_takes_no_orders(host: EvidenceHost) -> Findings:
    """The software asks nobody for a name before it starts a run in every hospital.

    So the place where runs are started is asked for from here, with the node's own certificate.
    """
    if not _runs(host, "fl_agent"):
        yield NOT_APPLICABLE, "no agent runs on this host"
        return
    replies = host.ask(answer=AT_THE_HUB, look=LOOK)
    if replies["look"].text.strip() == "waits":
        yield NOT_APPLICABLE, "the node is not enrolled yet"
        return
    (first, reached), *rest = _pairs(replies["answer"])
    if reached != "405":
        raise VerifyFailed(f"the hub was not reached to try it: {first} gave {reached}")
    for path, said in rest:
        yield said in {"403", "404"}, At(host, path), f"the hub says {said}"


def _pairs(reply: Reply) -> list[tuple[str, str]]:
    try:
        found = [(str(path), str(said)) for path, said in json.loads(reply.text)]
    except (ValueError, TypeError):
        found = []
    if len(found) < 2:  # noqa: PLR2004 - the first is the proof that the others were heard
        raise VerifyFailed(f"the trial gave no result: {reply.last}")
    return found


@check(
    id="FLW-02",
    title="Accounts for the loopback reach nothing beyond the host",
    severity=Severity.CRITICAL,
    supports=(
        "EHDS 73(1)(b)",
        "TEHDAS SPER-6",
        "ISO A.8.12 A.8.22",
        "GDPR 32(1)(d)",
    ),
    remediation="Run `cairn up NAME`; then look which rule lets the account out.",
    waivable=False,
    limit_s=45,
)
def loopback_accounts_stay_inside(host: EvidenceHost) -> Findings:
    """What runs code of others beside images has no way by which an image could leave.

    A connection is tried as each of them, and the counter of the refusal that is theirs must rise:
    that a connection fails proves nothing by itself.
    """
    names = list(dict.fromkeys(one.name for one in host.plan.accounts if one.loopback_only))
    if not names:
        yield NOT_APPLICABLE, "the plan names no account that is for the loopback only"
        return
    tries = {
        f"try_{number}": f"runuser -u {shlex.quote(name)} -- "
        f"python3 -c {shlex.quote(OUTWARD)} {NOBODY}"
        for number, name in enumerate(names)
    }
    replies = host.ask(before=COUNTERS, **tries, after=COUNTERS)
    before, after = _counted(replies["before"]), _counted(replies["after"])
    for number, name in enumerate(names):
        said = replies[f"try_{number}"].last
        rose = after.get(name, 0) - before.get(name, 0)
        at = At(host, f"as {name}")
        refused = said != "connected" and not replies[f"try_{number}"].status
        yield refused and rose > 0, at, f"tried: {said}; {rose} packets refused"


def _counted(reply: Reply) -> dict[str, int]:
    """Return how many packets of each account were refused because it is for the loopback."""
    try:
        rules = [one["rule"] for one in json.loads(reply.text)["nftables"] if "rule" in one]
        return {
            rule["comment"].removeprefix("alone:"): part["counter"]["packets"]
            for rule in rules
            if str(rule.get("comment")).startswith("alone:")
            for part in rule["expr"]
            if "counter" in part
        }
    except (ValueError, TypeError, KeyError):
        raise VerifyFailed(f"the counters cannot be read: {reply.last}") from None


@check(
    id="HST-24",
    title="The hub admits only nodes that it knows",
    severity=Severity.CRITICAL,
    supports=(
        "TEHDAS TIR-30 TIR-31 TIR-33",
        "EHDS 73(1)(a)",
        "NIS2 21(2)(i)",
        "ISO A.8.5 A.8.15",
    ),
    remediation="Run `cairn up NAME`; then look at gate and server with `systemctl status`.",
    waivable=False,
    limit_s=45,
)
def strangers_are_refused(host: EvidenceHost) -> Findings:
    """Whoever could pass for a node would be handed models and could spoil them.

    The server is asked without a node's signature, what hands out tasks without the secret, and
    the gate without a certificate and with one that nobody of the federation signed.
    """
    if not _runs(host, "hub_fl"):
        yield NOT_APPLICABLE, "no federated-learning server runs on this host"
        return
    told = _answers(host.run(STRANGER))
    for path in ("/v1/fleet/pull-messages", "/v1/runtime/acquire-task"):
        yield told[path] == "401", At(host, f"server {path}"), f"asked unsigned: {told[path]}"
    if not any(one.port == HTTPS and one.direction == "in" for one in host.plan.flows):
        yield NOT_APPLICABLE, At(host, "gate"), "the root has not signed the hub yet"
        return
    for word, how in (("bare", "without a certificate"), ("foreign", "with a foreign one")):
        refused = told[word] in {"400", "403"} or "CERTIFICATE" in told[word]
        yield refused, At(host, "gate"), f"asked {how}: {told[word]}"


def _answers(reply: Reply) -> dict[str, str]:
    wanted = {"/v1/fleet/pull-messages", "/v1/runtime/acquire-task", "bare", "foreign"}
    try:
        found = {str(word): str(said) for word, said in json.loads(reply.text).items()}
    except (ValueError, AttributeError):
        found = {}
    if not wanted <= set(found):
        raise VerifyFailed(f"the trial gave no result: {reply.last}")
    return found
