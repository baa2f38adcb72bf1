"""The counts of all bins about one point, to second order in the pulls, and what the data say of them.

An experiment is differentiated in the values of the nuisances that it knows, one by one: the derivative in one of them
then touches only what it enters, which takes half the time of all of them side by side. Derivatives of values in pulls
follow for all nuisances at once.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from lmtbayes.experiments.base import Experiment
from lmtbayes.gauge.models import HiddenPhoton
from lmtbayes.inference.likelihood.constraints import LogDensity
from lmtbayes.inference.likelihood.model import Data, JointModel
from lmtbayes.inference.nuisances.columns import Columns
from lmtbayes.inference.nuisances.dependence import one_by_one
from lmtbayes.inference.nuisances.newton import SMALLEST_CURVATURE, first_and_second_derivative


class Expansion(NamedTuple):
    """What one evaluation tells of a point; bins of all experiments in a row."""

    counts: Float[Array, " bins"]
    jacobian: Columns
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
    counts, first, second = zip(*expanded_counts(joint, photon, pulls), strict=True)
    row = jnp.concatenate(counts)
    score, weight = score_and_fisher_weight(lambda c: log_of_counts(joint, c, data), row)
    jacobian, curvature = (_columns(joint, blocks) for blocks in (first, second))
    total = jnp.sum(log_of_counts(joint, row, data))
    return Expansion(row, jacobian, score, weight, curvature.back(score), total)


def jacobian_in_pulls(joint: JointModel, photon: HiddenPhoton, pulls: Float[Array, " nuisances"]) -> Columns:
    """Return the first derivatives alone; to be traced."""
    values, (slope,) = joint.constraints.values(pulls), _derivatives(joint, pulls)[:1]
    return _columns(joint, [_first(joint, e, photon, values, own) for e, own in joint.nuisance_places]).scaled(slope)


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
    gauss_newton = expanded.jacobian.gram(expanded.fisher_weight) + jnp.diag(jnp.maximum(stiffness, SMALLEST_CURVATURE))
    curved = gauss_newton - jnp.diag(expanded.curvature)
    is_maximum = jnp.all(jnp.isfinite(jnp.linalg.cholesky(curved)))
    return expanded.jacobian.back(expanded.score) + pull, jnp.where(is_maximum, curved, gauss_newton)


def expanded_counts(
    joint: JointModel, photon: HiddenPhoton, pulls: Float[Array, " nuisances"]
) -> list[tuple[Array, Float[Array, "_bins own"], Float[Array, "_bins own"]]]:
    """Counts of every experiment, and their first and second derivative in each of its own pulls."""
    values, (slope, bend) = joint.constraints.values(pulls), _derivatives(joint, pulls)
    found = []
    for e, own in joint.nuisance_places:
        row, first, second = _in_values(joint, e, photon, values, own)
        by_pull, curved = slope[np.array(own, dtype=int)], bend[np.array(own, dtype=int)]
        found.append((row, first * by_pull, second * by_pull**2 + first * curved))
    return found


def _derivatives(joint: JointModel, pulls: Float[Array, " nuisances"]) -> tuple[Array, Array]:
    """First and second derivative of every nuisance's value in its pull."""
    return first_and_second_derivative(joint.constraints.values, pulls)


def _in_values(
    joint: JointModel, e: Experiment, photon: HiddenPhoton, values: Float[Array, " nuisances"], own: Sequence[int]
) -> tuple[Array, Float[Array, "_bins own"], Float[Array, "_bins own"]]:
    """Counts of one experiment, and derivatives in the values: what constraints do to these is worked out once."""
    row, along = _each(joint, e, photon, values, own)
    if not own:
        return row, jnp.zeros((e.n_bins, 0)), jnp.zeros((e.n_bins, 0))
    one = jnp.ones(())
    # Nested, so that one pass through the rates gives both derivatives.
    both = [
        jax.jvp(lambda y, f=f: jax.jvp(f, (y,), (one,))[1], (values[i],), (one,))
        for f, i in zip(along, own, strict=True)
    ]
    first, second = zip(*both, strict=True)
    return row, jnp.stack(first, axis=-1), jnp.stack(second, axis=-1)


def _first(
    joint: JointModel, e: Experiment, photon: HiddenPhoton, values: Float[Array, " nuisances"], own: Sequence[int]
) -> Float[Array, "_bins own"]:
    """First derivatives of the counts of one experiment in the values of its own nuisances."""
    along = _each(joint, e, photon, values, own)[1]
    columns = [jax.jvp(f, (values[i],), (jnp.ones(()),))[1] for f, i in zip(along, own, strict=True)]
    return jnp.stack(columns, axis=-1) if columns else jnp.zeros((e.n_bins, 0))


def _each(
    joint: JointModel, e: Experiment, photon: HiddenPhoton, values: Float[Array, " nuisances"], own: Sequence[int]
) -> tuple[Float[Array, " _bins"], list[Callable[[Float[Array, ""]], Float[Array, " _bins"]]]]:
    """Counts of one experiment, and as a function of the value of each of its own nuisances."""
    return one_by_one(lambda own_values: joint.own_counts(e, photon, own_values), [values[i] for i in own])


def _columns(joint: JointModel, blocks: Sequence[Float[Array, "_bins _own"]]) -> Columns:
    """Derivatives of every experiment in its own pulls, as those of all counts in all pulls."""
    return Columns(tuple(blocks), tuple(own for _, own in joint.nuisance_places), len(joint.nuisances))
