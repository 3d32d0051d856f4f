"""`cairn schema`: the JSON Schema of a spec, for editors and other programs."""

from __future__ import annotations

import json

import click


@click.command(short_help="Print the JSON Schema of a spec")
@click.option("--write", is_flag=True, help="Write it to docs/reference/, where editors look.")
def schema(*, write: bool) -> None:
    """Print the JSON Schema of a spec.

    Made from the models that the loader uses, so it cannot differ from them. Changes nothing but
    the committed copy, and that only with --write.
    """
    from cairn import house  # noqa: PLC0415 - help needs none of it
    from cairn.cli import screen  # noqa: PLC0415
    from cairn.spec.node import SPEC_VERSION  # noqa: PLC0415
    from cairn.spec.schema import schema as made  # noqa: PLC0415

    if not write:
        screen.say_json(made())
        return
    path = house.root() / "docs" / "reference" / f"node-spec.v{SPEC_VERSION}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(made(), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    screen.tell(f"Wrote {path.relative_to(house.root())}")
