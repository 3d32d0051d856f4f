"""A throw-away house: specs, state and sandbox of its own, driven as a user drives it."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest
from ruamel.yaml import YAML

from cairn import house as this_checkout
from cairn import sandbox
from cairn.sandbox import places
from e2e.commands import PATIENCE, Said, Work, checked
from sandbox.hosts import Host

if TYPE_CHECKING:
    from collections.abc import Iterator

CHECKOUT = this_checkout.root()
PROGRAMS = Path(sys.executable).parent
#: Programs of sandbox hosts, which outlive the command that started them.
OUTLIVING = ("systemd-nspawn", "apt-cacher-ng", "(sd-")


@dataclass
class House:
    """A checkout of its own in a temporary folder."""

    root: Path
    started: list[Work] = field(default_factory=list)

    def environment(self) -> dict[str, str]:
        """Return the environment of a user who has just opened a terminal in this house."""
        dropped = ("PULUMI_", "CAIRN_", "VIRTUAL_ENV", "PYTHON", "COVERAGE", "PYTEST")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
        return {**kept, "CAIRN_HOME": str(self.root)}

    def cairn(self, *arguments: str, status: int = 0, **more: str) -> Said:
        """Run `cairn` and return what it said; it must end with this status.

        Args:
            arguments: What is typed after `cairn`.
            status: The exit status that it must end with.
            more: More environment.
        """
        return self._run([str(PROGRAMS / "cairn"), *arguments], status, more)

    def shell(self, line: str, *, status: int = 0) -> Said:
        """Run a line in a shell whose virtual environment is active, as for raw `pulumi`."""
        active = f". {PROGRAMS}/activate; {line}"
        return self._run(["bash", "-c", active], status, {})

    def start(self, *arguments: str) -> Work:
        """Start `cairn` without waiting for its end."""
        screen = self.root / f"screen-{len(self.started)}.txt"
        with screen.open("w") as file:
            process = subprocess.Popen(
                [str(PROGRAMS / "cairn"), *arguments],
                cwd=self.root,
                env=self.environment(),
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                text=True,
                start_new_session=True,
            )
        self.started.append(Work(process, screen))
        return self.started[-1]

    def write(self, spec: dict[str, Any]) -> Path:
        """Write a spec as `nodes/NAME.yaml`."""
        file = self.root / "nodes" / f"{spec['name']}.yaml"
        yaml = YAML()
        yaml.width = 200
        with file.open("w") as handle:
            yaml.dump(spec, handle)
        return file

    def logs(self) -> set[str]:
        """Return the logs of all runs of Ansible so far."""
        return {str(log) for log in (self.root / ".cairn" / "runs").rglob("*.log")}

    def state(self, node: str) -> dict[str, Any]:
        """Return the state of a node as it lies on the disk, empty before its first `up`."""
        file = self._state_file(node)
        return dict(json.loads(file.read_text())["checkpoint"]["latest"]) if file.exists() else {}

    def resource(self, node: str, name: str) -> dict[str, Any]:
        """Return one resource of a node's state."""
        (found,) = [
            each
            for each in self.state(node).get("resources", ())
            if each["urn"].endswith(f"::{name}") and "cairn:index:" in each["type"]
        ]
        return dict(found)

    def fingerprint(self) -> str:
        """Return a digest over names and bytes of the whole state."""
        total = hashlib.sha256()
        for file in sorted((self.root / ".cairn" / "state").rglob("*")):
            if file.is_file():
                total.update(f"{file}\0".encode() + file.read_bytes())
        return total.hexdigest()

    def locks(self, node: str) -> list[Path]:
        """Return the lock files of a node."""
        return sorted((self.root / ".cairn" / "state").glob(f".pulumi/locks/**/{node}/*.json"))

    def left_behind(self) -> list[str]:
        """Return the command lines of processes of this house, after they had time to end."""
        deadline = time.monotonic() + 20
        while (left := self._processes()) and time.monotonic() < deadline:
            time.sleep(0.2)
        return left

    @contextlib.contextmanager
    def acting(self) -> Iterator[None]:
        """Have Cairn's own functions work on this house for the time of the block."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("CAIRN_HOME", str(self.root))
            yield

    def host(self, node: str, host: str) -> Host:
        """Return a running sandbox host of this house."""
        with self.acting():
            running = sandbox.find(node, host)
        assert running is not None, f"{node}/{host} does not run"
        return Host(host, running)

    def trace(self) -> set[str]:
        """Return what the computer has of this house's sandbox."""
        with self.acting():
            label, folder = places.label(), places.sandbox()
        machines = (f"c{label}", f"cairn-{label}", f"cairn_{label}", f"vb-c{label}", str(folder))
        seen = {
            *Path("/proc/self/mountinfo").read_text().splitlines(),
            *(f"link {path.name}" for path in Path("/sys/class/net").iterdir()),
            *(f"rules {line}" for line in _lines("nft", "list", "tables")),
            *(f"group {path}" for path in Path("/sys/fs/cgroup").glob("**/cairn-*")),
            *(f"process {line}" for line in _lines("ps", "-eo", "args")),
            *(f"folder {path}" for path in places.SANDBOXES.glob("*/*")),
        }
        return {line for line in seen if any(name in line for name in machines)}

    def remove(self) -> None:
        """Take everything away: what still runs, the sandbox, the folder."""
        for work in self.started:
            if work.process.poll() is None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(work.process.pid, signal.SIGKILL)
                work.process.wait()
        if os.geteuid() == 0:
            with self.acting():
                sandbox.remove_all()
                for volume in (places.sandbox() / "volumes").glob("*"):
                    sandbox.delete_data(volume.name)
        shutil.rmtree(self.root)

    def _run(self, command: list[str], status: int, more: dict[str, str]) -> Said:
        done = subprocess.run(
            command,
            cwd=self.root,
            env={**self.environment(), **more},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        said = checked(Said(done.returncode, done.stdout, done.stderr))
        assert said.status == status, f"{command} ended with {said.status}:\n{said.all}"
        return said

    def _state_file(self, node: str) -> Path:
        state = self.root / ".cairn" / "state" / ".pulumi"
        return state / "stacks" / "cairn-nodes" / f"{node}.json"

    def _processes(self) -> list[str]:
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                if process.pid != os.getpid() and self._is_mine(process):
                    found.append(" ".join(process.cmdline()))
        return found

    def _is_mine(self, process: psutil.Process) -> bool:
        known = process.environ()
        mine = known.get("CAIRN_HOME") == str(self.root)
        mine |= str(self.root) in known.get("CAIRN_RUN", "")
        is_zombie = process.status() == psutil.STATUS_ZOMBIE
        return mine and not is_zombie and not process.name().startswith(OUTLIVING)


@contextlib.contextmanager
def no_ansible(house: House) -> Iterator[None]:
    """Fail if any program of Ansible runs for this house, or leaves a log, during the block."""
    before, seen, over = house.logs(), [], threading.Event()

    def watch() -> None:
        while not over.wait(0.1):
            seen.extend(line for line in house._processes() if "ansible" in line)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()
    assert seen == []
    assert house.logs() == before


@contextlib.contextmanager
def house_in(folder: Path) -> Iterator[House]:
    """Yield a house in a folder, and take it away whatever happens.

    Roles and templates are copies, so that somebody at work on them changes no digest meanwhile.
    """
    for name in ("roles", "templates", "policies", "tools"):
        shutil.copytree(CHECKOUT / name, folder / name)
    for name in (".venv", "src"):
        (folder / name).symlink_to(CHECKOUT / name)
    shutil.copy(CHECKOUT / "Pulumi.yaml", folder)
    (folder / "nodes").mkdir()
    (folder / "stacks").mkdir()
    for module in (CHECKOUT / "stacks").glob("*.py"):
        shutil.copy(module, folder / "stacks")
    made = House(folder)
    try:
        yield made
    finally:
        made.remove()


def _lines(*argv: str) -> list[str]:
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout.splitlines()


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A house of the module's own, gone afterwards without trace."""
    with house_in(tmp_path_factory.mktemp("house")) as made:
        yield made
    assert made.trace() == set()
    assert made.left_behind() == []
