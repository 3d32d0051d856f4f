"""What the scheduler of a host is planned to be, and its script for a computing centre."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from cairn import house
from cairn.errors import InvalidSpec
from cairn.plan.context import Context, Place
from cairn.plan.model import PlannedHost
from cairn.plan.roles import approval, scheduler
from cairn.render.files import render_role
from cairn.spec.loader import load
from cairn.spec.secrets import looks_secret
from roles.harness import document

if TYPE_CHECKING:
    from pathlib import Path

    from cairn.plan.model import PlannedRole

AGENT = {"cores": 2, "memory": "1 GiB", "minutes_per_task": 10}
CELL = house.root() / scheduler.CELL
#: Takes the place of Apptainer: notes its words, what it was given, and answers.
STAND_IN = """#!/bin/bash
printf '%s\\n' "$@" >"$NOTED"
for word; do case $word in *:/input:ro) cp -r -- "${word%:/input:ro}" "$NOTED.input" ;; esac; done
[ -z "${SAYS-}" ] || { echo 'FATAL:   no such image' >&2; echo a patient >&2; exit 255; }
printf answered
"""


def planned(gateway: str | None = None, **host: Any) -> tuple[PlannedRole, PlannedRole]:  # noqa: ANN401 - keys of a host
    """Return the roles `scheduler` and `approval` of a compute host."""
    machine = {
        "name": "box",
        "machine": {"existing": "192.0.2.1"},
        "os": "debian-13",
        "runs": ["fl-agent", "scheduler"],
        **host,
    }
    papers = document("plan", "debian-13", kind="compute", hosts=[machine], fl_agent=AGENT)
    context = Context(papers, papers.spec.hosts[0], Place("192.0.2.1", "root", gateway))
    return scheduler.plan(context), approval.plan(context)


def rendered(role: PlannedRole) -> dict[str, str]:
    host = PlannedHost("box", "debian-13", "192.0.2.1", False, (), (), (role,))  # noqa: FBT003
    return {file.path: file.content for file in render_role("plan", host, role)}


@pytest.mark.parametrize("entry", ["main", "remove"])
def test_the_argument_specs_say_the_same_as_the_defaults(entry: str) -> None:
    folder = house.root() / "roles" / "scheduler"
    specs = yaml.safe_load((folder / "meta/argument_specs.yml").read_text())["argument_specs"]
    defaults = yaml.safe_load((folder / "defaults/main.yml").read_text())
    options = specs[entry]["options"]
    assert {name: option["default"] for name, option in options.items()} == defaults
    assert set(planned()[0].variables) == set(defaults)


def test_a_machine_of_its_own_holds_limits_by_its_kernel() -> None:
    role, _ = planned()
    texts = rendered(role)
    assert "TaskPlugin=task/affinity,task/cgroup" in texts["/etc/slurm/slurm.conf"]
    assert "ConstrainRAMSpace=yes" in texts["/etc/slurm/cgroup.conf"]
    assert "config_overrides" not in texts["/etc/slurm/slurm.conf"]
    assert role.without == ()


@pytest.mark.parametrize(
    ("os_name", "says"), [("debian-13", "CgroupPlugin=disabled"), ("debian-12", None)]
)
def test_a_container_says_that_it_has_none(os_name: str, says: str | None) -> None:
    role, _ = planned("198.18.0.1", machine="sandbox", os=os_name)
    texts = rendered(role)
    assert "OverMemoryKill" in texts["/etc/slurm/slurm.conf"]
    assert ([says] if says else []) == texts["/etc/slurm/cgroup.conf"].splitlines()[1:]
    assert role.without == (scheduler.NO_CGROUPS,)


def test_all_that_listens_is_on_the_loopback() -> None:
    role, _ = planned()
    assert {one.address for one in role.listeners} == {"127.0.0.1"}
    assert role.flows == ()


def test_a_cell_asks_for_what_its_task_may_take_and_fits_into_the_partition() -> None:
    role, cells = planned()
    within = json.loads(rendered(cells)["/etc/cairn/fl-agent/rules.json"])["within"]
    assert {"--cpus-per-task=2", "--mem=2560M", "--time=11"} <= set(within)
    text = rendered(role)["/etc/slurm/slurm.conf"]
    assert " CPUs=2 RealMemory=2560 " in text
    assert " AllowGroups=cairn-jobs MaxTime=11 " in text


def test_nothing_that_is_rendered_looks_like_a_secret() -> None:
    # PLN-17 would refuse the node.
    for role in planned():
        assert [path for path, text in rendered(role).items() if looks_secret(text)] == []


def test_without_a_scheduler_a_cell_asks_nobody() -> None:
    _, cells = planned(runs=["fl-agent"])
    texts = rendered(cells)
    assert json.loads(texts["/etc/cairn/fl-agent/rules.json"])["within"] == []
    assert not [path for path, text in texts.items() if "/etc/cairn/scheduler" in text]


@pytest.mark.parametrize(
    ("runs", "compute", "told"),
    [
        ("[storage, fl-agent, scheduler]", "scheduler: slurm", ""),
        ("[storage, fl-agent]", "scheduler: none", ""),
        ("[storage, scheduler]", "scheduler: slurm", "nobody but `fl-agent` hands it work"),
        ("[storage, fl-agent, scheduler]", "scheduler: none", "counts only with"),
        ("[storage, fl-agent]", "scheduler: slurm", "no host runs `scheduler`"),
    ],
)
def test_what_is_declared_and_what_runs_belong_together(
    tmp_path: Path, runs: str, compute: str, told: str
) -> None:
    nodes = house.root() / "nodes"
    text = (nodes / "demo-compute.yaml").read_text()
    for old, new in (
        ("runs: [storage, fl-agent]", f"runs: {runs}"),
        ("scratch:", f"{compute}, scratch:"),
    ):
        assert old in text
        text = text.replace(old, new, 1)
    (tmp_path / "demo-compute.yaml").write_text(text)
    shutil.copy(nodes / "demo.federation.json", tmp_path)
    if told:
        with pytest.raises(InvalidSpec, match=re.escape(told)):
            load(tmp_path / "demo-compute.yaml")
    else:
        load(tmp_path / "demo-compute.yaml")


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


class Centre:
    """A computing centre in a folder: image, application, data, a stand-in for Apptainer."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.noted = folder, folder / "noted"
        self.script = folder / "cairn-train.sbatch"
        self.script.write_text(rendered(planned()[0])[scheduler.TRAIN])
        for name in ("bin", "input", "data", "tmp"):
            (folder / name).mkdir()
        stand_in = folder / "bin" / "apptainer"
        stand_in.write_text(STAND_IN)
        stand_in.chmod(0o755)
        (folder / "image.sif").write_bytes(b"image")
        (folder / "app").write_bytes(b"app")
        for name in ("message", "context"):
            (folder / "input" / name).write_bytes(name.encode())
        (folder / "input" / "inside.py").write_bytes(CELL.read_bytes())
        self.words = [
            *("image.sif", digest(b"image"), "app", digest(b"app")),
            *("input", "lesions", "data", "answer"),
        ]

    def run(self, **more: str) -> subprocess.CompletedProcess[str]:
        """Run the script as a job would."""
        environment = {
            "PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}",
            "TMPDIR": str(self.folder / "tmp"),
            "NOTED": str(self.noted),
            **more,
        }
        return subprocess.run(
            ["/bin/bash", self.script, *self.words], cwd=self.folder, env=environment,
            capture_output=True, text=True, check=False,
        )  # fmt: skip


