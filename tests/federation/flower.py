"""A real Flower on the loopback: hub, nodes, and the command line that starts runs.

Flower lives in an environment of its own in the cache, because its pins are not ours.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import time
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from approval.flower import flower_python
from cairn import house

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

APP = house.root() / "federation" / "apps" / "lesions"
PATIENCE = 60


@dataclass
class Flower:
    """A hub with its nodes.

    Attributes:
        folder: Settings, logs and results.
        programs: Where Flower's programs are.
        address: Where the hub listens.
    """

    folder: Path
    programs: Path
    address: str
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self, name: str, *command: str, **variables: str) -> None:
        """Start a program of Flower beside the others."""
        with (self.folder / f"{name}.log").open("wb") as log:
            started = subprocess.Popen(
                [self.programs / command[0], *command[1:]],
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self._variables(name, **variables),
                start_new_session=True,
            )
        self.processes.append(started)

    def ask(self, *command: str) -> Any:  # noqa: ANN401 - what the command line says
        """Run `flwr` with an answer in JSON."""
        done = subprocess.run(
            [self.programs / "flwr", *command, "--format", "json"],
            env=self._variables("cli"), capture_output=True, text=True, check=False,
        )  # fmt: skip
        told = json.loads(done.stdout)
        if not told.get("success", True):
            raise AssertionError(told)
        return told

    def run(self, **settings: object) -> Run:
        """Run the application to its end."""
        written = [
            f"{key.replace('_', '-')}={json.dumps(value)}" for key, value in settings.items()
        ]
        chosen = ["--run-config", " ".join(written)] if written else []
        begun = time.monotonic()
        # It follows the log to the end of the run; whether that was a good one, `ls` says.
        with (self.folder / "run.log").open("ab") as log:
            subprocess.run(
                [self.programs / "flwr", "run", str(APP), "hub", "--stream", *chosen],
                env=self._variables("cli"), stdout=log, stderr=log, check=True,
            )  # fmt: skip
        seconds = time.monotonic() - begun
        told = max(self.ask("ls", "hub")["runs"], key=lambda one: str(one["pending-at"]))
        place = self.folder / "results" / str(told["run-id"])
        return Run(str(told["status"]), place, seconds, told)

    def until_online(self, count: int) -> None:
        """Wait until that many nodes answer."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            nodes = self.ask("supernode", "list", "hub")["nodes"]
            if sum(one["status"] == "online" for one in nodes) == count:
                return
            time.sleep(0.5)
        raise AssertionError(f"{count} nodes are not online after {PATIENCE} s")

    def logs(self) -> str:
        """Return what all programs said."""
        files = sorted(self.folder.glob("*.log"))
        return "\n".join(f"== {one.name}\n{one.read_text()}" for one in files)

    def stop(self) -> None:
        """End all programs, with those that they started."""
        for each in reversed(self.processes):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(each.pid, signal.SIGTERM)
        for each in self.processes:
            with contextlib.suppress(subprocess.TimeoutExpired):
                each.wait(PATIENCE)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(each.pid, signal.SIGKILL)

    def _variables(self, name: str, **more: str) -> dict[str, str]:
        home = self.folder / f"home-{name}"
        home.mkdir(exist_ok=True)
        link = f'[superlink]\ndefault = "hub"\n[superlink.hub]\naddress = "{self.address}"\n'
        (home / "config.toml").write_text(f"{link}insecure = true\n")
        return {
            "PATH": f"{self.programs}:/usr/bin:/bin",
            "HOME": str(home),
            "FLWR_HOME": str(home),
            "FLWR_TELEMETRY_ENABLED": "0",
            "FLWR_DISABLE_UPDATE_CHECK": "1",
            "NO_PROXY": "127.0.0.1,localhost",
            "OPENBLAS_NUM_THREADS": "1",
            **more,
        }


@dataclass(frozen=True)
class Run:
    """A run that ended: its status, the folder of its results, seconds, and what the hub tells."""

    status: str
    results: Path
    seconds: float
    told: Mapping[str, Any]


@contextlib.contextmanager
def flower(folder: Path, images: Mapping[str, Path], **variables: str) -> Iterator[Flower]:
    """Yield a hub with a node for each folder of images.

    Args:
        folder: For settings, logs and results.
        images: Folder of images by name of the site.
        variables: Environment of the nodes.
    """
    folder.mkdir(parents=True, exist_ok=True)
    hub, *ports = (_free_port() for _ in range(1 + len(images)))
    one = Flower(folder, Path(flower_python()).parent, f"127.0.0.1:{hub}")
    try:
        one.start(
            "hub", "flower-superlink", "--insecure", "--port", str(hub),
            "--disable-runtime-dependency-installation", CAIRN_RESULTS=str(folder / "results"),
        )  # fmt: skip
        _until_healthy(f"http://{one.address}/health")
        for (name, place), port in zip(images.items(), ports, strict=True):
            one.start(
                name, "flower-supernode", "--insecure", "--superlink", one.address,
                "--port", str(port), "--node-config", f'data="{place}"', **variables,
            )  # fmt: skip
        one.until_online(len(images))
        yield one
    finally:
        one.stop()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _until_healthy(url: str) -> None:
    end = time.monotonic() + PATIENCE
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    while time.monotonic() < end:
        with contextlib.suppress(OSError), opener.open(url, timeout=1):
            return
        time.sleep(0.2)
    raise AssertionError(f"{url} does not answer after {PATIENCE} s")
