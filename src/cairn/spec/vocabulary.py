"""The keys a spec knows, where each belongs, and which one a mistyped key was meant to be."""

from __future__ import annotations

import difflib
from functools import cache
from typing import TYPE_CHECKING, Any, cast, get_args

from cairn.spec.docstrings import docstrings
from cairn.spec.model import Declared
from cairn.spec.node import KINDS

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Iterator

    from cairn.spec.tree import Loc

#: How alike two words must be (0 to 1) before one is offered for the other.
_ALIKE = 0.7
#: Places that are named when a key belongs elsewhere; more would not help anybody.
_MOST_PLACES = 2
#: Keys of a map that are all named; of more, nobody reads the list.
_MOST_KEYS = 8


def closest(word: str, words: Iterable[str]) -> str | None:
    """Return the word that was probably meant, if one is alike enough."""
    found = difflib.get_close_matches(word, list(words), n=1, cutoff=_ALIKE)
    return found[0] if found else None


def listed(words: Iterable[str], *, word: str = "or") -> str:
    """Return words as people list them: `a, b or c`."""
    *most, last = words
    return f"{', '.join(most)} {word} {last}" if most else last


def model_at(model: type[Declared], loc: Loc) -> type[Declared] | None:
    """Return the model of the map at `loc`, or `None` where the models know no map."""
    found: type[Declared] | None = model
    for step in loc:
        if isinstance(step, int):
            continue
        field = found.model_fields.get(step) if found else None
        found = _nested(cast("Hashable", field.annotation)) if field else None
    return found


def description(model: type[Declared], loc: Loc) -> str:
    """Return what the models say about the key at the end of `loc`, without its full stop."""
    above = model_at(model, loc[:-1])
    return docstrings(above).get(str(loc[-1]), "").rstrip(".") if above else ""


def advice(model: type[Declared], loc: Loc) -> tuple[str, str | None]:
    """Return what to do about the unknown key at the end of `loc`.

    Args:
        model: The model of the whole spec.
        loc: Where the key stands.

    Returns:
        The advice, and the key that was probably meant, if it is one of the same map.
    """
    key, here = str(loc[-1]), model_at(model, loc[:-1])
    valid = list(here.model_fields) if here else []
    meant = closest(key.lower().replace("-", "_"), valid)
    if meant:
        return f"did you mean `{meant}`?", meant
    places = _places().get(key, {})
    own = [place for place, kinds in places.items() if _kind(model) in kinds]
    if own and len(own) <= _MOST_PLACES:
        shown = (f"under `{place}`" if place else "at the top" for place in own)
        return f"it belongs {listed(shown)}", None
    if places and not own:
        kinds = sorted({kind for kinds in places.values() for kind in kinds})
        return f"only a node of kind {listed(kinds)} has it", None
    if len(valid) > _MOST_KEYS:
        return "see `cairn schema` for the keys that are known here", None
    return f"known here: {', '.join(valid)}" if valid else "remove it", None


def _kind(model: type[Declared]) -> str:
    return next((kind for kind, known in KINDS.items() if known is model), "")


@cache
def _nested(annotation: Any) -> type[Declared] | None:  # noqa: ANN401 - any type expression
    if isinstance(annotation, type) and issubclass(annotation, Declared):
        return annotation
    inner = (_nested(part) for part in get_args(annotation))
    return next((model for model in inner if model), None)


@cache
def _places() -> dict[str, dict[str, set[str]]]:
    """Return for each key the paths of the maps that know it, and the kinds of node they are in."""
    places: dict[str, dict[str, set[str]]] = {}
    for kind, model in KINDS.items():
        for key, path in _keys(model, ""):
            places.setdefault(key, {}).setdefault(path, set()).add(kind)
    return places


def _keys(model: type[Declared], path: str) -> Iterator[tuple[str, str]]:
    for key, field in model.model_fields.items():
        yield key, path
        inner = _nested(cast("Hashable", field.annotation))
        if inner:
            yield from _keys(inner, f"{path}.{key}" if path else key)
