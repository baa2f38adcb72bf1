"""The Laplace integral over the nuisances from two expansions of the rates: one number for grid, evidence and points.

With mu the expected counts, J = d mu/d(pulls) and w = -d^2 ln p/d mu^2 of every bin, the curvature of ln L in the
pulls is H = J^T w J - sum_bins (d ln p/d mu) d^2 mu/d(pulls)^2 + that of the constraints; of the second term only the
diagonal is kept, so that mixed second derivatives of the rates are left out. An expansion at the start gives a problem
that is linear in the nuisances' values (exponentials of the pulls, where a constraint is log-normal), which
`optimal_pulls` solves to the end; a second one at its solution gives value, slope g and H there, and `laplace`
ln int = ln L + g H^-1 g/2 + (n/2) ln(2 pi) - (1/2) ln det H. All for one photon, to be traced; `laplace_at_many`
strings them together for many, with less to compile than `linearised`, which is one function.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from lmtbayes.gauge.models import HiddenPhoton
from lmtbayes.inference.likelihood.constraints import Components, LogDensity
from lmtbayes.inference.likelihood.model import Data, JointModel
from lmtbayes.inference.nuisances.expansion import (
    Expansion,
    expansion,
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
    slopes: Float[Array, "bins nuisances"],
    data: Data,
    steps: int = STEPS,
) -> tuple[Float[Array, " nuisances"], Float[Array, ""]]:
    """Optimum of ln L with the counts linear in the nuisances' values from `start`, and ln L there.

    Parameters
    ----------
    counts, slopes
        The rates at `start` and their derivatives in the pulls.
    steps
        Of Newton, none of which goes down.
    """
    values, per_pull = _values(joint, start)[:2]
    sizes = jnp.array((0.0, *STEP_SIZES))

    def stretched(pulls: Array) -> Array:
        return counts + slopes @ ((_values(joint, pulls)[0] - values) / per_pull)

    def bins(row: Array) -> Array:
        return log_of_counts(joint, row, data)

    def climb(pulls: Array, _: None) -> tuple[Array, Array]:
        slope, bend = _values(joint, pulls)[1:]
        columns = slopes * (slope / per_pull)
        score, weight = score_and_fisher_weight(bins, stretched(pulls))
        pull, stiffness = score_and_fisher_weight(constraint, pulls)
        by_pull = score @ columns
        own = jnp.maximum(stiffness - by_pull * bend / slope, SMALLEST_CURVATURE)
        precision = (columns.T * weight) @ columns + jnp.diag(own)
        step = jax.scipy.linalg.solve(precision, by_pull + pull, assume_a="pos")
        trials = pulls + sizes[:, None] * step
        heights = jax.vmap(lambda x: jnp.sum(bins(stretched(x))) + jnp.sum(constraint(x)))(trials)
        return highest((trials, jnp.where(jnp.isfinite(heights), heights, -jnp.inf)), heights)

    pulls, heights = jax.lax.scan(climb, start, None, length=steps)
    return pulls, heights[-1]


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


def linearised(joint: JointModel, photon: HiddenPhoton, data: Data) -> LaplaceFit:
    """Optimise the nuisances at one photon and integrate over them, with two expansions of the rates.

    To a few 1e-3 in ln L of the parabola at the optimum, which `conditional` finds to rounding. For a single photon, to
    be traced; not to be differentiated.
    """
    if not joint.nuisances:
        value = joint.log_density(photon, joint.central_pulls, data)
        return LaplaceFit(joint.central_pulls, value, value, jnp.zeros((0, 0)), jnp.isfinite(value))

    def one(component: Components) -> LaplaceFit:
        constraint, start = joint.constraints.of_component(component), joint.constraints.start_of(component)

        def improve(pulls: Array, _: None) -> tuple[Array, tuple[Array, Expansion]]:
            expanded = expansion(joint, photon, pulls, data)
            return optimal_pulls(joint, constraint, pulls, expanded.counts, expanded.jacobian, data)[0], (
                pulls,
                expanded,
            )

        # A loop, so that the rates are compiled once.
        _, looked = jax.lax.scan(improve, start, None, length=2)
        return laplace(constraint, *jax.tree.map(lambda x: x[-1], looked))

    found = jax.vmap(one)(joint.constraints.components())
    best = highest(found, found.log_likelihood)
    return best._replace(log_integral=jax.scipy.special.logsumexp(found.log_integral))


def marginal(joint: JointModel, photon: HiddenPhoton, data: Data) -> Float[Array, ""]:
    """Ln of the likelihood of one photon integrated over the nuisances, finite everywhere; to be traced.

    Where no optimum is found, far from anything that the data allow, the higher of two values of ln L stands for the
    integral.
    """
    found = linearised(joint, photon, data)
    central = joint.log_density(photon, joint.central_pulls, data)
    other = jnp.maximum(central, jnp.nan_to_num(found.log_integral, nan=-jnp.inf, posinf=-jnp.inf))
    return jnp.where(found.converged, found.log_integral, other)


def _values(joint: JointModel, pulls: Float[Array, " nuisances"]) -> tuple[Array, Array, Array]:
    """Physical values of the nuisances, with their first and second derivatives in the pulls."""

    def values(x: Array) -> Array:
        return jnp.stack([n.constraint.value(pull) for n, pull in zip(joint.nuisances, x, strict=True)])

    slope, bend = first_and_second_derivative(values, pulls)
    # A value that no longer moves counts as linear.
    moves = slope != 0.0
    return values(pulls), jnp.where(moves, slope, 1.0), jnp.where(moves, bend, 0.0)
