"""A federation as the demo brings it up: a hub, two hospitals, a training; then what may not be.

The script of the demo is run in a house of its own, with fewer images and one round. Each test goes
on where the last one ended.
"""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import time
from typing import TYPE_CHECKING, Any

import pytest

from e2e.commands import PATIENCE
from e2e.houses import CHECKOUT

if TYPE_CHECKING:
    from collections.abc import Callable

    from e2e.houses import House
    from sandbox.hosts import Host

pytestmark = [pytest.mark.sandbox, pytest.mark.pulumi]

HUB, HOSPITALS = "try-hub", ("try-hospital-a", "try-hospital-b")
OPS = "ops@hub.demo.example"
KEY = re.compile(rb"-----BEGIN ([A-Z]+ )*PRIVATE KEY-----")
#: Folders of the checkout itself, which the repository keeps clean of keys by other tests.
PROGRAMS = ("tools/", "src/", "tests/", "docs/", ".git/")
#: Folders of a host where something of ours may lie; a key elsewhere is one that was carried.
LOOKED_AT = "/etc /var/lib /var/log /root /home /tmp /var/tmp /srv"


class Federation:
    """The house with a federation in it."""

    def __init__(self, house: House) -> None:
        self.house = house

    def demo(self) -> str:
        """Run the script of the demo and return what stands on the screen."""
        more = {"IMAGES": "24", "ROUNDS": "1", "NO_COLOR": "1"}
        done = subprocess.run(
            ["/bin/bash", "tools/demo-federation"],
            cwd=self.house.root, env={**self.house.environment(), **more},
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=2 * PATIENCE,
            check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-6000:]
        return done.stdout

    def host(self, node: str) -> Host:
        """Return the one host of a node."""
        return self.house.host(node, "hub-1" if node == HUB else "imaging-1")

    def says(self, node: str, command: str) -> str:
        """Return what a shell command prints as root on the host of a node."""
        return self.host(node).says(f"sudo sh -c {shlex.quote(command)}")

    @property
    def digest(self) -> str:
        """The digest of the application."""
        apps = self.house.cairn("app", "list", HUB, "--format", "json").json["apps"]
        return str(apps[0]["app"])

    def train(self, *, status: int = 0) -> dict[str, Any]:
        """Run the application once more and return what the hub tells."""
        words = ("--by", OPS, "--set", "privacy=secagg", "--set", "num-server-rounds=1")
        said = self.house.cairn(
            "app", "run", HUB, self.digest, *words, "--format", "json", status=status
        )
        return dict(said.json) if said.out.strip().startswith("{") else {"said": said.all}

    def status(self, node: str) -> str:
        """Return what the register says of a node."""
        listed = self.house.cairn("hub", "nodes", "--hub", HUB, "--format", "json").json
        return str(next(one["status"] for one in listed if one["node"] == node))

    def invite(self, node: str, verb: str = "invite") -> None:
        """Invite a node anew, or have it change its keys, and bring it up."""
        file = self.house.root / f"nodes/{node}.invitation.json"
        file.unlink(missing_ok=True)
        self.house.cairn("hub", verb, node, "--hub", HUB, "--out", str(file),
                         *(("--stage", "staging") if verb == "invite" else ()))  # fmt: skip
        self.house.cairn("up", node, "--yes")


@pytest.fixture(scope="module")
def shown(house: House) -> tuple[Federation, str]:
    """The federation, and the screen of the demo."""
    for file in (CHECKOUT / "nodes").glob("demo*"):
        shutil.copy(file, house.root / "nodes")
    shutil.copytree(CHECKOUT / "federation", house.root / "federation")
    made = Federation(house)
    return made, made.demo()


@pytest.fixture
def federation(shown: tuple[Federation, str]) -> Federation:
    return shown[0]


def test_two_hospitals_train_one_model(shown: tuple[Federation, str]) -> None:
    federation, screen = shown
    assert "finished:completed" in screen
    listed = federation.house.cairn("hub", "nodes", "--hub", HUB, "--format", "json").json
    assert {one["node"]: one["status"] for one in listed} == dict.fromkeys(HOSPITALS, "enrolled")
    for node in (HUB, *HOSPITALS):
        federation.house.cairn("verify", node)


