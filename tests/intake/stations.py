"""Both programs of the intake as processes of a test, and scanners made of dcmtk."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from intake.certificates import authority, issue

if TYPE_CHECKING:
    from collections.abc import Callable

PROGRAM = Path(__file__).resolve().parents[2] / "roles" / "intake" / "files"
#: Seconds that anything awaited may take.
PATIENCE = 30
SETTINGS = """
aet = "RESEARCH"
address = "127.0.0.1"
port = {port}
plain_port = {plain}
tls_minimum = "1.2"
client_certificates = true
archive = "{archive}"
spool_mib = {spool_mib}
free_mib = {free_mib}
waits_minutes = 60
associations = 8
options = ["clean-pixel-data", "retain-longitudinal-modified-dates"]
modality = [
  {{aet = "CT-1", address = "127.0.0.1", may = ["store", "echo"], plain = false}},
  {{aet = "OLD-1", address = "127.0.0.1", may = ["store", "echo"], plain = true}},
  {{aet = "ECHO-1", address = "127.0.0.1", may = ["echo"], plain = true}},
  {{aet = "FAR-1", address = "192.0.2.7", may = ["store", "echo"], plain = true}},
]
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(what: Callable[[], object], why: str) -> None:
    """Wait until something holds."""
    end = time.monotonic() + PATIENCE
    while not what():
        assert time.monotonic() < end, why
        time.sleep(0.05)


@dataclass
class Station:
    """An intake under a folder.

    Attributes:
        folder: Holds settings, spool, secrets and certificates.
        archive: Address of the archive.
        limits: `spool_mib` and `free_mib`.
    """

    folder: Path
    archive: str
    limits: dict[str, int] = field(default_factory=lambda: {"spool_mib": 500, "free_mib": 1})
    port: int = field(default_factory=free_port)
    plain: int = field(default_factory=free_port)
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    ended: dict[str, int] = field(default_factory=dict)

    @property
    def spool(self) -> Path:
        return self.folder / "spool"

    def prepare(self) -> Station:
        """Lay out folders, secrets, certificates and settings."""
        for name in ("incoming", "waiting", "quarantine", "counts"):
            (self.spool / name).mkdir(parents=True, exist_ok=True)
        secrets = self.folder / "secrets"
        secrets.mkdir(exist_ok=True)
        (secrets / "pseudonym.key").write_text("ab" * 32 + "\n")
        (secrets / "archive.password").write_text("made up\n")
        ours, theirs = authority("node"), authority("somebody else")
        (self.folder / "ca.crt").write_bytes(ours.certificate)
        issue(ours, "localhost", self.folder / "node")
        (self.folder / "node.key").rename(secrets / "node.key")
        issue(ours, "CT-1", self.folder / "ct")
        issue(ours, "CT-2", self.folder / "other")
        issue(theirs, "CT-1", self.folder / "foreign")
        issue(ours, "CT-1", self.folder / "expired", days=-1)
        ways = {"port": self.port, "plain": self.plain, "archive": self.archive}
        (self.folder / "intake.toml").write_text(SETTINGS.format(**ways, **self.limits))
        return self

    def start(self, *programs: str) -> Station:
        """Start `receive`, `forward` or both, and wait until the receiver listens."""
        for program in programs or ("receive", "forward"):
            more = []
            if program == "receive":
                certificate, clients = self.folder / "node.crt", self.folder / "ca.crt"
                more = ["--certificate", certificate, "--clients", clients]
            log = (self.folder / f"{program}.log").open("ab")
            self.running[program] = subprocess.Popen(
                [sys.executable, "-m", f"cairn_intake.{program}", self.folder / "intake.toml",
                 self.spool, *more],
                env={"PATH": os.environ["PATH"], "PYTHONPATH": str(PROGRAM),
                     "CREDENTIALS_DIRECTORY": str(self.folder / "secrets")},
                stderr=log, stdout=log,
            )  # fmt: skip
            wait_for(lambda program=program: self._is_ready(program), f"{program} does not start")
        return self

    def _is_ready(self, program: str) -> bool:
        assert self.running[program].poll() is None, self.log()
        return self._starts(program) > self.ended.get(program, 0)

    def _starts(self, program: str) -> int:
        return (self.folder / f"{program}.log").read_text().count("ready;")

    def end(self, program: str, number: int = signal.SIGTERM) -> None:
        """End a program by a signal."""
        process = self.running.pop(program)
        process.send_signal(number)
        process.wait(PATIENCE)
        self.ended[program] = self._starts(program)

    def end_all(self) -> None:
        """End what runs."""
        for program in list(self.running):
            self.end(program, signal.SIGKILL)

    def log(self) -> str:
        """Return all that both programs said."""
        return "".join(path.read_text() for path in self.folder.glob("*.log"))

    def waiting(self) -> int:
        """Return how many images wait."""
        return len(list((self.spool / "waiting").iterdir()))

    def reasons(self) -> list[str]:
        """Return the reasons of what is in quarantine."""
        found = (self.spool / "quarantine").glob("*.reason")
        return sorted(path.read_text().splitlines()[0] for path in found)

    def echo(self, calling: str = "CT-1", **how: str) -> subprocess.CompletedProcess[str]:
        """Ask with C-ECHO."""
        return self._run("echoscu", calling, (), how)

    def send(
        self, *files: Path, calling: str = "CT-1", **how: str
    ) -> subprocess.CompletedProcess[str]:
        """Send images with C-STORE."""
        return self._run("storescu", calling, files, how)

    def _run(
        self, program: str, calling: str, files: tuple[Path, ...], how: dict[str, str]
    ) -> subprocess.CompletedProcess[str]:
        """Run a program of dcmtk; `how` may name `certificate`, `called` and `plain`.

        By its path: pynetdicom brings programs of the same names into the virtual environment.
        """
        port = self.plain if "plain" in how else self.port
        titles = ["-aet", calling, "-aec", how.get("called", "RESEARCH")]
        return subprocess.run(
            [f"/usr/bin/{program}", *self._way(how), *titles, "127.0.0.1", str(port), *files],
            capture_output=True, text=True, check=False, timeout=PATIENCE * 2,
        )  # fmt: skip

    def _way(self, how: dict[str, str]) -> list[str | Path]:
        if "plain" in how:
            return []
        trust: list[str | Path] = ["+cf", self.folder / "ca.crt"]
        if how.get("certificate") == "none":
            return ["+tla", *trust]
        shown = self.folder / how.get("certificate", "ct")
        return ["+tls", shown.with_suffix(".key"), shown.with_suffix(".crt"), *trust]
