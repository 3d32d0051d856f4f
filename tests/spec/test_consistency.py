"""Parts of a spec that contradict each other are named, each at its place."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def test_a_contradiction_is_named_at_its_place(
    said: Callable[..., list[str]], faults: tuple[list[tuple[str, str]], list[str]]
) -> None:
    edits, expected = faults

    assert expected
    assert said(*edits) == expected
