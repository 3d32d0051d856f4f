"""Old specs become current ones, shown as a diff, all of them or none."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from click.testing import Result

    Run = Callable[..., Result]

OLD = """\
version: 0   # first of all
kind: data-provider
name: old
storage: {path: /srv/imaging, size_gb: 400}
"""


@pytest.fixture
def old(checkout: Path) -> Path:
    """A spec of the first version in `nodes/`."""
    path = checkout / "nodes" / "old.yaml"
    path.write_text(OLD)
    path.chmod(0o640)
    return path


def test_an_old_spec_is_rewritten_in_place_with_its_comments(run: Run, old: Path) -> None:
    result = run("migrate", "old")
    assert result.exit_code == 0
    assert old.read_text() == OLD.replace("version: 0", "spec_version: 1", 1).replace(
        "size_gb: 400", "size: 400 GB"
    )


def test_the_mode_of_the_file_stays(run: Run, old: Path) -> None:
    run("migrate", "old")
    assert stat.S_IMODE(old.stat().st_mode) == 0o640


def test_nothing_else_is_left_in_the_folder(run: Run, old: Path) -> None:
    run("migrate", "old")
    assert [path.name for path in old.parent.iterdir()] == ["old.yaml"]


def test_what_changes_is_shown_as_a_diff(run: Run, old: Path) -> None:
    shown = run("migrate", "old").stdout
    assert "-version: 0" in shown
    assert "+spec_version: 1" in shown
    assert "storage.size_gb is now `size`, written as `400 GB`" in shown


def test_check_shows_the_same_and_writes_nothing(run: Run, old: Path) -> None:
    result = run("migrate", "--check", "old")
    assert result.exit_code == 2
    assert "+spec_version: 1" in result.stdout
    assert old.read_text() == OLD


def test_a_current_spec_is_left_alone(run: Run, old: Path) -> None:
    run("migrate", "old")
    before = old.stat().st_mtime_ns
    result = run("migrate", "old", "--check")
    assert (result.exit_code, old.stat().st_mtime_ns) == (0, before)
    assert "0 of 1 specs would be migrated" in result.stdout


def test_one_that_cannot_be_migrated_keeps_all_from_being_written(run: Run, old: Path) -> None:
    (old.parent / "broken.yaml").write_text("kind: [\n")
    result = run("migrate", "old", "broken")
    assert result.exit_code == 2
    assert "broken.yaml:" in result.stderr
    assert old.read_text() == OLD


def test_a_file_outside_the_checkout_can_be_named(run: Run, checkout: Path) -> None:
    elsewhere = checkout / "elsewhere.yaml"
    elsewhere.write_text(OLD)
    assert run("migrate", str(elsewhere)).exit_code == 0
    assert elsewhere.read_text().startswith("spec_version: 1")


def test_a_link_stays_a_link(run: Run, old: Path, checkout: Path) -> None:
    link = checkout / "link.yaml"
    link.symlink_to(old)
    run("migrate", str(link))
    assert link.is_symlink()
    assert old.read_text().startswith("spec_version: 1")


def test_an_unknown_name_is_answered_with_the_one_meant(run: Run, old: Path) -> None:
    result = run("migrate", "odl")
    assert result.exit_code == 2
    assert "did you mean `old`?" in result.stderr


def test_line_ends_of_another_system_stay(run: Run, old: Path) -> None:
    old.write_bytes(OLD.replace("\n", "\r\n").encode())
    run("migrate", "old")
    assert old.read_bytes().count(b"\r\n") == OLD.count("\n")
