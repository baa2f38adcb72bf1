"""The tree of cells against brute force."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lmtbayes.inference.integration.morton_cells import FINEST, MortonCells, integer, morton_code


def tree(dimensions, seed, rounds=4):
    rng = np.random.default_rng(seed)
    cells = MortonCells.uniform(dimensions, 2)
    for _ in range(rounds):
        cells, _ = cells.split(rng.choice(len(cells), 1 + len(cells) // 8, replace=False))
    return cells


@pytest.mark.parametrize("dimensions", [1, 2, 3])
def test_code_interleaves_bits(dimensions):
    corner = np.random.default_rng(0).integers(0, 1 << FINEST, (50, dimensions))
    expected = [
        sum(
            ((int(x) >> bit) & 1) << (bit * dimensions + dimensions - 1 - axis)
            for axis, x in enumerate(row)
            for bit in range(FINEST)
        )
        for row in corner
    ]
    assert morton_code(corner, np).tolist() == expected
    assert np.asarray(morton_code(np.asarray(corner))).tolist() == expected


@given(st.integers(1, 3), st.integers(0, 100))
def test_cells_tile_the_cube_and_points_are_found(dimensions, seed):
    cells = tree(dimensions, seed)
    assert np.exp(cells.log_volume).sum() == pytest.approx(1.0, rel=1e-12)
    assert (np.diff(cells.code) > 0).all()
    unit = np.random.default_rng(seed).random((200, dimensions))
    home = cells.locate(unit)
    assert (unit >= cells.low[home]).all()
    assert (unit < cells.low[home] + cells.width[home, None]).all()


def test_split_keeps_the_others():
    cells = tree(2, 1)
    finer, origin = cells.split(np.array([3, 5]))
    assert len(finer) == len(cells) + 2 * 3
    kept = origin >= 0
    np.testing.assert_array_equal(finer.corner[kept], cells.corner[origin[kept]])
    assert (~kept).sum() == 8


@pytest.mark.parametrize("dimensions", [2, 3])
def test_neighbours_are_those_that_share_a_face(dimensions):
    cells = tree(dimensions, 2, rounds=2)
    i, j, axis = cells.neighbours()
    found = {frozenset(pair) for pair in zip(i.tolist(), j.tolist(), strict=True)}
    low, high = cells.low, cells.low + cells.width[:, None]
    expected = set()
    for a in range(len(cells)):
        for b in range(a):
            overlap = np.minimum(high[a], high[b]) - np.maximum(low[a], low[b])
            if (overlap >= 0).all() and (overlap == 0).sum() == 1:
                expected.add(frozenset((a, b)))
    assert found == expected
    centre = cells.centre
    assert (np.abs(centre[i, axis] - centre[j, axis]) == 0.5 * (cells.width[i] + cells.width[j])).all()


def test_regions_are_connected_through_faces():
    cells = MortonCells.uniform(2, 4)
    x, y = cells.centre.T
    labels = cells.regions((np.hypot(x - 0.25, y - 0.25) < 0.2) | (np.hypot(x - 0.75, y - 0.75) < 0.1))
    assert set(labels) == {-1, 0, 1}
    assert len(set(labels[x + y < 1.0])) == 2


def test_gradients_of_a_linear_function_are_exact_inside():
    cells = MortonCells.uniform(2, 4)
    gradients = cells.gradients(cells.centre @ np.array([3.0, -2.0]))
    np.testing.assert_allclose(gradients, cells.width[:, None] * np.array([3.0, -2.0]), rtol=1e-12)


def test_gradients_of_several_functions_are_those_of_each():
    """On cells of several sizes, where shares differ; of none there is nothing."""
    cells, _ = MortonCells.uniform(2, 3).split(np.array([3, 17, 40]))
    values = np.random.default_rng(0).random((len(cells), 2))
    together = cells.gradients(values)
    assert together.shape == (len(cells), 2, 2)
    np.testing.assert_allclose(together[:, 1], cells.gradients(values[:, 1]), rtol=1e-14)
    assert cells.gradients(values[:, :0]).shape == (len(cells), 0, 2)
    # By hand: a small cell beside a large one and a sister.
    small = int(np.argmin(cells.width))
    i, j, axis = cells.neighbours()
    for direction in range(2):
        slopes, shares = [], []
        for a, b, on in zip(i, j, axis, strict=True):
            if on == direction and small in (a, b):
                slopes.append((values[b, 0] - values[a, 0]) / (cells.centre[b] - cells.centre[a])[on])
                shares.append(0.5 if cells.level[a] == cells.level[b] else 1.0)
        expected = cells.width[small] * np.average(slopes, weights=shares)
        np.testing.assert_allclose(together[small, 0, direction], expected, rtol=1e-12)


def test_gradients_do_not_look_at_what_is_not_finite():
    """Beside a hole, in which there is nothing, they are those of the other side; of a cell alone there is none."""
    cells = MortonCells.uniform(2, 4)
    values = cells.centre @ np.array([3.0, -2.0])
    hole = np.hypot(*(cells.centre - 0.5).T) < 0.2
    found = cells.gradients(np.where(hole, -np.inf, values))
    assert np.isfinite(found).all()
    np.testing.assert_allclose(found[~hole], cells.width[~hole, None] * np.array([3.0, -2.0]), rtol=1e-12)
    alone = np.arange(len(cells)) == 100
    assert (cells.gradients(np.where(alone, values, np.nan)) == 0.0).all()


def test_cumulative_of_an_exponential():
    """Weights integrated over cells and gradients: the exact distribution function inside the cells, too."""
    cells = MortonCells.uniform(2, 3)
    low = cells.low[:, 0]
    weights = (np.exp(3.0 * (low + 0.125)) - np.exp(3.0 * low)) / np.expm1(3.0) / 8.0
    points = np.linspace(0.0, 1.0, 23)
    found = cells.cumulative(weights, 0, points, np.full(len(cells), 3.0 / 8.0))
    np.testing.assert_allclose(found, np.expm1(3.0 * points) / np.expm1(3.0), rtol=1e-10, atol=1e-12)


def test_integer_stays_inside():
    assert integer(np.array([[0.0, 1.0]]), np).tolist() == [[0, (1 << FINEST) - 1]]
