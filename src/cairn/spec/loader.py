"""From a YAML file to a `Document`, or to every problem in its way, each with a place."""

from __future__ import annotations

import difflib
import os
from pathlib import Path
from typing import TYPE_CHECKING

from cairn import house
from cairn.errors import InvalidSpec, Misuse, Problem
from cairn.spec import source
from cairn.spec.anchors import anchors_of
from cairn.spec.consistency import addresses, report_contradictions
from cairn.spec.digest import digest_of
from cairn.spec.document import Document
from cairn.spec.federation import pinned_by
from cairn.spec.secrets import report_secrets
from cairn.spec.text import decode, read_bytes
from cairn.spec.validation import node_of

if TYPE_CHECKING:
    from cairn.spec.tree import Tree


def load(path: Path) -> Document:
    """Load one spec.

    Args:
        path: The YAML file; messages name it as given.

    Returns:
        The node, with the files that it names.

    Raises:
        InvalidSpec: Something is wrong, with every problem of the spec and of its federation file.
    """
    return _loaded(path)[0]


def load_node(name: str, *, folder: Path | None = None) -> Document:
    """Load the spec of a node.

    Args:
        name: Name of the node.
        folder: Folder of the specs; `nodes/` of the checkout if absent.

    Raises:
        InvalidSpec: Something is wrong with the spec.
        Misuse: There is no such node.
    """
    place = _from_here(folder or house.root() / "nodes")
    names = [path.stem for path in _specs(place)]
    if name not in names:
        meant = difflib.get_close_matches(name, names, n=1)
        known = f"known are {', '.join(names)}" if names else "`cairn new` makes one"
        advice = f"did you mean `{meant[0]}`?" if meant else known
        raise Misuse(f"there is no node of that name in {place}; {advice}")
    return load(place / f"{name}.yaml")


def load_all(folder: Path) -> list[Document]:
    """Load every spec of a folder, sorted by name.

    Raises:
        InvalidSpec: Something is wrong, with the problems of all files.
        Misuse: There is no such folder.
    """
    documents: list[Document] = []
    problems: list[Problem] = []
    trees: list[Tree] = []
    for path in _specs(folder):
        try:
            document, tree = _loaded(path)
        except InvalidSpec as error:
            problems.extend(error.problems)
        else:
            documents.append(document)
            trees.append(tree)
    problems.extend(_misnamed(folder))
    problems.extend(_used_by_two(trees))
    if problems:
        raise InvalidSpec(sorted(set(problems)))
    return documents


def _loaded(path: Path) -> tuple[Document, Tree]:
    data = read_bytes(path, str(path))
    tree = source.read(decode(data, str(path)), str(path))
    report_secrets(tree)
    node = None if tree.cut else node_of(tree)
    if tree.cut:
        raise InvalidSpec(tree.problems())
    report_contradictions(tree)
    federation, elsewhere = None, []
    try:
        federation = pinned_by(tree, path.parent)
    except InvalidSpec as error:
        elsewhere = list(error.problems)
    anchors = anchors_of(tree, path.parent)
    if node is None or tree.faults or elsewhere:
        raise InvalidSpec([*tree.problems(), *elsewhere])
    return Document(node, path, digest_of(data), federation, anchors), tree


def _specs(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise Misuse(f"there is no folder {folder}; name the one that the specs are in")
    return sorted(folder.glob("*.yaml"))


def _misnamed(folder: Path) -> list[Problem]:
    """Report what looks like a spec and would be passed over in silence."""
    message = "the name of a spec ends in `.yaml`; rename it"
    return [Problem(str(path), 1, 1, "", message) for path in sorted(folder.glob("*.yml"))]


def _used_by_two(trees: list[Tree]) -> list[Problem]:
    """Report addresses that hosts of two nodes claim."""
    seen: dict[str, Tree] = {}
    problems: list[Problem] = []
    for tree in trees:
        tree.faults.clear()
        for loc, address in addresses(tree):
            first = seen.setdefault(address, tree)
            if first is not tree:
                tree.fault(loc, f"{first.file} has this address too; a machine is one host")
        problems.extend(tree.problems())
    return problems


def _from_here(folder: Path) -> Path:
    """Return a folder as a person would name it: relative if it is below the current one."""
    relative = os.path.relpath(folder)
    return folder if relative.startswith("..") else Path(relative)
