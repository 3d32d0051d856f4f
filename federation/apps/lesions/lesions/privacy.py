"""How much noise differential privacy asks for.

Zero-concentrated privacy (Bun and Steinke 2016, arXiv:1605.02635): T steps, each with noise of s
times the most that one patient can change, cost rho = T / (2 s^2), and rho gives
epsilon = rho + 2 sqrt(rho ln(1/delta)).
"""

from __future__ import annotations

import math
from typing import Final

from lesions.errors import Refused
from lesions.model import Noise

#: Fewer steps than without noise, because each of them costs.
STEPS: Final = 12
CLIP: Final = 1.0
#: Above this the promise is worth nothing.
GREATEST_EPSILON: Final = 50.0


def noise(epsilon: float, delta: float, rounds: int) -> Noise:
    """Return the noise of each round of a run.

    Args:
        epsilon: What the whole run may cost.
        delta: How likely the promise may fail.
        rounds: Rounds of the run.

    Raises:
        Refused: The figures promise nothing.
    """
    if not 0 < epsilon <= GREATEST_EPSILON or not 0 < delta < 1e-2 or rounds < 1:  # noqa: PLR2004
        raise Refused(
            f"epsilon {epsilon} with delta {delta} is no protection; "
            f"epsilon is above 0 and at most {GREATEST_EPSILON:g}, delta below 0.01"
        )
    log = math.log(1 / delta)
    rho = (math.sqrt(log + epsilon) - math.sqrt(log)) ** 2
    return Noise(STEPS, CLIP, math.sqrt(rounds * STEPS / (2 * rho)))


def spent(multiplier: float, steps: int, delta: float) -> float:
    """Return the epsilon that some steps with noise cost."""
    rho = steps / (2 * multiplier**2)
    return rho + 2 * math.sqrt(rho * math.log(1 / delta))
