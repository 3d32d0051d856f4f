"""Both ends of a lending on this computer: buckets in memory, and the inbox behind real TLS."""

from __future__ import annotations

import contextlib
import hashlib
import json
import socket
import ssl
import threading
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from http.server import ThreadingHTTPServer
from typing import IO, TYPE_CHECKING, Any

from cairn_freeze import manifest
from cairn_freeze.storage import Storage
from cairn_lending.lend import lend, recall
from cairn_lending.link import Link, trust
from cairn_receiving import places, taking
from cairn_receiving.copy import Copy
from cairn_receiving.inbox import Handler
from federation.trial import Authority

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from cairn_freeze.manifest import Entry

DOMAIN = "hub.demo.example"
HOSPITAL, COMPUTE = "hospital-a", "compute-a"
NOON = datetime(2026, 11, 29, 12, tzinfo=UTC)
TODAY = date(2026, 11, 29)
PERMIT = {"id": "TEST-1", "datasets": ["lung-ct"], "expires": "2027-06-30"}
JOB: dict[str, Any] = {
    "dataset": "lung-ct",
    "version": None,
    "to": COMPUTE,
    "by": "dpo@hospital.example",
    "until": "2027-03-31",
    "permits": [PERMIT],
    "today": TODAY,
}
IMAGES = {
    "S1/1.2/1.2.3_CT/1.dcm": b"DICM one",
    "S1/1.2/1.2.3_CT/2.dcm": b"DICM two",
    "S2/1.3/1.3.1_CT/1.dcm": b"DICM three" * 1000,
}


class Bucket(Storage):
    """A bucket in memory, with every version of its objects."""

    def __init__(self, name: str) -> None:
        super().__init__(name, None)
        self.objects: dict[str, list[bytes]] = {}
        self.spoils: set[str] = set()

    def put(self, entry: Entry, body: IO[bytes] | bytes) -> None:
        data = body if isinstance(body, bytes) else body.read()
        assert entry == manifest.entry_of(entry.key, data)
        self.objects.setdefault(entry.key, []).append(data)

    def look(self, key: str, into: IO[bytes] | None = None) -> Entry | None:
        if key not in self.objects:
            return None
        data = self.read(key)
        if into is not None:
            into.write(data)
        return manifest.entry_of(key, data)

    def read(self, key: str) -> bytes:
        return b"spoilt" if key in self.spoils else self.objects[key][-1]

    def listed(self, prefix: str = "") -> Iterator[tuple[str, int]]:
        return iter([(key, len(each[-1])) for key, each in sorted(self.objects.items())
                     if key.startswith(prefix)])  # fmt: skip

    def erase(self, prefix: str, *, keep: Any = ()) -> int:  # noqa: ANN401 - keys
        for key in [one for one in self.objects if one.startswith(prefix)]:
            if key in set(keep):
                self.objects[key] = self.objects[key][-1:]
            else:
                del self.objects[key]
        return 0

    def freeze(self, images: Mapping[str, bytes], **changes: object) -> dict[str, Any]:
        """Publish these images as the next version."""
        for key, data in images.items():
            self.put(manifest.entry_of(key, data), data)
        about = {
            "dataset": self.bucket,
            "node": HOSPITAL,
            "permit": {"id": "TEST-1", "expires": "2027-06-30"},
            "summary": {},
            "scans": [],
            **changes,
        }
        entries = [manifest.entry_of(key, data) for key, data in images.items()]
        one = manifest.made(entries, about, before=self.manifests(), at=NOON.isoformat())
        self.publish(one)
        return one


