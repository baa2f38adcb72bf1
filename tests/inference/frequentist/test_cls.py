"""CLs: a Gaussian at a boundary by hand, Poisson counts by scipy, no background, bands, interference, bad input."""

import functools

import jax.numpy as jnp
import numpy as np
import pytest
from profile_toys import FIXED, toy
from scipy import optimize, stats

import lmtbayes as lmt
from lmtbayes.errors import AsymptoticWarning, InvalidArgument
from lmtbayes.experiments.terms import Gaussian, Poisson
from lmtbayes.inference.devices import resolve_devices
from lmtbayes.inference.frequentist.box import Box
from lmtbayes.inference.frequentist.cls import cls_limit
from lmtbayes.inference.frequentist.cls_fits import Fits
from lmtbayes.inference.frequentist.cls_formulas import (
    N_SIGMA,
    asymptotic_cls,
    expected_cls,
    first_crossing,
    ratio,
)
from lmtbayes.inference.frequentist.cls_toys import _crossings, _parts, falling

G0 = 1e-4
MASS = 10.0
BOUNDS = {"g_x": (1e-5, 1e-2)}
SHIFT = lmt.Nuisance("shift", lmt.Gaussian(0.0, 1.0), "moves the mean")
WIDTH = np.sqrt(1.0 + 0.75**2)
"""Of a Gaussian of unit width whose mean is known to 0.75: what is profiled out."""


def mean(g_x, mass, eps_x, values):
    return jnp.reshape((g_x / G0) ** 2 + 0.75 * values.get("shift", 0.0), (1,))


@functools.cache
def gaussian():
    """x = (g/1e-4)^2 + 0.75 shift, measured with unit error."""
    exp = toy(mean, Gaussian(jnp.ones(1)), 1, (SHIFT,))
    return lmt.JointLikelihood([exp], FIXED, {"toy": np.zeros(1)}, check=False)


@functools.cache
def counted(background):
    exp = toy(lambda g_x, mass, eps_x, values: jnp.reshape((g_x / G0) ** 2 + background, (1,)), Poisson(), 1)
    return lmt.JointLikelihood([exp], FIXED, {"toy": np.zeros(1)}, check=False)


def seen(like, x):
    return like.with_data({"toy": np.array([float(x)])})


def events(limits):
    return (np.asarray(limits) / G0) ** 2


def solve(cls, level=0.1, high=60.0):
    return optimize.brentq(lambda s: cls(s) - level, 1e-9, high)


def of_gaussian(x, width=WIDTH):
    """Signal at the limit of an observed x."""
    return solve(lambda s: stats.norm.cdf((x - s) / width) / stats.norm.cdf(x / width))


def of_counts(n, background):
    return solve(lambda s: stats.poisson.cdf(n, s + background) / stats.poisson.cdf(n, background))


# -- formulas ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("x", [-2.0, -0.1, 0.0, 0.7, 3.0])
def test_a_gaussian_at_a_boundary_by_hand(x):
    """The limit on s >= 0 of x ~ N(s, 1): q~ orders as x does, so that CLs = P(X <= x; s)/P(X <= x; 0)."""
    s = np.linspace(0.0, 6.0, 50)
    best = max(x, 0.0)
    q = np.where(s >= best, (s - x) ** 2 - (best - x) ** 2, 0.0)
    found = asymptotic_cls(q, s**2)
    below = s >= best
    np.testing.assert_allclose(found[below], (stats.norm.cdf(x - s) / stats.norm.cdf(x))[below], rtol=1e-12)
    assert (found[~below] > 0.49).all()
    expected = stats.norm.cdf(N_SIGMA - s[:, None]) / stats.norm.cdf(N_SIGMA)
    np.testing.assert_allclose(expected_cls(s**2), expected, rtol=1e-12)


def test_the_first_crossing_counts_and_an_island_does_not():
    x = np.linspace(-1.0, 1.0, 41)
    cls = np.exp(-np.exp(2.0 * x) * 2.0)
    exact = 0.5 * np.log(np.log(10.0) / 2.0)
    assert first_crossing(x, cls, 0.1) == pytest.approx(exact, abs=1e-12)
    assert first_crossing(x, np.where(x > 0.8, 0.7, cls), 0.1) == pytest.approx(exact, abs=1e-3)
    assert first_crossing(x, np.full(41, 0.2), 0.1) == np.inf
    assert first_crossing(x, np.full(41, 0.05), 0.1) == -np.inf


def test_cls_of_what_no_toy_reaches_is_one():
    np.testing.assert_array_equal(ratio(np.array([0.1, 0.0, 0.0]), np.array([0.5, 0.5, 0.0])), [0.2, 0.0, 1.0])


