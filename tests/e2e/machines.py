"""A machine that exists already: a bare sandbox host that no spec calls one."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from cairn import sandbox
from e2e.specs import CLOSED, on_machine

if TYPE_CHECKING:
    import subprocess

    from e2e.houses import House
    from sandbox.hosts import Host

NODE, NAME = "bare", "machine"
#: Where settings, programs and units lie; what a role keeps for itself in /var/lib is its own.
FOLDERS = "/etc /usr/local /srv"


@dataclass
class Machine:
    """The machine, and the address of the computer beside it."""

    house: House
    host: Host
    gateway: str

    def way(self, **other: Any) -> dict[str, Any]:  # noqa: ANN401 - keys of a spec
        """Return how a spec says that this machine is reached; `other` keys win."""
        reached = self.host.running.connection
        return {
            "existing": reached["address"],
            "user": reached["user"],
            "key": f"file:{reached['key_file']}",
            "host_key": reached["host_key"],
            "lacks": ["kernel", "clock", "audit", "apparmor"],
            **other,
        }

    def spec(self, name: str, *, machine: dict[str, Any] | None = None, **network: Any) -> Any:  # noqa: ANN401
        """Return the spec of a node on this machine; `machine` and `network` change it."""
        usual = {
            "operators_from": [f"{self.gateway}/32"],
            "proxy": f"http://{self.gateway}:3142",
        }
        said = {key: value for key, value in {**usual, **network}.items() if value is not None}
        return on_machine(name, self.way(**(machine or {})), **said)

    def run(self, command: str) -> subprocess.CompletedProcess[str]:
        """Run a shell command as root."""
        return self.host.run(f"sudo sh -c {shlex.quote(command)}")

    def says(self, command: str) -> str:
        """Return what a shell command prints as root; the test fails when it does."""
        return self.host.says(f"sudo sh -c {shlex.quote(command)}")

    def files(self) -> dict[str, str]:
        """Return digest, mode and owner of every file that Cairn could have touched."""
        return digests(self.host)


def digests(host: Host) -> dict[str, str]:
    """Return digest, mode and owner of every file of a host that Cairn could have touched."""
    look = (
        f"cd /; find {FOLDERS} -xdev -type f -printf '%p\\t%m %u %g\\n' 2>/dev/null | sort; "
        f"echo; find {FOLDERS} -xdev -type f -print0 2>/dev/null | xargs -0 sha256sum"
    )
    owners, _, sums = host.says(f"sudo sh -c {shlex.quote(look)}").partition("\n\n")
    found = dict(line.split("\t") for line in owners.splitlines())
    for line in sums.splitlines():
        digest, _, path = line.partition("  ")
        found[path] = f"{digest} {found.get(path, '')}"
    return found


def differing(before: dict[str, str], after: dict[str, str]) -> set[str]:
    """Return the paths of files that are new, gone or changed."""
    return {path for path in before | after if before.get(path) != after.get(path)}


def init_of(host: Host) -> psutil.Process:
    """Return the process of the computer that is a sandbox host's init.

    When it is killed the kernel ends everything in the host at once, as a power cut does.
    """
    (init,) = psutil.Process(host.running.pid).children()
    return init


def start_machine(house: House) -> Machine:
    """Start a bare Debian machine with SSH, an account that may use sudo, and a package mirror."""
    with house.acting():
        gateway = sandbox.reserve(NODE, NAME).gateway
        names = [sandbox.Way(to="resolvers", port=53, protocol=way) for way in ("tcp", "udp")]
        # That port is closed: connections to it are refused at once instead of timing out.
        closed = sandbox.Way(to=gateway, port=CLOSED, protocol="tcp")
        sandbox.start(NODE, NAME, os="debian-12", egress=[*names, closed])
    return Machine(house, house.host(NODE, NAME), gateway)


@pytest.fixture(scope="module")
def machine(house: House) -> Machine:
    """A bare machine of the module's own."""
    return start_machine(house)