@dataclass
class Ends:
    """A hospital and a compute node.

    Attributes:
        folder: Where keys, inbox and records lie.
        authority: Who certifies both.
        lent: The bucket of the hospital.
        held: The bucket of the compute node.
        told: What the compute node's spec says.
        lines: What both wrote into their accounts.
    """

    folder: Path
    authority: Authority = field(default_factory=Authority)
    lent: Bucket = field(default_factory=lambda: Bucket("lung-ct"))
    held: Bucket = field(default_factory=lambda: Bucket("lung-copy"))
    told: dict[str, Any] = field(default_factory=dict)
    lines: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    server: ThreadingHTTPServer | None = None
    damage: bool = False
    sent: list[str] = field(default_factory=list)

    def open(self, name: str = f"{COMPUTE}.{DOMAIN}") -> None:
        """Open the inbox, with a certificate of that name."""
        inbox = self.folder / "inbox"
        (inbox / "lung-copy" / "objects").mkdir(parents=True, exist_ok=True)
        self.told = {
            "node": COMPUTE,
            "inbox": str(inbox),
            "size": 10**9,
            "copies": {"lung-copy": {"node": HOSPITAL, "dataset": "lung-ct"}},
            "permits": [{"id": "C-1", "datasets": ["lung-copy"], "expires": "2027-06-30",
                         "delete_by": "2027-12-30"}],
        }  # fmt: skip
        self.settle()
        way = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        way.load_cert_chain(*self.certified(name))
        way.load_verify_locations(cadata=self.authority.pem)
        way.verify_mode = ssl.CERT_REQUIRED
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.server.socket = way.wrap_socket(self.server.socket, server_side=True)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self) -> None:
        """Close the inbox."""
        if self.server:
            self.server.shutdown()
            self.server.server_close()

    def settle(self) -> None:
        """Have the programs go by what the compute node's spec says now."""
        (self.folder / "receiving.json").write_text(json.dumps(self.told))

    def certified(self, name: str) -> tuple[str, str]:
        """Return the files of certificate and key for a name."""
        made = self.authority.issue(name)
        files = tuple(self.folder / f"{name}.{kind}" for kind in ("crt", "key"))
        for file, text in zip(files, made, strict=True):
            file.write_text(text)
        return str(files[0]), str(files[1])

    def link(
        self, node: str = HOSPITAL, authority: str = "", proxy: tuple[str, int] | None = None
    ) -> Link:
        """Return the way of a node to the inbox, through a proxy if there is one."""
        given = self.folder / f"given-{node}"
        given.mkdir(exist_ok=True)
        certificate, key = self.authority.issue(f"{node}.{DOMAIN}")
        (given / "node.crt").write_text(certificate)
        (given / "node.key").write_text(key)
        (given / "ca.crt").write_text(authority or self.authority.pem)
        assert self.server is not None
        place = {
            "host": "127.0.0.1",
            "port": self.server.server_port,
            "name": f"{COMPUTE}.{DOMAIN}",
            "proxy": proxy,
        }
        return Link(COMPUTE, place, "lung-ct", trust(given))

    def copy(self) -> Copy:
        """Return the copy as the compute node looks after it."""
        return Copy("lung-copy", self.told, self.held, self.folder, self.note)

    def lend(self, node: str = HOSPITAL, **changes: object) -> dict[str, Any]:
        """Lend, while the compute node looks after its inbox."""
        stop = threading.Event()
        worker = threading.Thread(target=self._look_after, args=(stop,))
        worker.start()
        try:
            job = {**JOB, **changes}
            return lend(job, self.lent, self.link(node), note=self.note, tell=_silent)
        finally:
            stop.set()
            worker.join()

    def recall(self) -> dict[str, Any]:
        """Take the copy back, while the compute node looks after its inbox."""
        stop = threading.Event()
        worker = threading.Thread(target=self._look_after, args=(stop,))
        worker.start()
        try:
            return recall(JOB, self.link(), note=self.note)
        finally:
            stop.set()
            worker.join()

    def note(self, event: str, words: Mapping[str, Any]) -> None:
        """Write a line into the account."""
        self.lines.append((event, dict(words)))

    def events(self) -> list[str]:
        """Return what happened, in order."""
        return [event for event, _ in self.lines]

    def _look_after(self, stop: threading.Event) -> None:
        while not stop.wait(0.02):
            taking.look_after(self.copy(), now=NOON)

    def _handler(self) -> type[Handler]:
        ends = self

        class Behind(Handler):
            """The inbox, told by TLS whose certificate was shown."""

            def parse_request(self) -> bool:
                fine = super().parse_request()
                if fine:
                    subject = dict(one[0] for one in self.connection.getpeercert()["subject"])
                    del self.headers["X-Cairn-Node"]
                    self.headers["X-Cairn-Node"] = subject["commonName"].partition(".")[0]
                    ends.sent.append(f"{self.command} {self.path}")
                    if ends.damage and "/objects/" in self.path:
                        other = hashlib.sha256(b"another").hexdigest()
                        self.path = f"/v1/copies/lung-ct/objects/{other}"
                return fine

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                """Say nothing."""

        return Behind


class Proxy:
    """The proxy of a site: it opens tunnels, and notes to where."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self._door = socket.create_server(("127.0.0.1", 0))
        self.end: tuple[str, int] = self._door.getsockname()
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            line, _ = self._door.accept()
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                head += line.recv(1)
            self.asked.append(head.split(b"\r\n")[0].decode())
            host, port = head.split()[1].decode().rsplit(":", 1)
            there = socket.create_connection((host, int(port)))
            line.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            for one, other in ((line, there), (there, line)):
                threading.Thread(target=_pump, args=(one, other), daemon=True).start()


def _pump(one: socket.socket, other: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := one.recv(65536):
            other.sendall(data)
        other.shutdown(socket.SHUT_WR)


def _silent(*_: object) -> None:
    """Say nothing."""


def settings_of(ends: Ends) -> Any:  # noqa: ANN401 - plain data
    """Return what replaces `places.settings`: the settings of this test where none are named."""
    real = places.settings
    return lambda file=ends.folder / "receiving.json": real(file)