def test_no_private_key_is_on_another_machine_than_its_own(federation: Federation) -> None:
    root = federation.house.root
    # The root's own is encrypted; the key of whoever signs apps is here because it was made here.
    own = {".cairn/try-root/root/root.key", ".cairn/try-root/signer"}
    left = {
        str(path.relative_to(root))
        for path in root.rglob("*")
        if path.is_file() and not path.is_symlink() and ".venv" not in path.parts
        and KEY.search(path.read_bytes())
    }  # fmt: skip
    assert {one for one in left if not one.startswith(PROGRAMS)} <= own
    for node in (HUB, *HOSPITALS):
        found = federation.says(
            node, f"grep -rlE 'BEGIN ([A-Z]+ )*PRIVATE KEY' {LOOKED_AT} 2>/dev/null || true"
        ).split()
        allowed = ("/etc/cairn/", "/etc/ssh/ssh_host_", "/etc/ssl/private/", "/var/lib/cairn-")
        assert [one for one in found if not one.startswith(allowed)] == []
    prints = {
        node: federation.says(
            node, "cat /etc/cairn/*/*.key 2>/dev/null | sha256sum; ls /etc/cairn/*/*.key"
        )
        for node in (HUB, *HOSPITALS)
    }
    assert len(set(prints.values())) == len(prints)


def test_a_hospital_reaches_one_port_of_the_hub_and_no_other_hospital(
    federation: Federation,
) -> None:
    hub, other = (federation.host(node).address for node in (HUB, HOSPITALS[1]))
    probe = (
        "import socket,sys\n"
        "for p in map(int, sys.argv[2:]):\n"
        "    s=socket.socket(); s.settimeout(2)\n"
        "    print(p, s.connect_ex((sys.argv[1], p)))\n"
    )
    closed = "22 80 5432 8000 8080 9000 9091 9092 9093 9094 18000"
    for address, ports in ((hub, closed), (other, f"{closed} 443 4243 7070 8042 8443 11112")):
        told = federation.says(HOSPITALS[0], f"python3 -c '{probe}' {address} {ports}")
        assert [line for line in told.splitlines() if line.endswith(" 0")] == [], address
    folder = "/etc/cairn/federation"
    ask = (
        "import ssl,http.client,sys\n"
        f"way=ssl.create_default_context(cafile='{folder}/ca.crt')\n"
        f"way.load_cert_chain('{folder}/node.crt','{folder}/node.key')\n"
        "for path in sys.argv[1:]:\n"
        "    line=http.client.HTTPSConnection('hub.demo.example',443,context=way,timeout=5)\n"
        "    line.request('GET', path); print(line.getresponse().status, path)\n"
    )
    told = federation.says(
        HOSPITALS[0],
        f'python3 -c "{ask}" /docs /openapi.json /v1/control/runs /v1/runtime/tasks /health',
    )
    assert {line.split()[0] for line in told.splitlines()} <= {"403", "404"}, told


def test_an_app_that_nobody_approved_runs_nowhere(federation: Federation) -> None:
    for node in HOSPITALS:
        federation.house.cairn("app", "revoke", node, federation.digest, "--by", OPS)
    told = federation.train(status=4)
    assert "completed" not in json.dumps(told)
    for node in HOSPITALS:
        approve(federation, node)
    assert federation.train()["status"] == "finished:completed"


def approve(federation: Federation, node: str) -> None:
    permits = (federation.house.root / f"nodes/{node}.yaml").read_text()
    permit = re.findall(r'id: "([^"]+)"', permits)[0]
    words = ("--dataset", "phantoms", "--permit", permit, "--by", OPS, "--yes")
    federation.house.cairn("app", "approve", node, federation.digest, *words)


def test_one_site_alone_gives_no_result(federation: Federation) -> None:
    federation.house.cairn("hub", "suspend", HOSPITALS[1], "--hub", HUB)
    told = federation.train(status=4)
    assert "site" in json.dumps(told)
    federation.house.cairn("hub", "resume", HOSPITALS[1], "--hub", HUB)


def test_keys_are_changed_and_a_revoked_node_comes_back(federation: Federation) -> None:
    a, b = HOSPITALS
    federation.invite(a, "rotate")
    federation.house.cairn("hub", "revoke", b, "--hub", HUB, "--yes")
    assert federation.status(b) == "revoked"
    wait(lambda: federation.host(b).run("sudo /usr/local/libexec/cairn/node-identity keep")
         .returncode != 0, "a revoked node is let in")  # fmt: skip
    federation.invite(b)
    assert federation.status(b) == "enrolled"
    wait(lambda: federation.train()["status"] == "finished:completed", "no training after that")


def test_the_account_of_the_runs_stands_on_both_sides(federation: Federation) -> None:
    for node in (HUB, *HOSPITALS):
        told = federation.house.cairn("runs", node)
        assert federation.digest[:12] in told.out
        assert "Phantom" not in told.all


def test_a_second_demo_rebuilds_nothing(federation: Federation) -> None:
    began = time.monotonic()
    federation.demo()
    assert federation.status(HOSPITALS[0]) == "enrolled"
    assert time.monotonic() - began < PATIENCE


def wait(found: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + 150
    while not found():
        assert time.monotonic() < end, what
        time.sleep(3)
