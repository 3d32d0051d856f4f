"""Fifty trivial tasks over SSH on a sandbox host: with Mitogen, and with Ansible's own strategy.

Run as root with `.venv/bin/python benchmarks/ansible_strategies.py`. All figures of one run come
from the same host within minutes, so that their ratio means something on a busy computer too.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from cairn import sandbox
from cairn.ansible.job import Connection, RoleRun
from cairn.ansible.run import run_role

if TYPE_CHECKING:
    from collections.abc import Mapping

TASKS = 50
TIMES = 3
STRATEGIES = ("linear", "mitogen_linear")
NODE, HOST = "benchmark", "strategies"


def main() -> None:
    """Print the seconds of each strategy and the ratio of their medians."""
    running = sandbox.start(NODE, HOST, progress=lambda text: print(f"  {text}"))
    try:
        _compare(running.connection)
    finally:
        sandbox.remove(NODE, HOST, delete_data=True)


def _compare(connection: Mapping[str, Any]) -> None:
    medians = []
    print(f"{'strategy':16} {'median':>8} {'best':>8}   {TASKS} tasks, {TIMES} runs")
    with tempfile.TemporaryDirectory() as folder:
        _write_role(Path(folder))
        for strategy in STRATEGIES:
            run = _run(Path(folder), connection, strategy)
            seconds = sorted(_seconds(run) for _ in range(TIMES))
            medians.append(median(seconds))
            print(f"{strategy:16} {medians[-1]:7.1f}s {seconds[0]:7.1f}s")
    print(f"Mitogen is {medians[0] / medians[1]:.1f} times as fast.")


def _write_role(folder: Path) -> None:
    tasks = folder / "roles" / "trivial" / "tasks"
    tasks.mkdir(parents=True)
    one = "- name: Look at task {}\n  ansible.builtin.stat:\n    path: /etc/hostname\n"
    (tasks / "main.yml").write_text("".join(one.format(number) for number in range(TASKS)))


def _run(folder: Path, connection: Mapping[str, Any], strategy: str) -> RoleRun:
    return RoleRun(
        node=NODE,
        host=HOST,
        role="trivial",
        roles=str(folder / "roles"),
        log=str(folder / "log"),
        work=str(folder / "work"),
        connection=Connection(**connection),
        strategy=strategy,
    )


def _seconds(run: RoleRun) -> float:
    begun = time.perf_counter()
    outcome = asyncio.run(run_role(run, _ignore))
    if not outcome.ok:
        raise SystemExit(outcome.sentence())
    return time.perf_counter() - begun


async def _ignore(_: str) -> None:
    """Show no progress."""


if __name__ == "__main__":
    main()
