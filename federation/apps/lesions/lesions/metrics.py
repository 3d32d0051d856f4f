"""How good a model is, from counts of scores that sites can share.

A site counts its test images by label and by bin of the log-odds. From such counts, added up over
sites, follow the area under the curve and all shares at the threshold; no score of a patient is
told.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

#: Bins of log-odds; zero, where a lesion is as likely as none, is an edge.
EDGES: Final = np.linspace(-6, 6, 49)
BINS: Final = len(EDGES) + 1
_FIRST_POSITIVE: Final = BINS // 2


def counts(scores: NDArray[np.float64], y: NDArray[np.float64]) -> list[int]:
    """Return how many images are in each bin: those without a lesion, then those with one."""
    bins = np.searchsorted(EDGES, scores, side="right")
    parts = [np.bincount(bins[y == label], minlength=BINS) for label in (0.0, 1.0)]
    return [int(count) for part in parts for count in part]


def summed(parts: Sequence[Sequence[int]]) -> list[int]:
    """Return the counts of several sites together."""
    return [sum(column) for column in zip(*parts, strict=True)]


def figures(counted: Sequence[int]) -> dict[str, Any]:
    """Return what follows from counts; None where a share of nothing is asked for."""
    well, sick = np.array(counted[:BINS]), np.array(counted[BINS:])
    hits, rights = int(sick[_FIRST_POSITIVE:].sum()), int(well[:_FIRST_POSITIVE].sum())
    return {
        "images": int(well.sum() + sick.sum()),
        "sick": int(sick.sum()),
        "auc": _area(well, sick),
        "accuracy": _share(hits + rights, int(well.sum() + sick.sum())),
        "sensitivity": _share(hits, int(sick.sum())),
        "specificity": _share(rights, int(well.sum())),
    }


def _area(well: NDArray[np.int64], sick: NDArray[np.int64]) -> float | None:
    """Return the chance that a sick image scores above a well one; a shared bin counts half."""
    below = np.cumsum(well) - well
    return _share(float((sick * (below + well / 2)).sum()), int(well.sum()) * int(sick.sum()))


def _share(some: float, every: int) -> float | None:
    return round(some / every, 6) if every else None
