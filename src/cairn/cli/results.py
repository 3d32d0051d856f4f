"""`cairn results`: what trainings brought, each model a line."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cairn.cli.arguments import format_option

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cairn.federation.results import Figures, Row


@click.command(short_help="Compare the models that trainings made")
@click.argument(
    "folders", nargs=-1, required=True, metavar="FOLDER...",
    type=click.Path(path_type=Path, file_okay=False),
)  # fmt: skip
@format_option("json")
def results(folders: tuple[Path, ...], form: str) -> None:
    """Compare the models that trainings made.

    FOLDER holds the results of one run, as the hub keeps them. All models go into one table: those
    of single sites, and those of all together. Every figure is of test images, which no model
    learned from. Changes nothing.
    """
    from cairn.cli import screen  # noqa: PLC0415 - help needs no screen
    from cairn.federation.results import rows  # noqa: PLC0415 - nor results

    table = rows(folders)
    if form == "json":
        screen.say_json({"models": [dataclasses.asdict(row) for row in table]})
    else:
        _print(table)


def _print(table: Sequence[Row]) -> None:
    from cairn.cli import screen  # noqa: PLC0415 - help needs no screen
    from cairn.federation.results import sites  # noqa: PLC0415 - nor results

    names = sites(table)
    screen.say(
        screen.table(
            [
                (
                    row.kind,
                    ", ".join(row.learned_from),
                    *(_share(row.by_site.get(name)) for name in names),
                    _share(row.pooled),
                    "-" if row.pooled.accuracy is None else f"{row.pooled.accuracy:.3f}",
                    str(row.pooled.images),
                    row.privacy,
                )
                for row in table
            ],
            headings=(
                "model",
                "learned from",
                *(f"AUC {name}" for name in names),
                "AUC all",
                "accuracy",
                "images",
                "privacy",
            ),
        )
    )


def _share(figures: Figures | None) -> str:
    return "-" if figures is None or figures.auc is None else f"{figures.auc:.3f}"
