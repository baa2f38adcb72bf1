"""Whether an integral has seen the peaks that were climbed: one that has not may not say that it converged."""

import numpy as np
from jaxtyping import Float
from scipy.stats import chi2

MISSED = 1.0
"""Most that a climbed peak may rise, in ln, above everything that nodes or draws have seen."""
_CHANCE = 1e-6


def unseen(highest: float, peaks: Float[np.ndarray, " peaks"], allowance: float = 0.0) -> str:
    """Return a sentence for the status, or "" where everything climbed was seen.

    Parameters
    ----------
    highest
        Ln of the largest density at any node or draw.
    peaks
        Ln of the density at the peaks.
    allowance
        What draws miss of a peak by chance: see `by_chance`.
    """
    known = peaks[np.isfinite(peaks)]
    rise = float(known.max() - highest) if known.size else -np.inf
    if rise <= MISSED + allowance:
        return ""
    return f"not converged: a peak that was climbed rises {rise:.2g} in ln p above everything that was seen here; "


def by_chance(dimensions: int, draws: float) -> float:
    """How far below a peak the highest of so many draws of a normal density lies, but for a chance of one in a million.

    Twice the drop is a chi^2 of as many degrees of freedom as there are dimensions.
    """
    return 0.5 * float(chi2.ppf(-np.expm1(np.log(_CHANCE) / max(draws, 1.0)), dimensions))
