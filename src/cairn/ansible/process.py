"""Ending processes for good: a child dies with its parent and takes all of its own along."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import time

import psutil

# From linux/prctl.h.
_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36


def _prctl(option: int, value: int) -> None:
    if ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")


def die_with_parent(parent: int) -> None:
    """Ask the kernel for SIGTERM when the parent ends, even by `kill -9`.

    Args:
        parent: Process number of the parent; when it is gone already, this process ends at once.
    """
    _prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        raise SystemExit(128 + signal.SIGTERM)


def adopt_orphans() -> None:
    """Keep every descendant in sight, also one in its own session that has lost its parent."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def end_descendants(grace: float, root: int | None = None) -> None:
    """End all descendants of a process: SIGTERM, and SIGKILL after the grace.

    Args:
        grace: Seconds they have to end by themselves.
        root: Process number, this process by default.
    """
    deadline = time.monotonic() + grace
    for process in _descendants(root):
        with contextlib.suppress(psutil.Error):
            process.terminate()
    while (left := _descendants(root)) and time.monotonic() < deadline + grace:
        if time.monotonic() >= deadline:
            for process in left:
                with contextlib.suppress(psutil.Error):
                    process.kill()
        psutil.wait_procs(left, timeout=0.1)


def _descendants(root: int | None) -> list[psutil.Process]:
    """Return the descendants that still run; a zombie only waits to be fetched."""
    try:
        found = psutil.Process(root).children(recursive=True)
    except psutil.NoSuchProcess:
        return []
    alive = []
    for process in found:
        with contextlib.suppress(psutil.Error):
            if process.status() != psutil.STATUS_ZOMBIE:
                alive.append(process)
    return alive


def end_marked(name: str, value: str) -> None:
    """Kill every process whose environment at its start had a variable with this value.

    It finds what has lost its parents: Ansible's workers make themselves sessions of their own.
    """
    marked = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.environ().get(name) == value:
                process.kill()
                marked.append(process)
    psutil.wait_procs(marked, timeout=2)
