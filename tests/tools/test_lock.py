"""The locks: exact versions, a hash for every file, and no word of where packages come from."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LOCKS = ("requirements.txt", "requirements-dev.txt")
PACKS = tuple(f"tools/wheels/{one.name}" for one in sorted((ROOT / "tools/wheels").glob("*.txt")))

#: Hosts that hand out packages, each split so that this file does not name them.
INDEXES = tuple(
    "".join(parts)
    for parts in (
        ("py", "pi.org"),
        ("python", "hosted.org"),
        ("proxy.go", "lang.org"),
        ("sum.go", "lang.org"),
        ("registry.np", "mjs.org"),
        ("galaxy.ans", "ible.com"),
        ("crates", ".io"),
        ("ghcr", ".io"),
        ("quay", ".io"),
        ("docker", ".io"),
    )
)


def requirements(lock: str) -> list[str]:
    """Return the requirements of a lock, continuation lines joined, comments left out."""
    lines = (ROOT / lock).read_text().replace("\\\n", " ").splitlines()
    return [line for line in lines if line.strip() and not line.lstrip().startswith("#")]


def committed_files() -> list[Path]:
    git = shutil.which("git")
    assert git is not None
    listed = subprocess.run(
        [git, "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    return [path for name in listed.splitlines() if (path := ROOT / name).is_file()]


@pytest.mark.parametrize("lock", LOCKS + PACKS)
def test_every_requirement_is_exact_and_has_a_hash(lock: str) -> None:
    exact = re.compile(r"[\w.\-\[\]]+==\S+( ; [^#]+?)?(\s+--hash=sha256:[0-9a-f]{64})+\s*")
    assert [line for line in requirements(lock) if not exact.fullmatch(line)] == []
    assert len(requirements(lock)) > 20


@pytest.mark.parametrize("lock", PACKS)
def test_a_wheel_that_hosts_take_has_one_hash(lock: str) -> None:
    assert {line.count("--hash=") for line in requirements(lock)} == {1}


@pytest.mark.parametrize("lock", LOCKS + PACKS)
def test_everything_asked_for_is_in_its_lock(lock: str) -> None:
    wanted = re.findall(
        r"^[A-Za-z0-9][\w.\-]*",
        (ROOT / re.sub(r"(-cp\d+)?\.txt$", ".in", lock)).read_text(),
        re.MULTILINE,
    )
    present = {line.split("==")[0] for line in requirements(lock)}
    assert {name.lower().replace("_", "-") for name in wanted} <= present


def test_a_package_in_both_locks_has_one_version() -> None:
    first, second = (
        dict(line.split()[0].split("==") for line in requirements(lock)) for lock in LOCKS
    )
    assert {name for name in first.keys() & second.keys() if first[name] != second[name]} == set()


def test_no_committed_file_names_an_index() -> None:
    named = [
        f"{path.relative_to(ROOT)}: {index}"
        for path in committed_files()
        for index in INDEXES
        if index.encode() in path.read_bytes()
    ]
    assert named == []


@pytest.mark.parametrize("lock", LOCKS + PACKS)
def test_a_lock_sets_no_option_of_the_installer(lock: str) -> None:
    assert re.search(r"^\s*--(?!hash)", (ROOT / lock).read_text(), re.MULTILINE) is None
