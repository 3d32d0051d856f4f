"""Certificates, database and archive of a live host: what they let in, and what they refuse."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from cairn.checks.registry import check
from cairn.checks.verdicts import NOT_APPLICABLE, At, Severity
from cairn.errors import VerifyFailed

if TYPE_CHECKING:
    from cairn.checks.host import EvidenceHost, Reply
    from cairn.checks.parameters import Parameters
    from cairn.checks.verdicts import Findings

PKI = "/etc/cairn/pki"
OWN = f"-cert {PKI}/node.crt -key {PKI}/node.key"
GATE = "timeout 10 openssl s_client -connect 127.0.0.1:8443 -CAfile /etc/cairn/pki/authority.crt"
#: Asks the gate over TLS for a path; the options say who asks.
ASK = f"printf 'GET {{path}} HTTP/1.0\\r\\n\\r\\n' | {GATE} -quiet -ign_eof {{options}} | head -n 9"
STRANGER = f"""folder=$(mktemp -d) && trap 'rm -r "$folder"' EXIT
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj /CN=stranger \
-keyout "$folder/key" -out "$folder/crt" 2>/dev/null
{ASK.format(path="/dicom-web/studies", options='-cert "$folder/crt" -key "$folder/key"')}"""
#: Asks Orthanc's REST interface at the loopback and at the host's own address without a password,
#: and once with the one that Cairn made for this question.
REST = """python3 -c '
import base64, socket, urllib.error, urllib.request
def status(address, path, **headers):
    ask = urllib.request.Request(f"http://{address}:8042/{path}", headers=headers)
    try:
        return urllib.request.urlopen(ask, timeout=5).status
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return "refused"
probe = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
probe.connect(("192.0.2.1", 9))
print("loopback", status("127.0.0.1", "system"))
print("outside", status(probe.getsockname()[0], "system"))
try:
    login = b"verify:" + open("/etc/cairn/archive/verify.password", "rb").read()
    known = "Basic " + base64.b64encode(login).decode()
    print("index", status("127.0.0.1", "statistics", Authorization=known))
except OSError:
    print("index unasked")
'"""


def _runs(host: EvidenceHost, role: str) -> bool:
    return any(planned.name == role for planned in host.plan.roles)


@check(
    id="PAC-05",
    title="The archive answers over current TLS, and only who shows a known certificate",
    severity=Severity.CRITICAL,
    supports=("DICOM PS3.15 B.12", "GDPR 32(1)(a) 32(1)(d)", "NIS2 21(2)(h)", "ISO A.8.21 A.8.24"),
    remediation="Run `cairn up NAME`, then read `journalctl -u cairn-gate` on the host.",
)
def archive_refuses_strangers(host: EvidenceHost) -> Findings:
    """What a setting promises is tried: with an old TLS, without a certificate, with a foreign one.

    That the gate answers a good client is asked first: a gate that is down refuses everybody too.
    """
    if not _runs(host, "archive"):
        yield NOT_APPLICABLE, "the host runs no archive"
        return
    path = "/dicom-web/studies"
    replies = host.ask(
        good=f"{GATE} -verify_return_error {OWN} </dev/null",
        old=f"{GATE} -tls1_1 -cipher ALL:@SECLEVEL=0 </dev/null",
        bare=ASK.format(path=path, options=""),
        foreign=STRANGER,
        unlisted=ASK.format(path=path, options=OWN),
        explorer=ASK.format(path="/app/explorer.html", options=OWN),
    )
    good = re.search(r"^ *Verify return code: 0 \(ok\)", replies["good"].text, re.MULTILINE)
    version = re.search(r"^ *(?:New, )?(TLSv1\.[23])", replies["good"].text, re.MULTILINE)
    told = f"{version[1]}, the chain is good" if good and version else "does not answer as planned"
    yield bool(good and version), At(host, "gate"), told
    old = "alert protocol version" in replies["old"].text
    yield old, At(host, "gate: TLS 1.1"), "refused" if old else "is not refused"
    yield _answers(host, "gate: no certificate", replies["bare"], "400")
    yield _answers(host, "gate: foreign certificate", replies["foreign"], "400")
    yield _answers(host, "gate: certificate of no consumer", replies["unlisted"], "403")
    yield _answers(host, "gate: web explorer", replies["explorer"], "404")


def _answers(host: EvidenceHost, what: str, reply: Reply, wanted: str) -> tuple[bool, At, str]:
    found = re.search(r"^HTTP/1\.[01] (\d{3})", reply.text, re.MULTILINE)
    if found is None:
        raise VerifyFailed(f"{what}: the gate gave no answer: {reply.last}")
    return found[1] == wanted, At(host, what), f"answers {found[1]}, wanted {wanted}"


