"""Slurm on a real host: whose jobs run, within which limits, and that a cell waits for its turn."""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pytest

from cairn import house, sandbox
from cairn.checks import engine, registry
from cairn.checks.host import EvidenceHost
from cairn.checks.registry import Catalogue
from cairn.checks.verdicts import Verdict
from cairn.plan.model import Plan, PlannedHost
from cairn.plan.roles import account, approval, fl_agent, scheduler
from cairn.spec.loader import load
from freeze.house import install
from intake.stations import wait_for
from policies.answering import Result
from roles.harness import ground
from roles.test_scheduler_plan import CELL, STAND_IN, digest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cairn.plan.context import Context
    from cairn.plan.model import PlannedRole
    from roles.harness import Ground

pytestmark = [pytest.mark.sandbox, pytest.mark.long]

NODE = "role-scheduler"
WISHES: dict[str, Any] = {
    "kind": "compute",
    "fl_agent": {"cores": 2, "memory": "512 MiB", "minutes_per_task": 2},
}
MIB = 1792
QUEUE = "squeue --noheader --format='%j %T' | sort"
JOBS = "/var/log/slurm/jobs.txt"
#: Runs in a cell in place of an app, and outside of it what makes the cell.
INSIDE = """import os, time
def opened(number):
    try:
        return bool(os.fstat(number))
    except OSError:
        return False
time.sleep(4)
print("from the cell with", [number for number in range(3, 1024) if opened(number)])
"""
OUTSIDE = """
import json, sys
from pathlib import Path
sys.path.insert(0, "/usr/local/lib/cairn")
from cairn_approval import cell
from cairn_account.refusal import Refused
rules = json.loads(Path("/etc/cairn/fl-agent/rules.json").read_text())
limits = {**rules["limits"], "answer": 4096, **json.loads(Path("/etc/test-limits").read_text())}
inside, within = Path("/usr/local/lib/cairn/test-inside.py"), tuple(rules["within"])
visit = cell.Visit({}, "proof", Path("/usr/share/doc"), limits, inside=inside, within=within)
try:
    print("said", cell.answer(visit).decode())
except Refused as refusal:
    print("refused", refusal)
"""


def context_of(box: Ground) -> Context:
    hosts = [{"name": "box", "machine": "sandbox", "os": box.os, "runs": ["fl-agent", "scheduler"]}]
    made = box.context(**WISHES, hosts=hosts)
    known = load(house.root() / "nodes" / "demo-compute.yaml").federation
    return replace(made, document=replace(made.document, federation=known))


def planned(box: Ground) -> PlannedRole:
    return scheduler.plan(context_of(box))


@pytest.fixture(scope="module", params=["debian-13", "debian-12"])
def box(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Ground]:
    """A host of each release with Slurm and what makes cells."""
    host = request.param.replace("debian-", "d")
    try:
        here = ground(NODE, host, request.param, tmp_path_factory.mktemp(host))
        install(here, "logrotate")  # and read the lists of packages
        mine = context_of(here)
        for role in (account.plan(mine), approval.plan(mine), planned(here)):
            outcome = here.apply(role)
            assert outcome.failure is None, outcome.failure
        yield here
    finally:
        sandbox.remove(NODE, host)


def hand_in(box: Ground, words: str, *, user: str = "cairn-fl-agent") -> tuple[int, str]:
    """Hand a job in, and return status and words of sbatch."""
    done = box.ssh(f"cd / && sudo runuser --user {user} -- sbatch --output=/dev/null {words} 2>&1")
    return done.returncode, done.stdout.strip()


def ended(box: Ground, name: str) -> str:
    """Return what the list of jobs says of one, once it has ended."""
    wait_for(lambda: f" Name={name} " in box.ask(f"cat {JOBS} || true"), "the queue is another")
    return box.ask(f"grep ' Name={name} ' {JOBS} | tail -n 1")


def test_a_job_of_the_agent_runs_and_is_written_down(box: Ground) -> None:
    wrap = shlex.quote("--wrap=[ $(id -un) = cairn-fl-agent ] && exit 7")
    status, told = hand_in(box, f"--wait --job-name=seven {wrap}")
    assert status == 7, told
    assert "UserId=cairn-fl-agent(" in ended(box, "seven")


def test_nobody_else_hands_work_in(box: Ground) -> None:
    status, told = hand_in(box, "--wrap=true", user="nobody")
    assert (status, "group not permitted" in told) == (1, True), told
    status, told = hand_in(box, "--wrap=true", user="root")
    assert status == 1, told


