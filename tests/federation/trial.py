"""A hub and two nodes on real hosts, with what other roles make stood in for by the plainest thing.

The certificates, the register of nodes, the gate and the approval of applications have roles and
tests of their own; here each is the least that the interface between them and the agent asks for.
"""

from __future__ import annotations

import base64
import json
import shlex
import textwrap
import time
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from cairn.plan.model import ANYWHERE, Flow, PlannedRole
from cairn.plan.roles import base, firewall, fl_agent, flower, hub_fl
from cairn.spec.federation import Endpoint, FederationFile
from roles.harness import ground

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from cairn.plan.context import Context
    from roles.harness import Ground

NODE = "fl-trial"
DOMAIN = "hub.institute.example"
IDENTITY = "/etc/cairn/federation"
FLWR = "FLWR_HOME=/etc/cairn/fl-hub FLWR_TELEMETRY_ENABLED=0 /opt/cairn/flower/bin/flwr"
#: As the role `hub_gate` has it, without list of those revoked.
GATE = """
daemon off;
pid /run/cairn-trial-gate.pid;
error_log stderr error;
events {}
http {
    access_log off;
    map $ssl_client_s_dn $cairn_node {
        default "";
        "~^CN=(?<node>[a-z][a-z0-9-]*)\\.hub\\.institute\\.example$" $node;
    }
    server {
        listen 443 ssl;
        ssl_certificate /etc/cairn/gate/server.crt;
        ssl_certificate_key /etc/cairn/gate/server.key;
        ssl_client_certificate /etc/cairn/gate/ca.crt;
        ssl_verify_client on;
        ssl_protocols TLSv1.3;
        location / { deny all; }
        include /etc/cairn/gate/locations.d/*.conf;
    }
}
"""
GATE_UNIT = """
[Service]
ExecStart=/usr/sbin/nginx -c /etc/cairn/gate/nginx.conf
ExecReload=/bin/kill -HUP $MAINPID
[Install]
WantedBy=multi-user.target
"""
#: Runs whatever comes; the role `approval` asks first.
LETS_ALL_PASS = '#!/bin/sh\nexec /opt/cairn/flower/libexec/flwr-clientapp "$@"\n'
#: The proxy of a site: it opens tunnels and says to whom.
PROXY_PORT = 3128
PROXY = r"""
    import socket, threading
    def pump(one, other):
        while data := one.recv(65536):
            other.sendall(data)
        other.shutdown(socket.SHUT_WR)
    def serve(line):
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += line.recv(1)
        verb, end, _ = head.split(b"\r\n")[0].decode().split()
        print(verb, end, flush=True)
        host, port = end.rsplit(":", 1)
        there = socket.create_connection((host, int(port)))
        line.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        threading.Thread(target=pump, args=(there, line), daemon=True).start()
        pump(line, there)
    with socket.create_server(("", 3128)) as door:
        while True:
            threading.Thread(target=serve, args=(door.accept()[0],), daemon=True).start()
    """
REGISTRY = '#!/bin/sh\n[ "$1" = list ] && exec cat /var/lib/cairn-registry/list\n'
APP = {
    "LICENSE": "None.\n",
    "trial/__init__.py": "",
    "pyproject.toml": """
        [project]
        name = "trial"
        version = "0.1.0"
        description = "Fits a line"
        license = { file = "LICENSE" }
        dependencies = ["flwr>=1.41.0,<1.42"]
        [build-system]
        requires = ["hatchling"]
        build-backend = "hatchling.build"
        [tool.flwr.app]
        publisher = "cairn"
        fab-format-version = 1
        flwr-version-target = "1.41.0"
        [tool.flwr.app.components]
        serverapp = "trial.server_app:app"
        clientapp = "trial.client_app:app"
        [tool.flwr.app.config]
        num-server-rounds = 1
        """,
    "trial/client_app.py": """
        import numpy as np
        from flwr.app import ArrayRecord, Context, Message, MetricRecord, RecordDict
        from flwr.clientapp import ClientApp
        app = ClientApp()
        @app.train()
        def train(msg: Message, ctx: Context) -> Message:
            rng = np.random.default_rng(ctx.node_id % 2**32)
            x = rng.normal(size=(200, 3))
            y = x @ np.array([2.0, -3.0, 0.5])
            w = msg.content["arrays"].to_numpy_ndarrays()[0].copy()
            for _ in range(100):
                w -= 0.5 * x.T @ (x @ w - y) / len(y)
            return Message(content=RecordDict({"arrays": ArrayRecord([w]),
                           "metrics": MetricRecord({"num-examples": len(y)})}), reply_to=msg)
        """,
    "trial/server_app.py": """
        import numpy as np
        from flwr.app import ArrayRecord, ConfigRecord, Context
        from flwr.serverapp import Grid, ServerApp
        from flwr.serverapp.strategy import FedAvg
        app = ServerApp()
        @app.main()
        def main(grid: Grid, ctx: Context) -> None:
            s = FedAvg(fraction_evaluate=0.0, min_train_nodes=2, min_available_nodes=2)
            rounds = ctx.run_config["num-server-rounds"]
            r = s.start(grid=grid, initial_arrays=ArrayRecord([np.zeros(3)]),
                        train_config=ConfigRecord({}), num_rounds=rounds)
            print("LINE", np.round(r.arrays.to_numpy_ndarrays()[0], 2))
        """,
}


