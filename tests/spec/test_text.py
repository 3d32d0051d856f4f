"""A file that is no text of a few KiB is one clear problem, whatever it holds."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from cairn.errors import InvalidSpec
from cairn.spec.loader import load
from cairn.spec.text import MOST_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def refused(path: Path) -> str:
    with pytest.raises(InvalidSpec) as caught:
        load(path)
    return str(caught.value).removeprefix(f"{path}:")


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"\xff\xfea\x00", "1:1: this is not UTF-8 text; save the file as UTF-8"),
        (b"a: 1\n%PDF \xe2\xe3", "2:6: this is not UTF-8 text; save the file as UTF-8"),
        (b"\x7fELF", "1:1: invisible character U+007F; remove it, or write a plain space"),
        (b"a: \x00", "1:4: invisible character U+0000; remove it, or write a plain space"),
        ("a: \u202e1".encode(), ("1:4: invisible character U+202E; remove it, or write a plain "
         "space")),
        ("a:\n\u00a0 b: 1".encode(), ("2:1: invisible character U+00A0; remove it, or write a "
         "plain space")),
    ],
)  # fmt: skip
def test_what_is_no_plain_text_is_placed(
    said: Callable[..., list[str]], data: bytes, expected: str
) -> None:
    assert said(text=data) == [f"la-fe.yaml:{expected}"]


def test_a_file_of_ten_megabytes_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "large.yaml"
    path.write_bytes(b"a: 1\n" * 2_000_000)

    assert refused(path) == "1:1: the file is larger than 256 KiB; a spec has a few KiB"


def test_a_file_of_just_the_allowed_size_is_read(tmp_path: Path) -> None:
    path = tmp_path / "full.yaml"
    path.write_bytes(b"#" * MOST_BYTES)

    assert refused(path) == "1:1: there is nothing here; begin with `spec_version: 1`"


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    assert refused(tmp_path / "none.yaml") == "1:1: there is no such file; check the path"


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    assert refused(tmp_path) == "1:1: this is not a file; name a YAML file"


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.yaml")

    assert refused(tmp_path / "pipe.yaml") == "1:1: this is not a file; name a YAML file"


def test_a_loop_of_links_is_named(tmp_path: Path) -> None:
    (tmp_path / "loop.yaml").symlink_to("loop.yaml")

    found = refused(tmp_path / "loop.yaml")

    assert found.startswith("1:1: the file cannot be read (")
    assert found.endswith("); check the path and the disk")


def test_a_file_that_may_not_be_read_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Root may read everything, so the refusal is played.
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    path = tmp_path / "secret.yaml"
    path.touch()
    monkeypatch.setattr(type(path), "open", refuse)

    expected = "1:1: the file may not be read by you; change its permissions or its owner"
    assert refused(path) == expected
