"""Cheap and nearly exact derivatives of ln L for fits: exact gradient, Hessian through the Jacobian of the counts.

With counts c(z), ln L = l(c(z)) + ln constraint(z):

    gradient = J^T dl/dc + ...,   Hessian = J^T (d^2 l/dc^2) J + sum_b (dl/dc_b) d^2 c_b/dz^2 + ...

The second derivatives of the counts are kept for the boson's coordinates and left out where a pull takes part, whose
constraint has a curvature of its own. A stationary point is exact all the same; what is saved is a factor of ten.
"""

import itertools
from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from lmtbayes.gauge.models import HiddenPhoton
from lmtbayes.inference.likelihood.model import Data, JointModel
from lmtbayes.inference.nuisances.expansion import log_of_counts
from lmtbayes.inference.nuisances.laplace import optimal_pulls
from lmtbayes.inference.nuisances.newton import Derivatives, Maximum, first_and_second_derivative, maximise

type Scalars = tuple[Float[Array, ""], ...]
type Counts = Callable[..., Float[Array, " all_bins"]]
"""Of as many scalars as there are coordinates."""


def all_counts(joint: JointModel, photon: HiddenPhoton, pulls: Scalars) -> Float[Array, " all_bins"]:
    """Expected counts of every bin of every experiment, in one row.

    The pulls come one by one: the derivative in one of them then touches only what it enters.
    """
    return joint.compiled(_row)(photon, tuple(pulls))


def _row(joint: JointModel) -> Callable[..., Array]:
    # Jitted so that tracing it again, and its derivatives, costs nothing.
    @jax.jit
    def row(photon: HiddenPhoton, pulls: Scalars) -> Array:
        values = {n.name: n.constraint.value(pull) for n, pull in zip(joint.nuisances, pulls, strict=True)}
        expected = joint.expected_counts(photon, values)
        return jnp.concatenate([expected[e.name] for e in joint.experiments])

    return row


def slopes(counts: Counts, z: Scalars) -> list[Float[Array, " all_bins"]]:
    """Derivative of the counts in each coordinate."""
    return [_slope(counts, z, i) for i in range(len(z))]


def scoring(
    counts: Counts,
    log_likelihood: Callable[[Array], Array],
    log_constraint: Callable[[Array], Array],
    curved: int = 0,
) -> Derivatives:
    """Return the function z -> (value, gradient, precision) for `newton.maximise`.

    Parameters
    ----------
    counts
        Of the coordinates, one by one.
    log_likelihood
        Of counts, bin by bin.
    log_constraint
        Of the coordinates after the first `curved`, one by one.
    curved
        Coordinates of the boson, which come first: the second derivatives of the counts are kept for them.
    """

    def derivatives(z: Float[Array, " n"]) -> tuple[Array, Array, Array]:
        boson, pulls = z[:curved], tuple(z[curved:])
        c = counts(*boson, *pulls)
        jacobian = slopes(lambda *y: counts(*boson, *y), pulls)
        by_count, bend = first_and_second_derivative(log_likelihood, c)
        curvature = jnp.zeros((0, 0))
        if curved:
            # One nested pass has the first derivatives on its way: half as much to compile.
            def first(x: Array) -> tuple[Array, Array]:
                slope = jax.jacfwd(lambda y: counts(*y, *pulls))(x)
                return slope, slope

            second, slope = jax.jacfwd(first, has_aux=True)(boson)
            jacobian = [*slope.T, *jacobian]
            curvature = jnp.einsum("b,bij->ij", by_count, second)
        columns = jnp.stack(jacobian, axis=-1)
        value, gradient = jnp.sum(log_likelihood(c)), by_count @ columns
        hessian = ((columns.T * bend) @ columns).at[:curved, :curved].add(curvature)
        if pulls:
            pull, stiffness = first_and_second_derivative(log_constraint, z[curved:])
            value, gradient = value + jnp.sum(log_constraint(z[curved:])), gradient.at[curved:].add(pull)
            hessian = hessian + jnp.diag(jnp.concatenate([jnp.zeros(curved), stiffness]))
        return value, gradient, -hessian

    return derivatives


def _slope(counts: Counts, z: Scalars, i: int) -> Float[Array, " all_bins"]:
    return jax.jvp(lambda v: counts(*z[:i], v, *z[i + 1 :]), (z[i],), (jnp.ones(()),))[1]


def starting_pulls(joint: JointModel) -> Float[Array, "starts nuisances"]:
    """Pulls to start from: central, and every choice of one Gaussian where a constraint is a sum of several."""
    means = [[mean for _, mean, _ in n.constraint.pieces] or [n.constraint.central_pull] for n in joint.nuisances]
    return jnp.array(list(itertools.product(*means)), dtype=float).reshape(-1, len(means))


def linearised_conditional(
    joint: JointModel, photon: HiddenPhoton, data: Data, steps: int
) -> tuple[Float[Array, ""], Float[Array, " nuisances"]]:
    """Profiled ln L of one photon, and the pulls there, the counts linearised in the nuisances about their centre.

    Exact, after enough steps, where the counts are linear in the nuisances' values. For scans that rank points: under
    `vmap` over photons, what the nuisances do to a template is worked out once.
    """
    if not joint.nuisances:
        pulls = joint.central_pulls
        return joint.log_density(photon, pulls, data), pulls

    def from_start(start: Array) -> tuple[Array, Array]:
        columns = jnp.stack(slopes(lambda *pulls: all_counts(joint, photon, pulls), tuple(start)), axis=-1)
        counts = all_counts(joint, photon, tuple(start))
        pulls, value = optimal_pulls(joint, joint.constraints.log_prob, start, counts, columns, data, steps)
        return value, pulls

    starts = starting_pulls(joint)
    if starts.shape[0] == 1:
        return from_start(starts[0])
    values, pulls = jax.vmap(from_start)(starts)
    best = jnp.argmax(jnp.where(jnp.isnan(values), -jnp.inf, values))
    return values[best], pulls[best]


def regularised(
    joint: JointModel, photon: HiddenPhoton, pulls: Float[Array, " nuisances"], data: Data
) -> Float[Array, " nuisances"]:
    """Pulls, or a part of them if ln L is higher there: a linearised optimum may lie where rates mean nothing."""
    central = joint.central_pulls
    trials = central + jnp.array((1.0, 0.5, 0.2, 0.0))[:, None] * (pulls - central)
    heights = jax.vmap(lambda x: jnp.sum(log_of_counts(joint, all_counts(joint, photon, tuple(x)), data)))(trials)
    heights = heights + jax.vmap(joint.log_constraint)(trials)
    return trials[jnp.argmax(jnp.where(jnp.isnan(heights), -jnp.inf, heights))]


def maximise_joint(
    joint: JointModel,
    photon: Callable[[Sequence[Array]], HiddenPhoton],
    start: Float[Array, " n"],
    free: int,
    data: Data,
    max_steps: int,
    box: tuple[Float[Array, " n"], Float[Array, " n"]] | None = None,
) -> Maximum:
    """Climb in the first `free` coordinates of the boson and all pulls, from `start`."""

    def density(z: Array) -> Array:
        counts = all_counts(joint, photon(tuple(z[:free])), tuple(z[free:]))
        return jnp.sum(log_of_counts(joint, counts, data)) + joint.log_constraint(z[free:])

    derivatives: Derivatives = scoring(
        lambda *z: all_counts(joint, photon(z[:free]), z[free:]),
        lambda counts: log_of_counts(joint, counts, data),
        joint.constraints.log_prob,
        free,
    )
    return maximise(density, start, max_steps, box, derivatives)
