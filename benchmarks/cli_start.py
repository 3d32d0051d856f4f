"""How long the command line takes to start: help, a verb's help, `check` of one node.

Run with `.venv/bin/python benchmarks/cli_start.py`; beside it stands a bare Python interpreter.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parents[1]
CAIRN = str(ROOT / ".venv" / "bin" / "cairn")
TIMES = 9
#: Exit codes of a verb that did its work: fine, or refused by policy.
DONE = {0, 3}


def main() -> None:
    """Print the median of each command in seconds."""
    node = next(iter(sorted((ROOT / "nodes").glob("*.yaml")))).stem
    commands = {
        "python -c pass": [sys.executable, "-c", "pass"],
        "cairn --help": [CAIRN, "--help"],
        "cairn show --help": [CAIRN, "show", "--help"],
        "cairn nodes": [CAIRN, "nodes"],
        f"cairn check {node}": [CAIRN, "check", node],
        f"cairn show {node}": [CAIRN, "show", node],
    }
    print(f"{'command':32} {'median':>8} {'best':>8}   of {TIMES} runs")
    for name, command in commands.items():
        seconds = sorted(_seconds(command) for _ in range(TIMES))
        print(f"{name:32} {median(seconds):7.3f}s {seconds[0]:7.3f}s")


def _seconds(command: list[str]) -> float:
    begun = time.perf_counter()
    ended = subprocess.run(command, capture_output=True, check=False, cwd=ROOT)
    seconds = time.perf_counter() - begun
    if ended.returncode not in DONE:
        raise SystemExit(f"{command}: exit code {ended.returncode}\n{ended.stderr.decode()}")
    return seconds


if __name__ == "__main__":
    main()
