"""From a YAML file to a `Document`, or to every problem in its way, each with a place."""

from __future__ import annotations

import difflib
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from cairn import house
from cairn.errors import InvalidSpec, Misuse, Problem
from cairn.spec import source
from cairn.spec.anchors import CLIENT_AUTHORITIES, HUB_AUTHORITY, anchors_of
from cairn.spec.consistency import addresses, report_contradictions
from cairn.spec.digest import digest_of
from cairn.spec.document import Document
from cairn.spec.federation import pinned_by
from cairn.spec.invitation import beside
from cairn.spec.secrets import report_secrets
from cairn.spec.text import decode, read_bytes
from cairn.spec.toolkit_key import toolkit_key_of
from cairn.spec.tree import Fault
from cairn.spec.validation import node_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cairn.spec.federation import FederationFile
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
    found = _read(path)
    if found.document is None:
        raise InvalidSpec(found.problems)
    return found.document


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
    found = [_read(path) for path in _specs(folder)]
    problems = [problem for one in found for problem in one.problems]
    problems.extend(_misnamed(folder))
    problems.extend(_used_by_two(found))
    if problems:
        raise InvalidSpec(sorted(set(problems)))
    return [one.document for one in found if one.document]


@dataclass(frozen=True, slots=True)
class _Found:
    """What came of one file.

    Attributes:
        document: The node, if nothing is wrong with it.
        problems: What is wrong with it.
        claims: Addresses of its hosts, each with the problem that it would be to claim it too.
    """

    document: Document | None
    problems: Sequence[Problem]
    claims: Sequence[tuple[str, Problem]] = ()


def _read(path: Path) -> _Found:
    file = str(path)
    try:
        data = read_bytes(path, file)
        tree = source.read(decode(data, file), file)
    except InvalidSpec as error:
        return _Found(None, error.problems)
    report_secrets(tree)
    node = None if tree.cut else node_of(tree)
    if tree.cut:
        return _Found(None, tree.problems())
    report_contradictions(tree)
    federation, elsewhere = _federation(tree, path.parent)
    anchors = anchors_of(tree, path.parent)
    clients = anchors_of(tree, path.parent, CLIENT_AUTHORITIES)
    above = anchors_of(tree, path.parent, HUB_AUTHORITY)
    key = toolkit_key_of(tree, path.parent)
    claims = _claims(tree)
    if node is None or tree.faults or elsewhere:
        return _Found(None, [*tree.problems(), *elsewhere], claims)
    try:
        invitation = beside(path, node.name, federation)
    except InvalidSpec as error:
        return _Found(None, error.problems, claims)
    digest = digest_of(data)
    found = Document(node, path, digest, federation, anchors, clients, key, above, invitation)
    return _Found(found, (), claims)


def _federation(tree: Tree, folder: Path) -> tuple[FederationFile | None, Sequence[Problem]]:
    try:
        return pinned_by(tree, folder), ()
    except InvalidSpec as error:
        return None, error.problems


def _claims(tree: Tree) -> list[tuple[str, Problem]]:
    message = f"{tree.file} has this address too; a machine is one host"
    return [
        (address, tree.problem(Fault(loc, tree.spot(loc), message)))
        for loc, address in addresses(tree)
    ]


def _specs(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise Misuse(f"there is no folder {folder}; name the one that the specs are in")
    return sorted(folder.glob("*.yaml"))


def _misnamed(folder: Path) -> list[Problem]:
    """Report what looks like a spec and would be passed over in silence."""
    message = "the name of a spec ends in `.yaml`; rename it"
    return [Problem(str(path), 1, 1, "", message) for path in sorted(folder.glob("*.yml"))]


def _used_by_two(found: Sequence[_Found]) -> Iterator[Problem]:
    """Report addresses that hosts of two nodes claim, at the second of them."""
    seen: dict[str, Problem] = {}
    for one in found:
        for address, claim in one.claims:
            first = seen.setdefault(address, claim)
            if first.file != claim.file:
                yield replace(claim, message=first.message)


def _from_here(folder: Path) -> Path:
    """Return a folder as a person would name it: relative if it is below the current one."""
    relative = os.path.relpath(folder)
    return folder if relative.startswith("..") else Path(relative)