class Authority:
    """The authority of a federation, for one test."""

    def __init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = _named("Trial authority")
        self.certificate = _certificate(self.name, self.key, self.name, self.key, authority=True)
        self.pem = self.certificate.public_bytes(serialization.Encoding.PEM).decode()

    def issue(self, name: str) -> tuple[str, str]:
        """Return certificate and key for a host of that name, PEM."""
        key = ec.generate_private_key(ec.SECP256R1())
        made = _certificate(_named(name), key, self.name, self.key, host=name)
        private = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        return made.public_bytes(serialization.Encoding.PEM).decode(), private.decode()


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _certificate(  # noqa: PLR0913 - who, and by whom
    name: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    issuer: x509.Name,
    signer: ec.EllipticCurvePrivateKey,
    *,
    authority: bool = False,
    host: str = "",
) -> x509.Certificate:
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=2))
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
    )
    if host:
        names = x509.SubjectAlternativeName([x509.DNSName(host)])
        made = made.add_extension(names, critical=False)
    return made.sign(signer, hashes.SHA256())


@dataclass
class Trial:
    """A hub and its nodes.

    Attributes:
        hub: The host of the hub.
        nodes: The hosts of the nodes by name.
        authority: Who certifies all of them.
        statuses: What the register says of each node.
        proxied: The hosts that reach the hub through a proxy only, which runs on the hub's host.
    """

    hub: Ground
    authority: Authority
    nodes: dict[str, Ground] = field(default_factory=dict)
    statuses: dict[str, str] = field(default_factory=dict)
    proxied: set[str] = field(default_factory=set)

    def roles(self, box: Ground) -> tuple[PlannedRole, ...]:
        """Return what is applied to a host, its firewall last."""
        context = self.context(box)
        own = (flower.plan(context), (hub_fl if box is self.hub else fl_agent).plan(context))
        why = "Nodes fetch their tasks."
        doors = tuple(
            Flow(f"nodes-{port}", "in", ANYWHERE, "tcp", port, why, "gate")
            for port in ((443, PROXY_PORT) if box is self.hub else ())
        )
        others = (base.plan(context), PlannedRole("gate", flows=doors), *own)
        return (*own, firewall.plan(replace(context, others=others)))

    def context(self, box: Ground) -> Context:
        """Return what a planner sees of a host."""
        if box is self.hub:
            return box.context()
        way = f"http://{self.hub.place.address}:{PROXY_PORT}"
        network = {"proxy": way} if box.host in self.proxied else {}
        made = box.context(kind="data-provider", network=network)
        end = Endpoint(name="fl", host=DOMAIN, port=443, tls="1.3", why="Agents fetch their tasks")
        file = FederationFile(
            federation_version=1, name="trial", hub="hub", domain=DOMAIN, endpoints=(end,),
            addresses={}, ca_certificates=(self.authority.pem,),
        )  # fmt: skip
        return replace(made, document=replace(made.document, federation=file))

    def apply(self, box: Ground, role: str = "", **how: object) -> list[str]:
        """Apply the roles of a host, or one, and return the tasks that changed something."""
        changed = []
        for one in self.roles(box):
            if role in {"", one.name}:
                outcome = box.apply(one, **how)
                assert outcome.failure is None, outcome.failure
                changed += [change.task for change in outcome.changes]
        return changed

    def register(self, name: str, status: str) -> None:
        """Have the register say that of a node, as the real one does: file, then mark."""
        self.statuses[name] = status
        lines = [
            json.dumps({"node": one, "status": said, "agent_key": self.key_of(one)})
            for one, said in self.statuses.items()
        ]
        put(self.hub, "/var/lib/cairn-registry/list", "\n".join(lines) + "\n")
        self.hub.ask("date >/var/lib/cairn-registry/changed")

    def key_of(self, name: str) -> str:
        """Return the public half of a node's agent key."""
        return " ".join(self.nodes[name].ask(f"cat {IDENTITY}/agent.pub").split()[:2])

    def known(self) -> dict[str, dict[str, str]]:
        """Return what the hub's map says of each node."""
        text = self.hub.ask(
            "cat /var/lib/cairn-fl/nodes.json 2>/dev/null || echo '{\"nodes\": []}'"
        )
        return {one["name"]: one for one in json.loads(text)["nodes"]}

    def train(self) -> None:
        """Begin a run of the application."""
        said = json.loads(self.hub.ask(f"cd /root/trial && {FLWR} run . hub --format json"))
        assert said["success"], said

    def newest(self) -> dict[str, Any]:
        """Return the newest run."""
        runs = json.loads(self.hub.ask(f"{FLWR} ls hub --format json"))["runs"]
        found: dict[str, Any] = runs[0]
        return found


