"""`python3 -m cairn_receiving.inbox SOCKET`: takes what nodes send, behind the gate.

The gate says in `X-Cairn-Node` whose certificate was shown. An object is named by the SHA-256 of
its bytes, so that no name of a sender becomes a path, and what was damaged is no object. This
program holds no key and no credential; `cairn_receiving.taking` judges what lies here.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import shutil
import socketserver
import sys
import time
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO, TYPE_CHECKING, Any, Final, Protocol

from cairn_receiving import places

if TYPE_CHECKING:
    from collections.abc import Iterator

PATH: Final = re.compile(r"/v1/copies/([a-z0-9][a-z0-9.-]{1,62})(?:/(.+))?")
OBJECT: Final = re.compile(r"objects/([0-9a-f]{64})")
NODE: Final = re.compile(r"[a-z][a-z0-9-]{0,62}")
CHUNK: Final = 2**20
#: Bytes of the longest last word: a manifest of about a million objects.
LONGEST: Final = 2**28
#: Bytes of the volume that are never filled.
RESERVE: Final = 2**30
#: Seconds after which it is looked again how full an inbox is.
LOOK_S: Final = 10.0

_seen: dict[Path, tuple[float, int]] = {}


class Bytes(Protocol):
    """What can be read from."""

    def read(self, size: int, /) -> bytes:
        """Return some bytes."""


class Wrong(Exception):
    """What is asked is refused: status, and a sentence for the people at the other end."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Box:
    """The folder of one data set, as its sender may use it."""

    def __init__(self, folder: Path, most: int) -> None:
        self._folder, self._most = folder, most

    def state(self) -> dict[str, Any]:
        """Return what is here and what became of what was sent."""
        told = places.told(self._folder)
        here = {one.name for one in (self._folder / places.OBJECTS).iterdir() if _is_whole(one)}
        return {**told, "objects": sorted(here | set(told["objects"])), "waiting": self._waits()}

    def take(self, name: str, body: Bytes, size: int) -> int:
        """Keep an object, if its bytes are those of its name.

        Raises:
            Wrong: They are others, or there is no room.
        """
        self._free()
        objects = self._folder / places.OBJECTS
        if (objects / name).exists():
            _drain(body, size)
            return 200
        room = shutil.disk_usage(self._folder).free - RESERVE
        if size > min(room, self._most - _filled(objects)):
            raise Wrong(507, "there is no room for it; its operators enlarge storage.size")
        with NamedTemporaryFile(dir=objects, prefix="part-", delete=False) as part:
            try:
                self._copy(body, size, part, name)
                Path(part.name).chmod(0o640)
                Path(part.name).replace(objects / name)
            except BaseException:
                Path(part.name).unlink(missing_ok=True)
                raise
        return 201

    def _copy(self, body: Bytes, size: int, part: IO[bytes], name: str) -> None:
        digest = hashlib.sha256()
        for chunk in _chunks(body, size):
            digest.update(chunk)
            part.write(chunk)
        part.flush()
        if digest.hexdigest() != name:
            raise Wrong(422, "the bytes that arrived are not those that were announced")

    def last_word(self, name: str, body: Bytes, size: int) -> int:
        """Keep the last word of a delivery, after which nothing is taken until it is judged.

        Raises:
            Wrong: It is none.
        """
        self._free()
        if size > LONGEST:
            raise Wrong(413, "it is too long")
        try:
            said = json.loads(b"".join(_chunks(body, size)))
        except ValueError:
            said = None
        if not isinstance(said, dict):
            raise Wrong(422, "it is no JSON object")
        places.write(self._folder / name, said)
        return 202

    def _free(self) -> None:
        if self._waits():
            raise Wrong(409, "a delivery is being taken in; ask again when that is done")

    def _waits(self) -> bool:
        return any((self._folder / one).exists() for one in (places.DELIVERY, places.RECALL))


class Handler(BaseHTTPRequestHandler):
    """One request of a sender."""

    protocol_version = "HTTP/1.1"
    timeout = 120

    def do_GET(self) -> None:
        """Say what is here."""
        self._answer(lambda box, _: (200, box.state()))

    def do_PUT(self) -> None:
        """Keep what is sent."""
        self._answer(lambda box, rest: (self._kept(box, rest), {}))

    def _kept(self, box: Box, rest: str) -> int:
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or "Transfer-Encoding" in self.headers:
            raise Wrong(411, "say how long it is")
        found = OBJECT.fullmatch(rest)
        if found:
            return box.take(found[1], self.rfile, int(length))
        name = {"delivery": places.DELIVERY, "recall": places.RECALL}.get(rest)
        if name is None:
            raise Wrong(404, "there is no such place")
        return box.last_word(name, self.rfile, int(length))

    def _answer(self, do: Any) -> None:  # noqa: ANN401 - box and rest of the path to an answer
        try:
            status, told = do(*self._where())
        except Wrong as wrong:
            self._say(wrong.status, {"message": str(wrong)}, ("Connection", "close"))
            self._hear_out()
        else:
            self._say(status, told)

    def _say(self, status: int, told: dict[str, Any], *more: tuple[str, str]) -> None:
        data = json.dumps(told).encode()
        self.send_response(status)
        for name, value in (
            ("Content-Type", "application/json"), ("Content-Length", str(len(data))), *more,
        ):  # fmt: skip
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def _hear_out(self) -> None:
        """Read on for a while: who is cut off while it sends never comes to read why."""
        with contextlib.suppress(OSError):
            for _ in range(LONGEST // CHUNK):
                if not self.rfile.read(CHUNK):
                    return

    def _where(self) -> tuple[Box, str]:
        """Return the box that the sender may use, and what it asks there."""
        found = PATH.fullmatch(self.path)
        node = self.headers.get("X-Cairn-Node", "")
        if found is None or NODE.fullmatch(node) is None:
            raise Wrong(404, "there is no such place")
        told = places.settings()
        for name, origin in told["copies"].items():
            if (origin["node"], origin["dataset"]) == (node, found[1]):
                return Box(Path(told["inbox"]) / name, told["size"]), found[2] or ""
        raise Wrong(403, f"the spec of {told['node']} has no data set that is a copy of it")

    def log_request(self, *_: object) -> None:
        """Say nothing of single requests; the gate writes them down."""

    def address_string(self) -> str:
        """Return who asks, for the journal."""
        return self.headers.get("X-Cairn-Node", "-") if hasattr(self, "headers") else "-"


def _filled(objects: Path) -> int:
    """Return how many bytes lie in a folder, looked up now and then: there may be many objects."""
    at, found = _seen.get(objects, (-LOOK_S, 0))
    if time.monotonic() - at >= LOOK_S:
        found = sum(seen.st_size for _, seen in places.lying(objects))
        _seen[objects] = (time.monotonic(), found)
    return found


def _is_whole(file: Path) -> bool:
    return not file.name.startswith("part-")


def _chunks(body: Bytes, size: int) -> Iterator[bytes]:
    while size:
        chunk = body.read(min(CHUNK, size))
        if not chunk:
            raise Wrong(400, "it was cut short")
        size -= len(chunk)
        yield chunk


def _drain(body: Bytes, size: int) -> None:
    for _ in _chunks(body, size):
        pass


class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    """Answers on a socket that the gate alone may open."""

    daemon_threads = True
    request_queue_size = 64


def main(path: str) -> None:
    """Answer until the unit is stopped."""
    Path(path).unlink(missing_ok=True)
    with Server(path, Handler) as server:
        Path(path).chmod(0o660)
        server.serve_forever()


if __name__ == "__main__":
    main(sys.argv[1])
