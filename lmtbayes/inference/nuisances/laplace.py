"""The Laplace integral over the nuisances from two expansions of the rates: one number for grid, evidence and points.

With mu the expected counts, J = d mu/d(pulls) and w = -d^2 ln p/d mu^2 of every bin, the curvature of ln L in the
pulls is H = J^T w J - sum_bins (d ln p/d mu) d^2 mu/d(pulls)^2 + that of the constraints; of the second term only the
diagonal is kept, so that mixed second derivatives of the rates are left out. An expansion at the start gives a problem
that is linear in the nuisances' values (exponentials of the pulls, where a constraint is log-normal), which
`optimal_pulls` solves to the end; a second one at its solution gives value, slope g and H there, and `laplace`
ln int = ln L + g H^-1 g/2 + (n/2) ln(2 pi) - (1/2) ln det H. These are the steps for one photon, to be traced;
`laplace_at_many` strings them together for many.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float, Int

from lmtbayes.inference.likelihood.constraints import LogDensity
from lmtbayes.inference.likelihood.model import Data, JointModel
from lmtbayes.inference.nuisances.columns import Columns
from lmtbayes.inference.nuisances.expansion import (
    Expansion,
    gradient_and_precision,
    log_of_counts,
    score_and_fisher_weight,
)
from lmtbayes.inference.nuisances.newton import SMALLEST_CURVATURE, STEP_SIZES, first_and_second_derivative, highest

STEPS = 5
_FAR = 0.5
"""Gain in ln L still expected of the last step above which the optimum does not count as found, nor the gain."""


class LaplaceFit(NamedTuple):
    """What the nuisances do at one photon; NumPy arrays of leading axis where `laplace_at_many` returns many."""

    pulls: Any
    """Where ln L is largest."""
    log_likelihood: Any
    """ln L there."""
    log_integral: Any
    """ln of the integral of L over the pulls."""
    factor: Any
    """Lower Cholesky factor of -d^2 ln L/d pulls^2 there, whose inverse is the covariance of the pulls."""
    converged: Any
    """Whether an optimum was found."""


def optimal_pulls(
    joint: JointModel,
    constraint: LogDensity,
    start: Float[Array, " nuisances"],
    counts: Float[Array, " bins"],
    jacobian: Columns,
    data: Data,
    steps: Int[ArrayLike, ""] = STEPS,
) -> tuple[Float[Array, " nuisances"], Float[Array, ""]]:
    """Optimum of ln L with the counts linear in the nuisances' values from `start`, and ln L there.

    Parameters
    ----------
    counts, jacobian
        The rates at `start` and their derivatives in the pulls.
    steps
        Of Newton, at least one, none of which goes down; may be traced.
    """
    values, per_pull = _values(joint, start)[:2]
    sizes = jnp.array((0.0, *STEP_SIZES))

    def linear_counts(pulls: Array) -> Array:
        return counts + jacobian.along((_values(joint, pulls)[0] - values) / per_pull)

    def bins(row: Array) -> Array:
        return log_of_counts(joint, row, data)

    def newton_step(_: Any, state: tuple[Array, Array]) -> tuple[Array, Array]:
        pulls = state[0]
        first, second = _values(joint, pulls)[1:]
        columns = jacobian.scaled(first / per_pull)
        score, weight = score_and_fisher_weight(bins, linear_counts(pulls))
        pull, stiffness = score_and_fisher_weight(constraint, pulls)
        by_pull = columns.back(score)
        own = jnp.maximum(stiffness - by_pull * second / first, SMALLEST_CURVATURE)
        precision = columns.gram(weight) + jnp.diag(own)
        step = jax.scipy.linalg.solve(precision, by_pull + pull, assume_a="pos")
        trials = pulls + sizes[:, None] * step
        log_likelihood = jax.vmap(lambda x: jnp.sum(bins(linear_counts(x))) + jnp.sum(constraint(x)))(trials)
        finite = jnp.where(jnp.isfinite(log_likelihood), log_likelihood, -jnp.inf)
        found: tuple[Array, Array] = highest((trials, finite), log_likelihood)
        return found

    found: tuple[Array, Array] = jax.lax.fori_loop(0, steps, newton_step, (start, jnp.asarray(-jnp.inf)))
    return found


def laplace(constraint: LogDensity, pulls: Float[Array, " nuisances"], expanded: Expansion) -> LaplaceFit:
    """Optimum and integral of the parabola that was expanded at the pulls."""
    gradient, precision = gradient_and_precision(constraint, pulls, expanded)
    factor = jnp.linalg.cholesky(precision)
    step = jax.scipy.linalg.cho_solve((factor, True), gradient)
    gain = 0.5 * jnp.dot(gradient, step)
    found = gain < _FAR
    value = expanded.log_likelihood + jnp.sum(constraint(pulls)) + jnp.where(found, gain, 0.0)
    half_log_det = jnp.sum(jnp.log(jnp.diagonal(factor)))
    log_integral = value + 0.5 * pulls.size * jnp.log(2.0 * jnp.pi) - half_log_det
    optimum = pulls + jnp.where(found, step, 0.0)
    return LaplaceFit(optimum, value, log_integral, factor, jnp.isfinite(log_integral) & found)


def _values(joint: JointModel, pulls: Float[Array, " nuisances"]) -> tuple[Array, Array, Array]:
    """Physical values of the nuisances, with their first and second derivatives in the pulls."""
    values = joint.constraints.values
    first, second = first_and_second_derivative(values, pulls)
    # A value that no longer moves counts as linear.
    moves = first != 0.0
    return values(pulls), jnp.where(moves, first, 1.0), jnp.where(moves, second, 0.0)
