"""A tree knows where each value stands and how to call it for people."""

from __future__ import annotations

import pytest

from cairn.spec import source
from cairn.spec.tree import Loc, Place, inside

TREE = source.read(
    "hosts:\n  - name: imaging-1\n    os: debian-13\n  - os: x\n  - {name: [1]}\nempty: []\n",
    "spec",
)


@pytest.mark.parametrize(
    ("loc", "where"),
    [
        (("hosts", 0, "os"), "hosts.imaging-1.os"),
        (("hosts", 1, "os"), "hosts.2.os"),
        (("hosts", 2), "hosts.3"),
        (("hosts", 0, "gone"), "hosts.imaging-1.gone"),
        (("hosts", "not\nshown", "os"), "hosts"),
        ((), ""),
    ],
)
def test_a_path_names_items_or_counts_them_from_one(loc: Loc, where: str) -> None:
    assert TREE.where(loc) == where


def test_values_are_found_by_pattern_and_other_shapes_left_out() -> None:
    assert list(TREE.each("hosts.*.os")) == [
        (("hosts", 0, "os"), "debian-13"),
        (("hosts", 1, "os"), "x"),
    ]
    assert [value for _, value in TREE.texts("hosts.*.name")] == ["imaging-1"]
    assert list(TREE.each("empty.*.name")) == []
    assert list(TREE.each("hosts.name.os")) == []


def test_places_are_those_of_the_file() -> None:
    spot, key = TREE.spot(("hosts", 0, "os")), TREE.key_spot(("hosts", 0, "os"))

    assert (spot.start.line, spot.start.column) == (2, 8)
    assert (key.start.line, key.start.column) == (2, 4)


def test_a_place_behind_the_end_is_moved_to_the_last_text() -> None:
    assert inside(Place(9, 0, 99), ["a: [", "  b ", "", ""]) == Place(1, 3, 99)
    assert inside(Place(0, 9, 9), ["a: ["]) == Place(0, 4, 9)
