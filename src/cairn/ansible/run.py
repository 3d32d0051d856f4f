"""Runs a role from the outside: starts the child process, passes its events on, ends it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from cairn.ansible.environment import MARK, environment_of_child
from cairn.ansible.outcome import Change, Outcome, failure_of
from cairn.ansible.process import end_descendants, end_marked

if TYPE_CHECKING:
    from asyncio.subprocess import Process
    from collections.abc import Awaitable, Callable

    from cairn.ansible.job import RoleRun

#: Seconds a cancelled child has to end its own tree before it is killed.
PATIENCE = 4.0
#: The longest line of events, in bytes: a diff is cut long before.
_LONGEST_EVENT = 2**24


async def run_role(run: RoleRun, on_task: Callable[[str], Awaitable[None]]) -> Outcome:
    """Run a role on a host and wait for its end.

    Being cancelled ends every process of the run before the cancellation goes on.

    Args:
        run: What is to be run.
        on_task: Called with the name of each task as it begins.

    Returns:
        What changed and what failed; a failing role raises nothing.
    """
    sweep(Path(run.work))
    child = await _start(run)
    try:
        changes, end = await _listen(child, on_task)
        await child.wait()
    except BaseException:
        await asyncio.shield(_end(child))
        raise
    if end is None:
        await asyncio.to_thread(sweep, Path(run.work))
    return _outcome(run, changes, end, child.returncode)


async def _start(run: RoleRun) -> Process:
    environment = environment_of_child(os.environ, run.connection.become_password)
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
    child.stdin.write(json.dumps([os.getpid(), run.dump()]).encode() + b"\n")
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        await child.stdin.drain()
    child.stdin.close()
    return child


async def _listen(
    child: Process, on_task: Callable[[str], Awaitable[None]]
) -> tuple[list[Change], dict[str, Any] | None]:
    changes: list[Change] = []
    end: dict[str, Any] | None = None
    assert child.stdout is not None  # noqa: S101 - it was asked for at the start
    async for line in child.stdout:
        event = json.loads(line)
        kind = event.pop("event")
        if kind == "task":
            await on_task(event["name"])
        elif kind == "change":
            changes.append(Change(**event))
        else:
            end = {"ok": kind == "done", **event}
    return changes, end


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
