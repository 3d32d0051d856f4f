"""What a spec says about copies of data sets: who gets them, and whose they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cairn.spec.tree import Loc, Tree


def _copies_go_between_nodes(tree: Tree) -> None:
    own = next((name for _, name in tree.texts("name")), None)
    for pattern in ("datasets.*.copies.*.to", "datasets.*.copy_of.node"):
        for loc, name in tree.texts(pattern):
            if name == own:
                tree.fault(loc, "this is the node itself; name another one")


def _each_node_gets_one_copy(tree: Tree) -> None:
    seen: set[tuple[object, str]] = set()
    for loc, name in tree.texts("datasets.*.copies.*.to"):
        which = (loc[1], name)
        if which in seen:
            tree.fault(loc, "gets copies of this data set already; remove one")
        seen.add(which)


def _each_copy_has_one_place(tree: Tree) -> None:
    """What a node sends must have one bucket to go to."""
    seen: dict[tuple[object, object], Loc] = {}
    for loc, origin in tree.each("datasets.*.copy_of"):
        if isinstance(origin, dict):
            which = (str(origin.get("node")), str(origin.get("dataset")))
            if which in seen:
                line = tree.spot(seen[which]).start.line + 1
                tree.fault(loc, f"copies of this are held already, see line {line}; remove one")
            seen.setdefault(which, loc)


COPY_QUESTIONS = (
    _copies_go_between_nodes,
    _each_node_gets_one_copy,
    _each_copy_has_one_place,
)
