"""The algebra of a Newton step of ln L in the boson's coordinates and the pulls, at one point; to be traced.

It holds no rates: these come from an expansion and from evaluations beside the point.
"""

import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from lmtbayes.gauge.models import HiddenPhoton
from lmtbayes.inference.frequentist.box import photon_at
from lmtbayes.inference.likelihood.model import Data, JointModel
from lmtbayes.inference.nuisances.expansion import Expansion, gradient_and_precision
from lmtbayes.inference.nuisances.newton import SMALLEST_CURVATURE, STEP_SIZES

_FLAT = 1e-11
"""Of derivatives of ln L: a box ten times as wide has less to gain than the tolerance."""
_SIZES = (*STEP_SIZES, 0.004)
"""Parts of Newton's step that are tried, the whole one first."""
_LONGEST = 2.0
"""Of a logarithm, that a step goes at most."""
_DAMPING = np.array([1e-4, 1e-3, 1e-2, 0.1, 1.0, 10.0])
"""Of the largest curvature, that is added to all of them for steps to try where the whole one does not gain."""


class Curved(NamedTuple):
    """Minus the second derivatives of ln L at a point, taken apart; leading axis of climbs."""

    of_boson: Array
    """Inverse of the Schur complement of the pulls; zero for coordinates that the box holds."""
    follow: Array
    """By which the pulls' optimum follows the boson."""
    factor: Array
    """Lower, Cholesky's, of the pulls alone."""


def photon_of(joint: JointModel, names: tuple[str, ...], x: Float[Array, " boson"]) -> HiddenPhoton:
    """Boson at coordinates of these names."""
    return photon_at(joint.model, {name: x[i] for i, name in enumerate(names)})


def _slope_in_boson(
    joint: JointModel, names: tuple[str, ...], x: Float[Array, " boson"], by_photon: Float[Array, "3"]
) -> Float[Array, " boson"]:
    def photon(y: Array) -> Array:
        at = photon_of(joint, names, y)
        return jnp.stack([at.g_x, at.mass, at.eps_x])

    slope: Array = jax.vjp(photon, x)[1](by_photon)[0]
    return slope


def _held(
    x: Float[Array, " boson"], slope: Float[Array, " boson"], low: Float[Array, " boson"], high: Float[Array, " boson"]
) -> Bool[Array, " boson"]:
    """Whether the box holds a coordinate: it has no width, or ln L rises beyond its edge."""
    return ((x <= low) & (slope < 0.0)) | ((x >= high) & (slope > 0.0)) | (low >= high)


def left(joint: JointModel, names: tuple[str, ...]) -> Any:
    """What a Newton step of a known curvature would gain at one point, to be traced."""
    size = len(names)

    def one(item: tuple[Any, ...]) -> Array:
        z, low, high, there, held, curved = item
        slope = _slope_in_boson(joint, names, z[:size], there.by_photon)
        let_go = held & ~_held(z[:size], slope, low, high) & (jnp.abs(slope) > _FLAT)
        along = slope + curved.follow.T @ there.by_pulls
        left = 0.5 * along @ curved.of_boson @ along
        if joint.nuisances:
            alone = jax.scipy.linalg.solve_triangular(curved.factor, there.by_pulls, lower=True)
            left = left + 0.5 * alone @ alone
        return jnp.where(jnp.any(let_go) | ~jnp.isfinite(left), jnp.inf, left)

    return one


