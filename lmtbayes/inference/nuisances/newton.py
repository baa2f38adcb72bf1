"""Damped Newton in a box, with the exact Hessian: small, vmappable, one step where the function is quadratic.

For the handful of parameters of a conditional or profile fit, started in the right basin. Coordinates at an edge of
the box whose gradient points outwards are held there, and so are those whose box has no width.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

TOLERANCE = 1e-9
"""Largest expected gain, half the squared Newton decrement, at which a maximum counts as found."""
DROWNED = 1e-3
"""Largest expected gain that may be lost in the rounding of a function whose terms are large (1e10 events)."""

STEP_SIZES = (1.0, 0.4, 0.1, 0.02)
SMALLEST_CURVATURE = 1e-3
"""Of a Hessian that had to be shifted, in the coordinates' own units."""

type Function = Callable[[Float[Array, " n"]], Float[Array, ""]]
type Derivatives = Callable[[Float[Array, " n"]], tuple[Array, ...]]


class Maximum(NamedTuple):
    """Where a climb ended."""

    point: Float[Array, " n"]
    value: Float[Array, ""]
    """Of the function there."""
    converged: Bool[Array, ""]
    """Whether it is a maximum (in the box) to the tolerance."""


def highest[T](found: T, values: Float[Array, " several"]) -> T:
    """Take, of several results along a leading axis, the one of the largest value; what is no number is the lowest."""
    best = jnp.argmax(jnp.where(jnp.isfinite(values), values, -jnp.inf))
    chosen: T = jax.tree.map(lambda x: x[best], found)
    return chosen


def first_and_second_derivative(
    terms: Callable[[Float[Array, "*terms"]], Float[Array, "*terms"]], x: Float[Array, "*terms"]
) -> tuple[Float[Array, "*terms"], Float[Array, "*terms"]]:
    """First and second derivative of terms of which each depends on its own entry of `x` alone."""
    ones = jnp.ones_like(x)
    return jax.jvp(lambda y: jax.jvp(terms, (y,), (ones,))[1], (x,), (ones,))


def derivatives(function: Function, point: Float[Array, " n"]) -> tuple[Array, Array, Array]:
    """Value, gradient and negative Hessian."""

    def slope(x: Array) -> tuple[Array, tuple[Array, Array]]:
        value, gradient = jax.value_and_grad(function)(x)
        return gradient, (value, gradient)

    curvature, (value, gradient) = jax.jacfwd(slope, has_aux=True)(point)
    return value, gradient, -curvature


def newton_step(precision: Float[Array, "n n"], gradient: Float[Array, " n"]) -> tuple[Array, Array]:
    """Solve precision @ step = gradient; also whether the matrix is positive definite.

    Where it is not, it is shifted until it is, so that the step still climbs.
    """
    lower = jnp.linalg.cholesky(precision)
    is_definite = jnp.all(jnp.isfinite(lower))
    # Gershgorin's discs bound the lowest eigenvalue from below.
    diagonal = jnp.diagonal(precision)
    radius = jnp.sum(jnp.abs(precision), axis=-1) - jnp.abs(diagonal)
    shift = jnp.maximum(jnp.max(radius - diagonal) + SMALLEST_CURVATURE, 0.0)
    shifted = jnp.linalg.cholesky(precision + shift * jnp.eye(precision.shape[-1]))
    lower = jnp.where(is_definite, lower, shifted)
    return jax.scipy.linalg.cho_solve((lower, True), gradient), is_definite


def maximise(
    function: Function,
    start: Float[Array, " n"],
    max_steps: int,
    box: tuple[Float[Array, " n"], Float[Array, " n"]] | None = None,
    local: Derivatives | None = None,
) -> Maximum:
    """Climb from `start`, never downwards.

    Parameters
    ----------
    function
        Of a vector; may be -inf or NaN somewhere, not at the start.
    start
        Inside the box. The result does not depend on it differentiably.
    max_steps
        Cap; the climb ends as soon as it has converged.
    box
        (low, high) of each coordinate; infinite edges are none.
    local
        Value, gradient and (an approximation of) the negative Hessian at a point; exact ones of `function` by default.
        A fourth array, (trials, n), holds points to try beside the Newton step.
    """
    if start.shape[-1] == 0:
        value = function(start)
        return Maximum(start, value, jnp.isfinite(value))
    sizes = jnp.array((0.0, *STEP_SIZES))

    def newton_iteration(state: tuple[Array, Array, Array, Array]) -> tuple[Array, Array, Array, Array]:
        point, _, _, count = state
        value, gradient, precision, *others = derivatives(function, point) if local is None else local(point)
        if box is not None:
            low, high = box
            is_held = ((point <= low) & (gradient < 0.0)) | ((point >= high) & (gradient > 0.0)) | (low >= high)
            gradient = jnp.where(is_held, 0.0, gradient)
            precision = jnp.where(is_held | is_held[:, None], jnp.eye(point.shape[-1]), precision)
        step, is_maximum = newton_step(precision, gradient)
        trials = jnp.concatenate([point + sizes[:, None] * step, *others])
        if box is not None:
            trials = jnp.clip(trials, *box)
        values = jax.vmap(function)(trials)
        values = jnp.where(jnp.isfinite(values), values, -jnp.inf)
        best = jnp.argmax(values)
        # Beside large terms the last gains drown in rounding: no step is seen to gain what is expected of it.
        gain = 0.5 * jnp.dot(step, gradient)
        drowned = (best == 0) & (gain < DROWNED)
        converged = is_maximum & ((gain < TOLERANCE + 1e-14 * jnp.abs(value)) | drowned)
        best = jnp.where(converged, 0, best)
        return trials[best], values[best], converged, count + 1

    def unfinished(state: tuple[Array, Array, Array, Array]) -> Array:
        *_, converged, count = state
        return ~converged & (count < max_steps)

    begin = (start, jnp.array(-jnp.inf), jnp.array(False), jnp.array(0))
    point, value, converged, _ = jax.lax.while_loop(unfinished, newton_iteration, begin)
    return Maximum(jax.lax.stop_gradient(point), jax.lax.stop_gradient(value), converged)
