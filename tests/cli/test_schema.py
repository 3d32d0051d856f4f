"""The schema that is printed is the one that the models make."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from cairn.spec.schema import schema

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from click.testing import Result

    Run = Callable[..., Result]


def test_the_schema_is_printed(run: Run) -> None:
    assert json.loads(run("schema").stdout) == schema()


def test_the_schema_is_written_where_editors_look(run: Run, checkout: Path) -> None:
    assert run("schema", "--write").exit_code == 0
    written = checkout / "docs" / "reference" / "node-spec.v1.json"
    assert json.loads(written.read_text()) == schema()
