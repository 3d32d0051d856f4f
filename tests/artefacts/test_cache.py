"""The cache of artefacts: filled once, and nothing in it believed unseen."""

from __future__ import annotations

import hashlib
import zipfile
from typing import TYPE_CHECKING

import pytest

from cairn.artefacts import fetch
from cairn.artefacts.cache import place_of, take
from cairn.artefacts.lock import Artefact
from cairn.errors import Misuse

if TYPE_CHECKING:
    from pathlib import Path

WHEEL = "thing-1.0-py3-none-any.whl"


def artefact(content: bytes, file: str = "thing") -> Artefact:
    digest = hashlib.sha256(content).hexdigest()
    return Artefact("thing", "1.0", file, digest, "any", "MIT", "https://vendor.example")


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout whose script builds `thing` with the text in `recipe`; it counts its builds."""
    (tmp_path / "tools").mkdir()
    script = tmp_path / "tools" / "build-thing"
    script.write_text(
        '#!/bin/sh\ncd "$(dirname "$0")" && echo built >>builds\n'
        'mkdir -p "$1/bin" && cp recipe "$1/bin/thing"\n'
    )
    script.chmod(0o755)
    monkeypatch.setenv("CAIRN_HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path


def lock(monkeypatch: pytest.MonkeyPatch, one: Artefact) -> None:
    monkeypatch.setattr(fetch, "artefacts", lambda: {one.name: one})


def test_a_program_is_built_once(house: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = artefact(b"as it should be\n")
    lock(monkeypatch, one)
    (house / "tools" / "recipe").write_bytes(b"as it should be\n")
    fetch.fetch_missing()
    fetch.fetch_missing()
    assert take(one).read_bytes() == b"as it should be\n"
    assert (house / "tools" / "builds").read_text() == "built\n"


def test_a_build_with_other_bytes_is_refused_and_not_kept(
    house: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = artefact(b"as it should be\n")
    lock(monkeypatch, one)
    (house / "tools" / "recipe").write_bytes(b"by another compiler\n")
    with pytest.raises(Misuse, match=r"came out with SHA-256 .*, the lock says"):
        fetch.fetch_missing()
    assert not place_of(one).exists()
    (house / "tools" / "recipe").write_bytes(b"as it should be\n")
    fetch.fetch_missing()
    assert place_of(one).exists()


def test_what_was_changed_in_the_cache_is_not_taken(house: Path) -> None:
    one = artefact(b"good\n")
    place_of(one).parent.mkdir(parents=True)
    place_of(one).write_bytes(b"bad\n")
    with pytest.raises(Misuse, match=r"is not thing 1.0 of the lock"):
        take(one)


def test_what_is_not_in_the_cache_is_named_with_its_place(house: Path) -> None:
    one = artefact(b"good\n")
    with pytest.raises(Misuse, match=r"thing 1.0 is not in the cache; run `make setup`") as caught:
        take(one)
    assert str(place_of(one)) in str(caught.value)


def index(folder: Path, monkeypatch: pytest.MonkeyPatch) -> bytes:
    """Make a folder that stands for a package index, with one wheel; return its bytes."""
    folder.mkdir()
    with zipfile.ZipFile(folder / WHEEL, "w") as wheel:
        about = "thing-1.0.dist-info"
        wheel.writestr(f"{about}/METADATA", "Metadata-Version: 2.1\nName: thing\nVersion: 1.0\n")
        wheel.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        wheel.writestr(f"{about}/RECORD", "")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return (folder / WHEEL).read_bytes()


def test_a_wheel_is_fetched_by_pip(house: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = artefact(index(house / "index", monkeypatch), WHEEL)
    lock(monkeypatch, one)
    fetch.fetch_missing()
    assert take(one).name == WHEEL


def test_a_wheel_with_another_hash_is_refused(house: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    index(house / "index", monkeypatch)
    lock(monkeypatch, artefact(b"something else", WHEEL))
    with pytest.raises(Misuse, match=r"pip did not fetch thing-1.0"):
        fetch.fetch_missing()


@pytest.mark.parametrize(
    ("file", "tags"),
    [
        (WHEEL, []),
        (
            "x-1-cp313-cp313-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
            [
                *("--implementation", "cp", "--python-version", "313", "--abi", "cp313"),
                *("--platform", "manylinux_2_17_x86_64", "--platform", "manylinux2014_x86_64"),
            ],
        ),
    ],
)
def test_a_wheel_is_for_the_python_of_the_host(file: str, tags: list[str]) -> None:
    assert fetch._tags(file) == tags
