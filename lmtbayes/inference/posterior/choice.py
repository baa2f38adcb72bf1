"""Which sampler `Auto` stands for: what the weights of a block of the grid's proposals say of chains made of them.

A chain at a point of weight w = p/q takes the next proposal with the probability a(w) = E_q[min(1, w'/w)]. That it has
not moved in t proposals has the probability (1 - a(w))^t, and where it moves it forgets: the correlation of draws t
proposals apart is E_p[(1 - a)^t], an average over where a chain is (J. S. Liu, Stat. Comput. 6 (1996) 113).
"""

from collections.abc import Sequence

import jax
import numpy as np
from jaxtyping import Float

from lmtbayes.inference.coordinates import Space
from lmtbayes.inference.devices import Devices
from lmtbayes.inference.integration.pareto import HEAVY, pareto_shape
from lmtbayes.inference.integration.posterior_grid import PosteriorGrid
from lmtbayes.inference.integration.refine import is_resolved
from lmtbayes.inference.integration.weighing import defended, weighing
from lmtbayes.inference.likelihood.model import Data
from lmtbayes.inference.posterior.method import Auto, Independence, Nuts

PROPOSALS = 4096
"""Drawn and weighed for the choice."""
THIN = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64)
"""Proposals for a draw; where the last do not do, gradients are cheaper."""
CORRELATION = 0.1
"""Between one draw and the next, at most."""


def choose(
    space: Space, data: Data, grid: PosteriorGrid, method: Auto, seed: int, devices: Devices
) -> Independence | Nuts:
    """Return the sampler, with its settings.

    Parameters
    ----------
    space, data, grid
        Coordinates, counts, where proposals come from.
    method, seed, devices
        Of `sample_posterior`.
    """
    if not is_resolved(grid):
        return method.nuts
    key = jax.random.key(int(np.random.default_rng([seed, 2]).integers(2**63)))
    numbers = np.arange(PROPOSALS)
    weigh = weighing(space.joint, space.prior, devices)
    found = weigh.drawn(numbers, key, defended(grid.proposal), data, space.tables)
    if not pareto_shape(found.log_weight) <= HEAVY:
        return method.nuts
    correlations = zip(THIN, correlation(found.log_weight, THIN), strict=True)
    thin = next((thin for thin, value in correlations if value <= CORRELATION), None)
    return method.nuts if thin is None else method.independence(thin)


def correlation(log_weights: Float[np.ndarray, " draws"], lags: Sequence[int]) -> Float[np.ndarray, " lags"]:
    """Correlation of draws so many proposals apart, of an independence chain whose proposals have these weights.

    Parameters
    ----------
    log_weights
        Of draws of the proposal; one at least is finite.
    lags
        Numbers of proposals.
    """
    weights = np.sort(np.exp(log_weights - log_weights.max()))
    below = np.searchsorted(weights, weights, side="left")
    sums = np.concatenate([[0.0], np.cumsum(weights)])
    with np.errstate(invalid="ignore"):
        accepted = (sums[below] / weights + (weights.size - below)) / weights.size
    # From where the posterior is nothing all is accepted; no chain is there.
    stays = np.where(weights > 0.0, 1.0 - accepted, 0.0)
    return np.array([np.average(stays**lag, weights=weights) for lag in lags])
