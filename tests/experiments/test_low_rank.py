"""Weights in factors: the same combinations as the whole matrix, of few operations where the rank is low."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import lmtbayes as lmt
from lmtbayes.experiments.low_rank import Weights


@pytest.mark.parametrize(("rank", "is_factored"), [(3, True), (30, False)])
def test_combinations_are_those_of_the_matrix(rank, is_factored):
    rng = np.random.default_rng(0)
    # Columns of all sizes: each is combined to the tolerance of its own size. One is zero.
    matrix = rng.random((40, rank)) @ rng.random((rank, 60)) * np.geomspace(1e-30, 1e10, 60)
    matrix[:, 7] = 0.0
    weights = Weights.of(matrix)
    assert (weights.left is not None) == is_factored
    assert weights.size == (rank * 100 if is_factored else matrix.size)
    coefficients = jnp.asarray(1.0 + rng.random(40))
    found, exact = np.asarray(weights.combined(coefficients)), coefficients @ matrix
    np.testing.assert_allclose(found, exact, rtol=1e-11, atol=0.0)
    assert found[7] == 0.0


@pytest.mark.parametrize("rank", [3, 30])
def test_sums_of_bins_and_their_slopes_are_those_of_the_matrix(rank):
    """Slopes in coefficients alone, in factors alone and in both take different ways through the matrix."""
    rng = np.random.default_rng(1)
    matrix = rng.random((40, rank)) @ rng.random((rank, 60))
    weights = Weights.of(matrix)
    coefficients, factors = jnp.asarray(rng.random(40)), jnp.asarray(rng.random(60))
    c, f = (jnp.asarray(rng.random(n)) for n in (40, 60))

    def plain(a, b):
        return ((a @ matrix) * b).reshape(12, 5).sum(axis=1)

    ways = [
        lambda g: lambda t: g(coefficients + t * c, factors),
        lambda g: lambda t: g(coefficients, factors + jnp.sin(t) * f),
        lambda g: lambda t: g(coefficients + t**2 * c, factors + jnp.exp(t) * f),
    ]
    for way in ways:
        own, expected = way(lambda a, b: weights.by_bin(a, b, 12)), way(plain)
        for derive in (lambda g: g, jax.jacfwd, jax.jacrev, lambda g: jax.jacfwd(jax.jacfwd(g))):
            np.testing.assert_allclose(derive(own)(0.3), derive(expected)(0.3), rtol=1e-11)
    both = jax.grad(lambda a, b: jnp.sum(weights.by_bin(a, b, 12) ** 2), argnums=(0, 1))(coefficients, factors)
    whole = jax.grad(lambda a, b: jnp.sum(plain(a, b) ** 2), argnums=(0, 1))(coefficients, factors)
    for one, other in zip(both, whole, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-11)


def test_electron_recoils_are_of_low_rank():
    """A third of the numbers is left of what all sources, mixing angles and bindings make of darwin-er's bins."""
    (kernel,) = lmt.experiment("darwin-er").kernels
    rows, entries = kernel.cosine_weights.left.shape[0], kernel.cosine_weights.right.shape[1]
    assert kernel.cosine_weights.size < 0.4 * rows * entries
