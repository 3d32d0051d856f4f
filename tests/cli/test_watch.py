"""`cairn watch` keeps a report each time, and writes units that systemd takes."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

from cli.test_report import hosts  # noqa: F401 - a fixture: no host is reached

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from click.testing import Result

    Run = Callable[..., Result]


def test_a_silent_host_is_told_and_the_report_kept(run: Run, lyon: Path, home: Path) -> None:
    result = run("watch", "lyon")
    assert result.exit_code == 5
    assert "HST-01 SSH takes keys only" in result.stderr
    (report,) = (home / ".cairn" / "reports" / "lyon").glob("2*/report.json")
    assert (home / ".cairn" / "reports" / "lyon" / "told").read_text() == f"{report.parent.name}\n"


def test_a_hook_that_is_not_there_leaves_the_change_untold(
    run: Run, lyon: Path, home: Path
) -> None:
    lyon.write_text(lyon.read_text() + "\ncompliance: {watch: {hook: env:CAIRN_NOBODY}}\n")
    result = run("watch", "lyon")
    assert result.exit_code == 2
    assert "cannot be read from env:CAIRN_NOBODY" in result.stderr
    assert not (home / ".cairn" / "reports" / "lyon" / "told").exists()


def test_systemd_takes_the_units(run: Run, tmp_path: Path) -> None:
    assert run("watch", "--units", str(tmp_path)).exit_code == 0
    verify = shutil.which("systemd-analyze")
    assert verify is not None
    for unit in ("cairn-watch@x.service", "cairn-watch@x.timer"):
        shutil.copy(tmp_path / unit.replace("x", ""), tmp_path / unit)
    done = subprocess.run(
        [verify, "verify", "--man=no", str(tmp_path / "cairn-watch@x.timer"),
         str(tmp_path / "cairn-watch@x.service")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")


def test_a_node_or_units_are_wanted(run: Run, tmp_path: Path) -> None:
    assert run("watch").exit_code == 2
    assert run("watch", "lyon", "--units", str(tmp_path)).exit_code == 2
    assert "cannot be written" in run("watch", "--units", str(tmp_path / "gone")).stderr
