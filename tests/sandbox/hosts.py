"""Real sandbox hosts for tests: a checkout of the test's own, hosts that are gone afterwards."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from cairn import sandbox

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

NODE = "testing"
#: Where ssh(1) knows one key exchange for later times only, that one takes half a second.
QUICK = "KexAlgorithms=^curve25519-sha256"


@dataclass(frozen=True)
class Host:
    """A running sandbox host and a way to run commands on it."""

    name: str
    running: sandbox.Running

    @property
    def address(self) -> str:
        return self.running.connection["address"]

    def run(self, command: str, *, timeout: float = 60) -> subprocess.CompletedProcess[str]:
        """Run a shell command as the operator over SSH with the pinned host key."""
        known_hosts = Path(f"{self.running.connection['key_file']}.{self.name}.known")
        known_hosts.write_text(f"{self.address} {self.running.connection['host_key']}\n")
        options = ["BatchMode=yes", "StrictHostKeyChecking=yes", "ConnectTimeout=5"]
        options += [f"UserKnownHostsFile={known_hosts}", QUICK]
        words = [word for option in options for word in ("-o", option)]
        key = str(self.running.connection["key_file"])
        whom = f"{self.running.connection['user']}@{self.address}"
        argv = ["ssh", "-F", "none", "-i", key, *words, whom, command]
        return subprocess.run(argv, capture_output=True, text=True, timeout=timeout, check=False)

    def says(self, command: str) -> str:
        """Return what a command prints; the test fails when the command does."""
        done = self.run(command)
        assert done.returncode == 0, f"`{command}` on {self.name}: {done.stderr}"
        return done.stdout.strip()

    def reaches(self, address: str, port: int) -> bool:
        """Tell whether a TCP connection from the host to one of our own listeners succeeds."""
        connect = f"timeout 3 bash -c 'echo > /dev/tcp/{address}/{port}'"
        return self.run(connect).returncode == 0


@pytest.fixture(scope="module")
def own_checkout(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Stand in a checkout of the tests' own, so that nobody else's sandbox is touched."""
    folder = tmp_path_factory.mktemp("checkout")
    (folder / "Pulumi.yaml").touch()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CAIRN_HOME", str(folder))
        yield folder
        if os.geteuid() == 0:
            sandbox.remove_all(delete_data_of=NODE)


@pytest.fixture(scope="module")
def start_host(own_checkout: Path) -> Callable[..., Host]:
    """Return a function that starts a host of the tests' own checkout by name."""

    def start(name: str, **options: Any) -> Host:  # noqa: ANN401 - those of sandbox.start
        return Host(name, sandbox.start(NODE, name, **options))

    return start
