"""Quantiles of the posterior behind a cubature: of a coordinate of the prior, or of a sum of coordinates.

A Gauss node stands for the part of its cell that its weight covers. Spread over that part, the nodes give a piecewise
linear distribution function: exact where the posterior is flat in a cell, and without steps.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import numpyro.distributions as dist
from jaxtyping import Float

from lmtbayes import _checks
from lmtbayes.errors import InvalidArgument
from lmtbayes.inference.evidence.evidence import Evidence


def quantiles(
    evidence: Evidence, coordinates: Mapping[str, float], probabilities: Sequence[float]
) -> Float[np.ndarray, " probabilities"]:
    """Quantiles of a weighted sum of coordinates of the prior.

    Parameters
    ----------
    evidence
        By method "cubature".
    coordinates
        Name to its factor: {"log10_mass": 1.0}, or {"log10_g_x": 1.0, "log10_kappa": 1.0} for log10(-eps_x).
    probabilities
        Between 0 and 1.

    Returns
    -------
    quantiles
        Good to a few per cent of the posterior's width with the tolerances of `evidence` (tests).

    Raises
    ------
    UnknownName
        A coordinate that the prior does not have.
    InvalidArgument
        Another method than cubature, a prior that is not uniform, probabilities outside 0 to 1.
    """
    if evidence.cubature is None:
        raise InvalidArgument(f"`evidence` must be by method 'cubature'; this one is by {evidence.method!r}")
    _checks.in_interval("probabilities", probabilities, 0.0, 1.0)
    names = evidence.prior.names
    factors = np.zeros(len(names))
    for name, factor in coordinates.items():
        if name not in names:
            raise _checks.unknown("coordinate of the prior", name, names)
        if not isinstance(evidence.prior.distributions[name], dist.Uniform):
            raise _checks.invalid("prior", evidence.prior, f"uniform in {name!r}")
        low, high = evidence.prior.box[name]
        factors[names.index(name)] = factor * (high - low)
    begin = sum(factor * evidence.prior.box[name][0] for name, factor in coordinates.items())
    centre, half = evidence.cubature.cells.node_shares()
    middle, reach = begin + centre @ factors, np.sqrt(np.square(half) @ np.square(factors))
    return _piecewise(middle - reach, middle + reach, np.exp(evidence.log_weights), np.asarray(probabilities))


def _piecewise(low: np.ndarray, high: np.ndarray, mass: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Quantiles of a sum of uniform densities on [low, high]: its distribution function is piecewise linear."""
    slope = mass / (high - low)
    ends, slopes = np.concatenate([low, high]), np.concatenate([slope, -slope])
    order = np.argsort(ends)
    ends, rate = ends[order], np.cumsum(slopes[order])
    reached = np.concatenate([[0.0], np.cumsum(rate[:-1] * np.diff(ends))])
    return np.interp(probabilities, np.maximum.accumulate(reached / reached[-1]), ends)
