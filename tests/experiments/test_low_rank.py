"""Weights in factors: the same combinations as the whole matrix, of few operations where the rank is low."""

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


def test_electron_recoils_are_of_low_rank():
    """A third of the numbers is left of what all sources, mixing angles and bindings make of darwin-er's bins."""
    (kernel,) = lmt.experiment("darwin-er").kernels
    rows, entries = kernel.cosine_weights.left.shape[0], kernel.cosine_weights.right.shape[1]
    assert kernel.cosine_weights.size < 0.4 * rows * entries
