"""Results of trainings, read from the folders that applications write, as rows of one table."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from cairn.errors import Misuse

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

FORMAT: Final = "cairn-results/1"
FILE: Final = "metrics.json"
#: Kinds of model in the order in which they are compared.
KINDS: Final = ("single", "federated", "hybrid", "central")


@dataclass(frozen=True, slots=True)
class Figures:
    """How good a model is on some test images; None where it cannot be said.

    Attributes:
        images: How many images.
        sick: How many of them show what is looked for.
        auc: Area under the curve.
        accuracy: Share of right answers.
    """

    images: int
    sick: int
    auc: float | None
    accuracy: float | None


@dataclass(frozen=True, slots=True)
class Row:
    """One model of the table.

    Attributes:
        kind: One of `KINDS`.
        learned_from: The sites it learned from.
        by_site: How good it is at each site.
        pooled: How good it is on the test images of all sites.
        privacy: What protected the models of sites on their way.
    """

    kind: str
    learned_from: tuple[str, ...]
    by_site: Mapping[str, Figures]
    pooled: Figures
    privacy: str


def rows(folders: Iterable[Path]) -> list[Row]:
    """Return the models in some folders of results: single sites first, then all together.

    Raises:
        Misuse: A folder holds no result, or one that cannot be read.
    """
    found = [row for folder in folders for row in _of_file(_place(folder))]
    unique = {(row.kind, row.learned_from, row.privacy): row for row in found}
    return sorted(unique.values(), key=lambda row: (KINDS.index(row.kind), row.learned_from))


def sites(table: Iterable[Row]) -> list[str]:
    """Return the sites that any model of a table was tested at."""
    return sorted({name for row in table for name in row.by_site})


def _place(folder: Path) -> Path:
    """Return the file of figures in a folder, or in the one folder of a run below it."""
    if (folder / FILE).is_file():
        return folder / FILE
    below = sorted(folder.glob(f"*/{FILE}"))
    if len(below) != 1:
        raise Misuse(
            f"{folder} has {'no' if not below else 'more than one'} {FILE}; "
            "name the folder of one run"
        )
    return below[0]


def _of_file(path: Path) -> list[Row]:
    try:
        told = json.loads(path.read_bytes())
        if told["format"] != FORMAT:
            raise Misuse(f"{path} is of format {told['format']}, not {FORMAT}; update Cairn")
        privacy = str(told["settings"]["privacy"])
        return [_row(model, privacy) for model in told["models"] if model["pooled"]]
    except (ValueError, KeyError, TypeError, AttributeError):
        raise Misuse(f"{path} cannot be read as a result; take it anew from the hub") from None


def _row(model: dict[str, Any], privacy: str) -> Row:
    by_site = {str(name): _figures(told) for name, told in model["by_site"].items()}
    kind, learned = str(model["kind"]), tuple(map(str, model["learned_from"]))
    if kind not in KINDS:
        raise ValueError(kind)
    return Row(kind, learned, by_site, _figures(model["pooled"]), privacy)


def _figures(told: dict[str, Any]) -> Figures:
    auc, accuracy = (
        None if told[name] is None else float(told[name]) for name in ("auc", "accuracy")
    )
    return Figures(int(told["images"]), int(told["sick"]), auc, accuracy)
