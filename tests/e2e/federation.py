"""The federation of the demo in a house of its own, and what ops and hospitals do with it."""

from __future__ import annotations

import hashlib
import re
import shlex
import shutil
import subprocess
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from e2e.commands import PATIENCE
from e2e.houses import CHECKOUT

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from e2e.commands import Work
    from e2e.houses import House
    from sandbox.hosts import Host

HUB, HOSPITALS, COMPUTE = "try-hub", ("try-hospital-a", "try-hospital-b"), "try-compute"
OPS = "ops@hub.demo.example"
DOMAIN = "hub.demo.example"
PUBLISHED = "nodes/try.federation.json"
ROOTS = ".cairn/try-root"
#: Asks the gate of the hub for pages, as the node does.
ASK = f"""
import http.client, ssl, sys
folder = "/etc/cairn/federation"
way = ssl.create_default_context(cafile=f"{{folder}}/ca.crt")
way.load_cert_chain(f"{{folder}}/node.crt", f"{{folder}}/node.key")
for path in sys.argv[1:]:
    line = http.client.HTTPSConnection("{DOMAIN}", 443, context=way, timeout=10)
    line.request("GET", path)
    print(line.getresponse().status)
"""


@dataclass(frozen=True, slots=True)
class Federation:
    """A house with a hub and two hospitals in it."""

    house: House

    def shown_by(self, script: str) -> str:
        """Run a script of the demo, small, and return what stands on the screen."""
        for file in (CHECKOUT / "nodes").glob("demo*"):
            shutil.copy(file, self.house.root / "nodes")
        if not (self.house.root / "federation").exists():
            shutil.copytree(CHECKOUT / "federation", self.house.root / "federation")
        more = {"IMAGES": "24", "ROUNDS": "1", "NO_COLOR": "1"}
        done = subprocess.run(
            ["/bin/bash", f"tools/{script}"],
            cwd=self.house.root, env={**self.house.environment(), **more},
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=3 * PATIENCE,
            check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-6000:]
        return done.stdout

    def host(self, node: str) -> Host:
        """Return the one host of a node."""
        hosts = {HUB: "hub-1", COMPUTE: "compute-1"}
        return self.house.host(node, hosts.get(node, "imaging-1"))

    def says(self, node: str, command: str) -> str:
        """Return what a shell command prints as root on the host of a node."""
        return self.host(node).says(f"sudo sh -c {shlex.quote(command)}")

    def shown(self, node: str, *paths: str) -> list[int]:
        """Return how the gate of the hub answers a node that shows its certificate."""
        told = self.says(node, f"python3 -c {shlex.quote(ASK)} {shlex.join(paths)}")
        return [int(line) for line in told.splitlines()]

    @property
    def digest(self) -> str:
        """The digest of the application."""
        apps = self.house.cairn("app", "list", HUB, "--format", "json").json["apps"]
        return str(apps[0]["app"])

    def train(self, *more: str, status: int = 0) -> str:
        """Run the application for one round, with masks, and return what the screen says."""
        words = ("app", "run", HUB, self.digest, *self._wishes(), *more)
        return self.house.cairn(*words, status=status).all

    def trains_again(self, *more: str) -> None:
        """Train until it works: an agent that was away tries again within minutes."""
        end = time.monotonic() + 300
        while "finished:completed" not in (said := self._training(*more).end()).all:
            assert time.monotonic() < end, said.all

    def starts_to_train(self) -> Work:
        """Start the same without waiting; return once the run is under way."""
        known = self.runs()
        work = self._training()
        waited(lambda: self.runs() != known, "no run begins")
        return work

    def _training(self, *more: str) -> Work:
        return self.house.start("app", "run", HUB, self.digest, *self._wishes(), *more)

    def _wishes(self) -> tuple[str, ...]:
        return ("--by", OPS, "--set", "privacy=secagg", "--set", "num-server-rounds=1")

    def runs(self) -> list[str]:
        """Return the runs that the server of the hub knows."""
        ask = "FLWR_HOME=/etc/cairn/fl-hub FLWR_TELEMETRY_ENABLED=0 /opt/cairn/flower/bin/flwr"
        told = self.says(HUB, f"{ask} list hub --format json")
        return re.findall(r'"run-id": *"?(\d+)', told)

    def member(self, node: str) -> dict[str, Any]:
        """Return what the register says of a node."""
        listed = self.house.cairn("hub", "nodes", "--hub", HUB, "--format", "json").json
        return next(one for one in listed if one["node"] == node)

    def invite(self, node: str, verb: str = "invite") -> None:
        """Invite a node, or have it change its keys (`rotate`), and bring it up."""
        file = self.house.root / f"nodes/{node}.invitation.json"
        file.unlink(missing_ok=True)
        stage = ("--stage", "staging") if verb == "invite" else ()
        self.house.cairn("hub", verb, node, "--hub", HUB, "--out", str(file), *stage)
        self.house.cairn("up", node, "--yes")

    def approve(self, node: str) -> None:
        """Approve the application at a site, for the data set and the permit of the demo."""
        spec = (self.house.root / f"nodes/{node}.yaml").read_text()
        permit = re.findall(r'id: "([^"]+)"', spec)[0]
        words = ("--dataset", "phantoms", "--permit", permit, "--by", OPS, "--yes")
        self.house.cairn("app", "approve", node, self.digest, *words)

    def renew(self, node: str) -> None:
        """Have a host renew as in five days, when more than half of its week is over."""
        program = "/usr/local/libexec/cairn/node-identity"
        later = "s/time.time()/(time.time() + 5 * 86400)/"
        self.says(node, f"sed '{later}' {program} >/root/later && python3 /root/later keep")

    def stands_under(self, chain: str) -> None:
        """Give the hub a chain of certificates, and have hospitals pin what it then publishes."""
        (self.house.root / "nodes/try-hub-chain.crt").write_text(chain)
        self.house.cairn("up", HUB, "--yes")
        (self.house.root / PUBLISHED).unlink()
        self.house.cairn("hub", "publish", "--hub", HUB, "--out", PUBLISHED)
        print_ = hashlib.sha256((self.house.root / PUBLISHED).read_bytes()).hexdigest()
        for node in HOSPITALS:
            spec = self.house.root / f"nodes/{node}.yaml"
            pinned = f"fingerprint: sha256:{print_}"
            spec.write_text(re.sub(r"fingerprint: sha256:\w+", pinned, spec.read_text(), count=1))
            self.house.cairn("up", node, "--yes")

    def another_root(self) -> Path:
        """Make a second root of the federation and return its folder."""
        folder = self.house.root / ROOTS / "second"
        opens = ("--passphrase", self._passphrase)
        self.house.cairn("hub", "init", str(folder), "--federation", "second", *opens)
        return folder

    def signed_by(self, root: Path) -> str:
        """Return the chain of the hub as a root signs it."""
        out = self.house.root / ROOTS / f"{root.name}-chain.crt"
        request = str(self.house.root / ROOTS / "hub.csr")
        self.house.cairn(
            "hub", "intermediate", request, "--root", str(root), "--domain", DOMAIN,
            "--out", str(out), "--passphrase", self._passphrase,
        )  # fmt: skip
        return out.read_text()

    @property
    def _passphrase(self) -> str:
        return f"file:{self.house.root / ROOTS / 'passphrase'}"


def waited(found: Callable[[], bool], otherwise: str, seconds: float = 180) -> None:
    """Wait until something is so."""
    end = time.monotonic() + seconds
    while not found():
        assert time.monotonic() < end, otherwise
        time.sleep(2)
