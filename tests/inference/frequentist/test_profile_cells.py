"""Cells of a profile whose own climbs ended on a lower maximum, and those of a dense grid that are not scanned."""

import functools

import jax.numpy as jnp
import numpy as np
import pytest
from profile_toys import scale, toy

import lmtbayes as lmt
from lmtbayes.experiments.terms import Gaussian, Poisson
from lmtbayes.inference.frequentist import climb, profile_cells
from lmtbayes.inference.frequentist.scan import ScanResult

FREE = lmt.LMU_LTAU.with_mixing("free")
LOW, HIGH = -5.2, -1.8
"""ln kappa of the two maxima, as far as the second number does not move them."""
GRID = {"mass": np.geomspace(10.0, 100.0, 4), "g_x": np.geomspace(1e-4, 1e-3, 5)}


def double_well(g_x, mass, eps_x, values):
    """A number that is 1 at two mixings, and one that prefers the higher, by a few in ln L."""
    x = 2.0 * (jnp.log(-eps_x / g_x) - LOW) / (HIGH - LOW) - 1.0
    height = x**2 + 0.01 * jnp.log(mass / 30.0) * jnp.log(g_x / 3e-4)
    return jnp.stack([height, values["scale"] * x])


@pytest.fixture(scope="module")
def like():
    experiment = toy(double_well, Gaussian([0.05, 0.8]), 2, (scale(),))
    return lmt.JointLikelihood([experiment], FREE, {"toy": np.ones(2)}, check=False)


def profile(like, grid=GRID, **options):
    return lmt.profile_likelihood(like, grid, progress=False, **options)


def only_the_lower(found, cells):
    """A scan that has not seen the higher maximum in some cells."""
    z, promising = found.z.copy(), found.promising.copy()
    for i, j in cells:
        lower = np.nanargmin(z[i, j, :, 0])
        z[i, j, 0], promising[i, j] = z[i, j, lower], [True] + [False] * (promising.shape[-1] - 1)
    return ScanResult(z, found.log_likelihood, promising)


@pytest.mark.parametrize("missed", [[(1, 2)], [(i, j) for i in range(4) for j in range(5) if (i, j) != (3, 4)]])
def test_a_cell_whose_scan_saw_the_wrong_maximum_is_raised(like, monkeypatch, missed):
    """One cell, or all but a corner, from which what it has found then goes from cell to cell."""
    expected = profile(like)
    assert (expected["kappa"] > np.exp(0.5 * (LOW + HIGH))).all()
    real = profile_cells.scan_cells
    monkeypatch.setattr(profile_cells, "scan_cells", lambda *given: only_the_lower(real(*given), missed))
    found = profile(like)
    assert (found["status"] == 0).all()
    # A climb ends where 1e-9 is left.
    np.testing.assert_allclose(found["log_likelihood"], expected["log_likelihood"], atol=1e-8)
    np.testing.assert_allclose(np.log(found["kappa"]), np.log(expected["kappa"]), atol=1e-4)


def test_what_no_data_allow_is_left_where_it_is(monkeypatch):
    """Where q is below 1000 nothing changes; beyond it is good to two parts in ten thousand, or an upper bound."""
    counted = {"evaluations": 0}
    real = climb.Steps.trials

    def trials(self, z, *given):
        counted["evaluations"] += len(z)
        return real(self, z, *given)

    def counts(g_x, mass, eps_x, values):
        amplitude = 3e9 * g_x * eps_x / (mass**2 + jnp.array([5.0, 20.0, 60.0]) ** 2)
        return jnp.array([9e4, 6e4, 3e4]) * values["scale"] * (1.0 + amplitude) ** 2

    monkeypatch.setattr(climb.Steps, "trials", trials)
    truth = counts(5e-4, 15.0, -5e-4 / 70.0, {"scale": 1.0})
    like = lmt.JointLikelihood([toy(counts, Poisson(), 3, (scale(),))], FREE, {"toy": truth}, check=False)
    grid = {"mass": np.geomspace(1.0, 1e3, 12), "g_x": np.geomspace(1e-5, 1e-2, 14)}
    found, number = [], []
    for forbidden in (np.inf, climb.FORBIDDEN):
        monkeypatch.setattr(climb, "FORBIDDEN", forbidden)
        counted["evaluations"] = 0
        found.append(profile(like, grid))
        number.append(counted["evaluations"])
    whole, short = (x["q"].values for x in found)
    deep = whole > 1000.0
    assert 20 < deep.sum() < deep.size - 20
    np.testing.assert_allclose(short[~deep], whole[~deep], atol=1e-6)
    np.testing.assert_array_equal(found[0]["status"].values[~deep], found[1]["status"].values[~deep])
    reached = deep & (found[1]["status"].values < 2)
    assert reached.any()
    assert np.all(short[reached] <= 1.0002 * whole[reached])
    assert np.all(short[deep] > 1000.0)
    assert number[1] < number[0]


