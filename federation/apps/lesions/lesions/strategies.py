"""How models of sites become one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from lesions.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    Models = Sequence[tuple[NDArray[np.float64], int]]

#: Share of sites whose value is left out at either end by `trimmed`, rounded down.
TRIM: Final = 0.2


def fedavg(models: Models) -> NDArray[np.float64]:
    """Return the mean, each model by the number of its images (arXiv:1602.05629)."""
    weights = [weight for _, weight in models]
    return np.asarray(np.average(_stacked(models), axis=0, weights=weights))


def median(models: Models) -> NDArray[np.float64]:
    """Return the median of each weight, whatever numbers sites claim (arXiv:1803.01498)."""
    return np.asarray(np.median(_stacked(models), axis=0))


def trimmed(models: Models) -> NDArray[np.float64]:
    """Return the mean of each weight without the least and greatest ones (arXiv:1803.01498).

    At least one at either end is left out as soon as there are three sites.
    """
    values = np.sort(_stacked(models), axis=0)
    out = int(TRIM * len(models))
    if not out and len(models) > 2:  # noqa: PLR2004 - two have no middle
        out = 1
    return np.asarray(values[out : len(models) - out].mean(axis=0))


STRATEGIES: Final[dict[str, Callable[[Models], NDArray[np.float64]]]] = {
    "fedavg": fedavg,
    "median": median,
    "trimmed": trimmed,
}


def strategy(name: str) -> Callable[[Models], NDArray[np.float64]]:
    """Return a strategy by its name.

    Raises:
        Refused: There is none of that name.
    """
    if name not in STRATEGIES:
        raise Refused(f"no strategy `{name}`; there are {', '.join(STRATEGIES)}")
    return STRATEGIES[name]


def _stacked(models: Models) -> NDArray[np.float64]:
    return np.stack([values for values, _ in models])