# -- asymptotic -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("x", [-1.5, 0.0, 2.0])
def test_asymptotic_limit_and_bands_of_a_gaussian_with_a_nuisance(x):
    found = cls_limit(seen(gaussian(), x), [MASS], bounds=BOUNDS)
    # 64 couplings, 21 a decade: the interpolation is good to 1e-3 of the signal.
    np.testing.assert_allclose(events(found["limit"]), of_gaussian(x), rtol=1e-3)
    # Where the data pull the shift, so do the Asimov data: what is expected does not depend on it.
    s = WIDTH * (stats.norm.ppf(1.0 - 0.1 * stats.norm.cdf(N_SIGMA)) + N_SIGMA)
    np.testing.assert_allclose(events(found["band"].sel(mass=MASS)), s, rtol=1e-3)
    np.testing.assert_array_equal(found["expected"], found["band"].sel(n_sigma=0.0))
    assert found["status"].item() == 0
    assert found["expected_events"].item() == np.inf


@pytest.mark.slow
def test_two_profiles_give_the_same_limit():
    like = seen(gaussian(), 1.0)
    grid = {"mass": [5.0, MASS], "g_x": np.geomspace(2e-5, 1e-3, 40)}
    none = lmt.asimov(FIXED, lmt.HiddenPhoton.none())
    expected = lmt.profile_likelihood(like.with_data(none), grid)
    found = lmt.upper_limit(lmt.profile_likelihood(like, grid), "g_x", method="cls", expected=expected)
    np.testing.assert_allclose(events(found["limit"]), of_gaussian(1.0), rtol=2e-3)
    s = WIDTH * (stats.norm.ppf(1.0 - 0.1 * stats.norm.cdf(N_SIGMA)) + N_SIGMA)
    np.testing.assert_allclose(events(found["band"].sel(mass=5.0)), s, rtol=2e-3)
    assert found["band"].dims == ("mass", "n_sigma")
    with pytest.raises(InvalidArgument, match="same grid"):
        lmt.upper_limit(expected.isel(mass=[0]), "g_x", method="cls", expected=expected)
    with pytest.raises(InvalidArgument, match="goes with `expected`"):
        lmt.upper_limit(expected, "g_x", method="cls")


def test_few_events_are_said():
    with pytest.warns(AsymptoticWarning, match=r"1.2 are expected at mass = 10 .*method='toys'"):
        found = cls_limit(counted(0.0), [MASS], bounds=BOUNDS)
    # CLs of nothing expected and nothing seen: 2 Phi(-sqrt(2 s)) in place of exp(-s).
    np.testing.assert_allclose(events(found["limit"]), 0.5 * stats.norm.isf(0.05) ** 2, rtol=1e-3)


def test_where_there_is_no_limit():
    like = seen(gaussian(), 2.0)
    low = cls_limit(like, [MASS], bounds={"g_x": (1e-5, 1.5e-4)})
    assert low["status"].item() == 1
    assert np.isnan(low["limit"].item())
    high = cls_limit(like, [MASS], bounds={"g_x": (5e-4, 5e-3)})
    assert high["status"].item() == 2


# -- toys -------------------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("nuisances", ["profiled", "drawn"])
def test_toys_of_a_gaussian_with_a_nuisance(nuisances):
    """All is linear and Gaussian: both ensembles have the distribution of the formulas."""
    x, size = 1.0, 600
    found = cls_limit(seen(gaussian(), x), [MASS], method="toys", size=size, nuisances=nuisances, bounds=BOUNDS)
    s = events(found["g_x"]).ravel()
    exact = stats.norm.cdf((x - s) / WIDTH), np.full(s.size, stats.norm.cdf(x / WIDTH))
    above = s > x
    for name, p in zip(("p_signal", "p_background"), exact, strict=True):
        error = np.sqrt(p * (1.0 - p) / size) + 1.0 / size
        assert (np.abs(found[name].values.ravel() - p) < 3.5 * error)[above].all(), name
    _within(found, "limit", of_gaussian(x))
    s = WIDTH * (stats.norm.ppf(1.0 - 0.1 * stats.norm.cdf(N_SIGMA)) + N_SIGMA)
    _within(found, "band", s)
    assert found["converged"].min() == 1.0
    assert found.attrs["nuisances"] == nuisances


def _within(found, name, exact):
    """Within three and a half Monte Carlo errors of the exact signal, and an error that is one."""
    limit, error = found[name].values.ravel(), found[f"{name}_error"].values.ravel()
    signal, spread = events(limit), 2.0 * error / limit * events(limit)
    assert (np.abs(signal - exact) < 3.5 * spread + 5e-3 * signal).all(), (signal, exact, spread)
    # At -2 sigma p_mu is 0.1 Phi(-2): one or two toys.
    assert (spread < 0.25 * signal)[1 if signal.size == 5 else 0 :].all()