@pytest.fixture
def centre(tmp_path: Path) -> Centre:
    return Centre(tmp_path)


def test_an_application_runs_without_a_network_on_data_it_cannot_change(centre: Centre) -> None:
    done = centre.run()
    assert (done.returncode, done.stderr) == (0, "")
    assert (centre.folder / "answer").read_text() == "answered"
    words = centre.noted.read_text().splitlines()
    assert words[:6] == ["exec", "--containall", "--cleanenv", "--no-home", "--net", "--network"]
    assert words[6] == "none"
    assert f"{centre.folder / 'data'}:/data/lesions:ro" in words
    assert words[-4:] == [str(centre.folder / "image.sif"), "python3", "-IB", "/input/inside.py"]
    given = centre.noted.with_suffix(".input")
    assert sorted(one.name for one in given.iterdir()) == [
        *("app", "context", "inside.py", "limits.json", "message")
    ]
    assert json.loads((given / "limits.json").read_text())["seconds"] == 600
    assert list((centre.folder / "tmp").iterdir()) == []


@pytest.mark.parametrize("changed", ["image.sif", "app", "input/inside.py"])
def test_other_bytes_than_were_approved_are_not_run(centre: Centre, changed: str) -> None:
    with (centre.folder / changed).open("ab") as file:
        file.write(b"\n")
    done = centre.run()
    assert done.returncode == 2
    assert "does not have the SHA-256" in done.stderr
    assert not centre.noted.exists()
    assert not (centre.folder / "answer").exists()


@pytest.mark.parametrize("name", ["", "..", "a/b", "A", "x:rw"])
def test_a_name_that_is_none_is_refused(centre: Centre, name: str) -> None:
    centre.words[5] = name
    assert "is no name of a data set" in centre.run().stderr
    assert not centre.noted.exists()


def test_what_the_application_prints_is_not_told(centre: Centre) -> None:
    done = centre.run(SAYS="something")
    assert done.returncode == 2
    assert "no such image" in done.stderr
    assert "patient" not in done.stderr
    assert not (centre.folder / "answer").exists()


def test_an_answer_is_not_written_over(centre: Centre) -> None:
    (centre.folder / "answer").write_text("kept")
    assert centre.run().returncode == 2
    assert (centre.folder / "answer").read_text() == "kept"


@pytest.mark.parametrize("judge", [["bash", "-n"], ["shellcheck"]])
def test_the_script_is_sound_shell(centre: Centre, judge: list[str]) -> None:
    done = subprocess.run(
        [*judge, centre.script], capture_output=True, text=True, check=False, cwd=centre.folder
    )
    assert done.returncode == 0, done.stdout + done.stderr
