"""Writes rendered files as a tree HOST/PATH, into a folder that is ours or empty."""

from __future__ import annotations

import json
import os
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from cairn.errors import Misuse

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cairn.render.files import Placed

#: Lies in every folder that `cairn render` made and lists what it wrote there.
LIST = ".cairn-rendered.json"


def write(folder: Path, placed: Sequence[Placed]) -> None:
    """Write files below a folder and remove those that an earlier call wrote and that are no more.

    Raises:
        Misuse: The folder holds something that is not ours, or cannot be written.
    """
    wanted = {_below(each): each for each in placed}
    try:
        earlier = _earlier(folder)
        folder.mkdir(parents=True, exist_ok=True)
        _list(folder, earlier | set(wanted))
        for path, each in wanted.items():
            _put(folder / path, each)
        for path in sorted(earlier - set(wanted)):
            _remove(folder, path)
        _list(folder, set(wanted))
    except OSError as error:
        raise Misuse(f"{error.filename or folder} cannot be written: {error.strerror}") from error


def _below(placed: Placed) -> str:
    """Return where a file goes below the folder: its host, then its path on the host."""
    path = PurePosixPath(placed.file.path)
    if not path.is_absolute() or ".." in path.parts:
        raise Misuse(f"{placed.role} plans a file at `{path}`, which is no absolute path")
    return str(PurePosixPath(placed.host, *path.parts[1:]))


def _earlier(folder: Path) -> set[str]:
    """Return what an earlier call wrote into the folder; refuse a folder that is not ours."""
    if not folder.exists() or not any(folder.iterdir()):
        return set()
    try:
        return set(json.loads((folder / LIST).read_text(encoding="utf-8"))["files"])
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        raise Misuse(
            f"{folder} is not empty and was not made by `cairn render`; name another folder"
        ) from None


def _list(folder: Path, paths: set[str]) -> None:
    text = json.dumps({"files": sorted(paths)}, indent=2) + "\n"
    (folder / LIST).write_text(text, encoding="utf-8")


def _put(path: Path, placed: Placed) -> None:
    """Write one file anew with the mode that it will have on the host."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
        file.write(placed.file.content)
    path.chmod(int(placed.file.mode, 8))


def _remove(folder: Path, path: str) -> None:
    """Remove a file of an earlier call and the folders that it leaves empty."""
    stale = folder / path
    if not stale.resolve().is_relative_to(folder.resolve()):
        return
    stale.unlink(missing_ok=True)
    for parent in stale.parents:
        if parent == folder or any(parent.iterdir()):
            return
        parent.rmdir()
