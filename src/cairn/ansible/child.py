"""The child process around Ansible: reads the runs on stdin, tells their events on stdout."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import sys
import tempfile
from pathlib import Path
from typing import IO, TYPE_CHECKING

from cairn.ansible.environment import read_password, settings_of_ansible
from cairn.ansible.job import RoleRun
from cairn.ansible.process import adopt_orphans, die_with_parent, end_descendants
from cairn.ansible.tellers import Tellers
from cairn.ansible.workspace import lay_out

if TYPE_CHECKING:
    from collections.abc import Sequence

#: Seconds Ansible has to end by itself when the run is cancelled.
GRACE = 2.0


def perform(runs: Sequence[RoleRun], folder: Path, tellers: Tellers, password: str | None) -> int:
    """Run the roles of one host and return the exit status of ansible-playbook."""
    import ansible_runner  # noqa: PLC0415 - 0.3 s that a refused job need not pay

    lay_out(folder, runs)
    run = runs[0]  # in what is asked of it below they are all alike
    options = ["--pdeathsig", "KILL", "ansible-playbook", "play.yml", "--diff"]
    options += ["--check"] if run.check else []
    options += ["--ask-become-pass"] if password is not None else []
    done = ansible_runner.run(
        private_data_dir=str(folder),
        # Through setpriv(1) Ansible dies with this process, whatever ends it.
        binary="setpriv",
        cmdline=" ".join(options),
        envvars=settings_of_ansible(run, folder),
        passwords={r"BECOME password: ?$": password} if password is not None else None,
        settings={"suppress_output_file": True, "suppress_ansible_output": True},
        event_handler=tellers.hear,
        quiet=True,
    )
    return int(done.rc if done.rc is not None else 1)


def become_password(reference: str | None) -> str | None:
    """Return the password that a reference names, and take it out of the environment.

    Raises:
        LookupError: The variable or the file is not there or is empty; the message says which.
    """
    value = read_password(reference, os.environ)
    if reference and reference.startswith("env:"):
        os.environ.pop(reference.removeprefix("env:"), None)
    return value


def main() -> None:
    """Run the roles that stand on stdin."""
    parent, jobs = json.loads(sys.stdin.readline())
    die_with_parent(parent)
    adopt_orphans()
    runs = [RoleRun.load(job) for job in jobs]
    with contextlib.ExitStack() as opened:
        logs = [opened.enter_context(Path(run.log).open("a", encoding="utf-8")) for run in runs]
        out = _claim_stdout(logs[0])
        folder = Path(tempfile.mkdtemp(prefix=f"{os.getpid()}-", dir=runs[0].work))
        signal.signal(signal.SIGTERM, lambda *_: _stop(folder))
        try:
            _run_and_tell(runs, folder, out, logs)
        finally:
            end_descendants(GRACE)
            shutil.rmtree(folder, ignore_errors=True)


def _run_and_tell(
    runs: Sequence[RoleRun], folder: Path, out: IO[str], logs: Sequence[IO[str]]
) -> None:
    try:
        password = become_password(runs[0].connection.become_password)
    except LookupError as error:
        Tellers(runs, out, logs).fail(str(error))
        return
    tellers = Tellers(runs, out, logs, password or "")
    tellers.finish(perform(runs, folder, tellers, password))


def _claim_stdout(log: IO[str]) -> IO[str]:
    """Keep stdout for events: whatever else is printed goes to the log."""
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(log.fileno(), 1)
    os.dup2(log.fileno(), 2)
    return out


def _stop(folder: Path) -> None:
    end_descendants(GRACE)
    shutil.rmtree(folder, ignore_errors=True)
    os._exit(128 + signal.SIGTERM)


if __name__ == "__main__":
    main()
