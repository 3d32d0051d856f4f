"""What a classifier looks at: how much the brightest and darkest spots of each size stand out.

Differences of Gaussians at four sizes answer to round things of that size and not to slow changes
of density. Each answer is divided by the noise of its own image, so that scanners can be compared,
and by constants found on noise, so that no statistics of patients have to be shared first.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: Standard deviations of the Gaussians in pixels of the grid; the first difference is noise.
SIGMAS: Final = (0.6, 1.0, 1.7, 2.9, 5.0, 8.5)
#: Images are averaged down to about this many pixels a side.
GRID: Final = 64
#: A pixel counts where this share of what is around it is tissue.
INSIDE: Final = 0.9
#: Hounsfield units of soft tissue; air, fat and bone are outside.
TISSUE_HU: Final = (-150.0, 250.0)
#: Median and spread of each answer in a thousand images of noise alone, by size.
CENTRE: Final = (3.05, 1.73, 1.05, 0.67)
WIDTH: Final = (2.0, 1.4, 1.2, 1.0)
#: Answers are bounded, so that one odd image cannot pull a model far.
BOUND: Final = 3.0
COUNT: Final = 2 * len(CENTRE)


def features(pixels: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the features of one image, bright spots by size and then dark ones.

    Args:
        pixels: Hounsfield units, rows by columns.
    """
    grid = _averaged(pixels)
    low, high = TISSUE_HU
    soft = _smoothed(grid, (1.0,))[0]
    tissue = ((soft > low) & (soft < high)).astype(float)
    inside = (_smoothed(tissue, (2.0,))[0] > INSIDE) & (tissue > 0)
    if not inside.any():
        return np.zeros(COUNT)
    # Only tissue has weight, so that edges of bone and air are no spots.
    weights = _smoothed(tissue, SIGMAS)
    levels = [
        value / np.maximum(weight, 1e-3)
        for value, weight in zip(_smoothed(tissue * grid, SIGMAS), weights, strict=True)
    ]
    spots = [(fine - coarse)[inside] for fine, coarse in pairwise(levels)]
    noise = float(np.median(np.abs(spots[0]))) + 1e-6
    found = [spot.max() for spot in spots[1:]] + [-spot.min() for spot in spots[1:]]
    scaled = (np.array(found) / noise - np.tile(CENTRE, 2)) / np.tile(WIDTH, 2)
    return np.asarray(np.clip(scaled, -BOUND, BOUND))


def _smoothed(image: NDArray[np.float64], sigmas: tuple[float, ...]) -> list[NDArray[np.float64]]:
    """Convolve with Gaussians by the Fourier transform; beyond its edge an image is mirrored."""
    rows, columns = image.shape
    mirrored = np.pad(image, ((0, rows), (0, columns)), mode="symmetric")
    spectrum = np.fft.rfft2(mirrored)
    high, wide = np.fft.fftfreq(2 * rows) ** 2, np.fft.rfftfreq(2 * columns) ** 2
    passed = [np.exp(-2 * (np.pi * s) ** 2 * np.add.outer(high, wide)) for s in sigmas]
    return [np.fft.irfft2(spectrum * p, mirrored.shape)[:rows, :columns] for p in passed]


def _averaged(pixels: NDArray[np.float64]) -> NDArray[np.float64]:
    """Average blocks of pixels, so that the longer side is about `GRID`."""
    step = max(1, max(pixels.shape) // GRID)
    rows, columns = (side // step * step for side in pixels.shape)
    blocks = pixels[:rows, :columns].reshape(rows // step, step, columns // step, step)
    return np.asarray(blocks.mean(axis=(1, 3)))