@check(
    id="PAC-06",
    title="Orthanc answers from its index, and refuses who has no password",
    severity=Severity.CRITICAL,
    supports=("GDPR 32(1)(b)", "ISO A.8.3 A.8.5", "ANSSI R62"),
    remediation="Run `cairn up NAME`; see that /etc/orthanc holds Cairn's files only.",
)
def rest_is_closed(host: EvidenceHost) -> Findings:
    """Whoever reaches it without a password reads and deletes every image."""
    if not _runs(host, "archive"):
        yield NOT_APPLICABLE, "the host runs no archive"
        return
    reply = host.run(REST)
    told = dict(line.split(" ", 1) for line in reply.lines if line.count(" ") == 1)
    if not {"loopback", "outside", "index"} <= set(told):
        raise VerifyFailed(f"the interface could not be asked: {reply.last}")
    inside, outside = told["loopback"], told["outside"]
    yield inside == "401", At(host, "127.0.0.1:8042"), f"without a password: {inside}, wanted 401"
    closed = outside in {"401", "403", "refused"}
    yield closed, At(host, "the host's own address:8042"), f"from outside: {outside}"
    at = At(host, "index")
    yield told["index"] == "200", at, f"with a password: {told['index']}, wanted 200"


@check(
    id="SQL-01",
    title="The database has no network socket and knows accounts of the host only",
    severity=Severity.HIGH,
    supports=("ISO A.8.3 A.8.5", "ANSSI R62 R80", "GDPR 32(1)(b)"),
    remediation="Run `cairn up NAME`; see which file of /etc/postgresql was changed by hand.",
)
def database_is_closed(host: EvidenceHost) -> Findings:
    """Another account is tried, and so is posing as the one that may come in."""
    if not _runs(host, "postgresql"):
        yield NOT_APPLICABLE, "the host runs no database"
        return
    ask = "psql --no-psqlrc --tuples-only --no-align --command='SELECT 1'"
    replies = host.ask(
        sockets="ss -H -lntp && echo all",
        owner=f"cd / && runuser -u orthanc -- {ask} orthanc",
        other=f"cd / && runuser -u nobody -- {ask} orthanc",
        posing=f"cd / && runuser -u nobody -- {ask} --username=orthanc orthanc",
        checksums="cd / && runuser -u postgres -- psql -XAtc 'SHOW data_checksums' postgres",
    )
    if replies["sockets"].last != "all":
        raise VerifyFailed(f"the sockets cannot be listed: {replies['sockets'].last}")
    silent = '"postgres"' not in replies["sockets"].text
    yield silent, At(host, "sockets"), "none on a network" if silent else "listens on a network"
    owner = replies["owner"].lines == ("1",)
    yield owner, At(host, "orthanc"), "comes in" if owner else replies["owner"].last
    for name, refusal in (("other", "rejects connection"), ("posing", "authentication failed")):
        refused = refusal in replies[name].text
        at = At(host, {"other": "another account", "posing": "another account as orthanc"}[name])
        yield refused, at, "is refused" if refused else f"is not refused: {replies[name].last}"
    on = replies["checksums"].text.strip() == "on"
    yield on, At(host, "data_checksums"), "on" if on else replies["checksums"].last


@check(
    id="HST-21",
    title="The certificates of the host are its authority's and valid with a margin",
    severity=Severity.HIGH,
    supports=("EUCAIM-HB 7.3.1", "TEHDAS TIR-31", "ISO A.8.24", "NIS2 21(2)(h)"),
    remediation="Run `systemctl start cairn-certificate` on the host and read what it says.",
)
def certificates_are_valid(host: EvidenceHost, limits: Parameters) -> Findings:
    """A certificate that ends stops every service that shows it, on a day that nobody chose."""
    if not _runs(host, "certificate"):
        yield NOT_APPLICABLE, "the host has no certificates of Cairn"
        return
    days = limits.number("certificate_margin_days")
    end = f"openssl x509 -noout -checkend {days * 86_400} -in {PKI}"
    replies = host.ask(
        authority=f"{end}/authority.crt",
        node=f"{end}/node.crt",
        chain=f"openssl verify -x509_strict -CAfile {PKI}/authority.crt {PKI}/node.crt",
    )
    for name in ("authority", "node"):
        lasts = replies[name].last == "Certificate will not expire"
        told = f"valid for {days} days at least" if lasts else f"openssl says: {replies[name].last}"
        yield lasts, At(host, f"{PKI}/{name}.crt"), told
    good = replies["chain"].last == f"{PKI}/node.crt: OK"
    yield good, At(host, "chain"), f"openssl says: {replies['chain'].last}"
