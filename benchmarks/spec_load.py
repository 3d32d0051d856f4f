"""How fast specs load: 300 of them, beside the YAML libraries that only parse.

Run as `python benchmarks/spec_load.py [SPECS]`. Times are processor time, the best of some rounds,
so that what else the computer does counts little. Loading here means all of it: parsing with
places, validation, the search for secrets, contradictions, the pinned federation file.
"""

from __future__ import annotations

import io
import re
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import yaml
from ruamel.yaml import YAML

from cairn import house
from cairn.errors import InvalidSpec
from cairn.spec import source
from cairn.spec.loader import load, load_all

if TYPE_CHECKING:
    from collections.abc import Callable

ROUNDS = 5
EXAMPLE = "demo-hospital-a"


def main(count: int) -> None:
    """Make `count` specs in a temporary folder, load them in several ways, print a table."""
    with tempfile.TemporaryDirectory() as folder:
        paths = made(Path(folder), count)
        texts = [path.read_text(encoding="utf-8") for path in paths]
        broken = made(Path(folder) / "broken", count, broken=True)
        lines = texts[0].count("\n")
        print(f"{count} specs of {lines} lines, best of {ROUNDS} rounds\n")
        whole = seconds(lambda: load_all(Path(folder)))
        rows = [
            ("Cairn: load and validate", whole),
            ("Cairn: the same, each spec broken in 3 places", seconds(lambda: refuse(broken))),
            ("Cairn: read with places only", seconds(lambda: [source.read(t, "") for t in texts])),
            ("PyYAML, C: plain load", seconds(lambda: [c_load(text) for text in texts])),
            ("PyYAML, Python: plain load", seconds(lambda: [py_load(t) for t in texts], rounds=2)),
            (
                "ruamel.yaml: round-trip load",
                seconds(lambda: [rt_load(t) for t in texts], rounds=1),
            ),
        ]
    print(f"{'':<46}{'total':>9}{'a spec':>11}{'ratio':>8}")
    for name, took in rows:
        print(f"{name:<46}{took:>7.3f} s{took / count * 1000:>8.2f} ms{took / whole:>8.2f}")


def made(folder: Path, count: int, *, broken: bool = False) -> list[Path]:
    """Write copies of an example under names of their own, and the federation file beside them."""
    folder.mkdir(exist_ok=True)
    nodes = house.root() / "nodes"
    shutil.copy(nodes / "demo.federation.json", folder)
    text = (nodes / f"{EXAMPLE}.yaml").read_text(encoding="utf-8")
    if broken:
        text = text.replace("debian-13", "debian-9").replace("accepts", "acepts")
        text = re.sub(r"size: 4 TiB", "size: 4000", text)
    paths = [folder / f"hospital-{number}.yaml" for number in range(count)]
    for path in paths:
        path.write_text(text.replace(f"name: {EXAMPLE}", f"name: {path.stem}"), encoding="utf-8")
    return paths


def refuse(paths: list[Path]) -> None:
    """Load specs that are wrong, and count that each was refused."""
    refused = 0
    for path in paths:
        try:
            load(path)
        except InvalidSpec:
            refused += 1
    if refused != len(paths):
        raise SystemExit("a broken spec was loaded")


def c_load(text: str) -> object:
    """Parse with PyYAML over libyaml: no places, no validation."""
    return yaml.load(text, Loader=yaml.CSafeLoader)


def py_load(text: str) -> object:
    """Parse with PyYAML in Python."""
    return yaml.load(text, Loader=yaml.SafeLoader)


def rt_load(text: str) -> object:
    """Parse with ruamel.yaml, which keeps places and comments."""
    return YAML(typ="rt").load(io.StringIO(text))


def seconds(work: Callable[[], object], *, rounds: int = ROUNDS) -> float:
    """Return the shortest processor time of some rounds.

    Nothing here waits, so on a quiet computer this is also the time that passes.
    """
    best = float("inf")
    for _ in range(rounds):
        start = time.process_time()
        work()
        best = min(best, time.process_time() - start)
    return best


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 300)
