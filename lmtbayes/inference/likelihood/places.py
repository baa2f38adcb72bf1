"""Numbers of every experiment, each of a nuisance of its own, added up for all nuisances."""

import functools

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int


def added(values: Float[Array, " _"], places: tuple[tuple[int, ...], ...], size: int) -> Float[Array, " _size"]:
    """Add up values at their places in a vector: gathers, which are much faster than a scatter."""
    padded = jnp.concatenate([values, jnp.zeros(1)])
    first, *others = _table(places, size)
    total = padded[first]
    for row in others:
        total = total + padded[row]
    return total


@functools.lru_cache(maxsize=64)
def _table(places: tuple[tuple[int, ...], ...], size: int) -> Int[np.ndarray, "most size"]:
    """Which values belong to every place; the number of all values where there are fewer than the most."""
    flat = np.array([place for own in places for place in own], dtype=int)
    counts = np.bincount(flat, minlength=size)
    table = np.full((max(int(counts.max(initial=0)), 1), size), flat.size)
    order = np.argsort(flat, kind="stable")
    begin = np.cumsum(counts) - counts
    table[np.arange(flat.size) - begin[flat[order]], flat[order]] = order
    return table
