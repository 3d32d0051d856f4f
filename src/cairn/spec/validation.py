"""From a tree to a node: every value that the models refuse becomes a fault with its place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from pydantic import ValidationError

from cairn.spec.node import KINDS, SPEC_VERSION, Node, Spec
from cairn.spec.tree import Fault
from cairn.spec.vocabulary import advice, closest, description, listed
from cairn.spec.wording import machine_wording, wording

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

    from cairn.spec.model import Declared
    from cairn.spec.tree import Loc, Tree

_BEGIN = f"begin with `spec_version: {SPEC_VERSION}`"


def node_of(tree: Tree) -> Spec | None:
    """Return the node that a tree declares.

    Args:
        tree: The document; what is wrong is added to its faults.

    Returns:
        The node, or `None` if anything is wrong with it.
    """
    if not isinstance(tree.value, dict):
        empty = tree.value is None
        tree.fault((), f"{'there is nothing here' if empty else 'a spec is a map'}; {_BEGIN}")
    elif _is_of_this_version(tree):
        return cast("Spec | None", _of_kind(tree))
    return None


def judge(
    tree: Tree, model: type[Declared], *, only: dict[str, Any] | None = None
) -> Declared | None:
    """Return what a tree declares.

    Args:
        tree: The document; what is wrong is added to its faults.
        model: What it should be.
        only: The part of its top level that is looked at; all if absent.
    """
    try:
        return model.model_validate(tree.value if only is None else only)
    except ValidationError as invalid:
        _Judge(tree, model).take(invalid.errors(include_input=False, include_url=False))
    return None


def _is_of_this_version(tree: Tree) -> bool:
    """Say so and nothing else if the spec is of another version: all keys may have changed."""
    version, old = tree.value.get("spec_version"), tree.value.get("version")
    if version is None and type(old) is int:
        message = f"this is the format of version {old}; run `cairn migrate`, which rewrites it"
        tree.fault(("version",), message, at_key=True)
        tree.cut = True
    if type(version) is int and version > SPEC_VERSION:
        message = f"this release reads version {SPEC_VERSION}; install a newer release of Cairn"
        tree.fault(("spec_version",), message)
        tree.cut = True
    return not tree.cut


def _of_kind(tree: Tree) -> Declared | None:
    kind = tree.value.get("kind")
    if isinstance(kind, str) and kind in KINDS:
        return judge(tree, KINDS[kind])
    loc: Loc = ("kind",)
    if "kind" in tree.value and not tree.spot(loc).spoiled:
        meant = closest(kind, KINDS) if isinstance(kind, str) else None
        use = f"did you mean `{meant}`?" if meant else f"use {listed(KINDS)}"
        tree.fault(loc, f"this is no kind of node; {use}")
    elif "kind" not in tree.value and not tree.root.gaps:
        tree.fault(loc, f"is missing; add it: {listed(KINDS)}")
    # What every kind of node has can be judged all the same.
    judge(tree, Node, only={key: tree.value[key] for key in tree.value if key in Node.model_fields})
    return None


class _Judge:
    """Turns the errors of one validation into faults."""

    def __init__(self, tree: Tree, model: type[Declared]) -> None:
        self._tree, self._model = tree, model
        self._meant: set[Loc] = set()

    def take(self, errors: list[ErrorDetails]) -> None:
        """Add a fault for each error that says something new."""
        placed = [(self._loc(error), error) for error in errors]
        failed = [loc for loc, _ in placed]
        missing = [(loc, error) for loc, error in placed if error["type"] == "missing"]
        for loc, error in placed:
            emptied = error["type"] == "too_short" and any(
                len(other) > len(loc) and other[: len(loc)] == loc for other in failed
            )
            if error["type"] != "missing" and not emptied and not self._is_spoiled(loc):
                self._say(loc, error)
        for loc, _ in missing:
            if loc not in self._meant and not self._is_spoiled(loc):
                self._say_missing(loc)

    def _say(self, loc: Loc, error: ErrorDetails) -> None:
        if error["type"] == "extra_forbidden":
            what_to_do, meant = advice(self._model, loc)
            if meant:
                self._meant.add((*loc[:-1], meant))
            self._tree.fault(loc, f"unknown key; {what_to_do}", at_key=True)
        elif error["loc"][-1] == "[key]":
            self._tree.fault(loc, wording(error, loc[-1]), at_key=True)
        elif error["loc"][-1] == "<sandbox>":
            self._tree.fault(loc, machine_wording(self._value(loc)))
        else:
            self._tree.fault(loc, wording(error, self._value(loc)))

    def _say_missing(self, loc: Loc) -> None:
        above = loc[:-1]
        if self._tree.spot(above).gaps:
            return
        message = f"is missing; add it: {description(self._model, loc)}"
        self._tree.faults.append(Fault(loc, self._tree.key_spot(above), message))

    def _loc(self, error: ErrorDetails) -> Loc:
        """Return the place in the document: the path without the tags that pydantic puts in."""
        value: Any = self._tree.value
        loc: list[str | int] = []
        for step in error["loc"]:
            known = (isinstance(value, dict) and step in value) or (
                isinstance(value, list) and isinstance(step, int) and step < len(value)
            )
            if known:
                value = value[step]
            elif error["type"] != "missing" or step != error["loc"][-1]:
                continue
            loc.append(step)
        return tuple(loc)

    def _is_spoiled(self, loc: Loc) -> bool:
        around = (loc[:depth] for depth in range(len(loc) + 1))
        return any(self._tree.spot(at).spoiled or self._tree.key_spot(at).spoiled for at in around)

    def _value(self, loc: Loc) -> Any:  # noqa: ANN401 - any YAML
        value = self._tree.value
        for step in loc:
            value = value[step]
        return value
