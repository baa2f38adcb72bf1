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

from lmtbayes.gauge.models import HiddenPhoton
from lmtbayes.inference.devices import Devices
from lmtbayes.inference.likelihood.by_experiment import ByExperiment, Parts
from lmtbayes.inference.likelihood.constraints import Constraints, LogDensity
from lmtbayes.inference.likelihood.model import Data, JointModel
from lmtbayes.inference.likelihood.places import added
from lmtbayes.inference.likelihood.rates import Reading
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
    found: Expansion = _PARTS.at(joint, photon, pulls, data)
    return found


def expansions(joint: JointModel, devices: Devices, batch_size: int) -> ByExperiment:
    """Return the function ((photons, pulls), data) -> `Expansion` of leading axis, to be compiled."""
    return ByExperiment(joint, _PARTS, devices, batch_size)


def jacobian_in_pulls(joint: JointModel, photon: HiddenPhoton, pulls: Float[Array, " nuisances"]) -> Columns:
    """Return the first derivatives alone; to be traced."""
    values, slope, _ = in_pulls(joint.constraints, pulls)
    places = [np.array(own, dtype=int) for _, own in joint.nuisance_places]
    blocks = [_first(rates, photon, values[own]) for rates, own in zip(joint.rates, places, strict=True)]
    return _columns(joint, blocks).scaled(slope)


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
    owned = _PARTS.of_pulls(joint, pulls)[1]
    return [_expanded(rates, photon, nuisances) for rates, nuisances in zip(joint.rates, owned, strict=True)]


class InPulls(NamedTuple):
    """Values of nuisances, and their first and second derivatives in the pulls, each in its own."""

    values: Float[Array, " nuisances"]
    slope: Float[Array, " nuisances"]
    bend: Float[Array, " nuisances"]


def in_pulls(constraints: Constraints, pulls: Float[Array, " nuisances"]) -> InPulls:
    """What constraints make of the pulls: worked out once, whatever the number of experiments."""
    return InPulls(constraints.values(pulls), *first_and_second_derivative(constraints.values, pulls))


class _Own(NamedTuple):
    """One experiment's part of `Expansion`."""

    counts: Array
    jacobian: Array
    score: Array
    fisher_weight: Array
    curvature: Array


def _expanded(
    rates: Reading, photon: HiddenPhoton, nuisances: InPulls
) -> tuple[Array, Float[Array, "_bins own"], Float[Array, "_bins own"]]:
    """Counts of an experiment, and their first and second derivative in each of its own pulls."""
    values, slope, bend = nuisances
    row, along = one_by_one(lambda own: rates.own_counts(photon, own), list(values))
    if not along:
        return row, jnp.zeros((row.size, 0)), jnp.zeros((row.size, 0))
    one = jnp.ones(())
    # Nested, so that one pass through the rates gives both derivatives.
    both = [
        jax.jvp(lambda y, f=f: jax.jvp(f, (y,), (one,))[1], (value,), (one,))
        for f, value in zip(along, values, strict=True)
    ]
    first, second = (jnp.stack(columns, axis=-1) for columns in zip(*both, strict=True))
    return row, first * slope, second * slope**2 + first * bend


def _own(rates: Reading, photon: HiddenPhoton, nuisances: InPulls, data: Array) -> _Own:
    counts, first, second = _expanded(rates, photon, nuisances)
    score, weight = score_and_fisher_weight(lambda c: rates.experiment.term.log_prob(c, data), counts)
    return _Own(counts, first, score, weight, score @ second)


def _joined(joint: JointModel, pulls: Array, nuisances: InPulls, found: list[_Own], data: Data) -> Expansion:  # noqa: ARG001
    counts, blocks, score, weight, curvature = zip(*found, strict=True)
    row, jacobian = jnp.concatenate(counts), _columns(joint, blocks)
    total = jnp.sum(log_of_counts(joint, row, data))
    bend = added(jnp.concatenate(curvature), jacobian.owns, jacobian.size)
    return Expansion(row, jacobian, jnp.concatenate(score), jnp.concatenate(weight), bend, total)


_PARTS = Parts(in_pulls, _own, _joined)


def _first(rates: Reading, photon: HiddenPhoton, values: Float[Array, " own"]) -> Float[Array, "_bins own"]:
    """First derivatives of the counts of one experiment in the values of its own nuisances."""
    along = one_by_one(lambda own: rates.own_counts(photon, own), list(values))[1]
    columns = [jax.jvp(f, (value,), (jnp.ones(()),))[1] for f, value in zip(along, values, strict=True)]
    return jnp.stack(columns, axis=-1) if columns else jnp.zeros((rates.experiment.n_bins, 0))


def _columns(joint: JointModel, blocks: Sequence[Float[Array, "_bins _own"]]) -> Columns:
    """Derivatives of every experiment in its own pulls, as those of all counts in all pulls."""
    return Columns(tuple(blocks), tuple(own for _, own in joint.nuisance_places), len(joint.nuisances))
