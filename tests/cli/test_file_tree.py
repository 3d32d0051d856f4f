"""Rendered files go into a folder that is ours or empty, and nowhere else."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

import pytest

from cairn.cli import file_tree
from cairn.errors import Misuse
from cairn.render.files import Placed, RenderedFile

if TYPE_CHECKING:
    from pathlib import Path


def placed(path: str, content: str = "x\n", mode: str = "0644") -> Placed:
    return Placed("imaging-1", "base", RenderedFile(path, content, mode, "root", "root"))


def test_files_stand_below_their_host_at_their_path_and_mode(tmp_path: Path) -> None:
    file_tree.write(tmp_path / "out", [placed("/etc/ssh/a.conf", mode="0600")])
    written = tmp_path / "out" / "imaging-1" / "etc" / "ssh" / "a.conf"
    assert written.read_text() == "x\n"
    assert stat.S_IMODE(written.stat().st_mode) == 0o600


def test_a_folder_with_something_else_in_it_is_refused_untouched(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(Misuse, match="not empty"):
        file_tree.write(tmp_path, [placed("/etc/a")])
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_a_second_call_replaces_files_and_removes_those_that_are_no_more(tmp_path: Path) -> None:
    file_tree.write(tmp_path, [placed("/etc/a"), placed("/srv/b")])
    file_tree.write(tmp_path, [placed("/etc/a", "y\n")])
    assert (tmp_path / "imaging-1" / "etc" / "a").read_text() == "y\n"
    assert not (tmp_path / "imaging-1" / "srv").exists()


def test_a_list_that_was_tampered_with_removes_nothing_outside(tmp_path: Path) -> None:
    outside = tmp_path / "keep"
    outside.write_text("keep")
    folder = tmp_path / "out"
    file_tree.write(folder, [placed("/etc/a")])
    (folder / file_tree.LIST).write_text('{"files": ["../keep"]}')
    file_tree.write(folder, [placed("/etc/a")])
    assert outside.read_text() == "keep"


def test_a_path_that_leads_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Misuse, match="no absolute path"):
        file_tree.write(tmp_path / "out", [placed("/etc/../../x")])
    assert not (tmp_path / "out").exists()


def test_a_link_in_the_tree_is_replaced_and_not_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_text("keep")
    file_tree.write(tmp_path / "out", [placed("/etc/a")])
    written = tmp_path / "out" / "imaging-1" / "etc" / "a"
    written.unlink()
    written.symlink_to(outside)
    file_tree.write(tmp_path / "out", [placed("/etc/a")])
    assert outside.read_text() == "keep"
    assert not written.is_symlink()


def test_a_folder_that_cannot_be_made_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Misuse, match="cannot be written"):
        file_tree.write(tmp_path / "file" / "below", [placed("/etc/a")])
