"""Peaks of the posterior in (z, pulls), from many starts at once, and boxes around them: where cells have to be fine.

Levenberg's damped Gauss-Newton steps: the curvature of ln L is taken from the Jacobian of the rates, J^T w J, as in
`laplace`; the damping grows after a step that does not climb and shrinks after one that does. It runs on the host
around the one compiled expansion of the rates, which knows their derivatives in the pulls; those in the few
coordinates of the boson are central differences of it.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from scipy import special

from lmtbayes._compile import compile_quickly
from lmtbayes.inference.coordinates import Space, Tables
from lmtbayes.inference.devices import Devices
from lmtbayes.inference.likelihood.model import Data, JointModel
from lmtbayes.inference.nuisances.expansion import score_and_fisher_weight
from lmtbayes.inference.nuisances.laplace_at_many import laplace_at_many
from lmtbayes.inference.priors import Prior

STEPS = 60
STARTS = 16
_DIFFERENCE = 1e-5
"""Of z: derivatives of the counts are good to 1e-9, far more than a climb needs."""
_GAIN = 1e-6
"""Expected gain in ln L below which a peak is found."""
_STUCK = 1e10
"""Damping beyond which a climb goes nowhere."""
_LARGEST_STEP = 2.0
_EDGE_Z = 16.0
"""|z| at which a climb towards the prior's edge stops; u is 1e-7 from it."""
_WIDEST = 4.0
"""Standard deviation of z, about that of the whole cube, that stands for a direction in which nothing is measured."""
_HALF_WIDTH = 2.0
"""Half the width of the box around a peak, in its smallest standard deviation."""
_LOWEST = 50.0
"""Peaks lower than the highest by more than this in ln have no box."""


class Peaks(NamedTuple):
    """Ends of the climbs."""

    unit: Float[np.ndarray, "starts coordinates"]
    log_likelihood: Float[np.ndarray, " starts"]
    finest: Float[np.ndarray, " starts"]
    """Smallest standard deviation, in u, of the Gaussian of the same curvature, pulls marginalised."""
    spread: Float[np.ndarray, "starts coordinates"]
    """Standard deviation of every coordinate, in u, the others and the pulls marginalised; at an edge of the cube the
    length over which the density falls by a factor e; at most 1."""


class _LocalModel(NamedTuple):
    log_likelihood: np.ndarray
    gradient: np.ndarray
    precision: np.ndarray


def levenberg_marquardt(
    space: Space, units: Float[np.ndarray, "starts coordinates"], data: Data, devices: Devices
) -> Peaks:
    """Climb from points of the unit cube, pulls central.

    What is climbed is the posterior density in u: the likelihood, where u are the prior's quantiles.
    """
    d, number = space.dimensions, len(units)
    position = space.join(units, np.tile(np.asarray(space.joint.central_pulls), (number, 1)))
    here = _local_model(space, position, data, devices)
    damping, going = np.ones(number), np.ones(number, dtype=bool)
    for _ in range(STEPS):
        # By eigenvalues: beside a huge one the damping of a direction that nothing measures would drown in rounding.
        values, vectors = np.linalg.eigh(here.precision)
        along = np.einsum("nij,ni->nj", vectors, here.gradient) / (np.maximum(values, 0.0) + damping[:, None])
        move = np.einsum("nij,nj->ni", vectors, along)
        move *= np.minimum(1.0, _LARGEST_STEP / np.maximum(np.abs(move).max(axis=1, keepdims=True), 1e-30))
        trial = position + move
        trial[:, :d] = np.clip(trial[:, :d], -_EDGE_Z, _EDGE_Z)
        gain = np.einsum("ni,ni->n", trial - position, here.gradient)
        going &= (gain > _GAIN) & (damping < _STUCK)
        if not going.any():
            break
        found = _local_model(space, trial, data, devices)
        better = going & (found.log_likelihood > here.log_likelihood)
        position[better] = trial[better]
        for old, new in zip(here, found, strict=True):
            old[better] = new[better]
        damping = np.clip(np.where(better, 0.2 * damping, 6.0 * damping), 1e-6, None)
    mixed = here.precision[:, :d, d:]
    inverse = np.linalg.pinv(here.precision[:, d:, d:], hermitian=True) @ mixed.transpose(0, 2, 1)
    unit = special.expit(position[:, :d])
    slope = unit * (1.0 - unit)
    curvature = here.precision[:, :d, :d] - mixed @ inverse
    narrow = curvature / (slope[:, :, None] * slope[:, None, :])
    steepest = np.abs(np.linalg.eigvalsh(narrow)).max(axis=1)
    spread = _spread(curvature, here.gradient[:, :d], slope)
    return Peaks(unit, here.log_likelihood, 1.0 / np.sqrt(np.maximum(steepest, 1e-12)), spread)


