"""Critical values from toys: the quantile of a sample of q with the interval that its order statistics give.

The critical value of a level p is the smallest c with P(q <= c) >= p. Of n toys it is the k-th smallest q, with
k = ceil(n p); between the l-th and the u-th it lies with a probability of 68.27 %, l and u being quantiles of the
binomial distribution of how many toys lie below it, whatever the distribution of q is.

Counts are whole, and so q of few events has few values, of which the observed q is one: a threshold at one of them
would be decided by rounding. It is put half way to the next larger value instead, which accepts the same toys.
"""

import math
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy.stats import binom, norm

from lmtbayes.errors import InvalidArgument

_TAIL = float(norm.cdf(-1.0))
_SAME = 1e-6
"""Of 1 + q: values that differ by less are one value, fitted twice."""
_BEYOND = 0.01
"""Part by which a threshold lies above the largest value of all."""


class Critical(NamedTuple):
    """Critical values, and the ends of their 68.27 % Monte Carlo intervals."""

    value: Float[np.ndarray, "*points"]
    low: Float[np.ndarray, "*points"]
    high: Float[np.ndarray, "*points"]

    @property
    def error(self) -> Float[np.ndarray, "*points"]:
        """Half of the interval."""
        return np.asarray(0.5 * (self.high - self.low))


def ranks(level: float, size: int) -> tuple[int, int, int]:
    """Ranks (from 1) of the critical value and of the ends of its interval among the sorted q of so many toys.

    Raises
    ------
    InvalidArgument
        Too few toys: the upper end is beyond them all.
    """
    low, high = int(binom.ppf(_TAIL, size, level)), int(binom.ppf(1.0 - _TAIL, size, level)) + 1
    if high > size:
        raise InvalidArgument(
            f"`size` must be larger for a level of {100 * level:.4g} %: the error of its critical value lies beyond "
            f"{size} toys (some {math.ceil(5.0 / (1.0 - level))} are the least)"
        )
    # Rounding must not turn 0.9 of 1000 toys into 901.
    return math.ceil(level * size - 1e-9), max(low, 1), high


def critical(q: Float[np.ndarray, "*points toys"], level: float) -> Critical:
    """Critical values of samples of q, one along each last axis."""
    rows = np.sort(q.reshape(-1, q.shape[-1]), axis=-1)
    found = [[_above(row, rank) for rank in ranks(level, rows.shape[-1])] for row in rows]
    value, low, high = np.array(found).T.reshape(3, *q.shape[:-1])
    return Critical(value, low, high)


def _above(row: np.ndarray, rank: int) -> float:
    """Half way from the value of a rank to the next larger one."""
    value = float(row[rank - 1])
    next_one = np.searchsorted(row, value + _SAME * (1.0 + value), side="right")
    larger = float(row[next_one]) if next_one < row.size else (1.0 + 2.0 * _BEYOND) * value + 2.0 * _SAME
    return 0.5 * (value + larger)
