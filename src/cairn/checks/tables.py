"""The YAML files of a policy folder, read as plain data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from pathlib import Path

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
#: What `content_of` raises where a file cannot be read.
UNREADABLE = (OSError, ValueError, yaml.YAMLError)


def content_of(file: Path) -> Any:  # noqa: ANN401 - whatever the YAML holds
    """Return what a file says; one of `UNREADABLE` is raised where it cannot be read."""
    return yaml.load(file.read_text(encoding="utf-8"), _LOADER)  # noqa: S506 - a safe loader
