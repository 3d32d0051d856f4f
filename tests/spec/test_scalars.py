"""Plain scalars mean what YAML 1.2 says, not what YAML 1.1 said."""

from __future__ import annotations

import math

import pytest

from cairn.spec.scalars import resolve


@pytest.mark.parametrize("text", ["NO", "no", "yes", "on", "off", "y", "2027-03-31", "12:30:45",
                                  "1_000", "0b11", "+", "-", ".", "1.2.3", "0o8", "nUll", "tRue",
                                  "570.86.1", "4 TiB", "e3", "٣"])  # fmt: skip
def test_what_only_yaml_1_1_read_otherwise_is_text(text: str) -> None:
    assert resolve(text) == text


@pytest.mark.parametrize(
    ("text", "value"),
    [("7", 7), ("-7", -7), ("+7", 7), ("017", 17), ("0o17", 15), ("0x1F", 31), ("1.5", 1.5),
     (".5", 0.5), ("5.", 5.0), ("1e3", 1000.0), ("-1.5E-3", -0.0015)],
)  # fmt: skip
def test_numbers_are_numbers(text: str, value: float) -> None:
    found = resolve(text)

    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize("text", ["", "~", "null", "Null", "NULL"])
def test_nothing_is_none(text: str) -> None:
    assert resolve(text) is None


@pytest.mark.parametrize("text", ["true", "True", "TRUE", "false", "False", "FALSE"])
def test_booleans_are_true_and_false_alone(text: str) -> None:
    assert resolve(text) is (text.lower() == "true")


def test_infinity_and_no_number_are_floats() -> None:
    assert resolve("-.inf") == -math.inf
    assert math.isnan(float(resolve(".nan") or 0))


def test_a_number_of_many_digits_is_an_error() -> None:
    with pytest.raises(ValueError, match="too many digits"):
        resolve("9" * 5000)
