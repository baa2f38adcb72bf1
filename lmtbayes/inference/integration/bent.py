"""A line that is bent smoothly: where a Gaussian along it is straight, its image has a skew.

Counts are linear in the value of a log-normal nuisance, an exponential of its pull, so that ln L, where data hold the
value, is a parabola in the value and not in the pull. With a from the bend b wanted, and a small epsilon,

    straight = [exp(a x) - epsilon exp(-a x) - (1 - epsilon)] / [a (1 + epsilon)]

is x near zero, its second derivative there is b, and unlike the exponential alone it maps all numbers to all numbers.
"""

import jax.numpy as jnp
from jaxtyping import Array, Float

_EPSILON = 0.01
"""Straight below a hundredth of the way to where the exponential would end."""
_NONE = 1e-6
"""Bends below this are none."""
_FARTHEST = 300.0
"""Exponents beyond overflow where they are squared; a density there is none."""


def straightened(
    x: Float[Array, " coordinates"], bend: Float[Array, " coordinates"]
) -> tuple[Float[Array, " coordinates"], Float[Array, ""]]:
    """Coordinates along the straight lines of points of bent ones, and ln of the Jacobian of all together."""
    is_none, a = _scale(bend)
    exponent = jnp.clip(a * x, -_FARTHEST, _FARTHEST)
    straight = (jnp.expm1(exponent) - _EPSILON * jnp.expm1(-exponent)) / (a * (1.0 + _EPSILON))
    log_slope = jnp.log((jnp.exp(exponent) + _EPSILON * jnp.exp(-exponent)) / (1.0 + _EPSILON))
    return jnp.where(is_none, x, straight), jnp.sum(jnp.where(is_none, 0.0, log_slope))


def bent(straight: Float[Array, " coordinates"], bend: Float[Array, " coordinates"]) -> Float[Array, " coordinates"]:
    """Inverse of `straightened`."""
    is_none, a = _scale(bend)
    middle = 0.5 * (straight * a * (1.0 + _EPSILON) + (1.0 - _EPSILON))
    root = jnp.hypot(middle, jnp.sqrt(_EPSILON))
    # Of the two ways to write the solution the one that does not cancel.
    positive = jnp.where(middle > 0.0, middle + root, _EPSILON / (root - jnp.minimum(middle, 0.0)))
    return jnp.where(is_none, straight, jnp.log(positive) / a)


def _scale(bend: Array) -> tuple[Array, Array]:
    is_none = jnp.abs(bend) < _NONE
    return is_none, jnp.where(is_none, 1.0, bend * (1.0 + _EPSILON) / (1.0 - _EPSILON))
