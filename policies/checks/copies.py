"""Copies of data sets: with whose consent they leave a house, and who can send one."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from cairn.checks.registry import check
from cairn.checks.subjects import taking_part
from cairn.checks.verdicts import NOT_APPLICABLE, At, Severity
from cairn.errors import VerifyFailed
from cairn.plan.buckets import held, lends, lent, receives

if TYPE_CHECKING:
    from datetime import date

    from cairn.checks.host import EvidenceHost, Reply
    from cairn.checks.verdicts import Findings
    from cairn.spec.document import Document
    from cairn.spec.node import ComputeNode, DataProviderNode

#: Asks the gate with nothing, with a certificate of nobody's, and with the node's own: that one is
#: let in and told that it may send nothing, or the others prove nothing.
TRIED = r"""python3 - <<'EOF'
import json, http.client, ssl, subprocess, tempfile
FOLDER = "/etc/cairn/federation/"
def said(shown=None):
    way = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    way.check_hostname, way.verify_mode = False, ssl.CERT_NONE
    if shown:
        way.load_cert_chain(*shown)
    line = http.client.HTTPSConnection("127.0.0.1", 8444, context=way, timeout=8)
    try:
        line.request("GET", "/v1/copies/of-nobody")
        answer = line.getresponse()
        return [answer.status, "message" in answer.read().decode(errors="replace")]
    except ssl.SSLError as error:
        return [error.reason or "refused by TLS", False]
    except (OSError, http.client.HTTPException) as error:
        return [type(error).__name__, False]
    finally:
        line.close()
told = {"bare": said()}
with tempfile.TemporaryDirectory() as folder:
    made = (folder + "/crt", folder + "/key")
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1"]
    subprocess.run(["openssl", "req", "-x509", *curve, "-subj", "/CN=stranger",
                    "-keyout", made[1], "-out", made[0]], check=True, capture_output=True)
    told["foreign"] = said(made)
told["own"] = said((FOLDER + "node.crt", FOLDER + "node.key"))
print(json.dumps(told))
EOF"""
ENROLLED = "test -e /etc/cairn/federation/enrolled && echo enrolled || echo waits"
LISTS = "grep -c 'BEGIN X509 CRL' /etc/cairn/federation/revoked.pem; true"


@check(
    id="FED-03",
    title="Copies leave the house with a transfer agreement, for a time, within a permit",
    severity=Severity.CRITICAL,
    supports=("EHDS 68", "GDPR 5(1)(e)", "EUCAIM-HB 3.2 (DSA/DTA)", "ISO A.5.14"),
    remediation="Set participation and agreement to transfer, and `until` within the permit.",
    waivable=False,
    applies=("T3", "compute"),
)
def copies_rest_on_consent(document: Document, today: date) -> Findings:
    """Whoever holds a copy needs no hospital's leave any more; so it is given in writing, and ends.

    The same is asked of the node that holds the copy.
    """
    spec = taking_part(document)
    declared = [one.name for one in lent(spec)] or list(held(spec))
    if not declared:
        yield NOT_APPLICABLE, "no copy leaves the node or comes to it"
        return
    agreement = spec.legal.agreement if spec.legal else None
    kind = agreement.kind if agreement else "none"
    at = At(spec, "legal.agreement.kind")
    yield kind == "data-transfer", at, f"there are copies, the agreement is of kind {kind}"
    mode = spec.federation.participation
    yield mode == "transfer", At(spec, "federation.participation"), f"participation is {mode}"
    able = any(lends(spec, host.runs) or receives(spec, host.runs) for host in spec.hosts)
    at = At(spec, "hosts")
    yield able, at, "a host carries them" if able else "no host runs all that carries copies"
    yield from _ends(spec, today)


def _ends(spec: DataProviderNode | ComputeNode, today: date) -> Findings:
    """Say of each consent whether it lasts, and no longer than what it rests on."""
    for one in lent(spec):
        permits = [each.expires for each in spec.permits if one.name in each.datasets]
        last = max(permits, default=None)
        for copy in one.copies:
            at = At(spec, f"datasets.{one.name}.copies.{copy.to}")
            yield copy.until >= today, at, f"consent until {copy.until}"
            within = last is not None and copy.until <= last
            yield within, at, f"consent until {copy.until}, permits until {last or 'no day'}"


@check(
    id="FED-11",
    title="Who is no node of the federation can send no copy",
    severity=Severity.CRITICAL,
    supports=("TEHDAS TIR-30 TIR-31", "EHDS 73(1)(a)", "ISO A.8.5 A.8.21", "NIS2 21(2)(i)"),
    remediation="Run `cairn up NAME`; read `journalctl -u cairn-copies-revoked` if it stays.",
    waivable=False,
    applies=("T3", "compute"),
    limit_s=45,
)
def strangers_send_nothing(host: EvidenceHost) -> Findings:
    """What is sent here is trained on; and a node that was revoked must be refused as well.

    It is tried without a certificate, with one that somebody made, and with the node's own, which
    is let in and may send nothing.
    """
    if not any(role.name == "receiving" for role in host.plan.roles):
        yield NOT_APPLICABLE, "the host takes no copies"
        return
    told = host.ask(enrolled=ENROLLED, answer=TRIED, lists=LISTS)
    if told["enrolled"].text.strip() == "waits":
        yield NOT_APPLICABLE, "the node is not enrolled yet"
        return
    found = _answers(told["answer"])
    at = At(host, "port 8444")
    for word, shown in {"bare": "no certificate", "foreign": "a foreign certificate"}.items():
        status, inside = found[word]
        refused = (status == "400" or "CERTIFICATE" in status) and not inside
        yield refused, at, f"who shows {shown} gets {status}"
    status, inside = found["own"]
    yield status == "403" and inside, at, f"the node's own certificate gets {status}"
    lists = told["lists"].text.strip()
    at = At(host, "/etc/cairn/federation/revoked.pem")
    enough = lists.isdecimal() and int(lists) > 1
    yield enough, at, f"lists of those revoked: {lists or 'none'}"


def _answers(reply: Reply) -> dict[str, tuple[str, bool]]:
    try:
        told = json.loads(reply.text)
        found = {word: (str(one[0]), one[1] is True) for word, one in told.items()}
    except (ValueError, AttributeError, TypeError, IndexError, KeyError):
        found = {}
    if not {"bare", "foreign", "own"} <= set(found):
        raise VerifyFailed(f"the trial gave no result: {reply.last}")
    return found
