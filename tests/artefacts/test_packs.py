"""Packs of wheels: the same bytes everywhere, and no wheel that the lock does not name."""

from __future__ import annotations

import shutil
import tarfile
import zipfile
from typing import TYPE_CHECKING

import pytest

from cairn.artefacts import fetch, packs
from cairn.artefacts.cache import digest_of, place_of, take
from cairn.artefacts.lock import Artefact
from cairn.errors import Misuse

if TYPE_CHECKING:
    from pathlib import Path

NAME = "thing-cp313"
#: Wheels that the index has; a host of another Python must not get the third.
WHEELS = (
    "thing-1.0-py3-none-any.whl",
    "part-2.0-cp313-cp313-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
    "part-2.0-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
)


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout without locks, and a folder that stands for a package index."""
    (tmp_path / "tools" / "wheels").mkdir(parents=True)
    (tmp_path / "index").mkdir()
    for file in WHEELS:
        name, version, *tags = file.removesuffix(".whl").split("-")
        about = f"{name}-{version}.dist-info"
        with zipfile.ZipFile(tmp_path / "index" / file, "w") as wheel:
            head = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
            wheel.writestr(f"{about}/METADATA", head)
            wheel.writestr(f"{about}/WHEEL", f"Wheel-Version: 1.0\nTag: {'-'.join(tags)}\n")
            wheel.writestr(f"{about}/RECORD", "")
    monkeypatch.setenv("CAIRN_HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "index"))
    return tmp_path


@pytest.fixture
def lock(house: Path) -> Path:
    """The lock of the pack, as `tools/lock-wheels` has it written."""
    (house / "wanted").write_text("thing==1.0\npart==2.0\n")
    file = packs.lock_of(NAME)
    file.write_text("\n".join(packs.locked_lines(NAME, house / "wanted")) + "\n")
    return file


def packed() -> tuple[str, list[str]]:
    made = packs.pack(NAME)
    with tarfile.open(made) as archive:
        names = archive.getnames()
    digest = digest_of(made)
    shutil.rmtree(made.parent)
    return digest, names


def test_the_lock_names_the_one_wheel_for_the_python_of_the_host(house: Path, lock: Path) -> None:
    sums = {file: digest_of(house / "index" / file) for file in WHEELS}
    assert lock.read_text().splitlines() == [
        f"part==2.0 --hash=sha256:{sums[WHEELS[1]]}",
        f"thing==1.0 --hash=sha256:{sums[WHEELS[0]]}",
    ]


def test_a_pack_has_the_same_bytes_each_time_and_its_lock_inside(lock: Path) -> None:
    first, names = packed()
    assert names == [WHEELS[1], WHEELS[0], "wanted.txt"]
    assert packed() == (first, names)


def test_a_wheel_with_other_bytes_is_not_packed(house: Path, lock: Path) -> None:
    with zipfile.ZipFile(house / "index" / WHEELS[0], "a") as wheel:
        wheel.writestr("thing.py", "import os\n")
    with pytest.raises(Misuse, match=r"pip did not fetch the wheels of thing-cp313"):
        packs.pack(NAME)


@pytest.mark.usefixtures("house")
def test_a_pack_without_a_lock_is_named() -> None:
    with pytest.raises(Misuse, match=r"tools/wheels has no thing-cp313.txt"):
        packs.pack(NAME)


def test_a_pack_for_no_python_is_refused(house: Path) -> None:
    with pytest.raises(Misuse, match=r"`thing` does not end in a Python"):
        packs.locked_lines("thing", house / "wanted")


def test_a_pack_comes_into_the_cache_if_it_is_what_the_lock_says(
    lock: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest, _ = packed()
    good = Artefact(NAME, "1.0", f"{NAME}.tar", digest, "x86_64", "MIT", "https://vendor.example")
    monkeypatch.setattr(fetch, "artefacts", lambda: {NAME: good})
    fetch.fetch_missing()
    assert take(good).name == f"{NAME}.tar"
    other = Artefact(NAME, "1.0", f"{NAME}.tar", 64 * "a", "x86_64", "MIT", "")
    monkeypatch.setattr(fetch, "artefacts", lambda: {NAME: other})
    with pytest.raises(Misuse, match="came out with SHA-256"):
        fetch.fetch_missing()
    assert not place_of(other).exists()
