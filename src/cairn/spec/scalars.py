"""What a plain scalar means: the core schema of YAML 1.2 (section 10.3.2), nothing of YAML 1.1.

So `NO` is the text NO, `yes` is text, a date is text, `0o17` is fifteen and `017` is seventeen.
"""

from __future__ import annotations

import re

#: What stands for a scalar that no number type takes: more digits than anything in a spec has.
MOST_DIGITS = 40

_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_TRUES = frozenset({"true", "True", "TRUE"})
_FALSES = frozenset({"false", "False", "FALSE"})
_SUSPECTS = frozenset("0123456789+-.tTfFnN~")
_INT = re.compile(r"[-+]?[0-9]+")
_OTHER_INT = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_SPECIAL = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")


def resolve(text: str) -> str | int | float | bool | None:
    """Return the value of a plain scalar.

    Raises:
        ValueError: The number has more than `MOST_DIGITS` characters.
    """
    if text and text[0] not in _SUSPECTS:
        return text
    if text in _NULLS:
        return None
    if text in _TRUES or text in _FALSES:
        return text in _TRUES
    return _number(text)


def _number(text: str) -> str | int | float:
    other = _OTHER_INT.fullmatch(text)
    if _FLOAT.fullmatch(text) is None and other is None:
        return float(text.replace(".", "", 1)) if _SPECIAL.fullmatch(text) else text
    if len(text) > MOST_DIGITS:
        raise ValueError("too many digits")
    if other:
        return int(text, 0)
    return int(text) if _INT.fullmatch(text) else float(text)
