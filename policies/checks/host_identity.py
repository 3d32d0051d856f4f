"""Who a node is in its federation, and whom the gate of the hub lets in."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING, Any

from cairn.checks.registry import check
from cairn.checks.verdicts import NOT_APPLICABLE, At, Severity

if TYPE_CHECKING:
    from cairn.checks.host import EvidenceHost
    from cairn.checks.verdicts import Findings

IDENTITY = "/etc/cairn/federation"
GATE = "/etc/cairn/gate"
#: Seconds that a certificate must have left: a day and a half, so that a renewal can fail once.
LEFT_S = 129_600
#: Seconds that the root's list must have left: a month, because people have to carry a new one.
ROOT_S = 2_592_000
CHAIN = "openssl verify -x509_strict -CAfile ca.crt -untrusted node.crt node.crt"
NEXT = re.compile(r"nextUpdate=(\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ)")
#: What a client is that the gate does not know; the key lives as long as the question.
TRY = (
    "cd $(mktemp -d) && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes "
    "-days 2 -subj /CN=nobody.NAME -keyout key -out crt 2>/dev/null; "
    "printf 'GET /v1/hello HTTP/1.0\\r\\n\\r\\n' | timeout 10 openssl s_client -quiet "
    "-connect 127.0.0.1:443 -servername NAME -CAfile /etc/cairn/hub/root.crt -verify_return_error "
    'SHOWN 2>/dev/null | head -n 1; rm -rf "$PWD"'
)
#: The port itself, asked for something that is opened for nobody.
OFFERS = (
    "for version in tls1_1 tls1_2 tls1_3; do timeout 10 openssl s_client -connect 127.0.0.1:443 "
    "-servername NAME -$version </dev/null 2>/dev/null | grep -q 'BEGIN CERTIFICATE' "
    "&& echo $version; done; echo asked"
)


def _role(host: EvidenceHost, name: str) -> dict[str, Any] | None:
    """Return the variables of a role of the host, None where it does not run."""
    return next((dict(role.variables) for role in host.plan.roles if role.name == name), None)


@check(
    id="FED-10",
    title="The node shows a certificate of its federation, which renews itself",
    severity=Severity.HIGH,
    supports=("TEHDAS TIR-30 TIR-31", "NIS2 21(2)(h) 21(2)(i)", "ISO A.8.5 A.8.24"),
    remediation="Run `systemctl start cairn-identity`, read its journal; else ask the hub.",
    applies=("T3", "compute"),
)
def node_shows_who_it_is(host: EvidenceHost) -> Findings:
    """Who cannot show a certificate takes part in nothing; one that never ends never leaves."""
    if _role(host, "enrolment") is None:
        yield NOT_APPLICABLE, "the host has no part in the federation"
        return
    told = host.ask(
        enrolled=f"cat {IDENTITY}/enrolled 2>/dev/null || echo nobody",
        chain=f"cd {IDENTITY} && {CHAIN}",
        left=f"openssl x509 -noout -checkend {LEFT_S} -in {IDENTITY}/node.crt",
        fits=f'[ "$(openssl x509 -noout -pubkey -in {IDENTITY}/node.crt)" = '
        f'"$(openssl pkey -pubout -in {IDENTITY}/node.key)" ] && echo fits',
        timer="systemctl is-active cairn-identity.timer",
    )  # fmt: skip
    if told["enrolled"].text.strip() == "nobody":
        yield NOT_APPLICABLE, "the node has no invitation of a hub yet"
        return
    at = At(host, f"{IDENTITY}/node.crt")
    yield told["chain"].text.strip() == "node.crt: OK", at, f"verified: {told['chain'].last}"
    yield told["left"].text.strip() == "Certificate will not expire", at, told["left"].last
    yield told["fits"].text.strip() == "fits", at, f"its key: {told['fits'].last or 'is another'}"
    active = told["timer"].text.strip()
    yield active == "active", At(host, "cairn-identity.timer"), f"its renewal is {active}"


@check(
    id="HUB-10",
    title="The gate of the hub lets nobody in without a certificate of the federation",
    severity=Severity.CRITICAL,
    supports=("TEHDAS TIR-30 TIR-31", "EHDS 73(1)(a)", "NIS2 21(2)(i)", "ISO A.8.5 A.8.21"),
    remediation="Run `cairn up NAME`; look at /etc/cairn/gate/nginx.conf if it stays.",
    waivable=False,
    applies=("hub",),
    limit_s=45,
)
def gate_refuses_strangers(host: EvidenceHost) -> Findings:
    """It is tried: without a certificate, and with one that somebody made for themselves."""
    gate = _role(host, "hub_gate")
    if gate is None or not gate["hub_gate_wanted"]:
        yield NOT_APPLICABLE, "the host has no public port"
        return
    name = shlex.quote(str(gate["hub_gate_domain"]))
    asked = TRY.replace("NAME", name)
    told = host.ask(
        bare=asked.replace("SHOWN", ""),
        foreign=asked.replace("SHOWN", "-cert crt -key key"),
        offers=OFFERS.replace("NAME", name),
    )
    at = At(host, "port 443")
    for word, said in {"bare": "no certificate", "foreign": "a foreign certificate"}.items():
        answer = told[word].text.strip()
        yield answer.startswith("HTTP/1.1 400"), at, f"who shows {said} gets {answer or 'nothing'}"
    spoken = set(told["offers"].text.split())
    yield (
        "asked" in spoken and "tls1_3" in spoken and "tls1_1" not in spoken,
        at,
        f"speaks {', '.join(sorted(spoken - {'asked'})) or 'nothing'}",
    )


@check(
    id="HUB-11",
    title="The gate of the hub knows who was revoked",
    severity=Severity.HIGH,
    supports=("TEHDAS TIR-31", "NIS2 21(2)(i)", "ISO A.5.18 A.8.5"),
    remediation="Run `systemctl start cairn-revoked`, read its journal; carry the root's list.",
    applies=("hub",),
)
def gate_knows_who_is_out(host: EvidenceHost) -> Findings:
    """A certificate lives for days; what ends it sooner is the list, if it is fetched."""
    gate = _role(host, "hub_gate")
    if gate is None or not gate["hub_gate_wanted"]:
        yield NOT_APPLICABLE, "the host has no public port"
        return
    told = host.ask(
        lists=f"grep -c 'BEGIN X509 CRL' {GATE}/revoked.pem",
        ends=f"openssl crl -noout -nextupdate -dateopt iso_8601 -in {GATE}/revoked.pem",
        root="openssl crl -noout -nextupdate -dateopt iso_8601 -in /etc/cairn/hub/root.crl",
        now="date --utc '+%F %TZ'",
        timer="systemctl is-active cairn-revoked.timer",
        soon=f"date --utc --date=@$(($(date +%s) + {ROOT_S})) '+%F %TZ'",
    )
    at = At(host, f"{GATE}/revoked.pem")
    count = told["lists"].text.strip()
    yield count.isdigit() and int(count) > 1, at, f"{count} lists: of the authority and the root"
    now, soon = told["now"].text.strip(), told["soon"].text.strip()
    for word, least in {"ends": now, "root": soon}.items():
        found = NEXT.fullmatch(told[word].text.strip())
        which = "of the authority" if word == "ends" else "of the root"
        ends = found[1] if found else "at no time"
        yield bool(found) and bool(least) and ends > least, at, f"the list {which} ends {ends}"
    active = told["timer"].text.strip()
    yield active == "active", At(host, "cairn-revoked.timer"), f"it is fetched: {active}"
