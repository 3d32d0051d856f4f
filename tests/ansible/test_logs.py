"""The logs of runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cairn.ansible.logs import KEPT, new_log

if TYPE_CHECKING:
    from pathlib import Path


def test_the_newest_twenty_logs_of_a_role_on_a_host_are_kept(tmp_path: Path) -> None:
    made = [new_log(tmp_path, "node", "host", "base") for _ in range(KEPT + 5)]
    assert sorted((tmp_path / "node").iterdir()) == made[-KEPT:]


def test_logs_of_another_role_are_not_counted(tmp_path: Path) -> None:
    other = new_log(tmp_path, "node", "host", "base-extra")
    for _ in range(KEPT + 5):
        new_log(tmp_path, "node", "host", "base")
    assert other.exists()
