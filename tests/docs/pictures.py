"""Draws the pictures of the guide from its sample; run as `python tests/docs/pictures.py`."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "docs" / "guide" / "example-hospital.yaml"
PICTURE = ROOT / "docs" / "pictures" / "example-hospital.svg"


def house_of_sample(folder: Path) -> Path:
    """Make a checkout whose only node is the sample of the guide, and return its folder."""
    (folder / "nodes").mkdir()
    shutil.copy(SAMPLE, folder / "nodes")
    shutil.copy(ROOT / "nodes" / "demo.federation.json", folder / "nodes")
    for name in ("templates", "policies", "roles", "tools"):
        (folder / name).symlink_to(ROOT / name)
    return folder


def cairn(folder: Path, *arguments: str) -> str:
    """Run the command line in that checkout and return what it prints."""
    program = Path(sys.executable).parent / "cairn"
    environment = {**os.environ, "CAIRN_HOME": str(folder), "NO_COLOR": "1", "COLUMNS": "120"}
    return subprocess.run(
        [str(program), *arguments],
        env=environment,
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    ).stdout


def main() -> None:
    """Draw every picture anew."""
    with tempfile.TemporaryDirectory() as folder:
        drawn = cairn(house_of_sample(Path(folder)), "show", SAMPLE.stem, "--format", "svg")
    PICTURE.write_text(drawn, encoding="utf-8")


if __name__ == "__main__":
    main()
