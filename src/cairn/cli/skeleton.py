"""The text of a new spec: a commented skeleton of its kind with the answers filled in."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

import jinja2

from cairn import house
from cairn.errors import Misuse
from cairn.spec.roles import ROLES

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def text(kind: str, answers: Mapping[str, str]) -> str:
    """Return the spec of a new node.

    Args:
        kind: `data-provider`, `hub` or `compute`.
        answers: What the skeleton leaves open; each is quoted where YAML needs it.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(house.root() / "templates"),
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # noqa: S701 - what comes out is YAML, not HTML
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    # Every JSON string is a YAML 1.2 double-quoted one.
    environment.filters["quoted"] = lambda value: json.dumps(value, ensure_ascii=False)
    roles = [name for name, entry in ROLES.items() if kind in entry.kinds]
    template = environment.get_template(f"new/{kind}.yaml.j2")
    return template.render({**answers, "kind": kind, "roles": roles})


def federation_file(folder: Path, named: str | None) -> Path:
    """Return the federation file that a new node is pinned to: the one named, or the only one.

    Raises:
        Misuse: There is none, or more than one and none is named.
    """
    found = [folder / named] if named else sorted(folder.glob("*.federation.json"))
    if len(found) > 1:
        names = ", ".join(path.name for path in found)
        raise Misuse(f"there are several federation files ({names}); name one with --federation")
    if not found or not found[0].is_file():
        what = f"{folder / named} is missing" if named else f"{folder} has no *.federation.json"
        raise Misuse(f"{what}; put the file there that the hub publishes")
    return found[0]


def fingerprint(path: Path) -> str:
    """Return the SHA-256 of a file's bytes as a spec pins it (`sha256:` and 64 hex digits)."""
    return f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}"
