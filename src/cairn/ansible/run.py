"""Runs roles from the outside: starts the child process, passes its events on, ends it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import psutil

from cairn.ansible.environment import MARK, environment_of_child
from cairn.ansible.outcome import Change, Outcome, failure_of
from cairn.ansible.process import end_descendants, end_marked

if TYPE_CHECKING:
    from asyncio.subprocess import Process
    from collections.abc import Awaitable, Callable, Sequence

    from cairn.ansible.job import RoleRun

    OnTask: TypeAlias = Callable[[str], Awaitable[None]]

#: Seconds a cancelled child has to end its own tree before it is killed.
PATIENCE = 4.0
#: The longest line of events, in bytes: a diff is cut long before.
_LONGEST_EVENT = 2**24


async def run_role(run: RoleRun, on_task: OnTask) -> Outcome:
    """Run a role on a host and wait for its end.

    Being cancelled ends every process of the run before the cancellation goes on.

    Args:
        run: What is to be run.
        on_task: Called with the name of each task as it begins.

    Returns:
        What changed and what failed; a failing role raises nothing.
    """
    return (await run_roles([run], [on_task]))[0]


async def run_roles(runs: Sequence[RoleRun], on_task: Sequence[OnTask]) -> list[Outcome]:
    """Run roles of one host one after the other, with as few starts of Ansible as can be.

    A role that fails keeps no other from its turn, but a host that does not answer is asked once.

    Args:
        runs: What is to be run; all on the same connection, all in check mode or none.
        on_task: For each run, what is called with the name of each task as it begins.

    Returns:
        For each run what changed and what failed.
    """
    outcomes: list[Outcome] = []
    together = len(runs)
    while rest := runs[len(outcomes) :]:
        now = slice(len(outcomes), len(outcomes) + together)
        told = await _start_once(runs[now], on_task[now])
        outcomes += told
        last = outcomes[-1].failure if told else None
        if last is not None and last.unreachable:
            return outcomes + [_like(outcomes[-1], run) for run in rest[len(told) :]]
        together = together if told else 1
    return outcomes


async def _start_once(runs: Sequence[RoleRun], on_task: Sequence[OnTask]) -> list[Outcome]:
    """Start Ansible once and return what it told: of all runs, or of those up to a failure."""
    sweep(Path(runs[0].work))
    child = await _start(runs)
    told = [_Told() for _ in runs]
    try:
        await _listen(child, told, on_task)
        await child.wait()
    except BaseException:
        await asyncio.shield(_end(child))
        raise
    ended = sum(one.end is not None for one in told)
    if child.returncode:
        await asyncio.to_thread(sweep, Path(runs[0].work))
    elif ended == 0 and len(runs) > 1:
        return []  # it never came to a role
    pairs = zip(runs[: ended or 1], told, strict=False)
    return [_outcome(run, one.changes, one.end, child.returncode) for run, one in pairs]


def _like(outcome: Outcome, run: RoleRun) -> Outcome:
    """Return the outcome of a run that was not begun, because the host did not answer before."""
    failure = outcome.failure and replace(outcome.failure, role=run.role)
    return Outcome((), failure, begun=False, log=outcome.log)


async def _start(runs: Sequence[RoleRun]) -> Process:
    environment = environment_of_child(os.environ, runs[0].connection.become_password)
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "cairn.ansible.child",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env=environment,
        start_new_session=True,
        limit=_LONGEST_EVENT,
    )
    assert child.stdin is not None  # noqa: S101 - it was asked for above
    job = [os.getpid(), [run.dump() for run in runs]]
    child.stdin.write(json.dumps(job).encode() + b"\n")
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        await child.stdin.drain()
    child.stdin.close()
    return child


@dataclass(slots=True)
class _Told:
    """What a run has told so far."""

    changes: list[Change] = field(default_factory=list)
    end: dict[str, Any] | None = None


async def _listen(child: Process, told: Sequence[_Told], on_task: Sequence[OnTask]) -> None:
    assert child.stdout is not None  # noqa: S101 - it was asked for at the start
    async for line in child.stdout:
        event = json.loads(line)
        kind, number = event.pop("event"), event.pop("run")
        if kind == "task":
            await on_task[number](event["name"])
        elif kind == "change":
            told[number].changes.append(Change(**event))
        else:
            told[number].end = {"ok": kind == "done", **event}


def _outcome(
    run: RoleRun, changes: list[Change], end: dict[str, Any] | None, status: int | None
) -> Outcome:
    log = Path(run.log)
    if end and end["ok"]:
        return Outcome(tuple(changes), None, begun=True, log=log)
    told = end or {"message": f"the run was ended from outside (status {status}); run it again"}
    failure = failure_of(
        run, told.get("task"), told["message"], unreachable=bool(told.get("unreachable"))
    )
    # A run that told no end was killed: what it did is not known. A refused sudo did nothing.
    refused = failure.unreachable and not told.get("unreachable")
    begun = end is None or (bool(told.get("begun")) and not refused)
    return Outcome(tuple(changes), failure, begun=begun or bool(changes), log=log)


async def _end(child: Process) -> None:
    """End the child and all it started, within a few seconds."""
    if child.returncode is not None:
        return
    with contextlib.suppress(ProcessLookupError):
        child.terminate()
    try:
        await asyncio.wait_for(child.wait(), PATIENCE)
    except TimeoutError:
        await asyncio.to_thread(end_descendants, 0.0, child.pid)
        with contextlib.suppress(ProcessLookupError):
            child.kill()
        await child.wait()


def sweep(work: Path) -> None:
    """End what is left of runs that were killed, and remove their private folders.

    Args:
        work: The folder in which each run has its own, named after the number of its process.
    """
    work.mkdir(mode=0o700, parents=True, exist_ok=True)
    for folder in work.iterdir():
        number = folder.name.partition("-")[0]
        if number.isdigit() and not _runs(int(number)):
            end_marked(MARK, str(folder))
            shutil.rmtree(folder, ignore_errors=True)


def _runs(number: int) -> bool:
    try:
        return psutil.Process(number).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
