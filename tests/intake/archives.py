"""An archive that answers as Orthanc's REST interface does and remembers what it was given."""

from __future__ import annotations

import hashlib
import io
import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

from pydicom import dcmread

if TYPE_CHECKING:
    from collections.abc import Iterator


class Archive(ThreadingHTTPServer):
    """Keeps instances by their UID.

    Attributes:
        kept: Bytes of each instance.
        posts: UIDs in the order in which they came, again if they came again.
        status: Answered instead of looking, if not 200.
    """

    daemon_threads = True
    request_queue_size = 64

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answers)
        self.kept: dict[str, bytes] = {}
        self.posts: list[str] = []
        self.status = 200
        self.lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Answers(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Archive

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.server.status != 200:
            self._answer(self.server.status, "{}")
            return
        uid = str(dcmread(io.BytesIO(body), stop_before_pixels=True).SOPInstanceUID)
        with self.server.lock:
            known = uid in self.server.kept
            self.server.posts.append(uid)
            self.server.kept.setdefault(uid, body)
        status = "AlreadyStored" if known else "Success"
        self._answer(200, json.dumps({"ID": uid, "Status": status}))

    def do_GET(self) -> None:
        body = self.server.kept[self.path.split("/")[2]]
        self._answer(200, hashlib.md5(body, usedforsecurity=False).hexdigest())

    def _answer(self, status: int, text: str) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def archive() -> Iterator[Archive]:
    """Run an archive on the loopback."""
    server = Archive()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
