"""A checkout of its own for each test of a script, with programs that only pretend."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2]
COPIED = ("Makefile", "pyproject.toml", "requirements.in", "requirements.txt")
SYSTEM_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass
class Checkout:
    """A copy of the scripts under a temporary folder, and a folder of pretended programs."""

    root: Path
    programs: Path
    variables: dict[str, str] = field(default_factory=dict)

    def pretend(self, name: str, body: str, *, folder: Path | None = None) -> Path:
        """Put a shell program called `name` first on the PATH, or into `folder`."""
        program = (folder or self.programs) / name
        program.parent.mkdir(parents=True, exist_ok=True)
        program.write_text(f"#!/bin/bash\n{body}\n")
        program.chmod(0o755)
        return program

    def environment(self) -> dict[str, str]:
        """Return the environment that the scripts run in: nothing of the caller's own."""
        return {
            "HOME": str(self.root / "home"),
            "PATH": f"{self.programs}:{SYSTEM_PATH}",
            "LC_ALL": "C.UTF-8",
            **self.variables,
        }

    def start(self, *command: str) -> subprocess.Popen[str]:
        """Start a command in the checkout, in a session of its own."""
        return subprocess.Popen(
            command,
            cwd=self.root,
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def run(self, *command: str) -> tuple[int, str]:
        """Run a command in the checkout; return its exit code and all that it said."""
        process = self.start(*command)
        said, _ = process.communicate(timeout=60)
        return process.returncode, said


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    """Return a checkout that a test may spoil."""
    root = tmp_path / "checkout"
    shutil.copytree(SOURCE / "tools", root / "tools")
    for name in COPIED:
        shutil.copy(SOURCE / name, root / name)
    (root / "home").mkdir()
    (root / "programs").mkdir()
    return Checkout(root=root, programs=root / "programs")
