"""The site's own certificate authorities: the files that `network.trust_anchors` names."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import TYPE_CHECKING

from cairn.errors import InvalidSpec
from cairn.spec.certificates import fault_of_authority
from cairn.spec.text import read

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cairn.spec.tree import Tree


def anchors_of(tree: Tree, folder: Path) -> Mapping[str, str]:
    """Read the trust anchors that a spec names.

    Args:
        tree: The spec; what is wrong is added to its faults.
        folder: Folder of the spec.

    Returns:
        PEM text by the stem of the file name.
    """
    found: dict[str, str] = {}
    for loc, named in tree.texts("network.trust_anchors.*"):
        stem = PurePosixPath(named).stem
        try:
            _, pem = read(folder / named, named)
        except InvalidSpec as error:
            tree.fault(loc, error.problems[0].message)
            continue
        fault = fault_of_authority(pem)
        if fault:
            tree.fault(loc, fault)
        elif stem in found:
            tree.fault(loc, f"another file is called `{stem}` too; rename one of them")
        found.setdefault(stem, pem)
    return MappingProxyType(found)
