"""The connection to a compute node: TLS with the certificates of the federation on both sides."""

from __future__ import annotations

import http.client
import json
import ssl
import threading
from typing import IO, TYPE_CHECKING, Any, Final

from cairn_freeze.refusal import Refused

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from cairn_freeze.manifest import Entry

#: Seconds that the other end may take for one answer.
PATIENCE: Final = 120
FINE: Final = frozenset({200, 201, 202})


def trust(given: Path) -> ssl.SSLContext:
    """Return what is shown to the other end, and which authorities it must come from.

    Args:
        given: Folder with `node.crt`, `node.key` and `ca.crt`.
    """
    way = ssl.create_default_context(cafile=str(given / "ca.crt"))
    way.minimum_version = ssl.TLSVersion.TLSv1_3
    way.load_cert_chain(given / "node.crt", given / "node.key")
    return way


class Way(http.client.HTTPSConnection):
    """A connection to a node, known by its name in the federation and not by its address."""

    def __init__(self, place: Mapping[str, Any], context: ssl.SSLContext) -> None:
        host, port = place["proxy"] or (place["host"], place["port"])
        super().__init__(host, port, timeout=PATIENCE, context=context)
        if place["proxy"]:
            self.set_tunnel(place["host"], place["port"])
        self._trust, self._name = context, place["name"]

    def connect(self) -> None:
        """Connect, through the proxy if there is one, and see who answers."""
        http.client.HTTPConnection.connect(self)
        self.sock = self._trust.wrap_socket(self.sock, server_hostname=self._name)


class Link:
    """What can be asked of the compute node about copies of one data set."""

    def __init__(
        self, node: str, place: Mapping[str, Any], dataset: str, context: ssl.SSLContext
    ) -> None:
        self.node, self._place, self._context = node, place, context
        self._path = f"/v1/copies/{dataset}"
        self._own = threading.local()

    def state(self) -> dict[str, Any]:
        """Return what the other end has: `held`, `objects`, `waiting`, `outcome`, `progress`."""
        found: dict[str, Any] = json.loads(self._ask("GET", ""))
        return found

    def put(self, entry: Entry, body: IO[bytes]) -> None:
        """Send an object under the name of its bytes."""
        self._ask("PUT", f"/objects/{entry.sha256}", body, entry.size)

    def hand_in(self, what: str, told: Mapping[str, Any]) -> None:
        """Send the last word of a delivery, or of taking one back."""
        data = json.dumps(told).encode()
        self._ask("PUT", f"/{what}", data, len(data))

    def _ask(
        self, method: str, path: str, body: IO[bytes] | bytes | None = None, size: int = 0
    ) -> bytes:
        fresh = not hasattr(self._own, "way")
        for last in (fresh, True):
            way = self._way()
            try:
                if body is not None and not isinstance(body, bytes):
                    body.seek(0)
                headers = {"Content-Length": str(size)} if body is not None else {}
                way.request(method, self._path + path, body, headers)
                answer = way.getresponse()
                said = answer.read()
            except ssl.SSLCertVerificationError as error:
                raise Refused(
                    f"what answers is not {self._place['name']} of this federation "
                    f"({error.verify_message}); compare the address in the spec"
                ) from None
            except (OSError, http.client.HTTPException) as error:
                self._drop()  # one that was idle too long is opened anew, once
                if last:
                    raise self._cut(error) from None
                continue
            if answer.status not in FINE:
                self._drop()
                raise self._refused(answer.status, said)
            return said
        raise AssertionError

    def _way(self) -> Way:
        if not hasattr(self._own, "way"):
            self._own.way = Way(self._place, self._context)
        found: Way = self._own.way
        return found

    def _drop(self) -> None:
        self._own.way.close()
        del self._own.way

    def _cut(self, error: Exception) -> Refused:
        proxy = self._place["proxy"]
        through = f" through {proxy[0]}" if proxy else ""
        return Refused(
            f"{self._place['host']} port {self._place['port']} cannot be reached{through} "
            f"({type(error).__name__}: {error}); the same command goes on where it was cut short"
        )

    def _refused(self, status: int, said: bytes) -> Refused:
        try:
            why = str(json.loads(said)["message"])[:300]
        except (ValueError, KeyError, TypeError):
            why = {
                400: "this node's certificate was revoked or has ended, or the hub's list of those "
                "revoked does not reach the compute node",
                413: "it is larger than the compute node takes",
            }.get(status, "it gives no reason; its operators find it in their journal")
        return Refused(f"{self.node} refused ({status}): {why}")
