"""The model: logistic regression, a weight for each feature and one more.

It is convex, so that the average of what sites learned is a model again, and small, so that a
person can read it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from lesions.features import COUNT

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lesions.images import Part

#: Length of the vector that a model is.
SIZE: Final = COUNT + 1
STEPS: Final = 60
RATE: Final = 0.4
RIDGE: Final = 0.01
#: Steps of a model that one site learns alone, to compare with: until it no longer changes.
STEPS_ALONE: Final = 1200


@dataclass(frozen=True)
class Noise:
    """Differential privacy of one round: what a patient may change, and the noise that hides it.

    Attributes:
        steps: Steps of the round; each has its own noise.
        clip: Longest gradient of one patient.
        multiplier: Standard deviation of the noise, in units of `clip`.
    """

    steps: int
    clip: float
    multiplier: float


def fresh() -> NDArray[np.float64]:
    """Return a model that has learned nothing."""
    return np.zeros(SIZE)


def scores(weights: NDArray[np.float64], x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return log-odds of a lesion, one an image."""
    if not len(x):
        return np.zeros(0)
    return np.asarray(x @ weights[:-1] + weights[-1])


def trained(weights: NDArray[np.float64], part: Part, steps: int = STEPS) -> NDArray[np.float64]:
    """Return what is learned from a part in some steps, from these weights on."""
    for _ in range(steps):
        mean = _gradients(weights, part).mean(axis=0)
        weights = weights - RATE * (mean + _pull(weights))
    return weights


def trained_privately(
    weights: NDArray[np.float64], part: Part, noise: Noise, chance: np.random.Generator
) -> NDArray[np.float64]:
    """Return what is learned with noise that hides whether a patient was there.

    The gradients of a patient's images are added up and shortened to `noise.clip`; noise goes on
    their sum (Abadi et al. 2016, arXiv:1607.00133, without sampling, by patient).
    """
    for _ in range(noise.steps):
        each = np.zeros((int(part.patients.max()) + 1, SIZE))
        np.add.at(each, part.patients, _gradients(weights, part))
        length = np.linalg.norm(each, axis=1, keepdims=True)
        clipped = each / np.maximum(1.0, length / noise.clip)
        hidden = clipped.sum(axis=0) + chance.normal(0, noise.multiplier * noise.clip, SIZE)
        weights = weights - RATE * (hidden / part.size + _pull(weights))
    return weights


def _gradients(weights: NDArray[np.float64], part: Part) -> NDArray[np.float64]:
    """Return the gradient of each image's loss."""
    surprise = 1 / (1 + np.exp(-scores(weights, part.x))) - part.y
    return np.column_stack([part.x, np.ones(part.size)]) * surprise[:, None]


def _pull(weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the gradient of the ridge, which leaves the last weight alone."""
    return RIDGE * np.append(weights[:-1], 0.0)
