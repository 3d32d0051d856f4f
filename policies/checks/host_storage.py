"""The S3 storage of a live host: what it refuses is tried, not read."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from cairn.checks.registry import check
from cairn.checks.verdicts import NOT_APPLICABLE, At, Severity
from cairn.errors import VerifyFailed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cairn.checks.host import EvidenceHost, Reply
    from cairn.checks.verdicts import Findings

SERVER = "cairn-s3.service"
#: Who is no consumer: a signature with a wrong key, and no signature at all.
STRANGER, NOBODY = "a wrong key", "no key"
#: S3's answers that refuse.
REFUSED = {"403 AccessDenied", "403 SignatureDoesNotMatch"}

#: Signs and sends S3 requests as AWS Signature Version 4 wants it; reads JSON, writes JSON.
ASK = r"""python3 - <<'EOF'
import datetime, hashlib, hmac, http.client, json, re, ssl
HOST = "127.0.0.1:7070"
TRUST = ssl.create_default_context(cafile="/etc/cairn/pki/authority.crt")
def keys(who):
    if who == "root":
        return re.findall(r"=(.*)", open("/etc/cairn/storage/root.env").read())
    text = open(f"/etc/cairn/storage/consumers/{who}.credentials").read()
    return re.findall(r" = (.*)", text)
def sign(key, *words):
    for word in words:
        key = hmac.new(key, word.encode(), hashlib.sha256).digest()
    return key
def request(access, secret, method, path, body=b""):
    now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
    digest, day = hashlib.sha256(body).hexdigest(), now[:8]
    head = {"host": HOST, "x-amz-content-sha256": digest, "x-amz-date": now}
    lines = "".join(f"{name}:{head[name]}\n" for name in sorted(head))
    text = "\n".join([method, path, "", lines, ";".join(sorted(head)), digest])
    scope = f"{day}/us-east-1/s3/aws4_request"
    said = f"AWS4-HMAC-SHA256\n{now}\n{scope}\n{hashlib.sha256(text.encode()).hexdigest()}"
    key = sign(f"AWS4{secret}".encode(), day, "us-east-1", "s3", "aws4_request")
    proof = hmac.new(key, said.encode(), hashlib.sha256).hexdigest()
    if access:
        head["authorization"] = (f"AWS4-HMAC-SHA256 Credential={access}/{scope}, "
                                 f"SignedHeaders={';'.join(sorted(head))}, Signature={proof}")
    way = http.client.HTTPSConnection(HOST, timeout=8, context=TRUST)
    way.request(method, path, body, head)
    answer = way.getresponse()
    code = re.search(rb"<Code>(\w+)</Code>", answer.read())
    return f"{answer.status} {code[1].decode() if code else ''}".strip()
def one(job):
    who, bucket, what = job
    strange = {"a wrong key": ("cairn-root", "x" * 40), "no key": ("", "")}
    access, secret = strange.get(who) or keys(who)
    if what == "read":
        return request(access, secret, "GET", f"/{bucket}")
    path = f"/{bucket}/cairn-verify-may-be-deleted"
    said = request(access, secret, "PUT", path, b"x")
    if said.startswith("2"):
        request(*keys("root"), "DELETE", path)
    return said
def tried(job):
    try:
        return one(job)
    except Exception as error:
        return f"error {type(error).__name__}: {error}"
