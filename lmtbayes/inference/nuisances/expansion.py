"""The counts of all bins about one point, to second order in the pulls, and what the data say of them.

An experiment is differentiated in the pulls that it knows, one by one: the derivative in one of them then touches only
what it enters, which takes half the time of all of them side by side.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from lmtbayes.experiments.base import Experiment
from lmtbayes.gauge.models import HiddenPhoton
from lmtbayes.inference.likelihood.constraints import LogDensity
from lmtbayes.inference.likelihood.model import Data, JointModel
from lmtbayes.inference.nuisances.newton import SMALLEST_CURVATURE, first_and_second_derivative


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
    parts = [expanded_counts(joint, e, photon, pulls[own]) for e, own in _owns(joint)]
    row = jnp.concatenate([counts for counts, _, _ in parts])
    score, weight = score_and_fisher_weight(lambda c: log_of_counts(joint, c, data), row)
    curvature, begin = jnp.zeros(pulls.size), 0
    for (_, _, second), (_, own) in zip(parts, _owns(joint), strict=True):
        curvature += _spread(score[begin : begin + second.shape[0]] @ second, own, pulls.size)
        begin += second.shape[0]
    jacobian = _all_columns(joint, [first for _, first, _ in parts])
    return Expansion(row, jacobian, score, weight, curvature, jnp.sum(log_of_counts(joint, row, data)))


def jacobian_in_pulls(
    joint: JointModel, photon: HiddenPhoton, pulls: Float[Array, " nuisances"]
) -> Float[Array, "bins nuisances"]:
    """Return the first derivatives alone; to be traced."""
    return _all_columns(joint, [_first(joint, e, photon, pulls[own]) for e, own in _owns(joint)])


def log_of_counts(joint: JointModel, counts: Float[Array, " bins"], data: Data) -> Float[Array, " bins"]:
    """Log-likelihood of every bin, at given counts in one row."""
    return jnp.concatenate(list(joint.terms(joint.by_experiment(counts), data).values()))


def score_and_fisher_weight(
    terms: Callable[[Float[Array, " terms"]], Float[Array, " terms"]], x: Float[Array, " terms"]
) -> tuple[Float[Array, " terms"], Float[Array, " terms"]]:
    """First and minus second derivative of terms of which each depends on its own entry of `x` alone."""
    score, curvature = first_and_second_derivative(terms, x)
    return score, jnp.maximum(-curvature, 0.0)


def gradient_and_precision(
    constraint: LogDensity, pulls: Float[Array, " nuisances"], expanded: Expansion
) -> tuple[Float[Array, " nuisances"], Float[Array, "nuisances nuisances"]]:
    """Gradient of ln L in the pulls, exact, and its negative Hessian without the mixed second derivatives of the rates.

    Where the rates are so curved that this has no maximum they are taken as linear, which always has one.
    """
    pull, stiffness = score_and_fisher_weight(constraint, pulls)
    gauss_newton = (expanded.jacobian.T * expanded.fisher_weight) @ expanded.jacobian + jnp.diag(
        jnp.maximum(stiffness, SMALLEST_CURVATURE)
    )
    curved = gauss_newton - jnp.diag(expanded.curvature)
    is_maximum = jnp.all(jnp.isfinite(jnp.linalg.cholesky(curved)))
    return expanded.score @ expanded.jacobian + pull, jnp.where(is_maximum, curved, gauss_newton)


def _owns(joint: JointModel) -> list[tuple[Experiment, Int[np.ndarray, " own"]]]:
    """Each experiment, and the places of its own nuisances among all."""
    names = joint.nuisance_names
    return [(e, np.array([names.index(n.name) for n in e.nuisances], dtype=int)) for e in joint.experiments]


def _along(
    joint: JointModel, e: Experiment, photon: HiddenPhoton, pulls: Float[Array, " own"], i: int
) -> Callable[[Float[Array, ""]], Float[Array, " _bins"]]:
    """Counts of one experiment as a function of one of its own pulls."""
    return lambda pull: joint.counts_of(e)(photon, [pull if k == i else pulls[k] for k in range(pulls.size)])


def expanded_counts(
    joint: JointModel, e: Experiment, photon: HiddenPhoton, pulls: Float[Array, " own"]
) -> tuple[Array, Float[Array, "_bins own"], Float[Array, "_bins own"]]:
    """Counts of one experiment, and their first and second derivative in each of its own pulls."""
    if not e.nuisances:
        nothing = jnp.zeros((e.n_bins, 0))
        return joint.counts_of(e)(photon, []), nothing, nothing

    def both(i: int) -> tuple[Array, Array, Array]:
        # Nested, so that one pass through the rates gives both derivatives.
        one, counts = jnp.ones(()), _along(joint, e, photon, pulls, i)
        (row, first), (_, second) = jax.jvp(lambda y: jax.jvp(counts, (y,), (one,)), (pulls[i],), (one,))
        return row, first, second

    rows, first, second = zip(*(both(i) for i in range(pulls.size)), strict=True)
    return rows[0], jnp.stack(first, axis=-1), jnp.stack(second, axis=-1)


def _first(
    joint: JointModel, e: Experiment, photon: HiddenPhoton, pulls: Float[Array, " own"]
) -> Float[Array, "_bins own"]:
    """First derivatives of the counts of one experiment in its own pulls."""
    one = jnp.ones(())
    columns = [jax.jvp(_along(joint, e, photon, pulls, i), (pulls[i],), (one,))[1] for i in range(pulls.size)]
    return jnp.stack(columns, axis=-1) if columns else jnp.zeros((e.n_bins, 0))


def _all_columns(joint: JointModel, blocks: Sequence[Float[Array, "_bins _own"]]) -> Float[Array, "bins nuisances"]:
    """Put the columns of every experiment's own nuisances at their places among all."""
    size = len(joint.nuisances)
    return jnp.concatenate(
        [_spread(block, own, size) for block, (_, own) in zip(blocks, _owns(joint), strict=True)], axis=0
    )


def _spread(
    block: Float[Array, "... own"], columns: Int[np.ndarray, " own"], size: int
) -> Float[Array, "... nuisances"]:
    """Put the last axis at `columns` of a longer one, zeros elsewhere."""
    origin = np.full(size, columns.size)
    origin[columns] = np.arange(columns.size)
    return jnp.concatenate([block, jnp.zeros((*block.shape[:-1], 1))], axis=-1)[..., origin]