@pytest.mark.parametrize("more", [f"--mem={MIB + 1}M", "--cpus-per-task=3", "--time=10"])
def test_a_job_that_asks_for_more_than_there_is_is_refused(box: Ground, more: str) -> None:
    status, told = hand_in(box, f"{more} --wrap=true")
    assert status == 1, told
    assert "Batch job submission failed" in told


def test_a_job_that_takes_more_memory_than_it_asked_for_is_ended(box: Ground) -> None:
    program = "x = bytearray(400 * 2**20); import time; time.sleep(40)"
    wrap = shlex.quote(f'--wrap=python3 -c "{program}"')
    status, told = hand_in(box, f"--wait --job-name=greedy --mem=64M {wrap}")
    assert status not in {0, 7}, told
    assert "JobState=COMPLETED" not in ended(box, "greedy")


def test_a_restart_of_the_controller_keeps_the_queue(box: Ground) -> None:
    for name in ("first", "second"):
        status, told = hand_in(box, f"--job-name={name} --cpus-per-task=2 --wrap='sleep 100'")
        assert status == 0, told
    wait_for(lambda: box.ask(QUEUE) == "first RUNNING\nsecond PENDING", "the queue is another")
    process = box.ask("pgrep -f '^sleep 100' | head -n 1")
    box.ask("systemctl restart slurmctld slurmd")
    wait_for(
        lambda: box.ask(f"{QUEUE} || true") == "first RUNNING\nsecond PENDING",
        "the queue is another",
    )
    assert box.ask("pgrep -f '^sleep 100' | head -n 1") == process
    box.ask("scancel --name=first")
    wait_for(lambda: box.ask(QUEUE) == "second RUNNING", "the queue is another")
    box.ask("scancel --name=second")
    wait_for(lambda: box.ask(QUEUE) == "", "the queue is another")


def test_slurm_listens_on_the_loopback_alone_and_its_key_is_munges(box: Ground) -> None:
    told = box.ask("ss -H -lntup | grep -E 'slurm|munge' | awk '{print $5}' | sort")
    assert told.split() == ["127.0.0.1:6817", "127.0.0.1:6818"]
    assert box.ask(f"stat --format='%a %U' {scheduler.KEY}") == "400 munge"
    exposure = box.ask("systemd-analyze security --no-pager slurmctld.service | tail -n 1")
    assert float(exposure.split(":")[1].split()[0]) <= 3.0, exposure


def visited(box: Ground, inside: str = INSIDE, **limits: int) -> str:
    """Run a cell in the agent's own unit as its role renders it, and return what came of it."""
    texts = {path: file.content for path, file in box.files(fl_agent.plan(context_of(box))).items()}
    unit = texts["/etc/systemd/system/cairn-fl-agent.service"]
    own = ("ExecStart=", "    --superexec", "LoadCredential=", "ConditionPathExists=", "Restart")
    lines = [line for line in unit.splitlines() if not line.startswith(own)]
    at = lines.index("[Service]") + 1
    lines[at:at] = [
        "Type=oneshot",
        "ExecStart=/usr/bin/python3 -B /usr/local/lib/cairn/test-outside.py",
    ]
    for path, text in {
        "/etc/systemd/system/cairn-fl-agent.service": "\n".join(lines) + "\n",
        "/usr/local/lib/cairn/test-outside.py": OUTSIDE,
        "/usr/local/lib/cairn/test-inside.py": inside,
        "/etc/test-limits": json.dumps(limits),
    }.items():
        box.ask(f"printf %s {shlex.quote(text)} >{path}; chmod 644 {path}")
    mark = box.ask("date +%s")
    box.ask("systemctl daemon-reload; systemctl start cairn-fl-agent; true")
    return box.ask(f"journalctl -u cairn-fl-agent --since=@{mark} --output=cat --no-pager")


def test_a_cell_takes_its_turn_and_answers(box: Ground) -> None:
    assert "said from the cell with []" in (told := visited(box)), told
    line = ended(box, "cell")
    assert "UserId=cairn-fl-agent(" in line
    assert "JobState=COMPLETED" in line


def test_a_cell_that_takes_too_long_gives_its_place_back(box: Ground) -> None:
    told = visited(box, "import time; time.sleep(60)", seconds=5)
    assert "refused the app took longer than 5 seconds" in told
    wait_for(lambda: box.ask(QUEUE) == "", "the queue is another")
    assert box.ask("pgrep 'bwrap|salloc' || true") == ""


def test_a_cell_that_gets_no_turn_ends_as_one_that_took_too_long(box: Ground) -> None:
    hand_in(box, "--job-name=before --cpus-per-task=2 --wrap='sleep 100'")
    told = visited(box, seconds=5)
    box.ask("scancel --name=before")
    assert "refused the app took longer than 5 seconds" in told
    wait_for(lambda: box.ask(QUEUE) == "", "the queue is another")


