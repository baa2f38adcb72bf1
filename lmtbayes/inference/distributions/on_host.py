"""Quantiles and their inverse for NumPy arrays of any shape, with next to nothing to compile.

A table of quantiles compiles for seconds to minutes, anew for every shape; its cubics are the same in SciPy. What else
JAX is asked comes in blocks of one shape.
"""

from collections.abc import Callable

import numpy as np
import numpyro.distributions as dist
from jaxtyping import ArrayLike, Float
from scipy import special
from scipy.interpolate import CubicHermiteSpline
from scipy.optimize import elementwise

from lmtbayes.inference.distributions.support import with_quantiles
from lmtbayes.inference.distributions.tabulated import Tabulated, cumulative

_BLOCK = 256


def quantiles(name: str, distribution: dist.Distribution, unit: Float[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
    """Quantiles of the distribution of a coordinate."""
    found = with_quantiles(name, distribution)
    if not isinstance(found, Tabulated):
        return _in_blocks(found.icdf, unit)
    spline, low, high = _spline(found)
    return np.asarray(spline(np.clip(special.logit(unit), low, high)))


def probabilities(
    name: str, distribution: dist.Distribution, value: Float[np.ndarray, "..."]
) -> Float[np.ndarray, "..."]:
    """Inverse of `quantiles`."""
    found = with_quantiles(name, distribution)
    if not isinstance(found, Tabulated):
        return _in_blocks(lambda x: cumulative(found, x), value)
    spline, low, high = _spline(found)
    edges = np.full(value.shape, low), np.full(value.shape, high)
    inside = np.clip(value, spline(low), spline(high))
    return np.asarray(special.expit(elementwise.find_root(lambda z, x: spline(z) - x, edges, args=(inside,)).x))


def _spline(table: Tabulated) -> tuple[CubicHermiteSpline, float, float]:
    logits = np.asarray(table.logits)
    return CubicHermiteSpline(logits, np.asarray(table.points), np.asarray(table.slopes)), logits[0], logits[-1]


def _in_blocks(function: Callable[[np.ndarray], ArrayLike], array: np.ndarray) -> Float[np.ndarray, "..."]:
    flat = np.ravel(array)
    blocks = [
        np.asarray(function(np.resize(flat[k : k + _BLOCK], _BLOCK)))[: len(flat) - k]
        for k in range(0, len(flat), _BLOCK)
    ]
    return np.concatenate(blocks).reshape(np.shape(array))
