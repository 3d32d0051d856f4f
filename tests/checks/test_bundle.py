"""A bundle is known by its label and by a digest that anybody can compute."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING

import pytest

from cairn import house
from cairn.checks import bundle
from cairn.checks.registry import catalogue
from cairn.errors import PolicyError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A bundle of a check, a label, and what does not belong to it."""
    for name, text in {
        "bundle.yaml": 'name: atlas\nversion: "2.1"\n',
        "checks/one.py": "# a check\n",
        "controls/with a space.yaml": "controls: []\n",
        "checks/__pycache__/one.pyc": "compiled",
        ".git/HEAD": "hidden",
    }.items():
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
    return tmp_path


def test_the_label_names_it(folder: Path) -> None:
    read = bundle.read(folder)
    assert (read.name, read.version) == ("atlas", "2.1")


def test_without_a_label_the_folder_names_it(folder: Path) -> None:
    (folder / "bundle.yaml").unlink()
    read = bundle.read(folder)
    assert (read.name, read.version) == (folder.name, bundle.UNLABELLED)


@pytest.mark.parametrize("text", ["name: atlas", "- a list", "name: atlas\nversion: 2.1", "\x00"])
def test_a_label_that_says_too_little_is_refused(folder: Path, text: str) -> None:
    (folder / "bundle.yaml").write_text(text)
    with pytest.raises(PolicyError, match=r"bundle\.yaml"):
        bundle.read(folder)


@pytest.mark.parametrize("which", ["ours", "made up"])
def test_the_digest_is_what_the_documented_command_computes(folder: Path, which: str) -> None:
    found = re.search(r"^    (find .*?sha256sum)$", bundle.__doc__ or "", re.MULTILINE | re.DOTALL)
    assert found
    where = house.root() / "policies" if which == "ours" else folder
    done = subprocess.run(
        ["/bin/bash", "-c", found[1]], cwd=where, capture_output=True, text=True, check=True
    )
    assert bundle.read(where).digest == f"sha256:{done.stdout.split()[0]}"


@pytest.mark.parametrize("change", ["a byte", "a name", "a file more", "the label"])
def test_every_change_changes_the_digest(folder: Path, change: str) -> None:
    before = bundle.read(folder).digest
    check = folder / "checks" / "one.py"
    match change:
        case "a byte":
            check.write_text("# A check\n")
        case "a name":
            check.rename(check.with_name("two.py"))
        case "a file more":
            (folder / "README.md").write_text("more\n")
        case _:
            (folder / "bundle.yaml").write_text('name: atlas\nversion: "2.2"\n')
    assert bundle.read(folder).digest != before


def test_what_is_hidden_or_compiled_does_not_count(folder: Path) -> None:
    before = bundle.read(folder).digest
    (folder / ".git" / "HEAD").write_text("other")
    (folder / "checks" / "__pycache__" / "one.pyc").write_text("other")
    assert bundle.read(folder).digest == before


def test_the_bundle_of_a_consortium_comes_after_ours(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CAIRN_POLICIES", str(folder))
    assert [one.name for one in bundle.in_force()] == ["cairn", "atlas"]


def test_the_catalogue_knows_the_bundles_that_it_was_loaded_from() -> None:
    assert [one.digest for one in catalogue().bundles] == [one.digest for one in bundle.in_force()]