def test_slices_that_the_rest_of_the_plane_forbids_are_as_exact(monkeypatch):
    """A signal of thousands in ln L at one mass: limits at the others are relative to the best coupling there."""

    def counts(g_x, mass, eps_x, values):
        near = jnp.exp(-0.5 * (jnp.log(mass / 20.0) / 0.1) ** 2)
        signal, mixed = (g_x / 5e-4) ** 2, jnp.log(-70.0 * eps_x / g_x)
        beam = 4e4 * (1.0 + near * signal)
        return jnp.stack([beam, values["scale"] * (4e2 + 3e2 * signal), 1e3 * (1.0 + 0.1 * signal * mixed) ** 2])

    truth = counts(5e-4, 20.0, -5e-4 / 70.0, {"scale": 1.05})
    like = lmt.JointLikelihood([toy(counts, Poisson(), 3, (scale(),))], FREE, {"toy": truth}, check=False)
    grid = {"mass": np.geomspace(2.0, 200.0, 9), "g_x": np.geomspace(1e-5, 2e-3, 25)}
    found = []
    for forbidden in (np.inf, climb.FORBIDDEN):
        monkeypatch.setattr(climb, "FORBIDDEN", forbidden)
        found.append(profile(like, grid)["q"].values)
    whole, short = (q - q.min(axis=1, keepdims=True) for q in found)
    assert found[0].min(axis=1).max() > 1000.0, "no slice is forbidden as a whole"
    allowed = whole < 1000.0
    assert allowed.any(axis=1).all()
    np.testing.assert_allclose(short[allowed], whole[allowed], atol=1e-6)


def test_without_neighbours_it_would_stay_where_it_is(like, monkeypatch):
    """That the test above tests something."""
    expected = profile(like)
    real = profile_cells.scan_cells
    monkeypatch.setattr(profile_cells, "scan_cells", lambda *given: only_the_lower(real(*given), [(1, 2)]))
    monkeypatch.setattr(profile_cells, "_ROUNDS", 0)
    lower = expected["log_likelihood"] - profile(like)["log_likelihood"]
    assert lower.values[1, 2] > 0.5
    assert np.abs(np.delete(lower.values.ravel(), 7)).max() < 1e-8


# -- dense grids: every cell is what a scan of it finds ---------------------------------------------------------------


def crossing(g_x, mass, eps_x, values):
    """Bin 0 is one rate at two mixings; bin 1 likes the smaller below a line across the grid, the larger above it."""
    x = -eps_x / g_x / 0.05
    lean = 40.0 * jnp.log10(g_x / 3.3e-4) + 20.0 * jnp.log10(mass / 30.0)
    amplitude = 80.0 * (1.0 - x) ** 2 + 20.0
    return values["scale"] * jnp.array([amplitude, 400.0 + lean * x, 100.0 * (mass / 30.0) ** 0.5, 1e3 * g_x / 3e-4])


@pytest.fixture(scope="module")
def crossing_like():
    data = {"toy": np.array([40.0, 400.0, 100.0, 1000.0])}
    return lmt.JointLikelihood([toy(crossing, Poisson(), 4, (scale(sigma=0.05),))], FREE, data)


def lines(name, number):
    low, high = {"g_x": (1e-4, 1e-3), "mass": (10.0, 90.0), "kappa": (0.01, 0.5)}[name]
    return np.geomspace(low, high, number)


@pytest.mark.slow
@pytest.mark.parametrize(
    "sizes",
    [
        {"g_x": 42, "mass": 5},
        {"g_x": 6, "mass": 61},
        {"mass": 63, "g_x": 40},
        {"mass": 40, "g_x": 45},
        {"kappa": 40, "g_x": 39},
        {"g_x": 42},
        {"mass": 61},
        {"kappa": 80},
    ],
    ids=lambda sizes: " x ".join(f"{number} {name}" for name, number in sizes.items()),
)
def test_a_dense_grid_is_that_of_a_scan_of_every_cell(crossing_like, monkeypatch, sizes):
    """Even and odd numbers of lines, in either order, one parameter or two, where the maxima cross between lines."""
    grid = {name: lines(name, number) for name, number in sizes.items()}
    scanned = []
    real = profile_cells.scan_cells
    monkeypatch.setattr(
        profile_cells, "scan_cells", lambda *given: scanned.append(given[2].size * given[3].size) or real(*given)
    )
    found = profile(crossing_like, grid)
    assert scanned[0] < 0.7 * found["q"].size
    monkeypatch.setattr(profile_cells, "scanned_lines", lambda line: np.arange(line.size))
    expected = profile(crossing_like, grid)
    assert scanned[-1] == expected["q"].size
    # A climb ends where 1e-9 is left, and deep down where that is a ten thousandth of how deep it is.
    value, other = (x["log_likelihood"].values for x in (found, expected))
    least = functools.reduce(np.minimum, [other.max(axis=axis, keepdims=True) for axis in range(other.ndim)])
    allowed = other > least - climb.FORBIDDEN
    np.testing.assert_allclose(value[allowed], other[allowed], rtol=0.0, atol=1e-7)
    np.testing.assert_allclose(value - other.max(), other - other.max(), rtol=2e-4, atol=1e-7)
    np.testing.assert_array_equal(found["status"].values[allowed], expected["status"].values[allowed])
    if set(grid) == {"g_x", "mass"}:
        upper = found["kappa"].values > 0.05
        assert upper.any()
        assert not upper.all()


def test_a_coarse_grid_is_scanned_whole(like, monkeypatch):
    scanned = []
    real = profile_cells.scan_cells
    monkeypatch.setattr(
        profile_cells, "scan_cells", lambda *given: scanned.append(given[2].size * given[3].size) or real(*given)
    )
    profile(like)
    assert scanned[0] == 20
