"""Every script says what it is for, stops at the first failure, and satisfies shellcheck."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPTS = sorted(
    path
    for path in (*(ROOT / "tools").iterdir(), *(ROOT / ".ci").iterdir())
    if path.is_file() and path.read_bytes().startswith(b"#!")
)
TARGETS = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)


def test_shellcheck_finds_nothing() -> None:
    shellcheck = Path(sys.executable).parent / "shellcheck"
    judged = subprocess.run(
        [shellcheck, "--external-sources", *SCRIPTS],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert judged.stdout + judged.stderr == ""
    assert judged.returncode == 0


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_a_script_stops_at_the_first_failure(script: Path) -> None:
    assert "\nset -euo pipefail\n" in script.read_text()


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_a_script_can_be_run_and_begins_with_what_it_does(script: Path) -> None:
    first, second = script.read_text().splitlines()[:2]
    assert script.stat().st_mode & 0o111 == 0o111
    assert first == "#!/usr/bin/env bash"
    assert re.match(r"# [A-Z].{20,}", second)


@pytest.mark.parametrize("target", TARGETS)
def test_help_explains_every_target(target: str) -> None:
    make = shutil.which("make")
    assert make is not None
    said = subprocess.run([make], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert re.search(rf"^  make {target} +\S.+", said, re.MULTILINE)


def test_continuous_integration_runs_what_a_person_runs() -> None:
    assert (ROOT / ".ci" / "run").read_text().splitlines()[-1] == "exec make test"