@pytest.mark.slow
def test_constraints_that_are_not_measured_anew_exclude_too_much():
    """Only counts fluctuate: the width is 1, not 1.25, though q~ is that of 1.25."""
    found = cls_limit(
        seen(gaussian(), 0.0), [MASS], method="toys", size=600, nuisances="central", bounds=BOUNDS, g_x=[1e-4, 1.5e-4]
    )
    s = events(found["g_x"]).ravel()
    np.testing.assert_allclose(found["p_signal"].values.ravel(), stats.norm.cdf(-s), atol=0.06)


@pytest.mark.slow
@pytest.mark.parametrize("n", [2, 7])
def test_toys_of_counts_with_a_known_background(n):
    """CLs by hand: q~ falls with the count, so that both parts are sums of Poisson probabilities up to n."""
    b, size = 4.0, 1000
    found = cls_limit(seen(counted(b), n), [MASS], method="toys", size=size, bounds=BOUNDS)
    s = events(found["g_x"]).ravel()
    for name, p in (("p_signal", stats.poisson.cdf(n, s + b)), ("p_background", stats.poisson.cdf(n, b + 0.0 * s))):
        tested = s + b > n  # below, the best coupling is above the tested one, and q~ is zero of all such counts
        error = np.sqrt(p * (1.0 - p) / size) + 1.0 / size
        assert (np.abs(found[name].values.ravel() - p) < 3.5 * error)[tested].all(), name
    _within(found, "limit", of_counts(n, b))
    # Quantiles of the count are 2, 4 and 6, far from the steps of its distribution; those at 2 sigma are not.
    middle = found.sel(n_sigma=[-1.0, 0.0, 1.0])
    assert stats.poisson.ppf(stats.norm.cdf([-1.0, 0.0, 1.0]), b).tolist() == [2.0, 4.0, 6.0]
    _within(middle, "band", [of_counts(k, b) for k in (2, 4, 6)])


def test_without_background_cls_is_the_exact_limit():
    """No boson sees nothing: 1 - p_b is one, and CLs is the probability of a count so low, whatever was seen."""
    like = counted(0.0)
    for n in (0, 3):
        found = cls_limit(seen(like, n), [MASS], method="toys", size=600, bounds=BOUNDS)
        np.testing.assert_array_equal(found["p_background"], 1.0)
        _within(found, "limit", 0.5 * stats.chi2.ppf(0.9, 2 * n + 2))
        _within(found, "band", np.full(5, np.log(10.0)))


@pytest.mark.slow
@pytest.mark.parametrize(("n", "background"), [(60, 20.0), (48, 0.0)])
def test_far_more_events_than_expected(n, background):
    """Beyond the bands CLs goes from all toys to none between two first couplings: more of them are needed there."""
    exact = solve(lambda s: stats.poisson.cdf(n, s + background) / stats.poisson.cdf(n, background), high=90.0)
    pulls = []
    for seed in range(8):
        found = cls_limit(seen(counted(background), n), [MASS], method="toys", size=300, seed=seed, bounds=BOUNDS)
        limit, error = found["limit"].item(), found["limit_error"].item()
        pulls.append((events(limit) - exact) / (2.0 * error / limit * events(limit)))
    assert abs(np.mean(pulls)) < 3.5 / np.sqrt(8)
    assert 0.4 < np.std(pulls, ddof=1) < 1.9  # eight know it to a quarter


def test_a_chance_dip_is_no_crossing():
    counted_ones = np.array([[1.0, 0.5, 0.09, 0.2, 0.12, 0.05, 0.0]])
    smooth = falling(counted_ones)
    assert np.all(np.diff(smooth) <= 0.0)
    np.testing.assert_allclose(smooth[0, 1:6], [0.5, 0.145, 0.145, 0.12, 0.05])
    x = np.arange(7.0)[None]
    assert 4.0 < _crossings(x, counted_ones, 0.1, 100)[0][0] < 5.0


def test_a_step_that_no_toy_resolves_is_an_error():
    x, cls = np.log([[1.0, 2.0, 4.0]]), np.array([[1.0, 1.0, 0.0]])
    limits, steps = _crossings(x, cls, 0.1, 300)
    assert x[0, 1] < limits[0] < x[0, 2]
    assert steps[0] == pytest.approx(np.log(2.0))
    assert _crossings(x, np.array([[0.9, 0.4, 0.05]]), 0.1, 300)[1] == 0.0
    assert _parts(x[0], np.stack([cls[0]] * 6), 0.1, 3) == pytest.approx(np.log(2.0) * (1 + np.arange(1, 4) / 4))


