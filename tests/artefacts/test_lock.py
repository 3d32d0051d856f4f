"""The lock of artefacts: complete, and refused where it is not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cairn.artefacts.lock import Artefact, artefacts, inputs_of, locked, read_lock
from cairn.artefacts.packs import lock_of
from cairn.errors import Misuse

if TYPE_CHECKING:
    from pathlib import Path

SUM = 64 * "a"
ENTRY = f"""
thing:
  version: "1.0"
  file: thing
  sha256: "{SUM}"
  machine: x86_64
  licence: MIT
  vendor: https://vendor.example/thing
"""


def test_each_artefact_of_the_lock_says_all_that_is_to_be_known() -> None:
    for one in artefacts().values():
        assert all((one.version, one.file, one.licence, one.machine)), one
        assert one.vendor.startswith("https://"), one
        assert one.sha256 != 64 * "0"


def test_a_wheel_bears_the_name_and_version_of_its_entry() -> None:
    for one in artefacts().values():
        if one.is_wheel:
            name, version = one.file.split("-")[:2]
            assert (name.lower().replace("_", "-"), version) == (one.name, one.version)


def test_a_pack_is_named_after_its_entry_and_has_a_lock_of_wheels() -> None:
    chosen = [one for one in artefacts().values() if one.is_pack]
    assert {one.name for one in chosen} == {"flower-cp311", "flower-cp313"}
    for one in chosen:
        assert one.file == f"{one.name}.tar"
        assert f"flwr=={one.version} " in lock_of(one.name).read_text()
        assert f"pydicom=={locked('pydicom').version} " in lock_of(one.name).read_text()


def test_an_artefact_lies_on_the_host_under_its_digest(tmp_path: Path) -> None:
    (tmp_path / "lock").write_text(ENTRY)
    one = read_lock(tmp_path / "lock")["thing"]
    assert one.path == f"/var/lib/cairn/artefacts/{SUM}"
    assert inputs_of([one]) == {
        "thing": {"version": "1.0", "file": "thing", "sha256": SUM, "machine": "x86_64"}
    }


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("licence: MIT", "colour: red"), "unexpected keyword argument 'colour'"),
        (("  licence: MIT\n", ""), "missing 1 required positional argument: 'licence'"),
        ((SUM, SUM[1:]), "has no SHA-256"),
        (('"1.0"', "1.0"), "a value that is no text; quote it"),
        (("thing:", "thing: ["), "is no lock of artefacts"),
    ],
)
def test_a_broken_lock_is_refused(tmp_path: Path, change: tuple[str, str], words: str) -> None:
    (tmp_path / "lock").write_text(ENTRY.replace(*change))
    with pytest.raises(Misuse, match=words.replace("(", r"\(")):
        read_lock(tmp_path / "lock")


def test_what_is_not_in_the_lock_is_named() -> None:
    with pytest.raises(Misuse, match="has no `minio`; it has "):
        locked("minio")


def test_a_program_is_no_wheel() -> None:
    assert not Artefact("a", "1", "a", SUM, "any", "MIT", "").is_wheel
    assert Artefact("a", "1", "a-1-py3-none-any.whl", SUM, "any", "MIT", "").is_wheel
