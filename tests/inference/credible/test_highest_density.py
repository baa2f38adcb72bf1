"""Regions of highest density: what they hold by sums that know nothing of the grid."""

import jax.numpy as jnp
import numpy as np
import pytest
from posterior_toys import TWO, gaussian, interference, two_modes
from profile_toys import FIXED, toy
from scipy.interpolate import RegularGridInterpolator
from scipy.stats import truncnorm

import lmtbayes as lmt
from lmtbayes.errors import InvalidArgument
from lmtbayes.experiments.terms import Gaussian
from lmtbayes.inference.credible.density import Density

LEVELS = (0.68, 0.90, 0.95)
MIDDLES = (np.arange(1200) + 0.5) / 1200
LOG_G, LOG_M = -5.0 + 3.0 * MIDDLES, 3.0 * MIDDLES


def normal(means, sigmas):
    return np.exp(-0.5 * ((LOG_G[:, None] - means[0]) / sigmas[0]) ** 2 - 0.5 * ((LOG_M - means[1]) / sigmas[1]) ** 2)


def inside(region, level):
    """Whether points of the dense grid lie in a region, from its depths on the raster alone."""
    axes = np.log10(region["g_x"].values), np.log10(region["mass"].values)
    smooth = RegularGridInterpolator(axes, np.sqrt(1.0 + region["depth"].values), bounds_error=False, fill_value=1e3)
    points = np.stack(np.meshgrid(LOG_G, LOG_M, indexing="ij"), axis=-1)
    return smooth(points) < np.sqrt(1.0 + region["threshold"].sel(level=level).item())


def tension():
    """log10 g measured twice, six standard deviations apart: a posterior far from either."""

    def measured(g_x, mass, eps_x, values):
        return jnp.array([jnp.log10(g_x), jnp.log10(g_x), jnp.log10(mass)])

    experiment = toy(measured, Gaussian([0.1, 0.1, 0.3]), 3)
    return lmt.JointLikelihood([experiment], FIXED, data={"toy": np.array([-3.0, -3.85, 1.5])}, check=False)


@pytest.mark.parametrize(
    ("like", "means", "sigmas"),
    [
        (lambda: gaussian((-3.2, 1.4), (0.05, 0.2)), (-3.2, 1.4), (0.05, 0.2)),
        (lambda: gaussian((-5.3, 2.9), (0.3, 0.2)), (-5.3, 2.9), (0.3, 0.2)),
        pytest.param(tension, (-3.425, 1.5), (0.1 / np.sqrt(2.0), 0.3), marks=pytest.mark.slow),
    ],
    ids=["inside", "in a corner", "tension"],
)
def test_regions_hold_what_they_say(like, means, sigmas):
    grid = lmt.posterior_grid(like(), TWO)
    density = normal(means, sigmas)
    plane = lmt.highest_density_region(grid, ("mass", "g_x"), LEVELS)
    line = lmt.highest_density_region(grid, "g_x", LEVELS)
    mean, sigma = means[0], sigmas[0]
    exact = truncnorm((-5.0 - mean) / sigma, (-2.0 - mean) / sigma, mean, sigma)
    for level in LEVELS:
        held = density[inside(plane, level)].sum() / density.sum()
        assert held == pytest.approx(level, abs=0.006)
        one = line.sel(level=level)
        ends = np.log10([one["lower"].values[0], one["upper"].values[0]])
        assert np.diff(exact.cdf(ends)) == pytest.approx(level, abs=0.006)
        # Highest: the density is the same at both ends that the box leaves.
        if not one["open_below"].item():
            assert (ends + ends[::-1]) / 2.0 == pytest.approx(mean, abs=0.03 * sigma)
    assert np.all(plane["error"] < 0.02)
    assert np.all(plane["parts"] == 1)
    assert bool(line["open_below"].all()) == (mean < -5.0)
    assert plane.attrs["prior"] == repr(TWO)


