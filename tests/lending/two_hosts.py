"""A hospital with a frozen data set and a compute node, with stand-ins for the hub and its CA."""

from __future__ import annotations

import json
import shlex
import time
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from cairn.checks import engine, registry
from cairn.checks.host import EvidenceHost
from cairn.checks.registry import Catalogue
from cairn.datasets import desk, jobs
from cairn.errors import ApplyFailed
from cairn.plan.buckets import buckets_of
from cairn.plan.model import Plan, PlannedHost
from cairn.plan.roles import (
    account,
    base,
    certificate,
    enrolment,
    firewall,
    freeze,
    lending,
    receiving,
    storage,
)
from cairn.provider import bucket_state
from cairn.spec.federation import Endpoint, FederationFile
from cairn_freeze import manifest
from cairn_freeze.storage import Storage
from federation.trial import IDENTITY, put
from freeze.house import administrator
from lending.authority import Authority
from roles.harness import ground

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from cairn.checks.verdicts import Verdict
    from cairn.plan.context import Context
    from cairn.plan.model import PlannedRole
    from roles.harness import Ground

HOSPITAL, COMPUTE = "lend-hospital", "lend-compute"
DOMAIN = "hub.demo.example"
DATASET, HELD = "lung-ct", "lung-copy"
BY = "dpo@hospital.example"
#: Stands in for the gate of a hub: hands out the lists of those revoked, to whoever asks.
HUB = r"""
    import http.server, ssl
    class Hub(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            data = open("/root/lists.pem", "rb").read() if self.path == "/v1/revoked" else b""
            self.send_response(200 if data else 404)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)
    way = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    way.load_cert_chain("/root/hub.crt", "/root/hub.key")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 443), Hub)
    server.socket = way.wrap_socket(server.socket, server_side=True)
    server.serve_forever()
    """
OF_ALL: dict[str, Any] = {
    "path": "/srv/imaging",
    "size": "4 GiB",
    # The tests look from this computer, which sandbox hosts see on these networks.
    "consumers": [{"name": "tests", "comes_from": "198.18.0.0/15"}],
}
PERMIT = {
    "persons": ["r.silva@university.example"],
    "expires": "2099-06-30",
    "delete_by": "2099-12-30",
}


