"""A spec of an older version becomes one of this version, and nothing else in it changes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cairn.errors import InvalidSpec
from cairn.spec.loader import load
from cairn.spec.migrate import migrate

if TYPE_CHECKING:
    from tests.spec.conftest import Declare

FIXTURES = Path(__file__).parent / "fixtures"
OLD = (FIXTURES / "version-0.yaml").read_text(encoding="utf-8")
SAMPLE = (FIXTURES / "la-fe.yaml").read_text(encoding="utf-8")
RENAMED = {"version: 0": "spec_version: 1", "hospital:": "site:", "dpo:": "data_protection:",
           "roles:": "runs:", "size_gb: 4000": "size: 4000 GB", "disk_gb: 8000": "disk: 8000 GB",
           "memory_gb: 64": "memory: 64 GB", "memory_gb: 24": "memory: 24 GB"}  # fmt: skip


def test_an_old_spec_is_rewritten_and_every_other_byte_stays() -> None:
    expected = OLD
    for old, new in RENAMED.items():
        expected = re.sub(rf"\b{old}", new, expected, count=1)

    assert migrate(OLD)[0] == expected


def test_each_change_is_named_with_its_line() -> None:
    assert migrate(OLD)[1] == [
        "line 2: version is now `spec_version`, written as `1`",
        "line 5: hospital is now `site`",
        "line 8: hospital.contacts.dpo is now `data_protection`",
        "line 15: hosts.imaging-1.roles is now `runs`",
        "line 16: hosts.imaging-1.hardware.memory_gb is now `memory`, written as `64 GB`",
        "line 16: hosts.imaging-1.hardware.disk_gb is now `disk`, written as `8000 GB`",
        "line 19: storage.size_gb is now `size`, written as `4000 GB`",
        "line 20: gpu.memory_gb is now `memory`, written as `24 GB`",
    ]


def test_what_comes_out_loads(declare: Declare) -> None:
    spec = load(declare(text=migrate(OLD)[0], name="version-0")).spec

    assert spec.storage is not None
    assert spec.storage.size == 4000 * 10**9


@pytest.mark.parametrize("text", [SAMPLE, migrate(OLD)[0]], ids=["sample", "migrated"])
def test_a_spec_of_this_version_stays_as_it_is(text: str) -> None:
    assert migrate(text) == (text, [])


def test_windows_line_ends_stay() -> None:
    windows = OLD.replace("\n", "\r\n")

    assert migrate(windows)[0] == migrate(OLD)[0].replace("\n", "\r\n")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("spec_version: 2\n", "1:15: spec_version: this release reads version 1; install a newer "),
        ("kind: hub\n", "1:1: spec_version: is missing; a spec says `version: 0`, or "),
        ("version: 1\n", "1:10: version: there is no such version; give the one that the spec "),
        ("spec_version: 0\n", "1:15: spec_version: there is no such version; give the one that "),
        ("version: -1\n", "1:10: version: there is no such version; give the one that the spec "),
        ("version: 0\nstorage: {size_gb: 4 TB}\n", "2:20: storage.size_gb: must be a whole number"),
        ("version: 0\nhospital: {}\nsite: {}\n", "2:1: hospital: stands beside `site`, its new "),
        ("version: '0'\n", "1:10: version: must be a whole number; write it without quotes or a "),
        ("version: 0\nversion: 0\n", "2:1: version: is given twice, first on line 1; keep one"),
        ("version: [\n", "1:11: a value is missing here; check commas and brackets"),
        ("", "1:1: spec_version: is missing; a spec says `version: 0`, or `spec_version: 1` and "),
    ],
)
def test_what_cannot_be_migrated_is_placed(text: str, expected: str) -> None:
    with pytest.raises(InvalidSpec) as caught:
        migrate(text, file="old.yaml")

    assert str(caught.value).startswith(f"old.yaml:{expected}")
    assert len(caught.value.problems) == 1


def test_a_secret_is_not_carried_along() -> None:
    with pytest.raises(InvalidSpec, match="a default password stands here in clear"):
        migrate("version: 0\nname: changeme\n")
