"""What the models refuse is said in words, at its place, with a remedy."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def test_a_value_that_the_models_refuse_is_said_in_words_at_its_place(
    said: Callable[..., list[str]], faults: tuple[list[tuple[str, str]], list[str]]
) -> None:
    edits, expected = faults

    assert expected
    assert said(*edits) == expected
