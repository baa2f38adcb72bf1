"""Where a density on a line is highest: intervals that hold a given probability, as few and as short as can be.

The density is joined by straight lines between the middles of bins, and its threshold is the one with which the
intervals above it hold what they should. Bumps lower than `_NOISE` above the threshold are not told from it: they are
no intervals of their own. Where a density is flat to that accuracy there is no smallest region, and the one that is
found holds more than was asked for.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy.interpolate import PchipInterpolator

_NOISE = 0.01
"""Relative height over the threshold that makes an interval."""
_HALVINGS = 60


class Highest(NamedTuple):
    """Intervals of highest density."""

    edges: Float[np.ndarray, "intervals 2"]
    held: Float[np.ndarray, " intervals"]
    """Probability in each."""


class Density:
    """A density on a line.

    Parameters
    ----------
    edges
        Of bins, increasing.
    cumulative
        Probability below them; what is outside of them counts for nothing.
    """

    def __init__(self, edges: Float[np.ndarray, " edges"], cumulative: Float[np.ndarray, " edges"]):
        cumulative = (cumulative - cumulative[0]) / (cumulative[-1] - cumulative[0])
        self.below = PchipInterpolator(edges, cumulative)
        height = np.diff(cumulative) / np.diff(edges)
        self.x = np.concatenate([edges[:1], 0.5 * (edges[:-1] + edges[1:]), edges[-1:]])
        self.height = np.concatenate([height[:1], height, height[-1:]])

    @property
    def mode(self) -> float:
        """Where it is highest."""
        return float(self.x[np.argmax(self.height)])

    def above(self, threshold: float) -> Highest:
        """Intervals in which it is above a threshold, and somewhere clearly so."""
        excess = self.height - threshold
        inside = excess >= 0.0
        steps = np.diff(np.concatenate([[0], inside.astype(int), [0]]))
        found = []
        for first, last in zip(np.flatnonzero(steps == 1), np.flatnonzero(steps == -1) - 1, strict=True):
            if self.height[first : last + 1].max() < threshold * (1.0 + _NOISE):
                continue
            low, high = self.x[first], self.x[last]
            if first > 0:
                low -= (self.x[first] - self.x[first - 1]) * excess[first] / (excess[first] - excess[first - 1])
            if last < len(self.x) - 1:
                high += (self.x[last + 1] - self.x[last]) * excess[last] / (excess[last] - excess[last + 1])
            found.append((low, high))
        edges = np.array(found).reshape(-1, 2)
        return Highest(edges, np.diff(self.below(edges), axis=1)[:, 0])

    def highest(self, level: float) -> Highest:
        """Smallest region that holds at least `level`: exactly so, but where the density is flat at its edge."""
        low, high = 0.0, float(self.height.max())
        for _ in range(_HALVINGS):
            middle = 0.5 * (low + high)
            if self.above(middle).held.sum() >= level:
                low = middle
            else:
                high = middle
        return self.above(low)
