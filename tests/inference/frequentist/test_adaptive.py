"""Refined profiles: regions as large as on a dense grid, computed here by other code; what is not resolved is said."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from profile_toys import scale, toy

import lmtbayes as lmt
from lmtbayes import _level_sets
from lmtbayes.errors import InvalidArgument, ResolutionWarning
from lmtbayes.experiments.terms import Poisson
from lmtbayes.inference.frequentist.adaptive import refine
from lmtbayes.inference.frequentist.axes import threshold
from lmtbayes.inference.frequentist.contours import contours
from lmtbayes.inference.frequentist.lines import with_lines
from lmtbayes.inference.frequentist.profile import profile_likelihood
from lmtbayes.inference.frequentist.profile_table import ProfileCells
from lmtbayes.parameters import LEVELS

BOUNDS = [threshold(level, 2) for level in LEVELS]


def table(q):
    """Cells of which only ln L = -q/2 is known."""
    cells = ProfileCells(q.shape, 2, 0)
    cells.value = -0.5 * q
    return cells


def refined(q, first, second, lowest):
    def evaluate(lines, beside):
        a, b = lines
        for cells in (beside.below, beside.above):
            assert cells.value.shape == (a.size, b.size)
        return table(q(b[None, :], a[:, None]))

    def add(lines, cells, fresh):
        return with_lines(lines, cells, fresh, evaluate)

    start = table(q(second[None, :], first[:, None]))
    lines, cells, done = refine((first, second), start, add, lambda c: (-2.0 * c.value, lowest), LEVELS, BOUNDS)
    np.testing.assert_array_equal(-2.0 * cells.value, q(lines[1][None, :], lines[0][:, None]))
    assert all(np.isin(old, new).all() for old, new in zip((first, second), lines, strict=True))
    return lines, -2.0 * cells.value, done


@pytest.mark.parametrize("sigma", [(0.01, 0.01), (0.05, 0.3), (0.3, 0.02), (1.0, 1.0)])
@pytest.mark.parametrize("rho", [0.0, 0.9])
def test_an_ellipse_of_any_size_is_resolved(sigma, rho):
    """From a fraction of a cell to a grid that is fine enough already."""
    at = (0.313, -0.271)

    def q(x, y):
        u, v = (x - at[1]) / sigma[1], (y - at[0]) / sigma[0]
        return (u**2 + v**2 - 2.0 * rho * u * v) / (1.0 - rho**2)

    first, second = np.linspace(-5.0, 5.0, 40), np.linspace(-5.0, 5.0, 50)
    lines, table_q, done = refined(q, first, second, at)
    assert done.resolved
    assert sum(done.added) < 130
    for bound in BOUNDS:
        found = _level_sets.outline(lines[1], lines[0], table_q, bound)
        exact = np.pi * sigma[0] * sigma[1] * bound * np.sqrt(1.0 - rho**2)
        assert found.area == pytest.approx(exact, rel=0.02)
        np.testing.assert_allclose(found.high, np.array(at[::-1]) + np.array(sigma[::-1]) * np.sqrt(bound), rtol=0.02)


def test_what_lines_cannot_resolve_is_said():
    """A ridge along the diagonal, a thousandth of the grid wide."""
    line = np.linspace(-5.0, 5.0, 40)
    *_, done = refined(lambda x, y: ((x - y) / 0.005) ** 2 + (x + y) ** 2 / 20.0, line, line, (0.0, 0.0))
    assert not done.resolved
    assert max(done.added) <= 128


@pytest.mark.slow
@pytest.mark.parametrize("name", ["BP4", "BP1"])
def test_na64mu_by_the_default_grid_is_that_of_a_dense_one(name):
    """The 40 x 40 grid of `lmtbayes fit` alone leaves five cells to BP4's 68 % region and 23 % of its area out."""
    exp, truth = lmt.experiment("na64mu", nuisances=()), lmt.BENCHMARKS[name]
    model = lmt.LMU_LTAU.with_mixing("paper")
    like = lmt.JointLikelihood([exp], model, lmt.asimov(lmt.LMU_LTAU, truth))
    grid = {"g_x": np.geomspace(1e-5, 1e-2, 40), "mass": np.geomspace(1.0, 1000.0, 40)}
    with pytest.warns(ResolutionWarning, match="not resolved by a grid of 40 x 40"):
        coarse = contours(profile_likelihood(like, grid))
    assert not coarse[0.6827].closed
    profile = profile_likelihood(like, grid, refine=True)
    assert profile.attrs["resolved"] == 1
    assert "added to the lines" in profile.attrs["refinement"]
    assert profile.attrs["refine_error"].max() < 0.02
    for given, values in grid.items():
        assert np.isin(values, profile[given].values).all()
    found = contours(profile)

    # Poisson's -2 ln(L/L_truth) on 400 x 400 points of the part that matters, by NumPy; counted, not drawn.
    # The truth is the best fit: the data are its own expectation.
    mass, g_x = np.geomspace(1.0, 300.0, 400), np.geomspace(3e-4, 2e-3, 400)
    row = jax.jit(jax.vmap(lambda m: jax.vmap(lambda g: exp.expected_counts(model, model.hidden_photon(g, m)))(g_x)))
    counts = np.concatenate([np.asarray(row(jnp.asarray(part))) for part in np.split(mass, 10)])
    seen = np.asarray(exp.expected_counts(lmt.LMU_LTAU, truth))
    q = 2.0 * np.sum(counts - seen + seen * np.log(seen / counts), axis=-1)
    cell = np.log(mass[1] / mass[0]) * np.log(g_x[1] / g_x[0])
    for contour in found.levels:
        inside = q < contour.q
        # Counting 1000 to 20 000 cells is good to 1 %; extents to a cell, 0.014 in ln M and 0.005 in ln g.
        assert contour.area == pytest.approx(inside.sum() * cell, rel=0.02)
        for values, axis, ends in ((mass, 1, "x"), (g_x, 0, "y")):
            hit = values[inside.any(axis=axis)]
            drawn = np.concatenate([getattr(line, ends) for line in contour.lines])
            np.testing.assert_allclose([drawn.min(), drawn.max()], [hit[0], hit[-1]], rtol=0.02)


