"""Values survive the wire, unknown and secret ones included."""

from __future__ import annotations

from typing import Any

import pytest
from google.protobuf import struct_pb2
from hypothesis import given
from hypothesis import strategies as st
from pulumi.runtime import rpc

from cairn.provider import wire
from cairn.provider.wire import UNKNOWN, Secret

_LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.text().filter(lambda text: text not in {rpc.UNKNOWN, rpc._special_sig_key})
    | st.just(UNKNOWN)
)
_KEYS = st.text(max_size=8).filter(lambda text: text != rpc._special_sig_key)
_VALUES = st.recursive(
    _LEAVES,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(_KEYS, inner, max_size=4) | inner.map(Secret)
    ),
    max_leaves=12,
)


@given(st.dictionaries(_KEYS, _VALUES, max_size=4))
def test_every_value_comes_back_as_it_went(values: dict[str, Any]) -> None:
    there = wire.dump(values).SerializeToString()
    assert wire.load(struct_pb2.Struct.FromString(there)) == values


def test_a_secret_never_shows_itself() -> None:
    assert "hunter2" not in repr({"a": Secret("hunter2")})


def test_an_output_value_is_known_unknown_or_secret() -> None:
    def output(**fields: Any) -> struct_pb2.Struct:  # noqa: ANN401 - any value
        return wire.dump({"o": {rpc._special_sig_key: rpc._special_output_value_sig, **fields}})

    assert wire.load(output(value="x")) == {"o": "x"}
    assert wire.load(output()) == {"o": UNKNOWN}
    assert wire.load(output(value="x", secret=True)) == {"o": Secret("x")}


@pytest.mark.parametrize("signature", [rpc._special_asset_sig, rpc._special_resource_sig])
def test_assets_and_references_are_refused(signature: str) -> None:
    message = wire.dump({"a": {rpc._special_sig_key: signature, "text": "x"}})
    with pytest.raises(ValueError, match="are not taken"):
        wire.load(message)


def test_a_number_that_would_lose_digits_is_refused() -> None:
    with pytest.raises(ValueError, match="too large"):
        wire.dump({"n": 2**53 + 1})


def test_whole_numbers_are_integers_again() -> None:
    assert repr(wire.load(wire.dump({"n": 443}))["n"]) == "443"


def test_unknown_and_secret_values_are_found_however_deep() -> None:
    value = {"a": [1, {"b": Secret([UNKNOWN, "x"])}]}
    assert wire.has_unknown(value)
    assert wire.has_secret(value)
    assert wire.secret_texts(value) == ["x"]
    assert wire.plain(value) == {"a": [1, {"b": [UNKNOWN, "x"]}]}


def test_a_plain_value_is_neither_unknown_nor_secret() -> None:
    assert not wire.has_unknown({"a": [1, "x"]})
    assert not wire.has_secret({"a": [1, "x"]})
