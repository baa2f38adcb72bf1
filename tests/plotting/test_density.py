"""A region labelled p holds p: fresh draws are counted inside what every function that draws regions has drawn."""

import matplotlib as mpl
import numpy as np
import pytest
from scipy import stats

mpl.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.patches import PathPatch

from lmtbayes.errors import InvalidArgument
from lmtbayes.parameters import LEVELS
from lmtbayes.plotting import planes
from lmtbayes.plotting.corner import corner
from lmtbayes.plotting.density import density_of_draws, outlines

BOX = {"log10_mass": (0.0, 3.0), "log10_g_x": (-5.0, -2.0)}


def gaussian(size, rng):
    """As narrow as BP4's posterior in a box of three decades."""
    return np.array([2.0, -3.0])[:, None] + np.array([[0.07], [0.04]]) * rng.normal(size=(2, size))


def correlated(size, rng):
    z = rng.normal(size=(2, size))
    return np.array([1.5 + 0.3 * z[0], -3.5 + 0.3 * z[0] + 0.02 * z[1]])


def banana(size, rng):
    z = rng.normal(size=(2, size))
    return np.array([1.5 + 0.25 * z[0], -4.0 + 0.03 * z[1] + 0.1 * z[0] ** 2])


def two_modes(size, rng):
    z, left = rng.normal(size=(2, size)), rng.random(size) < 0.3
    wide = np.array([2.0 + 0.2 * z[0], -3.0 + 0.08 * z[1]])
    return np.where(left, np.array([0.7 + 0.03 * z[0], -4.0 + 0.03 * z[1]]), wide)


def at_the_edge(size, rng):
    """Highest in a corner of the box."""
    z = rng.normal(size=size)
    mass, g_x = 0.4 * np.abs(z), -5.0 + rng.exponential(0.15, size)
    keep = (mass < 3.0) & (g_x < -2.0)
    return np.array([mass[keep], g_x[keep]])


def cut_off(size, rng):
    """Flat in the mass up to both edges of the box, as where an experiment sees no boson."""
    return np.array([3.0 * rng.random(size), -3.0 + 0.1 * rng.normal(size=size)])


SHAPES = [gaussian, correlated, banana, two_modes, at_the_edge, cut_off]


def held(axis, points):
    """Fractions of points (2, n) inside one and more, and two and more, of the filled regions of an axes."""
    pixels = axis.transData.transform(points.T)
    paths = [p.get_path().transformed(axis.transData) for p in axis.patches if isinstance(p, PathPatch)]
    inside = sum(path.contains_points(pixels).astype(int) for path in paths)
    return float(np.mean(inside >= 1)), float(np.mean(inside >= 2))


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


@pytest.mark.parametrize("shape", SHAPES)
def test_regions_hold_what_they_say(shape):
    mine, fresh = shape(8000, np.random.default_rng(0)), shape(40_000, np.random.default_rng(1))
    plane = planes.plane(plt.figure().add_subplot(), (1.0, 1e3), (1e-5, 1e-2))
    planes.draws_regions(plane, *10.0**mine, mass_bounds=(1.0, 1e3), coupling_bounds=(1e-5, 1e-2))
    samples = dict(zip(BOX, mine, strict=True))
    drawn = {
        "plane": (plane, 10.0**fresh, 10.0**mine),
        "corner": (corner(samples, bounds=BOX)[1, 0], fresh, mine),
        "corner without bounds": (corner(samples)[1, 0], fresh, mine),
    }
    for name, (axis, others, own) in drawn.items():
        for points in (others, own):
            outer, inner = held(axis, points)
            assert outer == pytest.approx(LEVELS[1], abs=0.02), name
            assert inner == pytest.approx(LEVELS[0], abs=0.02), name


@pytest.mark.parametrize("shape", SHAPES)
def test_regions_stay_in_the_box(shape):
    mine = shape(8000, np.random.default_rng(0))
    for bounds in (BOX, {}):
        axis = corner(dict(zip(BOX, mine, strict=True)), bounds=bounds)[1, 0]
        corners = np.concatenate([line.get_xydata() for line in axis.lines])
        for column, (low, high) in zip(corners.T, BOX.values(), strict=True):
            assert low <= column.min() < column.max() <= high


def test_a_posterior_at_an_edge_is_drawn_up_to_it():
    mine = at_the_edge(8000, np.random.default_rng(0))
    regions = outlines(density_of_draws(*mine, LEVELS, *BOX.values()))
    for region in regions:
        np.testing.assert_allclose(region.low, [0.0, -5.0], atol=1e-12)