def crossing(g_x, mass, eps_x, values):
    """Bin 0 is one rate at two mixings; bin 1 likes the smaller below g = 3e-4 and the larger above; bin 2 weighs M."""
    x, lean = -eps_x / g_x / 0.05, 40.0 * jnp.log10(g_x / 3e-4)
    amplitude = 80.0 * (1.0 - x) ** 2 + 20.0
    return values["scale"] * jnp.array([amplitude, 400.0 + lean * x, 100.0 * (mass / 30.0) ** 0.5, 1e3 * g_x / 3e-4])


@pytest.mark.slow
def test_added_cells_climb_to_what_a_scan_of_each_finds():
    """Where the two maxima cross, too: either of them is at the end of one of the cells beside."""
    experiment = toy(crossing, Poisson(), 4, (scale(sigma=0.05),))
    data = {"toy": np.array([40.0, 400.0, 100.0, 1000.0])}
    like = lmt.JointLikelihood([experiment], lmt.LMU_LTAU, data)
    grid = {"g_x": np.geomspace(1e-4, 1e-3, 12), "mass": np.geomspace(10.0, 100.0, 10)}
    found = profile_likelihood(like, grid, refine=True, progress=False)
    assert found["q"].size > 2 * 120
    scanned = profile_likelihood(like, {name: found[name].values for name in grid}, progress=False)
    # Climbs end within 1e-9 of a maximum.
    np.testing.assert_allclose(found["log_likelihood"], scanned["log_likelihood"], rtol=0.0, atol=1e-6)
    upper = found["kappa"].values > 0.05
    assert upper.any()
    assert not upper.all()


@pytest.mark.slow
def test_refine_takes_levels_and_refuses_what_it_cannot():
    exp = lmt.experiment("na64mu", nuisances=())
    like = lmt.JointLikelihood(
        [exp], lmt.LMU_LTAU.with_mixing("paper"), lmt.asimov(lmt.LMU_LTAU, lmt.BENCHMARKS["BP4"])
    )
    grid = {"g_x": np.geomspace(1e-5, 1e-2, 40), "mass": np.geomspace(1.0, 1000.0, 40)}
    profile = profile_likelihood(like, grid, refine=(0.9,))
    assert list(profile.attrs["refine_levels"]) == [0.9]
    assert contours(profile, (0.9,))[0.9].resolved
    with pytest.raises(InvalidArgument, match="refine"):
        profile_likelihood(like, {"g_x": grid["g_x"]}, refine=True)
    with pytest.raises(InvalidArgument, match="refine"):
        profile_likelihood(like, grid, refine=(68.27,))
    assert profile_likelihood(like, {"g_x": grid["g_x"]}).attrs["refinement"].startswith("none")
