"""Outlines of functions known in closed form: area, extent, how far a coarse grid is from them."""

import numpy as np
import pytest

from lmtbayes import _level_sets as level_sets

LEVEL = 2.3
FUNCTIONS = {
    "ellipse": lambda x, y: x**2 + 2.0 * y**2,
    # -2 ln of a Poisson likelihood in the logarithm of a rate: steep on one side.
    "counts": lambda x, y: 12.0 * (np.expm1(x / 1.5) - x / 1.5) + y**2,
    "tilted": lambda x, y: (x - y) ** 2 / 0.15 + (x + y) ** 2 / 2.0,
    "two": lambda x, y: np.minimum((x - 2.0) ** 2 + y**2, 4.0 * (x + 2.0) ** 2 + y**2 + 0.5),
}


def on_grid(function, number, shift=0.0):
    x = np.linspace(-5.0, 5.0, number) + shift * 10.0 / number
    return x, x, function(x[None, :], x[:, None])


def by_counting(function, number=2401):
    """Area and extents from the cells of a fine grid."""
    x, _, q = on_grid(function, number)
    inside = q < LEVEL
    hit = [np.flatnonzero(inside.any(axis=axis)) for axis in (0, 1)]
    return inside.sum() * (x[1] - x[0]) ** 2, [x[h[0]] for h in hit], [x[h[-1]] for h in hit]


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("shift", [0.0, 0.37])
def test_area_and_extents_of_a_resolved_region(name, shift):
    area, low, high = by_counting(FUNCTIONS[name])
    found = level_sets.outline(*on_grid(FUNCTIONS[name], 40, shift), LEVEL)
    # Counting is good to the cells on the rim, 4e-3 of these areas; extents to one cell of 0.004.
    assert found.area == pytest.approx(area, rel=6e-3)
    np.testing.assert_allclose(found.low, low, atol=0.02)
    np.testing.assert_allclose(found.high, high, atol=0.02)


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("number", [10, 12, 14, 17, 20, 26])
def test_the_movement_bounds_the_error(name, number):
    area, *_ = by_counting(FUNCTIONS[name])
    grid = on_grid(FUNCTIONS[name], number, 0.2)
    error = abs(level_sets.outline(*grid, LEVEL).area / area - 1.0)
    # Counting is good to 6e-3.
    assert error < level_sets.movement(*grid, LEVEL).max() + 6e-3


def test_few_lines_through_a_region_are_too_few():
    x, y, q = on_grid(FUNCTIONS["ellipse"], 41)
    assert level_sets.movement(x, y, q, LEVEL).max() < 0.02
    moved = level_sets.movement(x[::8], y, q[:, ::8], LEVEL)
    assert moved[0] == 1.0
    assert moved[1] < 0.02


def test_a_region_cut_by_the_grid_is_filled_to_the_edge_and_its_line_ends_there():
    x, y, q = on_grid(FUNCTIONS["ellipse"], 41)
    found = level_sets.outline(x[20:], y, q[:, 20:], LEVEL)
    (line,) = found.lines
    assert [level_sets.sides(end, x[20:], y) for end in (line[0], line[-1])] == [[(0, 0)], [(0, 0)]]
    assert found.area == pytest.approx(0.5 * np.pi * LEVEL / np.sqrt(2.0), rel=1e-3)
    assert found.low[0] == 0.0


def test_holes_count_as_holes():
    x, y, q = on_grid(lambda x, y: (np.hypot(x, y) - 3.0) ** 2 / 0.09, 101)
    assert level_sets.outline(x, y, q, 1.0).area == pytest.approx(np.pi * (3.3**2 - 2.7**2), rel=0.01)


def test_cliffs_and_failed_cells_stay_outside():
    x, y, q = on_grid(FUNCTIONS["ellipse"], 41)
    broken = np.where(x[None, :] > 0.6, np.inf, q)
    broken[0, 0] = np.nan
    found = level_sets.outline(x, y, broken, LEVEL)
    assert 0.5 <= found.high[0] <= 0.75
    assert np.isfinite(np.concatenate(found.lines)).all()


def test_nothing_and_everything():
    x, y, q = on_grid(FUNCTIONS["ellipse"], 11)
    assert level_sets.outline(x, y, q + 50.0, LEVEL).area == 0.0
    everything = level_sets.outline(x, y, 0.0 * q, LEVEL)
    assert everything.lines == ()
    assert everything.area == pytest.approx(100.0)
    assert level_sets.movement(x, y, 0.0 * q, LEVEL).max() == 0.0