def newton(joint: JointModel, names: tuple[str, ...]) -> Any:
    """Newton's step at one point, to be traced.

    The pulls' block of the precision is always positive definite (`gradient_and_precision`); of its Schur complement,
    as small as the boson has coordinates, eigenvalues are made positive, so that a step climbs from anywhere.
    """
    size, slope_in_boson = len(names), functools.partial(_slope_in_boson, joint, names)

    def one(item: tuple[Any, ...], data: Data) -> tuple[Any, ...]:  # noqa: ARG001
        z, low, high, here, moves, (by_photon, by_pulls, counts), expanded = item
        x, pulls = z[:size], z[size:]
        gradient = slope_in_boson(x, here.by_photon)
        held = _held(x, gradient, low, high)
        # 0 for what has not moved.
        rate = jnp.where(held, 0.0, 1.0 / jnp.where(moves == 0.0, jnp.inf, moves))[:, None]
        second = _finite((jax.vmap(slope_in_boson)(x + jnp.diag(moves), by_photon) - gradient) * rate)
        mixed = _finite((by_pulls - here.by_pulls) * rate)
        # What ln L does not depend on, as a mixing where nothing couples, is at its maximum anywhere.
        most = jnp.maximum(jnp.abs(jnp.diagonal(second)), jnp.max(jnp.abs(mixed), axis=1, initial=0.0))
        held = held | (jnp.maximum(most, jnp.abs(gradient)) < _FLAT)
        slopes = _finite((counts - expanded.counts) * rate)
        # The pulls' block lacks mixed second derivatives of the rates; beside it, those of boson and pulls may be as
        # well left out as kept, where they make a maximum of what is none or the other way round.
        linear = -jax.vmap(expanded.jacobian.back)(slopes * expanded.fisher_weight)
        both = jnp.where(held[:, None], 0.0, jnp.stack([mixed, linear]))
        second, gradient = jnp.where(held | held[:, None], 0.0, second), jnp.where(held, 0.0, gradient)
        of_pulls, precision = _of_pulls(joint, pulls, expanded)
        solved = jnp.concatenate([of_pulls[:, None], *both.transpose(0, 2, 1)], axis=1)
        factor = precision
        if joint.nuisances:
            factor = jnp.linalg.cholesky(precision)
            solved = jax.scipy.linalg.cho_solve((factor, True), solved)
        alone, follow = solved[:, 0], jnp.stack([solved[:, 1 : 1 + size], solved[:, 1 + size :]])
        schur = jnp.diag(1.0 * held) - 0.5 * (second + second.T) - both @ follow
        lowest = jnp.linalg.eigvalsh(schur)[:, 0]
        # The whole one where that bends down, or nothing does.
        chosen = jnp.where((lowest[0] <= 0.0) & (lowest[1] > 0.0), 1, 0)
        mixed, follow = both[chosen], follow[chosen]
        eigenvalues, axes = jnp.linalg.eigh(schur[chosen])
        along = axes.T @ (gradient + mixed @ alone)
        is_maximum = jnp.all(eigenvalues > 0.0)
        sizes = jnp.where(eigenvalues > 0.0, eigenvalues, jnp.maximum(-eigenvalues, SMALLEST_CURVATURE))
        # Shorter by turning towards the slope, as it is where the parabola is not to be trusted.
        damping = jnp.concatenate([jnp.zeros(1), _DAMPING * jnp.max(sizes)])
        of_boson = (along / (sizes + damping[:, None])) @ axes.T
        gain = 0.5 * (of_boson[0] @ gradient + (alone + follow @ of_boson[0]) @ of_pulls)
        of_boson = of_boson * jnp.minimum(1.0, _LONGEST / jnp.max(jnp.abs(of_boson), axis=1, keepdims=True))
        steps = jnp.concatenate([of_boson, alone + of_boson @ follow.T], axis=1)
        expected = 0.5 * steps[0] @ jnp.concatenate([gradient, of_pulls])
        steps = jnp.concatenate([jnp.array(_SIZES)[:, None] * steps[0], steps[1:]])
        trials = z + steps
        trials = trials.at[:, :size].set(jnp.clip(trials[:, :size], low, high))
        of_boson_alone = jnp.where(held | held[:, None], 0.0, (axes / sizes) @ axes.T)
        return trials, gain, expected, is_maximum, held, Curved(of_boson_alone, follow, factor)

    return one


def _of_pulls(
    joint: JointModel, pulls: Float[Array, " nuisances"], expanded: Expansion
) -> tuple[Float[Array, " nuisances"], Float[Array, "nuisances nuisances"]]:
    if not joint.nuisances:
        return jnp.zeros(0), jnp.zeros((0, 0))
    return gradient_and_precision(joint.constraints.log_prob, pulls, expanded)


def _finite(x: Array) -> Array:
    """A difference to a point without a likelihood tells nothing."""
    return jnp.where(jnp.isfinite(x), x, 0.0)