def images(count: int, size: int = 1000) -> dict[str, bytes]:
    """Return objects with bytes of their own."""
    return {
        f"SUBJ-{one:02}/1.2/1.2.{one}_CT/1.2.{one}.1.dcm": (b"DICM %d " % one) * (size // 8)
        for one in range(count)
    }


@dataclass
class TwoHosts:
    """Both nodes as the tests act on them.

    Attributes:
        hospital: The host of the hospital.
        compute: The host of the compute node.
        authority: Who certifies both.
        until: What the hospital's spec says of its consent.
    """

    hospital: Ground
    compute: Ground
    authority: Authority
    until: str = "2099-03-31"
    _clients: dict[str, Any] = field(default_factory=dict)

    def context(self, box: Ground) -> Context:
        """Return what a planner sees of a host."""
        hosts = [{"name": box.host, "machine": "sandbox", "os": box.os}]
        if box is self.hospital:
            copies = [{"to": COMPUTE, "at": self.compute.place.address, "until": self.until}]
            wishes: dict[str, Any] = {
                "kind": "data-provider",
                "hosts": [{**hosts[0], "runs": ["storage", "pacs", "fl-agent"]}],
                "datasets": [{"name": DATASET, "description": "Made for tests", "copies": copies}],
                "permits": [{**PERMIT, "id": "TEST-1", "datasets": [DATASET]}],
            }
        else:
            origin = {
                "node": HOSPITAL,
                "dataset": DATASET,
                "comes_from": f"{self.hospital.place.address}/32",
            }
            wishes = {
                "kind": "compute",
                "hosts": [{**hosts[0], "runs": ["storage", "fl-agent"]}],
                "datasets": [{"name": HELD, "description": "A copy", "copy_of": origin}],
                "permits": [{**PERMIT, "id": "TEST-2", "datasets": [HELD]}],
            }
        made = box.context(storage=OF_ALL, **wishes)
        ends = tuple(
            Endpoint(name=name, host=host, port=443, tls="1.3", why="Stands in for the hub")
            for name, host in (("fl", DOMAIN), ("ca", f"ca.{DOMAIN}"))
        )
        file = FederationFile(
            federation_version=1, name="demo", hub="hub", domain=DOMAIN, endpoints=ends,
            addresses={DOMAIN: "127.0.0.1"}, ca_certificates=(self.authority.root,),
        )  # fmt: skip
        return replace(made, document=replace(made.document, federation=file))

    def roles(self, box: Ground) -> tuple[PlannedRole, ...]:
        """Return what is applied to a host, its firewall last."""
        context = self.context(box)
        own = lending if box is self.hospital else receiving
        every = [one.plan(context) for one in (certificate, storage, freeze, account, enrolment)]
        planned = tuple(one for one in (*every, own.plan(context)) if one)
        others = (base.plan(context), *planned)
        return (*planned, firewall.plan(replace(context, others=others)))

    def role(self, box: Ground, name: str) -> PlannedRole:
        """Return one role of a host."""
        return next(one for one in self.roles(box) if one.name == name)

    def apply(self, box: Ground, *names: str, **how: object) -> list[str]:
        """Apply the roles of a host, or some, and return the tasks that changed something."""
        changed = []
        for one in self.roles(box):
            if not names or one.name in names:
                outcome = box.apply(one, **how)
                assert outcome.failure is None, outcome.failure
                changed += [change.task for change in outcome.changes]
        return changed

    def certify(self, box: Ground, name: str) -> None:
        """Give a host a certificate of the federation, the mark of the enrolment last."""
        chain, key = self.authority.issue(f"{name}.{DOMAIN}")
        put(box, f"{IDENTITY}/node.crt", chain)
        put(box, f"{IDENTITY}/node.key", key, "0600")
        put(box, f"{IDENTITY}/ca.crt", self.authority.root)
        put(box, f"{IDENTITY}/enrolled", "{}")
        box.ask(f"run-parts {IDENTITY}/renewed.d")

    def revoke(self, *names: str) -> None:
        """Have the hub say that the newest certificates of these nodes were revoked."""
        put(self.compute, "/root/lists.pem", self.authority.lists(*names))

    def s3(self, box: Ground) -> Any:  # noqa: ANN401 - boto3 has no types
        """Return a client of a host's storage as its administrator."""
        if box.node not in self._clients:
            self._clients[box.node] = administrator(box)
        return self._clients[box.node]

    def bucket(self, box: Ground) -> Storage:
        """Return the data set of a host, as its administrator sees it."""
        return Storage(DATASET if box is self.hospital else HELD, self.s3(box))

    def make_buckets(self, box: Ground) -> None:
        """Make the buckets of the plan, as the provider does."""
        for one in buckets_of(self.context(box).spec):
            words = ("name", "versioning", "readers", "writers", "keepers")
            wanted = bucket_state.settings_of(
                {word: list(value) if isinstance(value, tuple) else value
                 for word, value in ((word, getattr(one, word)) for word in words)}
            )  # fmt: skip
            bucket_state.make(self.s3(box), one.name, wanted)
            found = bucket_state.look(self.s3(box), one.name)
            assert found is not None
            bucket_state.change(self.s3(box), one.name, found, wanted)

    def freeze(self, objects: dict[str, bytes]) -> dict[str, Any]:
        """Make these the next version of the hospital's data set, as a freeze writes it."""
        bucket = self.bucket(self.hospital)
        entries = [manifest.entry_of(key, data) for key, data in objects.items()]
        for entry, data in zip(entries, objects.values(), strict=True):
            bucket.put(entry, data)
        about = {
            "dataset": DATASET,
            "node": HOSPITAL,
            "permit": {"id": "TEST-1", "expires": PERMIT["expires"]},
            "scans": [],
            "summary": {"subjects": len(objects)},
        }
        at = datetime.now(UTC).isoformat(timespec="seconds")
        made = manifest.made(entries, about, before=bucket.manifests(), at=at)
        bucket.publish(made)
        return made

    def job(self, **how: Any) -> dict[str, Any]:  # noqa: ANN401 - any word of the verb
        """Return the job that lends the newest version."""
        words = {"dataset": DATASET, "version": None, "to": COMPUTE, "by": BY}
        today = date(2026, 1, 1)
        return jobs.lend(self.context(self.hospital).document, **{**words, "today": today, **how})

    def lend(self, **how: Any) -> dict[str, Any]:  # noqa: ANN401 - any word of the verb
        """Lend as the verb does it."""
        papers = self.context(self.hospital).document
        return desk.do(papers, self.job(**how), _silent, desk.LENDING)

    def refused(self, **how: Any) -> str:  # noqa: ANN401 - any word of the verb
        """Lend, which must be refused, and return why."""
        try:
            told = self.lend(**how)
        except ApplyFailed as refusal:
            return str(refusal)
        raise AssertionError(f"this was lent: {told}")

    def recall(self) -> dict[str, Any]:
        """Take the copy back as the verb does it."""
        papers = self.context(self.hospital).document
        job = jobs.recall(papers, dataset=DATASET, of=COMPUTE, by=BY)
        return desk.do(papers, job, _silent, desk.LENDING)

    def submit(self) -> str:
        """Hand a job in without waiting for it, and return its name."""
        job = shlex.quote(json.dumps(self.job()))
        return self.hospital.ask(f"printf %s {job} | {desk.LENDING} submit")

    def lines(self, box: Ground) -> list[dict[str, Any]]:
        """Return the account of a host."""
        said = box.ask("/usr/local/libexec/cairn/account show")
        return [json.loads(line) for line in said.splitlines()]

    def asked(self, check: str, box: Ground) -> dict[str, Verdict]:
        """Ask a check of a host as `cairn verify` does; return the verdicts by message."""
        planned = PlannedHost(
            box.host, box.os, box.place.address, sandbox=True, capabilities=(), volumes=(),
            roles=self.roles(box),
        )  # fmt: skip
        papers, catalogue = self.context(box).document, registry.catalogue()
        only = catalogue.find(check)
        assert only
        found = engine.judge_host(
            papers,
            Plan(box.node, papers.spec.kind, "staging", papers.digest, (planned,)),
            planned,
            EvidenceHost(planned, {}, Asked(box)),
            today=datetime.now(UTC).date(),
            catalogue=Catalogue((only,), catalogue.parameters),
        )
        return {one.message: one.verdict for one in found.findings}


class Asked:
    """A host as the engine asks it."""

    def __init__(self, box: Ground) -> None:
        self._box = box

    def run(self, command: str) -> Reply:
        """Run a command as root."""
        done = self._box.ssh(f"sudo sh -c {shlex.quote(command)}")
        return Reply(done.returncode, done.stdout, done.stderr)


class Reply(NamedTuple):
    """What testinfra gives back."""

    rc: int
    stdout: str
    stderr: str


def stand(folder: Path) -> TwoHosts:
    """Start both hosts and put everything on them; `sandbox.remove` is the caller's to call."""
    authority = Authority(folder, DOMAIN)
    for node in (HOSPITAL, COMPUTE):
        (folder / node).mkdir()
    boxes = [ground(node, "box", "debian-13", folder / node) for node in (HOSPITAL, COMPUTE)]
    both = TwoHosts(*boxes, authority)
    for box in boxes:
        box.ask("apt-get -qq update")
        box.ask(
            "DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends "
            "curl openssl python3 >/dev/null"
        )
    chain, key = authority.issue(DOMAIN)
    put(both.compute, "/root/hub.crt", chain)
    put(both.compute, "/root/hub.key", key, "0600")
    put(both.compute, "/root/hub.py", HUB)
    both.revoke()
    both.compute.ask("systemd-run --quiet --unit=stand-in-hub python3 /root/hub.py")
    for box, name in ((both.hospital, HOSPITAL), (both.compute, COMPUTE)):
        both.apply(box)
        both.make_buckets(box)
        both.certify(box, name)
    waited(lambda: "8444" in both.compute.ask("ss -Hlnt"), "the gate does not open", 60)
    return both


def waited(what: Callable[[], object], why: str, seconds: float) -> None:
    """Wait until something holds."""
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, why
        time.sleep(0.5)


def _silent(*_: object) -> None:
    """Say nothing."""
