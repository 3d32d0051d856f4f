"""Real runs of Ansible on this computer: success, failure, check mode, secrets, and every end."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from cairn.ansible.job import Connection, HostFile
from cairn.ansible.process import end_marked
from cairn.ansible.run import run_role, sweep

if TYPE_CHECKING:
    from collections.abc import Callable

    from cairn.ansible.job import RoleRun
    from cairn.ansible.outcome import Outcome


def test_a_role_puts_its_files_in_place_and_tells_its_tasks(
    prepare: Callable[..., RoleRun],
    perform: Callable[[RoleRun], tuple[Outcome, list[str]]],
    tmp_path: Path,
) -> None:
    outcome, tasks = perform(prepare())
    greeting = tmp_path / "target" / "greeting"
    assert outcome.ok, outcome.sentence()
    assert greeting.read_text() == "hello\n"
    assert greeting.stat().st_mode & 0o777 == 0o640
    assert tasks[0] == "Put the rendered files in place"
    assert [(c.task, c.what) for c in outcome.changes] == [
        ("Put the rendered files in place", str(greeting))
    ]


def test_a_handler_is_no_change_of_its_own(
    prepare: Callable[..., RoleRun], perform: Callable[[RoleRun], tuple[Outcome, list[str]]]
) -> None:
    outcome, tasks = perform(prepare())
    assert "Start the service again" in tasks
    assert "Start the service again" not in [change.task for change in outcome.changes]


def test_a_second_run_changes_nothing(
    prepare: Callable[..., RoleRun], perform: Callable[[RoleRun], tuple[Outcome, list[str]]]
) -> None:
    perform(prepare())
    outcome, _ = perform(prepare())
    assert outcome.ok
    assert outcome.changes == ()


def test_a_failure_is_one_sentence_with_host_role_task_message_and_log(
    prepare: Callable[..., RoleRun], perform: Callable[[RoleRun], tuple[Outcome, list[str]]]
) -> None:
    outcome, _ = perform(prepare(variables={"tiny_complaint": "the moon is full"}))
    assert not outcome.ok
    assert outcome.begun
    assert outcome.sentence() == (
        "host-1: role tiny: `Fail when told` failed: non-zero return code: the moon is full; "
        f"full log: {outcome.log}"
    )
    assert "the moon is full" in outcome.log.read_text()


def test_check_mode_names_each_drifted_file_and_touches_nothing(
    prepare: Callable[..., RoleRun],
    perform: Callable[[RoleRun], tuple[Outcome, list[str]]],
    tmp_path: Path,
) -> None:
    perform(prepare())
    greeting = tmp_path / "target" / "greeting"
    greeting.write_text("edited by hand\n")
    outcome, _ = perform(prepare(check=True))
    assert outcome.ok, outcome.sentence()
    (change,) = outcome.changes
    assert change.what == str(greeting)
    assert change.diff == "@@ -1 +1 @@\n-edited by hand\n+hello"
    assert greeting.read_text() == "edited by hand\n"


def test_what_is_no_longer_planned_is_removed(
    prepare: Callable[..., RoleRun],
    perform: Callable[[RoleRun], tuple[Outcome, list[str]]],
    tmp_path: Path,
) -> None:
    stale = tmp_path / "target" / "stale"
    stale.write_text("old")
    outcome, _ = perform(prepare(obsolete=(str(stale),)))
    assert outcome.ok
    assert not stale.exists()


def test_a_variable_that_looks_like_a_template_stays_a_text(
    prepare: Callable[..., RoleRun],
    perform: Callable[[RoleRun], tuple[Outcome, list[str]]],
    tmp_path: Path,
) -> None:
    outcome, _ = perform(prepare(variables={"tiny_word": "{{ 7 * 7 }}"}))
    assert outcome.ok, outcome.sentence()
    assert (tmp_path / "target" / "word").read_text() == "{{ 7 * 7 }}"


def test_no_secret_reaches_message_diff_or_log(
    prepare: Callable[..., RoleRun],
    perform: Callable[[RoleRun], tuple[Outcome, list[str]]],
    tmp_path: Path,
) -> None:
    path = str(tmp_path / "target" / "key")
    (tmp_path / "target" / "key").write_text("old key material\n")
    run = prepare(
        variables={"tiny_word": "xyzzy-7", "tiny_complaint": "wrong xyzzy-7"},
        files={path: HostFile("password = plugh-9\n", mode="0600", secret=True)},
        secrets=("xyzzy-7",),
    )
    outcome, _ = perform(run)
    said = outcome.sentence() + repr(outcome.changes) + outcome.log.read_text()
    assert "wrong [secret]" in outcome.sentence()
    for secret in ("xyzzy-7", "plugh-9", "old key material"):
        assert secret not in said


def test_a_missing_become_password_is_named_by_its_reference(
    prepare: Callable[..., RoleRun],
    perform: Callable[[RoleRun], tuple[Outcome, list[str]]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("NO_SUCH_PASSWORD", raising=False)
    way = Connection(local=True, user="someone", become_password="env:NO_SUCH_PASSWORD")
    outcome, _ = perform(prepare(connection=way))
    assert "env:NO_SUCH_PASSWORD" in outcome.sentence()
    assert not outcome.begun


def test_a_broken_role_is_one_sentence_without_a_traceback(
    prepare: Callable[..., RoleRun],
    perform: Callable[[RoleRun], tuple[Outcome, list[str]]],
    roles: Path,
) -> None:
    (roles / "tiny" / "tasks" / "main.yml").write_text(
        "- name: Bad\n  ansible.builtin.nothing: {}\n"
    )
    outcome, _ = perform(prepare())
    assert outcome.sentence().startswith("host-1: role tiny: ")
    assert "ansible.builtin.nothing" in outcome.sentence()
    assert "Traceback" not in outcome.sentence()


def test_an_unreachable_host_is_told_with_its_place(
    prepare: Callable[..., RoleRun], perform: Callable[[RoleRun], tuple[Outcome, list[str]]]
) -> None:
    # Nothing listens on the discard port of the loopback address.
    way = Connection(address="127.0.0.1", port=9, user="cairn", host_key="ssh-ed25519 AAAA")
    outcome, _ = perform(prepare(connection=way))
    assert outcome.failure.unreachable
    assert not outcome.begun
    assert outcome.sentence().startswith(
        "host-1: role tiny: the host does not answer at 127.0.0.1:9; "
    )


def test_the_log_is_readable_by_its_owner_only(
    prepare: Callable[..., RoleRun], perform: Callable[[RoleRun], tuple[Outcome, list[str]]]
) -> None:
    outcome, _ = perform(prepare())
    assert outcome.log.stat().st_mode & 0o777 == 0o600
    assert outcome.log.parent.stat().st_mode & 0o777 == 0o700


def test_the_private_folder_is_gone_after_the_run(
    prepare: Callable[..., RoleRun],
    perform: Callable[[RoleRun], tuple[Outcome, list[str]]],
    tmp_path: Path,
) -> None:
    perform(prepare())
    assert list((tmp_path / "work").iterdir()) == []


def test_the_environment_of_ansible_is_an_allow_list(
    prepare: Callable[..., RoleRun],
    perform: Callable[[RoleRun], tuple[Outcome, list[str]]],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    roles: Path,
) -> None:
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "plugh")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "xyzzy")
    tasks = "- name: Look\n  ansible.builtin.copy:\n    content: \"{{ lookup('pipe', 'env') }}\"\n"
    tasks += '    dest: "{{ tiny_folder }}/env"\n    mode: "0600"\n'
    (roles / "tiny" / "tasks" / "main.yml").write_text(tasks)
    outcome, _ = perform(prepare())
    assert outcome.ok, outcome.sentence()
    seen = (tmp_path / "target" / "env").read_text()
    assert "ANSIBLE_STRATEGY=mitogen_linear" in seen
    assert "PULUMI_" not in seen
    assert "AWS_" not in seen


def test_a_cancelled_run_leaves_no_process_and_no_folder(
    prepare: Callable[..., RoleRun], tmp_path: Path
) -> None:
    asyncio.run(_cancel_while_waiting(prepare(variables={"tiny_waits": True})))
    assert _left(tmp_path) == []
    assert list((tmp_path / "work").iterdir()) == []


async def _cancel_while_waiting(run: RoleRun) -> None:
    reached = asyncio.Event()

    async def note(name: str) -> None:
        if name == "Wait when told":
            reached.set()

    task = asyncio.create_task(run_role(run, note))
    await asyncio.wait_for(reached.wait(), 60)
    await asyncio.sleep(0.5)
    assert _left(Path(run.work).parent)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(task, 60)


def test_a_killed_parent_leaves_no_process(prepare: Callable[..., RoleRun], tmp_path: Path) -> None:
    parent = _parent_that_waits(prepare(variables={"tiny_waits": True}))
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    assert _in_the_end_none(lambda: _left(tmp_path), within=10) == []
    # The child around Ansible is the last to go: it takes the folder along.
    assert _in_the_end_none(lambda: list((tmp_path / "work").iterdir()), within=10) == []


def test_a_killed_child_is_told_as_an_ended_run_and_leaves_no_process(
    prepare: Callable[..., RoleRun], tmp_path: Path
) -> None:
    run = prepare(variables={"tiny_waits": True})
    outcome = asyncio.run(_kill_the_child(run))
    assert "was ended from outside" in outcome.sentence()
    assert outcome.begun
    assert _left(tmp_path) == []
    assert list((tmp_path / "work").iterdir()) == []


async def _kill_the_child(run: RoleRun) -> Outcome:
    async def note(name: str) -> None:
        if name == "Wait when told":
            for child in psutil.Process().children():
                if "cairn.ansible.child" in child.cmdline():
                    child.kill()

    return await run_role(run, note)


def test_the_folder_of_a_dead_run_is_swept_with_its_processes(tmp_path: Path) -> None:
    dead = subprocess.run(
        [sys.executable, "-c", "import os; print(os.getpid())"], stdout=-1, check=True
    )
    folder = tmp_path / f"{dead.stdout.decode().strip()}-left"
    folder.mkdir()
    left = subprocess.Popen(["/bin/sleep", "60"], env={**os.environ, "CAIRN_RUN": str(folder)})
    sweep(tmp_path)
    left.wait(5)
    assert not folder.exists()


def test_the_folder_of_a_living_run_is_left_alone(tmp_path: Path) -> None:
    folder = tmp_path / f"{os.getpid()}-mine"
    folder.mkdir()
    sweep(tmp_path)
    assert folder.exists()


def _parent_that_waits(run: RoleRun) -> subprocess.Popen[str]:
    program = (
        "import asyncio, sys\n"
        "from cairn.ansible.job import RoleRun\n"
        "from cairn.ansible.run import run_role\n"
        "async def note(name): print(name, flush=True)\n"
        "asyncio.run(run_role(RoleRun.load(sys.stdin.readline()), note))\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", program],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    parent.stdin.write(run.dump() + "\n")
    parent.stdin.flush()
    while "Wait when told" not in parent.stdout.readline():
        assert parent.poll() is None
    time.sleep(0.5)
    return parent


def _in_the_end_none(look: Callable[[], list[object]], within: float) -> list[object]:
    """Look until there is nothing left or the time is over; return what is left then."""
    deadline = time.monotonic() + within
    while (left := look()) and time.monotonic() < deadline:
        time.sleep(0.2)
    return left


def _left(tmp_path: Path) -> list[psutil.Process]:
    """Every process of a run below a folder: all of them know that folder by their environment."""
    mark = str(tmp_path / "work")
    found = []
    for process in psutil.process_iter():
        try:
            known = process.environ().get("CAIRN_RUN", "")
        except psutil.Error:
            continue
        if known.startswith(mark):
            found.append(process)
    return found


def test_ending_marked_processes_spares_the_others(tmp_path: Path) -> None:
    spared = subprocess.Popen(["/bin/sleep", "60"])
    end_marked("CAIRN_RUN", str(tmp_path))
    assert spared.poll() is None
    spared.kill()
    spared.wait()


def test_a_job_survives_its_way_through_json(prepare: Callable[..., RoleRun]) -> None:
    run = prepare(variables={"tiny_list": [1, {"a": None}]}, obsolete=("/a",), secrets=("s",))
    again = type(run).load(run.dump())
    assert again == replace(run)
    assert json.loads(run.dump())["host"] == "host-1"