def test_two_modes_are_two_intervals_and_two_regions():
    like = two_modes(nuisances=False)
    grid = lmt.posterior_grid(like, TWO)
    seen = np.asarray(like.data["toy"])
    planes = np.broadcast_arrays(10.0 ** LOG_G[:, None], 10.0**LOG_M)
    rates = np.moveaxis(np.asarray(interference(*planes, 0.0, {})), 0, -1)
    log_l = np.sum(seen * np.log(rates) - rates, axis=-1)
    density = np.exp(log_l - log_l.max())
    line = lmt.highest_density_region(grid, "g_x", LEVELS)
    plane = lmt.highest_density_region(grid, ("mass", "g_x"), LEVELS)
    marginal = density.sum(axis=1)
    marginal /= marginal.sum()
    order = np.argsort(-marginal)
    for level in LEVELS:
        one = line.sel(level=level)
        assert one.sizes["interval"] == 2
        chosen = np.zeros(LOG_G.size, dtype=bool)
        for low, high, held, error in zip(
            *(one[n].values for n in ("lower", "upper", "held", "held_error")), strict=True
        ):
            own = (np.log10(low) < LOG_G) & (np.log10(high) > LOG_G)
            assert marginal[own].sum() == pytest.approx(held, abs=error + 0.004)  # a step of the sum holds 0.004
            chosen |= own
        assert marginal[chosen].sum() == pytest.approx(level, abs=0.012)
        # The smallest set: as many steps of the dense grid as the highest that hold as much.
        fewest = 1 + np.searchsorted(np.cumsum(marginal[order]), marginal[chosen].sum())
        assert chosen.sum() <= fewest + 3
        assert density[inside(plane, level)].sum() / density.sum() == pytest.approx(level, abs=0.006)
    assert np.all(plane["parts"] == 2)


def test_scale_and_what_data_do_not_see():
    """A mass that no rate knows: flat in log10 M, where all of it is the region; falling in M, where there is one."""
    grid = lmt.posterior_grid(gaussian((-3.2, 1.4), (0.05, 1e3)), TWO)
    flat = lmt.highest_density_region(grid, "mass", (0.68,))
    assert flat["held"].item() == pytest.approx(1.0)
    assert flat["open_below"].item()
    assert flat["open_above"].item()
    falling = lmt.highest_density_region(grid, "mass", (0.68,), scale="linear")
    assert falling["held"].item() == pytest.approx(0.68, abs=1e-3)
    # d log10 M is dM/M: the lowest 68 % of three decades.
    assert np.log10(falling["upper"].item()) == pytest.approx(3.0 * 0.68, abs=0.02)
    assert falling.attrs["density_in"] == "mass"


def test_crumbs_are_no_intervals():
    """A ripple of 0.5 % on a slope: one interval and no islands."""
    x = np.linspace(0.0, 1.0, 401)
    middle = 0.5 * (x[1:] + x[:-1])
    density = (2.0 - middle) * (1.0 + 0.005 * np.sin(400.0 * middle))
    below = np.concatenate([[0.0], np.cumsum(density * np.diff(x))])
    found = Density(x, below).highest(0.68)
    assert len(found.held) == 1
    # 2 x - x^2/2 = 0.68 of 3/2
    assert found.edges[0, 1] == pytest.approx(2.0 - np.sqrt(4.0 - 2.0 * 0.68 * 1.5), abs=0.01)


def test_bad_input():
    grid = lmt.posterior_grid(gaussian(), TWO)
    for call, words in (
        (lambda: lmt.highest_density_region(grid, ("mass", "mass")), "one parameter, or two different ones"),
        (lambda: lmt.highest_density_region(grid, "g_x", (1.5,)), "`levels` must be numbers between 0 and 1"),
        (lambda: lmt.highest_density_region(grid, "g_x", scale="log"), "`scale` must be one of 'prior', 'log10'"),
        (
            lambda: lmt.highest_density_region(grid, ("mass", "g_x"), at={"mass": 1.0}),
            "`at` must be of another parameter",
        ),
    ):
        with pytest.raises(InvalidArgument, match=words):
            call()
