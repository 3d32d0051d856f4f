"""What pydantic says about a value, in words for somebody who fills in a spec.

A value is repeated only where the spec asks for one of a few words; anything else could be a
secret in the wrong place.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

from cairn.spec.types import MEANINGS
from cairn.spec.vocabulary import closest, listed

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

_SHOWABLE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,31}")
_KINDS = {dict: "a map", list: "a list", str: "text", bool: "true or false", type(None): "nothing"}
_YAML_1_1 = frozenset({"yes", "no", "on", "off", "y", "n"})
#: Most words that are listed; of more, the closest one is offered.
_MOST_WORDS = 6

_Wording: TypeAlias = Callable[[Any, dict[str, Any]], str]


def wording(error: ErrorDetails, value: Any) -> str:  # noqa: ANN401 - any YAML
    """Return what is wrong and what to do.

    Args:
        error: One of `ValidationError.errors(include_input=False)`.
        value: The value it is about.
    """
    kind, context = error["type"], error.get("ctx", {})
    if kind in _WORDINGS:
        return _WORDINGS[kind](value, context)
    if kind in _OURS:
        return error["msg"]
    return "is not valid here; see `cairn schema` for what is"


def _literal(value: Any, context: dict[str, Any]) -> str:  # noqa: ANN401
    words = re.findall(r"'([^']*)'", context["expected"])
    if isinstance(value, dict | list):
        return f"must be one word, not {_KINDS[type(value)]}; use {listed(words)}"
    if not isinstance(value, str) and str(value).lower() in words:
        return "must be text; put it in quotes"
    shown = f"`{value}`" if isinstance(value, str) and _SHOWABLE.fullmatch(value) else "this value"
    if len(words) > _MOST_WORDS:
        meant = closest(str(value), words)
        advice = f"did you mean `{meant}`?" if meant else f"use one of {listed(words)}"
        return f"{shown} is not supported; {advice}"
    return f"{shown} is not supported; use {listed(words)}"


def machine_wording(value: Any) -> str:  # noqa: ANN401
    """Return what is wrong with a `machine` that is neither a sandbox nor a map."""
    return _literal(value, {"expected": "'sandbox' '{existing: ADDRESS}'"})


def _text(value: Any, _: dict[str, Any]) -> str:  # noqa: ANN401
    if isinstance(value, dict | list):
        return f"must be text, not {_KINDS[type(value)]}; write one value"
    return "must be text; put it in quotes"


def _boolean(value: Any, _: dict[str, Any]) -> str:  # noqa: ANN401
    if isinstance(value, str) and value.lower() in _YAML_1_1:
        return f"`{value}` is only text; write true or false"
    return f"must be true or false, not {_kind(value)}; write true or false, without quotes"


def _whole(value: Any, _: dict[str, Any]) -> str:  # noqa: ANN401
    if isinstance(value, float):
        return "must be a whole number; write it without a point"
    advice = "write it without quotes or a unit" if isinstance(value, str) else "write one number"
    return f"must be a whole number, not {_kind(value)}; {advice}"


def _number(value: Any, _: dict[str, Any]) -> str:  # noqa: ANN401
    advice = "write it without quotes or a unit" if isinstance(value, str) else "write one number"
    return f"must be a number, not {_kind(value)}; {advice}"


def _list(value: Any, _: dict[str, Any]) -> str:  # noqa: ANN401
    if isinstance(value, dict):
        return "must be a list, not a map; begin each item with `- `"
    return f"must be a list, not {_kind(value)}; put it in brackets, as in `[one, two]`"


def _map(value: Any, _: dict[str, Any]) -> str:  # noqa: ANN401
    return f"must be a map of keys, not {_kind(value)}; write `key: value` lines under it"


def _kind(value: Any) -> str:  # noqa: ANN401
    return _KINDS.get(type(value), "a number")


def _pattern(value: Any, context: dict[str, Any]) -> str:  # noqa: ANN401, ARG001
    return MEANINGS[context["pattern"]]


def _plural(count: float, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


_WORDINGS: dict[str, _Wording] = {
    "literal_error": _literal,
    "string_type": _text,
    "bool_type": _boolean,
    "int_type": _whole,
    "float_type": _number,
    "tuple_type": _list,
    "dict_type": _map,
    "model_type": _map,
    "string_pattern_mismatch": _pattern,
    "string_too_short": lambda _, context: (
        f"is too short; write at least {_plural(context['min_length'], 'character')}"
    ),
    "string_too_long": lambda _, context: (
        f"is too long; write at most {_plural(context['max_length'], 'character')}"
    ),
    "too_short": lambda _, context: (
        f"has too few items; give at least {_plural(context['min_length'], 'item')}"
    ),
    "greater_than": lambda _, context: f"is too small; give more than {context['gt']:g}",
    "greater_than_equal": lambda _, context: f"is too small; give at least {context['ge']:g}",
    "less_than_equal": lambda _, context: f"is too large; give at most {context['le']:g}",
    "finite_number": lambda _, __: "must be a number that can be counted; write it in digits",
}
#: Errors that our own types raise; their message is written for people already.
_OURS = frozenset({"size", "day", "address", "network", "destination", "public_key", "certificate"})