def find_modes(
    space: Space,
    starts: Float[np.ndarray, "starts coordinates"],
    known: Float[np.ndarray, "known coordinates"],
    data: Data,
    devices: Devices,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Climb from every start and every known peak; `boxes_around` what was found, as a cubature takes it."""
    peaks = levenberg_marquardt(space, np.concatenate([starts, known]), data, devices)
    # A hair lower: a peak that both have found is that of the cells' starts.
    log_likelihood = peaks.log_likelihood - np.where(np.arange(len(peaks.unit)) < len(starts), 0.0, 1e-3)
    return boxes_around(peaks.unit, peaks.finest, log_likelihood)


def boxes_around(
    unit: Float[np.ndarray, "peaks coordinates"],
    finest: Float[np.ndarray, " peaks"],
    log_likelihood: Float[np.ndarray, " peaks"],
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Different peaks of the unit cube, the highest first, and boxes of two standard deviations to both sides of each.

    Peaks that lie inside the box of a higher one are that one; so far below the highest that they hold nothing, or
    nowhere, they are left out.

    Parameters
    ----------
    unit, finest, log_likelihood
        As in `Peaks`; a value that is no number is that of a climb that came nowhere.

    Returns
    -------
    peaks, low, high
        (boxes, coordinates) each; the boxes are cut to the cube.
    """
    usable = np.flatnonzero(np.isfinite(log_likelihood))
    order = usable[np.argsort(-log_likelihood[usable])]
    order = order[log_likelihood[order] > log_likelihood[order].max(initial=-np.inf) - _LOWEST]
    low = np.maximum(unit - _HALF_WIDTH * finest[:, None], 0.0)
    high = np.minimum(unit + _HALF_WIDTH * finest[:, None], 1.0)
    kept: list[int] = []
    for i in order:
        if not any(((unit[i] >= low[k]) & (unit[i] <= high[k])).all() for k in kept):
            kept.append(int(i))
    return unit[kept], low[kept], high[kept]


def _spread(curvature: np.ndarray, gradient: np.ndarray, slope: np.ndarray) -> np.ndarray:
    """Width of a peak in every coordinate u, from curvature and gradient in z and du/dz."""
    values, vectors = np.linalg.eigh(curvature)
    variance = np.einsum("nij,nj->ni", vectors**2, 1.0 / (np.maximum(values, 0.0) + 1.0 / _WIDEST**2))
    deviation = np.sqrt(variance)
    falling = 1.0 / np.maximum(np.abs(gradient) / slope, 1.0)
    return np.minimum(np.where(deviation < 0.5 * _WIDEST, deviation * slope, falling), 1.0)


def _local_model(
    space: Space, position: Float[np.ndarray, "starts parameters"], data: Data, devices: Devices
) -> _LocalModel:
    """Value, gradient and curvature at every position; a place where they are not finite is infinitely low."""
    d, joint, number = space.dimensions, space.joint, len(position)
    # The point itself, then a step forth and back in every coordinate of the boson.
    offsets = np.zeros((1 + 2 * d, space.size))
    offsets[1 : 1 + d, :d], offsets[1 + d :, :d] = _DIFFERENCE * np.eye(d), -_DIFFERENCE * np.eye(d)
    points = (position[:, None] + offsets).reshape(-1, space.size)
    photons = space.photons(special.expit(points[:, :d]), devices)
    expanded = laplace_at_many(joint, devices).expansion((photons, points[:, d:]), data)
    counts = expanded.counts.reshape(number, 1 + 2 * d, -1)
    by_boson = (counts[:, 1 : 1 + d] - counts[:, 1 + d :]) / (2.0 * _DIFFERENCE)
    expanded = jax.tree.map(lambda x: x[:: 1 + 2 * d], expanded)
    jacobian = np.concatenate([by_boson.transpose(0, 2, 1), expanded.jacobian.dense()], axis=2)
    gradient = np.einsum("nbi,nb->ni", jacobian, expanded.score)
    precision = (jacobian * expanded.fisher_weight[:, :, None]).transpose(0, 2, 1) @ jacobian
    log_likelihood = expanded.log_likelihood
    if joint.nuisances:
        value, pull, stiffness = (np.asarray(x) for x in joint.compiled(_constraints)(position[:, d:]))
        log_likelihood = log_likelihood + value.sum(axis=1)
        gradient[:, d:] += pull
        precision[:, d:, d:] += np.maximum(stiffness, 1e-3)[:, :, None] * np.eye(len(joint.nuisances))
    if not space.plain:
        ratio = joint.compiled(_ratio, space.prior)
        value, pull, stiffness = (np.asarray(x) for x in ratio(position[:, :d], space.tables))
        log_likelihood = log_likelihood + value
        gradient[:, :d] += pull
        precision[:, :d, :d] += np.maximum(stiffness, 0.0)[:, :, None] * np.eye(d)
    sound = np.isfinite(log_likelihood) & np.isfinite(gradient).all(axis=1) & np.isfinite(precision).all(axis=(1, 2))
    return _LocalModel(
        np.where(sound, log_likelihood, -np.inf),
        np.where(sound[:, None], gradient, 0.0),
        np.where(sound[:, None, None], precision, np.eye(space.size)),
    )


def _constraints(joint: JointModel) -> Any:
    """Log-density of every pull, its slope and minus its curvature, of many points."""

    def one(pulls: Array) -> tuple[Array, Array, Array]:
        log_prob = joint.constraints.log_prob
        return log_prob(pulls), *score_and_fisher_weight(log_prob, pulls)

    return compile_quickly(jax.vmap(one))


def _ratio(joint: JointModel, prior: Prior) -> Any:
    """Ln of prior over measure at many z, its slope and minus its curvature in every one of them."""

    def one(z: Array, tables: Tables) -> tuple[Array, Array, Array]:
        space = Space(joint, prior, tables)

        def log_ratio(z: Array) -> Array:
            return space.log_ratio(jax.nn.sigmoid(z))

        value, slope = jax.value_and_grad(log_ratio)(z)
        return value, slope, -jnp.diagonal(jax.jacfwd(jax.grad(log_ratio))(z))

    return compile_quickly(jax.vmap(one, in_axes=(0, None)))
