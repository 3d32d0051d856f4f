"""The provider under the real Pulumi CLI, in a throw-away project, on this computer itself."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

BESIDE = Path(sys.executable).parent
PULUMI = shutil.which("pulumi", path=f"{BESIDE}:{os.environ.get('PATH', '')}")
pytestmark = [
    pytest.mark.pulumi,
    pytest.mark.skipif(PULUMI is None, reason="no Pulumi CLI; run `make setup`"),
]
PROGRAM = """\
import json
import pulumi

class Role(pulumi.CustomResource):
    def __init__(self, name, inputs):
        super().__init__("cairn:index:Role", name, {**inputs, "applied": None})

Role("host-1-tiny", json.load(open("wish.json")))
"""


@dataclass
class Project:
    """A Pulumi project with one role; `wish` is what it wants."""

    folder: Path
    wish: dict[str, Any]

    def environment(self) -> dict[str, str]:
        quiet = ("SKIP_UPDATE_CHECK", "DISABLE_AUTOMATIC_PLUGIN_ACQUISITION")
        kept = {k: v for k, v in os.environ.items() if not k.startswith("PULUMI_")}
        return {
            **kept,
            **{f"PULUMI_{name}": "true" for name in (*quiet, "IGNORE_AMBIENT_PLUGINS")},
            "PULUMI_HOME": str(self.folder / "home"),
            "PULUMI_BACKEND_URL": f"file://{self.folder / 'state'}",
            "PULUMI_CONFIG_PASSPHRASE": "made-up",
            "PATH": f"{BESIDE}:{os.environ['PATH']}",
            "VIRTUAL_ENV": str(BESIDE.parent),
        }

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        (self.folder / "program" / "wish.json").write_text(json.dumps(self.wish))
        return subprocess.Popen(
            [str(PULUMI), *arguments, "--non-interactive"],
            cwd=self.folder,
            env=self.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def run(self, *arguments: str, status: int = 0) -> str:
        process = self.start(*arguments)
        said, _ = process.communicate(timeout=300)
        assert process.returncode == status, said
        return said

    def up(self, status: int = 0) -> str:
        return self.run("up", "--yes", "--skip-preview", status=status)

    def role(self) -> dict[str, Any]:
        state = json.loads(self.run("stack", "export"))
        (role,) = [r for r in state["deployment"]["resources"] if r["type"] == "cairn:index:Role"]
        return role

    def logs(self) -> int:
        return len(list((self.folder / ".cairn" / "runs").rglob("*.log")))


@pytest.fixture
def project(house: Path, inputs: dict[str, Any]) -> Iterator[Project]:
    for name in ("program", "state"):
        (house / name).mkdir()
    (house / "program" / "__main__.py").write_text(PROGRAM)
    runtime = {"name": "python", "options": {"toolchain": "pip", "virtualenv": str(BESIDE.parent)}}
    plugins = {"providers": [{"name": "cairn", "path": str(BESIDE)}]}
    about = {"name": "trial", "runtime": runtime, "main": "program", "plugins": plugins}
    (house / "Pulumi.yaml").write_text(json.dumps(about))
    made = Project(house, inputs)
    made.run("stack", "init", "demo")
    yield made
    # Pulumi's language host stays behind when the CLI is killed.
    for pid, words in _of(house):
        if "pulumi-language-python" in " ".join(words):
            os.kill(pid, signal.SIGKILL)


def test_a_role_lives_under_the_real_engine(project: Project, house: Path) -> None:
    file = house / "target" / "a.conf"
    assert f"+++ {file}\n    @@ -0,0 +1,2 @@" in project.run("preview")
    assert not file.exists()

    project.up()
    assert file.read_text() == "one\ntwo\n"
    assert project.logs() == 1

    assert "2 unchanged" in project.up()
    assert project.logs() == 1

    project.wish["variables"] = {"tiny_complaint": "moon"}
    said = project.up(status=1)
    assert "host-1: role tiny: `Fail when told` failed: non-zero return code: moon" in said
    assert project.role()["initErrors"]

    project.wish["variables"] = {}
    project.up()
    assert "initErrors" not in project.role()

    file.write_text("edited by hand\n")
    project.run("refresh", "--yes", "--skip-preview")
    (drift,) = project.role()["outputs"]["drift"]
    assert drift["what"] == str(file)
    project.up()
    assert file.read_text() == "one\ntwo\n"
    project.run("refresh", "--yes", "--skip-preview", "--expect-no-changes")

    project.run("destroy", "--yes", "--skip-preview")
    assert not file.exists()


def test_changed_role_code_is_applied(project: Project, house: Path) -> None:
    project.up()
    tasks = house / "roles" / "tiny" / "tasks" / "main.yml"
    tasks.write_text(
        tasks.read_text() + "\n- name: Do one thing more\n  ansible.builtin.meta: noop\n"
    )
    assert "[diff: ~digest]" in project.up()


def test_ctrl_c_stops_ansible_keeps_the_state_and_lets_the_next_up_go_on(
    project: Project, house: Path
) -> None:
    process = _up_that_waits(project)
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=60)
    assert "was cancelled part-way; the next `cairn up` goes on" in said
    assert _ended(house), _left(house)
    assert project.role()["initErrors"]

    project.wish["variables"] = {}
    project.up()
    assert "initErrors" not in project.role()


def test_killing_the_cli_leaves_no_run_and_the_next_up_goes_on(
    project: Project, house: Path
) -> None:
    process = _up_that_waits(project)
    process.kill()
    process.communicate(timeout=60)
    assert _ended(house), _left(house)

    project.wish["variables"] = {}
    project.run("cancel", "--yes")
    project.up()
    assert (house / "target" / "a.conf").read_text() == "one\ntwo\n"


def _up_that_waits(project: Project) -> subprocess.Popen[str]:
    project.wish["variables"] = {"tiny_waits": True}
    process = project.start("up", "--yes", "--skip-preview")
    assert process.stdout is not None
    while "Wait when told" not in process.stdout.readline():
        assert process.poll() is None
    time.sleep(0.5)
    return process


def _ended(house: Path) -> bool:
    """Wait for the provider and for Ansible to be gone."""
    deadline = time.monotonic() + 15
    while _left(house) and time.monotonic() < deadline:
        time.sleep(0.2)
    return _left(house) == []


def _left(house: Path) -> list[list[str]]:
    """Return the provider and the programs of Ansible that still run for this house."""
    ours = ("pulumi-resource-cairn", "ansible", "987654")
    return [
        words for _, words in _of(house) if any(name in word for word in words for name in ours)
    ]


def _of(house: Path) -> list[tuple[int, list[str]]]:
    """Return number and words of all processes that know the house by their environment."""
    found = []
    for process in psutil.process_iter():
        # One that ends while it is looked at does not run any more.
        with contextlib.suppress(psutil.Error):
            known = process.environ()
            if known.get("CAIRN_HOME") == str(house) or str(house) in known.get("CAIRN_RUN", ""):
                found.append((process.pid, process.cmdline()))
    return found
