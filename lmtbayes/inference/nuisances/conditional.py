"""The nuisances at a given photon: where ln L is largest, and the profiled ln L there, exact to rounding.

Newton steps with the curvature that an `expansion` of the rates gives: an exact slope, and of the second derivatives of
the rates the diagonal, so that a step costs one pass a nuisance. Where data and photon are at odds by thousands of
units of ln L (a flux known to 5 % pulled to nothing) the way to the optimum is a narrow, curved valley: each step also
tries the optimum of the rates linear in the nuisances' values, and steps damped by all orders of magnitude.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from lmtbayes.gauge.models import HiddenPhoton
from lmtbayes.inference.likelihood.constraints import LogDensity
from lmtbayes.inference.likelihood.model import Data, JointModel
from lmtbayes.inference.nuisances.expansion import Expansion, expansion, gradient_and_precision
from lmtbayes.inference.nuisances.laplace import optimal_pulls
from lmtbayes.inference.nuisances.newton import STEP_SIZES, Maximum, highest, maximise, newton_step

MAX_STEPS = 100
"""Cap on the steps: four are usual near the data, ten where they forbid the photon by thousands of units of ln L."""
_DAMPINGS, _FRACTIONS = 6, (1.0, 0.3, 0.05)


def conditional(joint: JointModel, photon: HiddenPhoton, data: Data, max_steps: int = MAX_STEPS) -> Maximum:
    """Optimise the nuisances at one photon.

    Written for a single photon and to be traced: put it under `jax.vmap` or `jax.lax.map(..., batch_size=)`, and hand
    `data` over as an argument of the jitted function. Not to be differentiated.

    Parameters
    ----------
    joint, photon, data
        One photon.
    max_steps
        Cap on the steps of a climb.

    Returns
    -------
    maximum
        The pulls, the profiled ln L (where not converged a lower bound of it), and whether the climb ended at a
        maximum, to 1e-9 in ln L.
    """
    if not joint.nuisances:
        value = joint.log_density(photon, joint.central_pulls, data)
        return Maximum(joint.central_pulls, value, jnp.isfinite(value))

    # A constraint that is a sum of Gaussians has an optimum near the mean of each.
    starts = joint.constraints.start_of(joint.constraints.components())
    found = jax.vmap(lambda start: optimum_from(joint, joint.constraints.log_prob, photon, start, data, max_steps))(
        starts
    )
    return highest(found, found.value)


def optimum_from(
    joint: JointModel,
    constraint: LogDensity,
    photon: HiddenPhoton,
    start: Float[Array, " nuisances"],
    data: Data,
    max_steps: int = MAX_STEPS,
) -> Maximum:
    """Optimum of the pulls at one photon from one start, with these constraints, to be traced.

    Two climbs, of which the higher counts: from `start`, and from the highest point where one nuisance alone makes the
    best of the data.
    """

    def density(pulls: Array) -> Array:
        counts = joint.counts(photon, pulls)
        return joint.total(joint.terms(counts, data), pulls) - joint.log_constraint(pulls) + jnp.sum(constraint(pulls))

    def local(pulls: Array) -> tuple[Array, Array, Array, Array]:
        return local_model(joint, constraint, pulls, expansion(joint, photon, pulls, data), data)

    candidates = alone(joint, constraint, start, expansion(joint, photon, start, data), data)
    other = highest(candidates, jax.vmap(density)(candidates))
    found = jax.vmap(lambda x: maximise(density, x, max_steps, local=local))(jnp.stack([start, other]))
    return highest(found, found.value)


def alone(
    joint: JointModel, constraint: LogDensity, start: Float[Array, " nuisances"], expanded: Expansion, data: Data
) -> Float[Array, "nuisances nuisances"]:
    """Where each nuisance alone makes the best of the data, with rates as they were expanded at `start`."""
    return jax.vmap(lambda free: _linear_optimum(joint, constraint, start, expanded, free, data))(jnp.eye(start.size))


def local_model(
    joint: JointModel, constraint: LogDensity, pulls: Float[Array, " nuisances"], expanded: Expansion, data: Data
) -> tuple[Array, Array, Array, Array]:
    """Value, gradient, precision and further points to try, as `newton.maximise` takes them, of an expansion."""
    gradient, precision = gradient_and_precision(constraint, pulls, expanded)
    target = _linear_optimum(joint, constraint, pulls, expanded, jnp.ones(pulls.size), data)
    # From the largest curvature down to one: long steps along the valley that do not leave it sideways.
    largest = jnp.maximum(jnp.max(jnp.diagonal(precision)), 10.0)
    damping = largest ** jnp.linspace(0.0, 1.0, _DAMPINGS)
    damped = precision + damping[:, None, None] * jnp.eye(pulls.size)
    steps = jnp.linalg.solve(damped, jnp.broadcast_to(gradient, (_DAMPINGS, pulls.size))[..., None])[..., 0]
    fractions = jnp.array(_FRACTIONS)[:, None] * (target - pulls)
    value = expanded.log_likelihood + jnp.sum(constraint(pulls))
    return value, gradient, precision, pulls + jnp.concatenate([steps, fractions])


def trials_from(
    joint: JointModel, constraint: LogDensity, pulls: Float[Array, " nuisances"], expanded: Expansion, data: Data
) -> tuple[Float[Array, "trials nuisances"], Float[Array, ""], Array]:
    """Points to try, the pulls themselves first; the gain expected of the step; whether it is to a maximum."""
    _, gradient, precision, others = local_model(joint, constraint, pulls, expanded, data)
    step, is_maximum = newton_step(precision, gradient)
    sizes = jnp.array((0.0, *STEP_SIZES))
    return jnp.concatenate([pulls + sizes[:, None] * step, others]), 0.5 * jnp.dot(step, gradient), is_maximum


def _linear_optimum(
    joint: JointModel, constraint: LogDensity, pulls: Array, expanded: Expansion, free: Array, data: Data
) -> Array:
    return optimal_pulls(joint, constraint, pulls, expanded.counts, expanded.jacobian.scaled(free), data)[0]
