"""`cairn schema`: the JSON Schema of a spec, for editors and other programs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Mapping


@click.command(short_help="Print the JSON Schema of a spec")
@click.option("--write", is_flag=True, help="Write it to docs/reference/, where editors look.")
def schema(*, write: bool) -> None:
    """Print the JSON Schema of a spec.

    Made from the models that the loader uses, so it cannot differ from them. Changes nothing but
    the committed copy, and that of reports beside it, and only with --write.
    """
    from cairn.cli import screen  # noqa: PLC0415 - help needs none of it
    from cairn.evidence import schema as report  # noqa: PLC0415
    from cairn.spec.node import SPEC_VERSION  # noqa: PLC0415
    from cairn.spec.schema import schema as made  # noqa: PLC0415

    if not write:
        screen.say_json(made())
        return
    _write(f"docs/reference/node-spec.v{SPEC_VERSION}.json", made())
    _write(report.PAGE, report.schema())


def _write(page: str, content: Mapping[str, Any]) -> None:
    from cairn import house  # noqa: PLC0415 - help needs none of it
    from cairn.cli import screen  # noqa: PLC0415

    path = house.root() / page
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    screen.tell(f"Wrote {page}")
