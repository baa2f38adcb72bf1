"""Derivatives by experiment are those of the whole matrix."""

import jax.numpy as jnp
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from lmtbayes.inference.nuisances.columns import Columns


@st.composite
def matrices(draw):
    """Some experiments, each of which knows some of the nuisances, in an order of its own."""
    size = draw(st.integers(0, 6))
    owns = tuple(
        tuple(draw(st.lists(st.integers(0, size - 1), unique=True, max_size=size))) if size else ()
        for _ in range(draw(st.integers(1, 4)))
    )
    return owns, tuple(draw(st.integers(1, 3)) for _ in owns), size, draw(st.integers(0, 1000))


@given(matrices())
@settings(max_examples=50, deadline=None)
def test_products_are_those_of_the_whole_matrix(drawn):
    owns, bins, size, seed = drawn
    rng = np.random.default_rng(seed)
    columns = Columns(
        tuple(rng.standard_normal((rows, len(own))) for rows, own in zip(bins, owns, strict=True)), owns, size
    )
    whole = columns.dense()
    for block, own, lines in zip(
        columns.blocks,
        columns.owns,
        np.split(whole, np.cumsum([len(block) for block in columns.blocks])[:-1]),
        strict=True,
    ):
        np.testing.assert_array_equal(lines[:, list(own)], block)
        assert np.count_nonzero(lines) == np.count_nonzero(block)
    change, score = rng.standard_normal(columns.size), rng.standard_normal(len(whole))
    weight = rng.random(len(whole))
    close = {"rtol": 1e-12, "atol": 1e-12}  # the same sums in another order
    np.testing.assert_allclose(columns.along(jnp.asarray(change)), whole @ change, **close)
    np.testing.assert_allclose(columns.back(jnp.asarray(score)), score @ whole, **close)
    np.testing.assert_allclose(columns.gram(jnp.asarray(weight)), (whole.T * weight) @ whole, **close)
    np.testing.assert_allclose(columns.scaled(jnp.asarray(change)).dense(), whole * change, **close)


def test_matrices_of_leading_axes_stay_apart():
    blocks = np.arange(6.0).reshape(2, 1, 3), 10.0 + np.arange(4.0).reshape(2, 2, 1)
    found = Columns(blocks, ((2, 0, 1), (1,)), 3).dense()
    np.testing.assert_array_equal(found[0], [[1, 2, 0], [0, 10, 0], [0, 11, 0]])
    np.testing.assert_array_equal(found[1], [[4, 5, 3], [0, 12, 0], [0, 13, 0]])
