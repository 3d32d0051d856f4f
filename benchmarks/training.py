"""Seconds of one round over two nodes: the application bare on the loopback, and on a Cairn hub.

Run as `python benchmarks/training.py [IMAGES] [-- COMMAND...]`. Bare: hub and nodes of Flower as
one user on this computer, without certificates, cells, approval or account, from folders of
phantoms. COMMAND (`cairn app run HUB SHA256 --by WHO --set num-server-rounds=1`) starts the same
application on a hub of Cairn whose two nodes have as many images, and returns when the run has
ended. Both are measured in turn. Only the ratio says something; the rest is about the machine.
Tests' own helpers bring Flower up, in an environment of its own.
"""

from __future__ import annotations

import importlib
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from cairn import house

sys.path += [str(house.root() / "tests"), str(house.root() / "tools")]

flower = importlib.import_module("federation.flower")
lesion_phantoms = importlib.import_module("lesion_phantoms")

TIMES = 5


def main(count: int, command: list[str]) -> None:
    """Measure and print the table."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        images = {site: folder / site for site in ("a", "b")}
        for site, place in images.items():
            lesion_phantoms.write(site, place, count)
        bare, ours = [], []
        with flower.flower(folder / "flower", images) as one:
            for _ in range(TIMES):
                bare.append(_bare(one))
                if command:
                    ours.append(_seconds(command))
    rows = [("Flower bare on the loopback", bare)]
    if ours:
        rows.append(("on a hub of Cairn", ours))
    basis = statistics.median(bare)
    print(f"one round over two nodes of {count} images, median of {TIMES}")
    print(f"{'':<40}{'seconds':>9}{'least':>9}{'most':>9}{'ratio':>9}")
    for title, times in rows:
        middle = statistics.median(times)
        ends = f"{min(times):>9.1f}{max(times):>9.1f}"
        print(f"{title:<40}{middle:>9.1f}{ends}{middle / basis:>9.2f}")


def _bare(one: Any) -> float:  # noqa: ANN401 - the tests' Flower
    ended = one.run(num_server_rounds=1)
    if ended.status != "finished:completed":
        raise SystemExit(f"the run ended as {ended.status}:\n{one.logs()}")
    return float(ended.seconds)


def _seconds(command: list[str]) -> float:
    begun = time.monotonic()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.monotonic() - begun


if __name__ == "__main__":
    words, command = sys.argv[1:], []
    if "--" in words:
        at = words.index("--")
        words, command = words[:at], words[at + 1 :]
    main(int(words[0]) if words else 60, command)
