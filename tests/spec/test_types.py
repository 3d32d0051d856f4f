"""Every constraint of the models is explained to the person who runs into it."""

from __future__ import annotations

import json
import re

import pytest
from pydantic import TypeAdapter, ValidationError

from cairn.spec.schema import schema
from cairn.spec.types import MEANINGS, Day, Destination, Network, Size

#: Patterns whose types raise a message of their own.
OWN_WORDS = {r"^[0-9]{1,6}(\.[0-9]{1,3})? ?[KMGTP]i?B$", r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"}


def test_every_pattern_has_a_sentence_with_a_remedy() -> None:
    patterns = set(re.findall(r'"pattern": ("(?:[^"\\]|\\.)*")', json.dumps(schema())))

    assert {json.loads(pattern) for pattern in patterns} - OWN_WORDS <= set(MEANINGS)
    assert all(re.fullmatch(r"is no [^;]+; [^;]+", meaning) for meaning in MEANINGS.values())


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("4 TiB", 4 * 1024**4),
        ("500 GB", 500 * 10**9),
        ("1.5 GiB", 1610612736),
        ("64MB", 64 * 10**6),
    ],
)
def test_a_size_is_bytes(text: str, size: int) -> None:
    assert TypeAdapter(Size).validate_python(text) == size


@pytest.mark.parametrize("value", ["4", "4 tib", "-4 GB", "1e3 GB", "٤ GB", "9999999 GB", 4, None])
def test_what_is_no_size_is_refused(value: object) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Size).validate_python(value)


@pytest.mark.parametrize("value", [86400, "86400", "2027-03-31T00:00", "2027-3-1", "٢٠٢٧-٠٣-٣١"])
def test_a_day_is_never_a_number_or_a_time(value: object) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Day).validate_python(value)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("hub.demo.example", "hub.demo.example"),
        ("192.0.2.7/32", "192.0.2.7"),
        ("192.0.2.0/28", "192.0.2.0/28"),
        ("2001:db8:0::1", "2001:db8::1"),
    ],
)
def test_a_destination_has_one_notation(text: str, meant: str) -> None:
    assert TypeAdapter(Destination).validate_python(text) == meant


@pytest.mark.parametrize("text", ["*.example", "hub", "Hub.example", "192.0.2.1/24", "a.b\n", ""])
def test_what_is_no_destination_is_refused(text: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Destination).validate_python(text)


def test_a_network_is_written_with_its_prefix() -> None:
    assert TypeAdapter(Network).validate_python("10.0.0.0/255.255.255.0") == "10.0.0.0/24"
