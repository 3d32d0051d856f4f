"""The register of a hub on a socket of this computer, asked as the gate asks it."""

from __future__ import annotations

import base64
import http.client
import importlib.util
import json
import secrets
import socket
import threading
import time
from contextlib import closing, contextmanager
from dataclasses import dataclass
from importlib.machinery import SourceFileLoader
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from cairn import house

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from types import ModuleType

ENDS = "Dec  5 12:00:00 2099 GMT"


def program() -> ModuleType:
    """Return the program as a module."""
    path = house.root() / "roles/hub_registry/files/hub-registry"
    loader = SourceFileLoader("hub_registry", str(path))
    spec = importlib.util.spec_from_loader("hub_registry", loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


def agent_key() -> str:
    """Return the public half of a new agent's key, in OpenSSH's form."""
    public = ec.generate_private_key(ec.SECP384R1()).public_key()
    return public.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()


def token(node: str, life_s: int = 600) -> str:
    """Return a token as `hub-token` makes it; the register reads what it says and no more."""
    claims = {"sub": node, "jti": secrets.token_hex(8), "exp": int(time.time()) + life_s}
    parts = ({"alg": "ES256"}, claims)
    text = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in parts]
    return b".".join([*text, b"signature"]).decode()


class Line(http.client.HTTPConnection):
    """HTTP over a socket file."""

    def __init__(self, path: Path) -> None:
        super().__init__("registry", timeout=10)
        self.path = path

    def connect(self) -> None:
        """Open the socket file."""
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(str(self.path))


@dataclass
class Register:
    """A register that answers."""

    path: Path
    store: Any
    module: ModuleType

    def may_pass(self, node: str, serial: str = "A1", ends: str = ENDS) -> int:
        """Ask as the gate does for each request; returns the status."""
        return self._ask("GET /may-pass", node, serial, ends)[0]

    def post(self, path: str, node: str, told: object, serial: str = "A1") -> tuple[int, str]:
        """Hand in what a node says; returns the status and what is wrong."""
        return self._ask(f"POST {path}", node, serial, body=json.dumps(told))

    def _ask(
        self, line: str, node: str, serial: str, ends: str = ENDS, body: str | None = None
    ) -> tuple[int, str]:
        headers = {"X-Cairn-Node": node, "X-Cairn-Serial": serial, "X-Cairn-Ends": ends}
        with closing(Line(self.path)) as way:
            way.request(*line.split(), body, headers)
            answer = way.getresponse()
            said = answer.read()
        told = json.loads(said) if said else {}
        return answer.status, str(told.get("message", ""))

    def invite(self, node: str) -> str:
        """Invite a node; returns the number of the invitation."""
        return str(self.store.invite(node, 3, "staging", token(node))["id"])

    def enrol(self, node: str, key: str, invitation: str, serial: str = "A1") -> tuple[int, str]:
        """Hand in the key of a node's agent."""
        told = {"agent_key": key, "invitation": invitation, "versions": {"cairn": "0.1.0"}}
        return self.post("/v1/enrol", node, told, serial)

    def node(self, name: str) -> dict[str, Any]:
        """Return a node as `hub-registry list` prints it."""
        return next(one for one in self.store.every() if one["node"] == name)


@contextmanager
def running(folder: Path) -> Iterator[Register]:
    """Give a register that answers on a socket of a folder."""
    module = program()
    server = module.Server(str(folder / "socket"), module.Handler)
    server.registry = module.Registry(str(folder))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield Register(folder / "socket", server.registry, module)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
        server.registry.base.close()
