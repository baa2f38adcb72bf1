"""Peaks of the posterior in (z, pulls), from many starts at once: where a grid has to be fine.

Levenberg's damped Gauss-Newton steps: the curvature of ln L is taken from the Jacobian of the rates, J^T w J, as in
`linearised`; the damping grows after a step that does not climb and shrinks after one that does.
"""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from lmtbayes.gauge.models import HiddenPhoton
from lmtbayes.inference.likelihood import Data
from lmtbayes.inference.linearised import Bins, score_and_weight
from lmtbayes.inference.space import Space

STEPS = 60
STARTS = 16
_LARGEST_STEP = 2.0
_EDGE_Z = 16.0
"""|z| at which a climb towards the prior's edge stops; u is 1e-7 from it."""


class Peak(eqx.Module):
    """End of one climb."""

    unit: Float[Array, " coordinates"]
    log_likelihood: Float[Array, ""]
    finest: Float[Array, ""]
    """Smallest standard deviation, in u, of the Gaussian of the same curvature, pulls marginalised."""


def climb(space: Space, unit: Float[Array, " coordinates"], data: Data) -> Peak:
    """Climb the log-likelihood (the posterior density in u) from one point of the unit cube, pulls central.

    For one start, to be traced: `jax.vmap` it.
    """
    d, like = space.dimensions, space.like
    bins = Bins(like, data)

    def photon(z: Array) -> HiddenPhoton:
        return space.photon(jax.nn.sigmoid(z))

    def look(position: Array) -> tuple[Array, Array, Array]:
        """Height, slope and curvature."""
        slopes, expected = bins.jacobian(photon, position[:d], position[d:])
        score, weight = bins.score_and_weight(expected)
        height, gradient = jnp.sum(bins.log_prob(expected)), slopes.T @ score
        own = jnp.zeros(space.size)
        if like.nuisances:
            pull, stiffness = score_and_weight(like.constraints.log_prob, position[d:])
            height, gradient = height + like.log_constraint(position[d:]), gradient.at[d:].add(pull)
            own = own.at[d:].set(jnp.maximum(stiffness, 1e-3))
        return height, gradient, (slopes.T * weight) @ slopes + jnp.diag(own)

    def step(state: tuple[Array, Array, Array, Array, Array], _: None) -> tuple[Any, None]:
        position, height, gradient, precision, damping = state
        move = jnp.linalg.solve(precision + damping * jnp.eye(space.size), gradient)
        move *= jnp.minimum(1.0, _LARGEST_STEP / jnp.maximum(jnp.max(jnp.abs(move)), 1e-30))
        trial = (position + move).at[:d].set(jnp.clip(position[:d] + move[:d], -_EDGE_Z, _EDGE_Z))
        found = look(trial)
        better = (found[0] > height) & jnp.all(jnp.isfinite(found[1])) & jnp.all(jnp.isfinite(found[2]))
        kept = [jnp.where(better, new, old) for new, old in zip(found, (height, gradient, precision), strict=True)]
        damping = jnp.clip(jnp.where(better, 0.2 * damping, 6.0 * damping), 1e-6, 1e12)
        return (jnp.where(better, trial, position), *kept, damping), None

    # Nothing is known at the start: the first step stays there and looks.
    start = space.join(unit, like.central_pulls)
    unknown = (jnp.array(-jnp.inf), jnp.zeros(space.size), jnp.eye(space.size), jnp.array(1.0))
    (position, height, _, precision, _), _ = jax.lax.scan(step, (start, *unknown), length=STEPS)
    mixed = precision[:d, d:]
    precision = precision[:d, :d] - mixed @ jnp.linalg.solve(precision[d:, d:], mixed.T)
    unit, _ = space.split(position)
    slope = unit * (1.0 - unit)
    steepest = jnp.max(jnp.abs(jnp.linalg.eigvalsh(precision / (slope[:, None] * slope[None, :]))))
    return Peak(unit, height, 1.0 / jnp.sqrt(jnp.maximum(steepest, 1e-12)))
