"""Whether weights have a tail that their scatter does not tell of: the shape k of its generalised Pareto distribution.

Above 0.7 the mean of the weights does not settle as its error says (A. Vehtari et al., arXiv:1507.02646).
"""

import numpy as np
from jaxtyping import Float
from scipy.special import logsumexp

HEAVY = 0.7
"""The k above which the mean of weights does not settle as its error says."""
_ALIKE, _HEAVIEST = 1e-9, 0.01
"""Range of ln of the weights that is rounding, and the largest share of one draw where k cannot be fitted."""
_STANDS_OUT = 10.0
"""Times the mean of all weights. The shape of a tail knows no scale: where a few of thousands of nearly equal weights
are twice as large as the others, it may have any k, and what is beyond would still add less than a hundredth."""


def pareto_shape(log_weights: Float[np.ndarray, " draws"]) -> float:
    """Shape k of the generalised Pareto distribution of the largest weights.

    Minus infinity where none of them stands out. Where too many are alike for a fit, their tail is short or, with a
    draw that weighs a hundredth of all, it is not.
    """
    # A bare import of the package must start fast.
    from arviz_stats.base import array_stats

    finite = log_weights[np.isfinite(log_weights)]
    # arviz expects minus the logarithm: for leaving one datum out, ln L of it.
    if not finite.size:
        return np.inf
    # Of few draws one that holds a hundredth of all is no small matter, however near the mean it is.
    if finite.max() - logsumexp(finite) < np.log(min(_STANDS_OUT / finite.size, _HEAVIEST)):
        return -np.inf
    shape = np.nan
    tail = np.sort(finite)[-1 - int(min(finite.size / 5.0, 3.0 * np.sqrt(finite.size))) :]
    if np.ptp(tail) > _ALIKE:
        shape = float(array_stats.psislw(-finite)[1])
    if np.isnan(shape):
        return np.inf if np.exp(tail[-1] - logsumexp(finite)) > _HEAVIEST else -np.inf
    return shape


def tail_of_weights(shape: float) -> str:
    """Say a `pareto_shape`."""
    if shape > -np.inf:
        return f"Pareto k of their weights {shape:.2f}"
    return f"no weight is {_STANDS_OUT:g} times the mean"