print(json.dumps([[*job, tried(job)] for job in json.loads('JOBS')]))
EOF"""


def _serves(host: EvidenceHost) -> bool:
    return SERVER in {service.unit for service in host.plan.services}


@check(
    id="STO-04",
    title="A bucket is open to those who were granted it, and to nobody else",
    severity=Severity.CRITICAL,
    supports=("EHDS 73(1)(c) 73(1)(d)", "GDPR 32(1)(b)", "ISO A.8.3"),
    remediation="Run `cairn up NAME`, which puts the policy back; then ask who changed it.",
    waivable=False,
    limit_s=60,
)
def buckets_refuse_others(host: EvidenceHost) -> Findings:
    """Who may only read must not write, and who was granted nothing must not even look.

    Each is tried with the consumer's own credential, and with a wrong and without any key.
    """
    if not _serves(host) or not host.plan.buckets:
        yield NOT_APPLICABLE, "no bucket is kept by a server of this host"
        return
    outcomes = _outcomes(host.run(ASK.replace("JOBS", json.dumps(list(_jobs(host))))))
    for (who, bucket, what), said in outcomes.items():
        allowed = _may(host, who, bucket, what)
        right = said.startswith("200") if allowed else said in REFUSED
        wanted = "is let in" if allowed else "is refused"
        at = At(host, f"bucket {bucket}: {what} with {who}")
        yield right, at, f"{said}; wanted: {wanted}"


def _jobs(host: EvidenceHost) -> Iterator[tuple[str, str, str]]:
    consumers = sorted({one for b in host.plan.buckets for one in (*b.readers, *b.writers)})
    for bucket in host.plan.buckets:
        yield STRANGER, bucket.name, "read"
        yield NOBODY, bucket.name, "read"
        for who in consumers:
            yield who, bucket.name, "read"
            if who not in bucket.writers:
                yield who, bucket.name, "write"


def _may(host: EvidenceHost, who: str, bucket: str, what: str) -> bool:
    (planned,) = [one for one in host.plan.buckets if one.name == bucket]
    return what == "read" and who in {*planned.readers, *planned.writers}


def _outcomes(reply: Reply) -> dict[tuple[str, str, str], str]:
    try:
        found = {(str(a), str(b), str(c)): str(d) for a, b, c, d in json.loads(reply.text)}
    except (ValueError, TypeError):
        found = {}
    if not found:
        raise VerifyFailed(f"the trial gave no result: {reply.last}")
    return found


#: Shakes hands in each version of TLS, and knocks at the administration on every other address.
KNOCK = """python3 - <<'EOF'
import json, socket, ssl, subprocess, warnings
warnings.simplefilter("ignore")
def hands(version):
    context = ssl.create_default_context(cafile="/etc/cairn/pki/authority.crt")
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = getattr(ssl.TLSVersion, version)
    with socket.create_connection(("127.0.0.1", 7070), timeout=5) as way:
        with context.wrap_socket(way, server_hostname="127.0.0.1") as shaken:
            return shaken.version()
def knock(address):
    with socket.create_connection((address, 7071), timeout=5):
        return "open"
def tried(act, what):
    try:
        return act(what)
    except ssl.SSLError as error:
        return error.reason or str(error)
    except OSError as error:
        return error.strerror or type(error).__name__
others = subprocess.run(["hostname", "-I"], capture_output=True, text=True).stdout.split()
print(json.dumps({"tls": {v: tried(hands, v) for v in ("TLSv1_1", "TLSv1_2", "TLSv1_3")},
                  "admin": {a: tried(knock, a) for a in ["127.0.0.1", *others]}}))
EOF"""


@check(
    id="STO-05",
    title="The S3 server speaks TLS 1.2 or newer, with the certificate of the node",
    severity=Severity.HIGH,
    supports=("ISO A.8.24", "BSI TLS.1", "NIS2 21(2)(h)"),
    remediation="Run `cairn up NAME`; see `journalctl -u cairn-s3` if the certificate is refused.",
)
def storage_speaks_tls(host: EvidenceHost) -> Findings:
    """Data sets travel through the hospital's network; an old version of TLS can be broken.

    Hands are shaken in each version, and the certificate is followed to the node's authority.
    """
    if not _serves(host):
        yield NOT_APPLICABLE, "no S3 server runs on this host"
        return
    tls = _knocked(host.run(KNOCK), "tls")
    for version in ("TLSv1_2", "TLSv1_3"):
        said = tls.get(version, "not told")
        yield said.startswith("TLSv1."), At(host, f"7070 {version}"), said
    said = tls.get("TLSv1_1", "not told")
    # Any other reason is this client's own and proves nothing about the server.
    if "ALERT_PROTOCOL_VERSION" not in said and not said.startswith("TLSv1"):
        raise VerifyFailed(f"TLS 1.1 could not be tried: {said}")
    refused = "ALERT_PROTOCOL_VERSION" in said
    yield refused, At(host, "7070 TLSv1_1"), "refused" if refused else f"spoken: {said}"


@check(
    id="STO-06",
    title="The administration of the S3 server is closed to every other machine",
    severity=Severity.CRITICAL,
    supports=("ISO A.8.20 A.8.2", "ANSSI R80"),
    remediation="Remove drop-ins of cairn-s3.service, then run `cairn up NAME`.",
)
def administration_is_local(host: EvidenceHost) -> Findings:
    """Who reaches the administration with its key makes users and reads every data set."""
    if not _serves(host):
        yield NOT_APPLICABLE, "no S3 server runs on this host"
        return
    admin = _knocked(host.run(KNOCK), "admin")
    here = admin.pop("127.0.0.1", "not told")
    yield here == "open", At(host, "127.0.0.1:7071"), here
    if not admin:
        raise VerifyFailed("the host tells no address of its own")
    for address, said in admin.items():
        yield said == "Connection refused", At(host, f"{address}:7071"), said


def _knocked(reply: Reply, about: str) -> dict[str, str]:
    try:
        return {str(name): str(said) for name, said in json.loads(reply.text)[about].items()}
    except (ValueError, KeyError, TypeError, AttributeError):
        raise VerifyFailed(f"the trial gave no result: {reply.last}") from None