@pytest.mark.slow
def test_without_background_cls_is_what_upper_limit_gives():
    like = counted(0.0)
    grid = {"mass": [5.0, MASS, 20.0], "g_x": np.geomspace(1e-5, 1e-2, 60)}
    exact = lmt.upper_limit(lmt.profile_likelihood(like, grid), "g_x", method="exact")["limit"]
    found = cls_limit(like, grid["mass"], method="toys", size=2000, bounds=BOUNDS)
    assert (np.abs(found["limit"] - exact) < 3.5 * found["limit_error"]).all()
    assert (found["limit_error"] < 0.03 * exact).all()


@pytest.mark.slow
def test_with_many_events_toys_agree_with_the_formulas():
    like = seen(counted(900.0), 915)
    toys = cls_limit(like, [MASS], method="toys", size=2000, bounds=BOUNDS, points=16)
    formulas = cls_limit(like, [MASS], bounds=BOUNDS)
    _within(toys, "limit", events(formulas["limit"]))
    _within(toys, "band", events(formulas["band"]).ravel())


@pytest.mark.slow
def test_the_error_is_that_of_other_seeds():
    like = seen(counted(4.0), 4)
    found = [cls_limit(like, [MASS], method="toys", size=300, seed=k, bounds=BOUNDS) for k in range(20)]
    limits, errors = (np.array([one[name].item() for one in found]) for name in ("limit", "limit_error"))
    # 20 seeds know a standard deviation to 16 %.
    assert 0.6 < np.mean(errors) / np.std(limits, ddof=1) < 1.6


# -- the statistic ----------------------------------------------------------------------------------------------------


def interfering(g, mixed):
    """Two bins, g and -eps_x in units of 1e-4: a mixing lowers both, up to 1, and then raises them."""
    return [a + b * mixed * (mixed - 2.0) + c * g**2 for a, b, c in ((20.0, 15.0, 1.0), (8.0, 6.0, 3.0))]


@pytest.mark.slow
def test_a_profiled_mixing_is_searched_on_both_sides_of_a_dip():
    """q~ of a rate with interference, against the highest ln L on a fine grid of coupling and mixing."""
    data = np.array([18.0, 9.0])
    exp = toy(lambda g_x, mass, eps_x, values: jnp.stack(interfering(g_x / G0, -eps_x / G0)), Poisson(), 2)
    like = lmt.JointLikelihood([exp], lmt.LMU_LTAU, {"toy": data}, check=False)
    box = Box.of(like.model, BOUNDS | {"kappa": (0.05, 5.0)}, {"mass": np.array([MASS])})
    tested = np.array([0.3, 1.0, 2.0, 4.0])
    fits = Fits(like, box, np.log([MASS]), "profiled", resolve_devices(None), 4)
    found = fits.at(np.log(tested * G0)[None], {"toy": jnp.asarray(data)}, np.zeros(0), None)
    g = np.sort(np.concatenate([[0.0], np.geomspace(0.1, 4.0, 800), tested]))[:, None]
    kappa = np.geomspace(0.05, 5.0, 2000)
    log_likelihood = stats.poisson.logpmf(data, np.stack(interfering(g, kappa * g), axis=-1)).sum(axis=-1).max(axis=-1)
    q = 2.0 * (np.maximum.accumulate(log_likelihood) - log_likelihood)
    np.testing.assert_allclose(found.q[0], q[np.searchsorted(g[:, 0], tested)], atol=5e-3)
    assert found.converged.all()


# -- bad input --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"method": "exact"}, "`method` must be one of 'asymptotic', 'toys'"),
        ({"nuisances": "fitted"}, "`nuisances` must be one of"),
        ({"cl": 0.3}, "`cl` must be between 0.5 and 1"),
        ({"points": 1}, "`points` must be"),
        ({"mass": [20.0, 10.0]}, "`mass` must be a strictly increasing"),
        ({"method": "toys", "g_x": [1e-4]}, "`g_x` must be a strictly increasing"),
        ({"g_x": [1e-4, 1e-3]}, "`g_x` must be left out for method 'asymptotic'"),
        ({"method": "toys", "size": 49}, "`size` must be at least 50 toys for a level of 0.9"),
    ],
)
def test_bad_input(options, words):
    mass = options.pop("mass", [MASS])
    with pytest.raises(InvalidArgument, match=words):
        cls_limit(counted(0.0), mass, **options)