def test_the_script_for_a_centre_runs_through_sbatch(box: Ground) -> None:
    folder = "/var/tmp/centre"
    box.ask(f"mkdir -p {folder}/bin {folder}/input {folder}/data")
    for name, text in {
        "bin/apptainer": STAND_IN,
        "image.sif": "image",
        "app": "app",
        "input/message": "message",
        "input/context": "context",
        "input/inside.py": CELL.read_text(),
    }.items():
        box.ask(f"printf %s {shlex.quote(text)} >{folder}/{name}")
    box.ask(f"chmod 755 {folder}/bin/apptainer; chown -R cairn-fl-agent {folder}")
    words = f"image.sif {digest(b'image')} app {digest(b'app')} input lesions data answer"
    command = (
        f"cd {folder} && sudo runuser --user cairn-fl-agent -- env PATH={folder}/bin:/usr/bin:/bin "
        f"NOTED={folder}/noted sbatch --wait --output={folder}/out --job-name=train "
        f"{scheduler.TRAIN} {words} 2>&1"
    )
    done = box.ssh(command)
    assert done.returncode == 0, done.stdout + box.ask(f"cat {folder}/out")
    assert box.ask(f"cat {folder}/answer") == "answered"
    assert f"{folder}/data:/data/lesions:ro" in box.ask(f"cat {folder}/noted")
    assert "JobState=COMPLETED" in ended(box, "train")


@dataclass
class Rooted:
    """A shell of the host as the engine of the checks wants it."""

    box: Ground

    def run(self, command: str) -> Result:
        """Run a script as root."""
        done = self.box.ssh(f"sudo sh -c {shlex.quote(command)}")
        return Result(done.returncode, done.stdout, done.stderr)


def judged(box: Ground, check: str) -> list[Verdict]:
    role, mine = planned(box), context_of(box)
    host = PlannedHost("box", box.os, box.place.address, True, (), (), (role,))  # noqa: FBT003
    plan = Plan(NODE, "compute", "staging", mine.document.digest, (host,))
    only = registry.catalogue().find(check)
    assert only is not None
    live = EvidenceHost(host, {}, Rooted(box))
    found = engine.judge_host(
        mine.document, plan, host, live,
        catalogue=Catalogue((only,), registry.catalogue().parameters),
    ).findings  # fmt: skip
    return [one.verdict for one in found]


def test_the_check_passes_and_finds_a_door_that_was_opened(box: Ground) -> None:
    assert judged(box, "SCH-01") == [Verdict.PASS] * 3
    assert judged(box, "SEC-01") == [Verdict.PASS]
    box.ask("sed -i 's/ AllowGroups=cairn-jobs / /' /etc/slurm/slurm.conf; scontrol reconfigure")
    try:
        assert judged(box, "SCH-01") == [Verdict.PASS, Verdict.FAIL, Verdict.PASS]
        assert [one.task for one in box.apply(planned(box), check=True).changes]
    finally:
        outcome = box.apply(planned(box))
    assert "Put settings and units in place" in [one.task for one in outcome.changes]
    assert judged(box, "SCH-01") == [Verdict.PASS] * 3


def test_a_second_run_and_a_look_change_nothing(box: Ground) -> None:
    for how in ({}, {"check": True}):
        outcome = box.apply(planned(box), **how)
        assert outcome.failure is None, outcome.failure
        assert [change.task for change in outcome.changes] == []


def test_removal_ends_jobs_takes_queue_and_key_and_all_comes_back(box: Ground) -> None:
    hand_in(box, "--job-name=last --wrap='sleep 300'")
    assert box.apply(planned(box), tasks_from="remove").failure is None
    assert box.ask("pgrep -f '^sleep 300' || true") == ""
    gone = f"{scheduler.KEY} /var/lib/slurm/slurmctld /etc/slurm/slurm.conf"
    assert box.ask(f"ls -d {gone} 2>/dev/null || true") == ""
    assert box.ask("ss -H -lnt | grep -E ':681[78]' || true") == ""
    assert box.ask(f"grep -c . {JOBS}") != "0"
    outcome = box.apply(planned(box))
    assert outcome.failure is None, outcome.failure
    assert judged(box, "SCH-01") == [Verdict.PASS] * 3


def test_a_host_of_another_cluster_is_refused(box: Ground) -> None:
    box.ask("cp /etc/slurm/slurm.conf /root/kept; sed -i '1d' /etc/slurm/slurm.conf")
    failed = box.apply(planned(box)).failure
    box.ask("cp /root/kept /etc/slurm/slurm.conf")
    assert "already belongs to a cluster" in str(failed)
