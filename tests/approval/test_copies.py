"""The copy that an app may see: the newest version of a data set, as its manifest says."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

from cairn_account.refusal import Refused
from cairn_approval import copies, fetching, holding
from cairn_freeze import manifest

if TYPE_CHECKING:
    from pathlib import Path

IMAGES = {"S1/a/one.dcm": b"DICM one", "S1/b/two.dcm": b"DICM two"}


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(holding, "COPIES", tmp_path)


class Bucket:
    """A data set of one version."""

    def __init__(self, objects: dict[str, bytes], **listed: bytes) -> None:
        self.objects, self.reads = objects, 0
        rows = [
            {"key": key, "size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
            for key, data in {**objects, **listed}.items()
        ]
        self.manifest = {"format": manifest.FORMAT, "version": 2, "objects": rows}

    def manifests(self) -> tuple[dict[str, Any], ...]:
        return (self.manifest,) if self.objects else ()

    def read(self, key: str) -> bytes:
        self.reads += 1
        return self.objects[key]


def test_a_copy_is_made_once_and_read_only(tmp_path: Path) -> None:
    bucket = Bucket(IMAGES)
    told = [copies.newest("lesions", bucket) for _ in range(2)]  # type: ignore[arg-type]
    assert told[0] == told[1]
    assert (told[0]["version"], told[0]["objects"], bucket.reads) == (2, 2, 2)
    file = tmp_path / "lesions" / told[0]["manifest"].removeprefix("sha256:") / "S1/a/one.dcm"
    assert file.read_bytes() == b"DICM one"
    assert file.stat().st_mode & 0o777 == 0o400


def test_an_object_that_differs_from_the_manifest_leaves_no_copy(tmp_path: Path) -> None:
    bucket = Bucket(IMAGES)
    bucket.objects = {**IMAGES, "S1/a/one.dcm": b"DICM 0ne"}
    with pytest.raises(Refused, match="differs from its manifest"):
        copies.newest("lesions", bucket)  # type: ignore[arg-type]
    assert not [one for one in (tmp_path / "lesions").iterdir() if len(one.name) == 64]
    bucket.objects = IMAGES
    assert copies.newest("lesions", bucket)["objects"] == 2  # type: ignore[arg-type]


@pytest.mark.parametrize("key", ["../one.dcm", "/one.dcm", "S1/../../one.dcm"])
def test_a_manifest_cannot_write_elsewhere(tmp_path: Path, key: str) -> None:
    with pytest.raises(Refused, match="outside of its data set"):
        copies.newest("lesions", Bucket({key: b"x"}))  # type: ignore[arg-type]


def test_without_a_version_there_is_nothing_to_see(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="nothing was frozen"):
        copies.newest("lesions", Bucket({}))  # type: ignore[arg-type]


@pytest.fixture
def looks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Have a program of the test look into the storage; return what it was started for."""
    (tmp_path / "lesions" / "feed").mkdir(parents=True)
    told = {"folder": str(tmp_path / "lesions" / "feed"), "manifest": "sha256:feed", "version": 1}
    asked: list[str] = []

    def started(dataset: str) -> subprocess.Popen[bytes]:
        asked.append(dataset)
        answer = json.dumps({**told, "version": len(asked)})
        return subprocess.Popen([sys.executable, "-c", f"print({answer!r})"], stdout=-1)

    monkeypatch.setattr(fetching, "_started", started)
    return asked


def test_the_storage_is_asked_once_for_messages_that_follow_one_another(
    looks: list[str], tmp_path: Path
) -> None:
    assert [fetching.copy("lesions")["version"] for _ in range(3)] == [1, 1, 1]
    answer = tmp_path / "lesions" / "newest.json"
    for age in (fetching.FRESH, -60):  # also where a clock was set back
        then = time.time() - age
        os.utime(answer, (then, then))
        fetching.copy("lesions")
    assert looks == ["lesions"] * 3


def test_a_copy_that_is_used_is_not_idle(looks: list[str], tmp_path: Path) -> None:
    fetching.copy("lesions")
    os.utime(tmp_path / "lesions" / "feed", (0, 0))
    fetching.copy("lesions")
    assert (tmp_path / "lesions" / "feed").stat().st_mtime > 0
    assert looks == ["lesions"]


def test_a_copy_that_is_gone_is_looked_for_again(looks: list[str], tmp_path: Path) -> None:
    fetching.copy("lesions")
    (tmp_path / "lesions" / "feed").rmdir()
    fetching.copy("lesions")
    assert looks == ["lesions"] * 2