def put(box: Ground, path: str, text: str, mode: str = "0644") -> None:
    """Write a file on a host."""
    sent = base64.b64encode(textwrap.dedent(text).lstrip("\n").encode()).decode()
    name = shlex.quote(path)
    box.ask(f"mkdir -p $(dirname {name}) && echo {sent} | base64 -d >{name} && chmod {mode} {name}")


def waited(what: Callable[[], object], why: str, seconds: float) -> None:
    """Wait until something holds."""
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, why
        time.sleep(1)


def hub_stands(folder: Path, authority: Authority) -> Ground:
    """Start the host of a hub with a gate and a register."""
    box = ground(NODE, "hub", "debian-13", folder)
    box.ask(
        "apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq install -y "
        "--no-install-recommends nginx curl >/dev/null && systemctl disable --quiet --now nginx"
    )
    certificate, key = authority.issue(DOMAIN)
    put(box, "/etc/cairn/gate/server.crt", certificate)
    put(box, "/etc/cairn/gate/server.key", key, "0600")
    put(box, "/etc/cairn/gate/ca.crt", authority.pem)
    put(box, "/etc/cairn/gate/nginx.conf", GATE)
    put(box, "/etc/systemd/system/cairn-gate.service", GATE_UNIT)
    put(box, "/usr/local/libexec/cairn/hub-registry", REGISTRY, "0755")
    put(box, "/var/lib/cairn-registry/list", "")
    for name, text in APP.items():
        put(box, f"/root/trial/{name}", text)
    put(box, "/root/proxy.py", PROXY)
    box.ask(f"echo '127.0.0.1 {DOMAIN}' >>/etc/hosts")
    box.ask("mkdir -p /etc/cairn/gate/locations.d && systemctl daemon-reload "
            "&& systemctl enable --quiet cairn-gate && systemctl restart cairn-gate")  # fmt: skip
    return box


def node_stands(name: str, os: str, folder: Path, hub: Ground) -> Ground:
    """Start the host of a node that is not enrolled."""
    box = ground(NODE, name, os, folder)
    box.ask(f"mkdir -p {IDENTITY}/renewed.d && groupadd --system --force cairn-federation")
    box.ask("apt-get -qq update && apt-get -qq install -y --no-install-recommends curl >/dev/null")
    box.ask(f"echo '{hub.place.address} {DOMAIN}' >>/etc/hosts")
    put(box, "/usr/local/libexec/cairn/approval/bin/flwr-clientapp", LETS_ALL_PASS, "0755")
    return box


def enrol(box: Ground, name: str, authority: Authority) -> None:
    """Give a node its identity as the role `enrolment` does, the mark last."""
    certificate, key = authority.issue(f"{name}.{DOMAIN}")
    put(box, f"{IDENTITY}/node.crt", certificate)
    put(box, f"{IDENTITY}/node.key", key, "0600")
    put(box, f"{IDENTITY}/ca.crt", authority.pem)
    box.ask(f"cd {IDENTITY} && rm -f agent.* && ssh-keygen -q -t ecdsa -b 384 -N '' -f agent.key "
            "&& mv agent.key.pub agent.pub && chgrp cairn-federation agent.key "
            "&& chmod 0640 agent.key && date >enrolled && run-parts renewed.d")  # fmt: skip
