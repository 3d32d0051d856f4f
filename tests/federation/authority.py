"""A real step-ca on the loopback, under an intermediate that our root has signed."""

from __future__ import annotations

import base64
import json
import secrets
import socket
import subprocess
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from cairn.artefacts.cache import take
from cairn.artefacts.lock import locked
from cairn.federation import root
from cairn.plan.roles import hub_ca
from cairn.render.files import fill

if TYPE_CHECKING:
    from pathlib import Path

    from cairn.federation.root import Root

DOMAIN = "hub.demo.example"
PATIENCE = 20
#: The list of what was withdrawn has to name the place that certificates name, else clients take it
#: for the list of somebody else (RFC 5280 section 5.2.5).
LIST = "http://ca.hub.demo.example/1.0/crl"
SETTINGS = "hub_ca/etc/cairn/hub/settings.json.j2"


@dataclass
class Authority:
    """A running authority.

    Attributes:
        folder: Its settings, keys and database.
        port: Where it listens on the loopback.
        tokens: The key that signs one-time tokens.
    """

    folder: Path
    port: int
    tokens: ec.EllipticCurvePrivateKey
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> Authority:
        """Start it and wait until it answers."""
        log = (self.folder / "log").open("ab")
        program = self.folder / "step-ca"
        program.write_bytes(take(locked("step-ca")).read_bytes())
        program.chmod(0o755)
        words = [program, self.folder / "ca.json"]
        self.process = subprocess.Popen(words, stdout=log, stderr=log, cwd=self.folder)
        end = time.monotonic() + PATIENCE
        while self.curl("/health")[1] != {"status": "ok"}:
            assert time.monotonic() < end, (self.folder / "log").read_text()
            time.sleep(0.1)
        return self

    def stop(self) -> None:
        """End it."""
        assert self.process is not None
        self.process.terminate()
        self.process.wait(PATIENCE)

    def curl(self, path: str, *options: str, body: dict[str, Any] | None = None) -> tuple[str, Any]:
        """Ask it as a node does; returns the status, and the JSON of the answer."""
        sent = ["--data", json.dumps(body)] if body is not None else []
        done = subprocess.run(
            ["/usr/bin/curl", "--silent", "--noproxy", "*", "--cacert", self.folder / "roots.crt",
             "--connect-to", f"ca.{DOMAIN}:443:127.0.0.1:{self.port}",
             "--write-out", "\n%{http_code}", *options, *sent, f"https://ca.{DOMAIN}{path}"],
            capture_output=True, text=True, check=False, timeout=PATIENCE,
        )  # fmt: skip
        text, _, status = done.stdout.rpartition("\n")
        return status, json.loads(text) if text.startswith("{") else text

    def token(self, subject: str, path: str = "/1.0/sign", **claims: object) -> str:
        """Make a one-time token (JWT with ES256, RFC 7519 and 7518)."""
        now = int(time.time())
        said = {
            "iss": "hub", "aud": f"https://ca.{DOMAIN}{path}", "sub": subject, "sans": [subject],
            "nbf": now - 60, "iat": now, "exp": now + 300, "jti": secrets.token_hex(16), **claims,
        }  # fmt: skip
        head = {"alg": "ES256", "typ": "JWT", "kid": "hub"}
        text = ".".join(_base64(json.dumps(part).encode()) for part in (head, said))
        r, s = decode_dss_signature(self.tokens.sign(text.encode(), ec.ECDSA(hashes.SHA256())))
        return f"{text}.{_base64(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"

    def fetch_list(self, file: Path) -> None:
        """Fetch the list of what was revoked, as every server that verifies clients does."""
        der = subprocess.check_output(
            ["/usr/bin/curl", "--silent", "--noproxy", "*", "--cacert", self.folder / "roots.crt",
             "--connect-to", f"ca.{DOMAIN}:443:127.0.0.1:{self.port}",
             f"https://ca.{DOMAIN}/1.0/crl"],
        )  # fmt: skip
        file.write_bytes(x509.load_der_x509_crl(der).public_bytes(Encoding.PEM))

    def trust(self, *certificates: x509.Certificate) -> None:
        """Let clients of the tests trust these roots."""
        (self.folder / "roots.crt").write_bytes(b"".join(map(root.pem, certificates)))


@dataclass
class Node:
    """A host of a hospital with a key of its own."""

    folder: Path
    name: str

    def __post_init__(self) -> None:
        self.folder.mkdir()
        self.key = ec.generate_private_key(ec.SECP256R1())
        (self.folder / "node.key").write_bytes(
            self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        )

    @property
    def host(self) -> str:
        """Its name in certificates."""
        return f"{self.name}.{DOMAIN}"

    @property
    def request(self) -> str:
        """Return a certificate request for its name."""
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, self.host)])
        names = x509.SubjectAlternativeName([x509.DNSName(self.host)])
        builder = x509.CertificateSigningRequestBuilder().subject_name(name)
        made = builder.add_extension(names, critical=False).sign(self.key, hashes.SHA256())
        return made.public_bytes(Encoding.PEM).decode()

    @property
    def certificate(self) -> x509.Certificate:
        """The certificate that it has now."""
        return x509.load_pem_x509_certificate((self.folder / "node.crt").read_bytes())

    def keep(self, answer: dict[str, Any]) -> None:
        """Keep the chain that the authority answered with."""
        (self.folder / "node.crt").write_text("".join(answer["certChain"]))

    def shows(self) -> tuple[str, ...]:
        """Return the options with which curl shows its certificate."""
        return ("--cert", str(self.folder / "node.crt"), "--key", str(self.folder / "node.key"))


def authority(folder: Path, above: Root) -> Authority:
    """Lay an authority out under a root; it does not run yet."""
    folder.mkdir()
    key, tokens = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    sign(folder, above, key)
    point = tokens.public_key().public_numbers()
    x, y = (_base64(one.to_bytes(32, "big")) for one in (point.x, point.y))
    jwk = {"kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": "hub", "x": x, "y": y}
    port = free_port()
    plan = {"folder": folder, "user": hub_ca.USER, "port": port, "domain": DOMAIN, "days": 7}
    # What a hub gets, with this folder in place of those of its unit.
    settings = json.loads(fill(SETTINGS, plan))
    settings.pop("made_by")
    settings |= {"key": f"{folder}/intermediate.key"}
    settings["db"]["dataSource"] = f"{folder}/db"
    settings["authority"]["provisioners"][0]["key"] = jwk
    (folder / "ca.json").write_text(json.dumps(settings))
    made = Authority(folder, port, tokens)
    made.trust(above.certificate)
    return made


def sign(folder: Path, above: Root, key: ec.EllipticCurvePrivateKey) -> None:
    """Have the root sign an intermediate for a key, and write all three down."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "demo hub intermediate")])
    asked = x509.CertificateSigningRequestBuilder().subject_name(name).sign(key, hashes.SHA256())
    made = root.sign_intermediate(above, asked, DOMAIN)
    (folder / "intermediate.crt").write_bytes(root.pem(made))
    (folder / "root.crt").write_bytes(root.pem(above.certificate))
    (folder / "intermediate.key").write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )


def free_port() -> int:
    """Return a port of the loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
