"""The counts of all bins about one point, to second order in the pulls, and what the data say of them.

An experiment is differentiated in the pulls that it knows, one by one: the derivative in one of them then touches only
what it enters, which takes half the time of all of them side by side.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from lmtbayes.experiments.base import Experiment
from lmtbayes.gauge.models import HiddenPhoton
from lmtbayes.inference.likelihood.model import Data, JointModel
from lmtbayes.inference.nuisances.newton import SMALLEST_CURVATURE, first_and_second_derivative

type Constraint = Callable[[Float[Array, " nuisances"]], Float[Array, " nuisances"]]
"""Log-density of every pull."""


class Expansion(NamedTuple):
    """What one evaluation tells of a point; bins of all experiments in a row."""

    counts: Float[Array, " bins"]
    jacobian: Float[Array, "bins nuisances"]
    """Derivatives of the counts in the pulls."""
    score: Float[Array, " bins"]
    """First derivative of every bin's log-likelihood in its own count."""
    fisher_weight: Float[Array, " bins"]
    """Minus the second, where that is not negative."""
    curvature: Float[Array, " nuisances"]
    """Second derivative of ln L in every pull, as far as it is due to that of the counts."""
    log_likelihood: Float[Array, ""]
    """Log-likelihood of all bins, without the constraints."""


def expansion(joint: JointModel, photon: HiddenPhoton, pulls: Float[Array, " nuisances"], data: Data) -> Expansion:
    """Evaluate one photon and its pulls; to be traced."""
    names = joint.nuisance_names
    owns = [np.array([names.index(n.name) for n in e.nuisances], dtype=int) for e in joint.experiments]
    counts, slopes, bends = zip(
        *(_expanded(joint, e, photon, pulls[own]) for e, own in zip(joint.experiments, owns, strict=True)), strict=True
    )
    row = jnp.concatenate(counts)
    score, weight = score_and_fisher_weight(lambda c: log_of_counts(joint, c, data), row)
    bent, begin = jnp.zeros(pulls.size), 0
    for bend, own in zip(bends, owns, strict=True):
        bent += _spread(score[begin : begin + bend.shape[0]] @ bend, own, pulls.size)
        begin += bend.shape[0]
    spread = jnp.concatenate([_spread(slope, own, pulls.size) for slope, own in zip(slopes, owns, strict=True)])
    return Expansion(row, spread, score, weight, bent, jnp.sum(log_of_counts(joint, row, data)))


def log_of_counts(joint: JointModel, counts: Float[Array, " bins"], data: Data) -> Float[Array, " bins"]:
    """Log-likelihood of every bin, at given counts in one row."""
    names, sizes = zip(*((e.name, e.n_bins) for e in joint.experiments), strict=True)
    own = dict(zip(names, jnp.split(counts, np.cumsum(sizes)[:-1]), strict=True))
    return jnp.concatenate(list(joint.terms(own, data).values()))


def score_and_fisher_weight(
    terms: Callable[[Float[Array, " terms"]], Float[Array, " terms"]], x: Float[Array, " terms"]
) -> tuple[Float[Array, " terms"], Float[Array, " terms"]]:
    """First and minus second derivative of terms of which each depends on its own entry of `x` alone."""
    score, curvature = first_and_second_derivative(terms, x)
    return score, jnp.maximum(-curvature, 0.0)


def gradient_and_precision(
    constraint: Constraint, pulls: Float[Array, " nuisances"], expanded: Expansion
) -> tuple[Float[Array, " nuisances"], Float[Array, "nuisances nuisances"]]:
    """Gradient of ln L in the pulls, exact, and its negative Hessian without the mixed second derivatives of the rates.

    Where the rates bend so much that this has no maximum they are taken as linear, which always has one.
    """
    pull, stiffness = score_and_fisher_weight(constraint, pulls)
    plain = (expanded.jacobian.T * expanded.fisher_weight) @ expanded.jacobian + jnp.diag(
        jnp.maximum(stiffness, SMALLEST_CURVATURE)
    )
    bent = plain - jnp.diag(expanded.curvature)
    is_maximum = jnp.all(jnp.isfinite(jnp.linalg.cholesky(bent)))
    return expanded.score @ expanded.jacobian + pull, jnp.where(is_maximum, bent, plain)


def _expanded(
    joint: JointModel, e: Experiment, photon: HiddenPhoton, pulls: Float[Array, " own"]
) -> tuple[Array, Float[Array, "_bins own"], Float[Array, "_bins own"]]:
    """Counts of one experiment, and their first and second derivative in each of its own pulls."""
    if not e.nuisances:
        nothing = jnp.zeros((e.n_bins, 0))
        return joint.counts_of(e)(photon, []), nothing, nothing

    def along(i: int) -> tuple[Array, Array, Array]:
        def counts(pull: Array) -> Array:
            return joint.counts_of(e)(photon, [pull if k == i else pulls[k] for k in range(pulls.size)])

        # Nested, so that one pass through the rates gives both derivatives.
        one = jnp.ones(())
        (row, slope), (_, bend) = jax.jvp(lambda y: jax.jvp(counts, (y,), (one,)), (pulls[i],), (one,))
        return row, slope, bend

    rows, slopes, bends = zip(*(along(i) for i in range(pulls.size)), strict=True)
    return rows[0], jnp.stack(slopes, axis=-1), jnp.stack(bends, axis=-1)


def _spread(
    block: Float[Array, "... own"], columns: Int[np.ndarray, " own"], size: int
) -> Float[Array, "... nuisances"]:
    """Put the last axis at `columns` of a longer one, zeros elsewhere."""
    origin = np.full(size, columns.size)
    origin[columns] = np.arange(columns.size)
    return jnp.concatenate([block, jnp.zeros((*block.shape[:-1], 1))], axis=-1)[..., origin]
