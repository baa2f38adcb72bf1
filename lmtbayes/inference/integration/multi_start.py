"""Multi-start optimisation in a box, and the boxes around the optima that an adaptive cubature must resolve."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

type Objective = Callable[[Float[Array, " dim"], Float[Array, " free"], Any], Float[Array, ""]]

MAX_STEPS = 96
_EDGE = 1e-3
"""Starts are kept this far (in units of the box) from its edges, where the sigmoid is flat."""
_FLAT = 1e9
"""Stands for an infinite standard deviation."""
_HALF_WIDTH = 2.0
"""Half width of a box around an optimum, in standard deviations of the normal approximation there."""


def multi_start(
    objective: Objective,
) -> Callable[[Array, Array, Array, Array, Any], tuple[Array, Array, Array]]:
    """Return the traceable function that climbs `objective` from many starts.

    Parameters
    ----------
    objective
        (x, free, args) -> value; x stays in the box, `free` is unbounded (nuisances; may be empty).

    Returns
    -------
    climb
        (starts (n, dim), free start (k,), low (dim,), high (dim,), args) -> optima (n, dim), standard deviations
        (n, dim), values (n,). A standard deviation is that of the normal approximation in x with `free` following its
        conditional optimum, along each direction separately; infinite where the objective does not bend down.
    """
    # A bare import of the package must start fast.
    import optimistix

    def climb(starts: Array, free: Array, low: Array, high: Array, args: Any) -> tuple[Array, Array, Array]:
        dim = starts.shape[-1]

        def in_box(z: Array) -> Array:
            return low + (high - low) * jax.nn.sigmoid(z)

        def negative(y: tuple[Array, Array], args: Any) -> Array:
            return -objective(in_box(y[0]), y[1], args)

        def one(start: Array) -> tuple[Array, Array, Array]:
            unit = jnp.clip((start - low) / (high - low), _EDGE, 1.0 - _EDGE)
            solution = optimistix.minimise(
                negative,
                optimistix.BFGS(rtol=1e-6, atol=1e-6),
                (jax.scipy.special.logit(unit), free),
                args,
                max_steps=MAX_STEPS,
                throw=False,
            )
            x, best = in_box(solution.value[0]), solution.value[1]
            joint = jnp.concatenate([x, best])
            bend = -jax.hessian(lambda v: objective(v[:dim], v[dim:], args))(joint)
            curvature = bend[:dim, :dim]
            if best.size:
                curvature -= bend[:dim, dim:] @ jnp.linalg.solve(bend[dim:, dim:], bend[dim:, :dim])
            diagonal = jnp.diagonal(curvature)
            sigma = jnp.where(diagonal > 0.0, 1.0 / jnp.sqrt(jnp.where(diagonal > 0.0, diagonal, 1.0)), jnp.inf)
            return x, sigma, objective(x, best, args)

        return jax.vmap(one)(starts)

    return climb


def boxes_around(
    x: Float[np.ndarray, "optima dim"],
    sigma: Float[np.ndarray, "optima dim"],
    values: Float[np.ndarray, " optima"],
    low: Float[np.ndarray, " dim"],
    high: Float[np.ndarray, " dim"],
    drop: float = 50.0,
) -> tuple[Float[np.ndarray, "boxes dim"], Float[np.ndarray, "boxes dim"], Float[np.ndarray, "boxes dim"]]:
    """Different optima and boxes (low, high) of two standard deviations to both sides of each, cut to [low, high].

    Optima that lie inside the box of a higher one are that one; those lower by more than `drop` in ln are left out.
    """
    usable = np.isfinite(values) & np.isfinite(x).all(-1)
    if not usable.any():
        return np.zeros((0, len(low))), np.zeros((0, len(low))), np.zeros((0, len(low)))
    x, sigma, values = x[usable], np.nan_to_num(sigma[usable], nan=_FLAT, posinf=_FLAT), values[usable]
    order = np.argsort(-values)
    order = order[values[order] > values.max() - drop]
    begin = np.maximum(x - _HALF_WIDTH * sigma, low)
    end = np.minimum(x + _HALF_WIDTH * sigma, high)
    kept: list[int] = []
    for i in order:
        if not any(((x[i] >= begin[k]) & (x[i] <= end[k])).all() for k in kept):
            kept.append(int(i))
    return x[kept], begin[kept], end[kept]


def cube_modes(
    log_integrand: Callable[[Float[Array, "points dim"]], Float[Array, " points"]], dim: int
) -> Callable[[np.ndarray], tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Return the mode finder that `cubature.integrate` takes, for a batched, traceable f on the unit cube."""
    climb = jax.jit(multi_start(lambda x, _free, _args: log_integrand(x[None])[0]))
    low, high = np.zeros(dim), np.ones(dim)

    def find(starts: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        x, sigma, values = climb(jnp.asarray(starts), jnp.zeros(0), low, high, None)
        return boxes_around(np.asarray(x), np.asarray(sigma), np.asarray(values), low, high)

    return find
