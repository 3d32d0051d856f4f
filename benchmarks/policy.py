"""How long the policy engine takes: to start, for one spec, and for three hundred.

Usage: python benchmarks/policy.py [NODE]
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from cairn.checks import registry
from cairn.checks.engine import judge_plan, judge_spec
from cairn.plan.context import Place
from cairn.plan.derive import derive
from cairn.spec.loader import load, load_node
from fleet import fleet

if TYPE_CHECKING:
    from collections.abc import Callable

ROUNDS = 50
FLEET = 300
PLACE = Place("198.18.0.10", "cairn", "198.18.0.1", "http://198.18.0.1:3142")


def milliseconds(work: Callable[[], object], rounds: int = ROUNDS) -> tuple[float, float]:
    """Return the best and the median time of some work in milliseconds."""
    times = []
    for _ in range(rounds):
        started = time.perf_counter()
        work()
        times.append((time.perf_counter() - started) * 1000)
    return min(times), statistics.median(times)


def of_a_fleet() -> tuple[float, float]:
    """Return how long it takes to judge loaded and planned nodes, each for the first time."""
    with tempfile.TemporaryDirectory() as folder:
        documents = [load(path) for path in fleet(Path(folder), FLEET)]
        nodes = [
            (one, derive(one, {host.name: PLACE for host in one.spec.hosts})) for one in documents
        ]
        return milliseconds(
            lambda: [(judge_spec(one), judge_plan(one, plan)) for one, plan in nodes], 1
        )


def main(node: str) -> None:
    """Measure and print a table."""
    code = "import cairn.checks.engine; from cairn.checks import registry; registry.catalogue()"
    bare = milliseconds(lambda: subprocess.run([sys.executable, "-c", ""], check=True), 5)
    start = milliseconds(lambda: subprocess.run([sys.executable, "-c", code], check=True), 5)
    document = load_node(node)
    plan = derive(document, {host.name: PLACE for host in document.spec.hosts})
    rows = {
        "Python starts, nothing else": bare,
        "Python starts, engine and all checks loaded": start,
        "all spec checks on one spec": milliseconds(lambda: judge_spec(document)),
        "all plan checks on one plan": milliseconds(lambda: judge_plan(document, plan)),
        f"all spec and plan checks on {FLEET} nodes": of_a_fleet(),
    }
    print(f"{len(registry.catalogue().checks)} checks, node {node}")
    for name, (best, middle) in rows.items():
        print(f"{name:46} best {best:9.2f} ms   median {middle:9.2f} ms")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "demo-hospital-a")
