"""From one version of the spec to the next: renames and rewritten values, nothing else touched.

Edits are made in the text at the places that the reader gives, so comments, order, quotes and
spacing of everything else stay byte for byte.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from cairn.errors import InvalidSpec
from cairn.spec import source
from cairn.spec.node import SPEC_VERSION
from cairn.spec.secrets import report_secrets

if TYPE_CHECKING:
    from cairn.spec.tree import Loc, Spot, Tree

#: New text of a value, or `None` if it is not of the kind that the old version had.
_Rewrite: TypeAlias = Callable[[Any], str | None]


@dataclass(frozen=True, slots=True)
class _Edit:
    """Characters of the text to replace."""

    start: int
    end: int
    text: str


def migrate(text: str, *, file: str = "spec") -> tuple[str, list[str]]:
    """Rewrite a spec to the version that this release reads.

    Args:
        text: The spec, UTF-8 text without control characters.
        file: How it is called in messages.

    Returns:
        The new text, and one line for each change with its place in the old text; the same text
        and no line if the spec is of this version already.

    Raises:
        InvalidSpec: It cannot be read, has no version, is of a newer one, or is not what its
            version demands.
    """
    tree = source.read(text, file)
    report_secrets(tree)
    version = 0 if tree.cut else _version(tree)
    if tree.faults:
        raise InvalidSpec(tree.problems())
    changes: list[str] = []
    while version < SPEC_VERSION:
        text, made = _STEPS[version](tree)
        changes.extend(made)
        tree = source.read(text, file)
        version += 1
    return text, changes


def _version(tree: Tree) -> int:
    """Return the version of a spec; what is wrong with it is added to the tree's faults."""
    declared = tree.value if isinstance(tree.value, dict) else {}
    key = "spec_version" if "spec_version" in declared else "version"
    version = declared.get(key)
    if key not in declared:
        message = "is missing; a spec says `version: 0`, or `spec_version: 1` and later"
        tree.fault(("spec_version",), message)
    elif type(version) is not int:
        tree.fault((key,), "must be a whole number; write it without quotes or a point")
    elif version > SPEC_VERSION:
        message = f"this release reads version {SPEC_VERSION}; install a newer release of Cairn"
        tree.fault((key,), message)
    elif version < 0 or (version == 0) != (key == "version"):
        tree.fault((key,), "there is no such version; give the one that the spec was written for")
    return version if type(version) is int else SPEC_VERSION


def _to_version_1(tree: Tree) -> tuple[str, list[str]]:
    """Rewrite version 0, in which sizes were bare numbers of GB and a site was a hospital."""
    step = _Step(tree)
    step.rename("hosts.*.roles", "runs")
    step.rename("hospital.contacts.dpo", "data_protection")
    step.rename("hospital", "site")
    step.rename("storage.size_gb", "size", _gigabytes)
    step.rename("gpu.memory_gb", "memory", _gigabytes)
    step.rename("hosts.*.hardware.memory_gb", "memory", _gigabytes)
    step.rename("hosts.*.hardware.disk_gb", "disk", _gigabytes)
    step.rename("version", "spec_version", lambda _: "1")
    return step.done()


def _gigabytes(value: object) -> str | None:
    return f"{value} GB" if type(value) is int and value > 0 else None


class _Step:
    """Gathers the edits of one step and makes them all at once, so that places stay true."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._edits: list[_Edit] = []
        self._changes: list[tuple[int, str]] = []

    def rename(self, pattern: str, new: str, rewrite: _Rewrite | None = None) -> None:
        """Rename the key at the end of a dotted path, and rewrite its value if asked to."""
        for loc, value in list(self._tree.each(pattern)):
            key, spot = self._tree.key_spot(loc), self._tree.spot(loc)
            if new in self._tree.spot(loc[:-1]).keys:
                self._tree.fault(loc, f"stands beside `{new}`, its new name; keep one", at_key=True)
                continue
            self._replace(key, new)
            said = f"line {key.start.line + 1}: {self._tree.where(loc)} is now `{new}`"
            if rewrite:
                text = self._rewritten(loc, value, rewrite)
                self._replace(spot, text)
                said += f", written as `{text}`"
            self._changes.append((key.start.index, said))

    def done(self) -> tuple[str, list[str]]:
        """Return the new text and what was changed, in the order of the file."""
        if self._tree.faults:
            raise InvalidSpec(self._tree.problems())
        text = self._tree.text
        for edit in sorted(self._edits, key=lambda edit: edit.start, reverse=True):
            text = f"{text[: edit.start]}{edit.text}{text[edit.end :]}"
        return text, [said for _, said in sorted(self._changes)]

    def _replace(self, spot: Spot, text: str) -> None:
        self._edits.append(_Edit(spot.start.index, spot.end.index, text))

    def _rewritten(self, loc: Loc, value: object, rewrite: _Rewrite) -> str:
        text = rewrite(value)
        if text is None:
            self._tree.fault(loc, "must be a whole number of GB here; correct it first")
        return text or ""


#: How each old version becomes the next one.
_STEPS: dict[int, Callable[[Tree], tuple[str, list[str]]]] = {0: _to_version_1}