@pytest.mark.parametrize("rho", [0.0, 0.9])
def test_regions_of_a_gaussian_are_its_ellipses(rho):
    draws = np.random.default_rng(2).multivariate_normal([0.0, 0.0], [[1.0, rho], [rho, 1.0]], 8000).T
    for level, region in zip(LEVELS, outlines(density_of_draws(*draws, LEVELS)), strict=True):
        radius2 = stats.chi2(2).ppf(level)
        # Some 5 % of 8000 draws lie near an edge: 5 % of the area is what they leave open, and twice that is allowed.
        assert region.area == pytest.approx(np.pi * radius2 * np.sqrt(1.0 - rho**2), rel=0.1)
        np.testing.assert_allclose(region.high, np.sqrt(radius2), rtol=0.1)
        assert len(region.lines) == 1  # no islands, no holes


def test_a_wide_tail_beside_a_sharp_mode_is_not_riddled_with_holes():
    rng = np.random.default_rng(3)
    tail = np.array([rng.normal(0.0, 1.0, 6000), rng.normal(0.0, 1.0, 6000)])
    mode = np.array([rng.normal(3.0, 0.03, 2000), rng.normal(3.0, 0.03, 2000)])
    inner, outer = outlines(density_of_draws(*np.concatenate([tail, mode], axis=1), LEVELS))
    assert len(inner.lines) == len(outer.lines) == 2
    assert sum(np.sum(codes == 1) for region in (inner, outer) for _, codes in region.polygons) == 4


def plateau(size, rng):
    """Flat below a limit that ends sharply, as where nothing is seen."""
    points = np.array([4.0 * rng.random(20 * size), -5.0 + 3.0 * rng.random(20 * size)])
    limit = np.interp(points[0], [1.2, 1.4, 2.0, 3.0, 3.7, 4.0], [-4.3, -3.5, -3.45, -2.8, -2.2, -2.4])
    kept = (rng.random(20 * size) < 1.0 / (1.0 + np.exp((points[1] - limit) / 0.05))) & (points[0] > 1.25)
    return points[:, kept][:, :size]


def test_a_plateau_that_ends_sharply_is_not_riddled_with_holes():
    mine, fresh = plateau(8000, np.random.default_rng(6)), plateau(40_000, np.random.default_rng(7))
    bounds = {"mass_bounds": (1.0, 1e4), "coupling_bounds": (1e-5, 1e-2)}
    axis = planes.plane(plt.figure().add_subplot(), *bounds.values())
    planes.draws_regions(axis, *10.0**mine, **bounds)
    outer, inner = held(axis, 10.0**fresh)
    assert (outer, inner) == (pytest.approx(LEVELS[1], abs=0.02), pytest.approx(LEVELS[0], abs=0.02))
    # Of equal heights 68 % are a matter of chance: a few pieces and holes, where narrow kernels leave two dozen.
    inside, outside = outlines(density_of_draws(*mine, LEVELS, (0.0, 4.0), (-5.0, -2.0)))
    assert sum(np.sum(codes == 1) for _, codes in outside.polygons) == 1
    assert sum(np.sum(codes == 1) for _, codes in inside.polygons) <= 8


def test_repeated_draws_count_as_often_as_they_are_repeated():
    rng = np.random.default_rng(4)
    draws = np.repeat(gaussian(3000, rng), rng.integers(1, 6, 3000), axis=1)
    axis = corner(dict(zip(BOX, draws, strict=True)))[1, 0]
    outer, inner = held(axis, gaussian(40_000, np.random.default_rng(5)))
    assert (outer, inner) == (pytest.approx(LEVELS[1], abs=0.02), pytest.approx(LEVELS[0], abs=0.02))


def test_bad_draws():
    good = gaussian(1000, np.random.default_rng(0))
    with pytest.raises(InvalidArgument, match="100"):
        density_of_draws(*good[:, :50], LEVELS)
    with pytest.raises(InvalidArgument, match="finite"):
        density_of_draws(np.where(good[0] > 2.0, np.nan, good[0]), good[1], LEVELS)
    with pytest.raises(InvalidArgument, match="different"):
        density_of_draws(np.ones(1000), good[1], LEVELS)
    with pytest.raises(InvalidArgument, match="holds the draws"):
        density_of_draws(*good, LEVELS, (2.0, 3.0))
    with pytest.raises(InvalidArgument, match="levels"):
        density_of_draws(*good, (68.27, 95.45))
    with pytest.raises(InvalidArgument, match="mass_bounds"):
        planes.draws_regions(plt.figure().add_subplot(), *10.0**good, mass_bounds=(3.0, 1.0))
