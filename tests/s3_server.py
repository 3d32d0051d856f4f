"""The S3 server of the lock on a free port of the loopback, as the unit of the host starts it."""

from __future__ import annotations

import datetime as dt
import ipaddress
import json
import socket
import subprocess
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import EndpointConnectionError
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from cairn.artefacts.cache import take
from cairn.artefacts.lock import locked

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

ROOT = "root-secret-of-a-test"


@dataclass(frozen=True)
class Server:
    """A running S3 server and how to reach it."""

    port: int
    folder: Path

    def client(self, name: str, secret: str) -> Any:  # noqa: ANN401 - boto3 has no types
        """Return a client of one of its users."""
        return boto3.client(
            "s3",
            endpoint_url=f"https://127.0.0.1:{self.port}",
            aws_access_key_id=name,
            aws_secret_access_key=secret,
            region_name="us-east-1",
            verify=str(self.folder / "node.crt"),
            config=Config(
                proxies={},
                retries={"max_attempts": 1},
                # An upload of nothing then has no body at all. The server refuses before it has
                # read one and closes; a client that still writes would miss the answer.
                request_checksum_calculation="when_required",
            ),
        )

    @property
    def root(self) -> Any:  # noqa: ANN401
        """A client of its administrator."""
        return self.client("cairn-root", ROOT)


def certificate(folder: Path) -> None:
    """Make the server's key and a certificate that signs itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    now = dt.datetime.now(dt.UTC)
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "node.crt").write_bytes(made.public_bytes(Encoding.PEM))
    plain = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "node.key").write_bytes(plain)


def furnished(folder: Path, users: Mapping[str, str]) -> Server:
    """Lay out what a server needs; it does not run yet.

    Args:
        folder: A new folder.
        users: Its users, each with a secret.
    """
    certificate(folder)
    for name in ("buckets", "versions", "users"):
        (folder / name).mkdir()
    numbers = {"role": "user", "userID": 0, "groupID": 0, "projectID": 0}
    accounts = {name: {"access": name, "secret": word, **numbers} for name, word in users.items()}
    (folder / "users" / "users.json").write_text(json.dumps({"accessAccounts": accounts}))
    (folder / "root.env").write_text(
        f"ROOT_ACCESS_KEY_ID=cairn-root\nROOT_SECRET_ACCESS_KEY={ROOT}\n"
    )
    program = folder / "versitygw"
    program.write_bytes(take(locked("versitygw")).read_bytes())
    program.chmod(0o755)
    with socket.create_server(("127.0.0.1", 0)) as free:
        return Server(free.getsockname()[1], folder)


@contextmanager
def running(server: Server) -> Iterator[Server]:
    """Run a server; afterwards its data are there, and it can be run again."""
    folder = server.folder
    settings = {
        "ROOT_ACCESS_KEY_ID": "cairn-root",
        "ROOT_SECRET_ACCESS_KEY": ROOT,
        "VGW_PORT": f"127.0.0.1:{server.port}",
        "VGW_CERT": str(folder / "node.crt"),
        "VGW_KEY": str(folder / "node.key"),
        "VGW_IAM_DIR": str(folder / "users"),
        "VGW_VERSIONING_DIR": str(folder / "versions"),
        "VGW_DISABLE_ACL": "true",
        "VGW_QUIET": "true",
    }
    line = [folder / "versitygw", "posix", folder / "buckets"]
    with (folder / "log").open("a") as log:
        program = subprocess.Popen(line, env=settings, stdout=log, stderr=log)
    try:
        _wait_for(server)
        yield server
    finally:
        program.terminate()
        program.wait(timeout=10)


def _wait_for(server: Server) -> None:
    deadline = time.monotonic() + 20
    while True:
        try:
            server.root.list_buckets()
        except EndpointConnectionError:
            assert time.monotonic() < deadline, (server.folder / "log").read_text()
            time.sleep(0.1)
        else:
            return
