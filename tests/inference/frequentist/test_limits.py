"""Upper limits: of counts against exact Poisson formulas and by toys, their convention, where the grid begins."""

import functools
import warnings

import jax.numpy as jnp
import numpy as np
import pytest
import xarray
from profile_toys import FIXED, toy
from scipy import integrate, optimize, stats

import lmtbayes as lmt
from lmtbayes.errors import AsymptoticWarning, InvalidArgument, ResolutionWarning
from lmtbayes.experiments.limits import published_limit
from lmtbayes.experiments.nuisance import Gaussian, LogNormal, Nuisance
from lmtbayes.experiments.terms import Poisson
from lmtbayes.inference.devices import resolve_devices
from lmtbayes.inference.frequentist.counting import counting_variables
from lmtbayes.inference.frequentist.limits import intervals, upper_limit
from lmtbayes.inference.frequentist.profile import profile_likelihood

G0 = 1e-4
BACKGROUNDS = np.array([0.0, 0.5, 3.0, 50.0])
MASS = 1.0 + BACKGROUNDS
"""A search whose background is its mass less one: one likelihood, compiled once, is a search at each mass."""
EFFICIENCY = Nuisance("efficiency", LogNormal(1.0, 1.25), "scales the signal")
LEVEL = Nuisance("level", Gaussian(1.0, 0.1), "scales the background")


def counted(g_x, mass, eps_x, values):
    """(g/1e-4)^2 events of signal at every mass."""
    signal = (g_x / G0) ** 2 * values.get("efficiency", 1.0)
    return jnp.reshape(signal + (mass - 1.0) * values.get("level", 1.0), (1,))


@functools.cache
def likelihood(*nuisances):
    return lmt.JointLikelihood([toy(counted, Poisson(), 1, nuisances)], FIXED, {"toy": np.zeros(1)}, check=False)


@functools.cache
def profile(seen, low=1e-6, high=3e-3, points=80, uncertain=False):
    like = likelihood(EFFICIENCY, LEVEL) if uncertain else likelihood()
    grid = {"g_x": np.geomspace(low, high, points), "mass": MASS}
    return profile_likelihood(like.with_data({"toy": np.array([float(seen)])}), grid)


def without_background(data):
    return data.isel(mass=[0])


def events(limit):
    """Signal at a limit."""
    return (np.asarray(limit) / G0) ** 2


# -- exact ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cl", [0.9, 0.95])
@pytest.mark.parametrize("seen", [0, 1, 4])
def test_without_background_the_limit_is_the_poisson_one(seen, cl):
    found = without_background(upper_limit(profile(seen), "g_x", cl))
    # The classical limit, half a quantile of chi^2 with 2 n + 2 degrees of freedom: 2.30, 3.89, 7.99 at 90 %. The grid
    # has 23 couplings a decade; where nothing is seen the interpolation is exact.
    exact = 0.5 * stats.chi2.ppf(cl, 2 * seen + 2)
    np.testing.assert_allclose(events(found["limit"]), exact, rtol=1e-6 if seen == 0 else 2e-3)
    np.testing.assert_allclose(found["confidence"], cl, atol=1e-4)
    assert found["exact"].all()
    np.testing.assert_allclose(found["expected_events"], exact, rtol=1e-2)


def test_with_background_the_limit_is_the_poisson_one():
    found = upper_limit(profile(60), "g_x")
    np.testing.assert_allclose(events(found["limit"]) + BACKGROUNDS, 0.5 * stats.chi2.ppf(0.9, 122), rtol=2e-3)


def test_two_tails_are_one_of_a_higher_level():
    two = without_background(upper_limit(profile(0), "g_x", 0.9, tails="two"))
    np.testing.assert_allclose(two["limit"], upper_limit(profile(0), "g_x", 0.95)["limit"][:1], rtol=1e-12)
    np.testing.assert_allclose(events(two["limit"]), np.log(20.0), rtol=1e-6)


@pytest.mark.slow
def test_an_uncertain_efficiency_is_integrated_over():
    """No events at 25 %: the g at which E[exp(-s efficiency)] is 10 %, by quadrature."""

    def nothing_seen(signal):
        return integrate.quad(lambda x: np.exp(-signal * 1.25**x) * stats.norm.pdf(x), -9.0, 9.0)[0]

    exact = optimize.brentq(lambda s: nothing_seen(s) - 0.1, 1.0, 6.0)
    assert exact == pytest.approx(2.378, abs=1e-3)
    found = without_background(upper_limit(profile(0, uncertain=True), "g_x"))
    # 256 points of Sobol's: half a per cent of the probability, a quarter of that in the signal.
    np.testing.assert_allclose(events(found["limit"]), exact, rtol=2e-3)
    assert found["exact"].all()


@functools.cache
def limits_of_all_counts(uncertain):
    """Signal at the 90 % limit, of every count (rows) and background (columns)."""
    every = np.arange(66)  # those above have limits above every truth below
    return every, events(
        [upper_limit(profile(n, 3e-5, 2e-3, 40, uncertain), "g_x", 0.9)["limit"].values for n in every]
    )


@pytest.mark.slow
@pytest.mark.parametrize("uncertain", [False, True])
def test_limits_of_counts_cover(uncertain):
    """What is printed as 90 % lies above the truth in 90 % of all toys or more, wherever the truth is.

    A toy is its count, so that the limits of all counts are all limits there are, and the sum over counts is exact.
    """
    every, limits = limits_of_all_counts(uncertain)
    assert np.isfinite(limits).all()
    assert (limits[-1] > 8.0 + 0.3 * np.sqrt(BACKGROUNDS)).all()
    rng = np.random.default_rng(3)
    pulls = rng.normal(size=(2, 20000 if uncertain else 1)) * uncertain
    for background, column in zip(BACKGROUNDS, limits.T, strict=True):
        assert np.all(np.diff(column[np.isfinite(column)]) > -1e-9)
        for truth in (0.2, 1.0, 2.3, 5.0, 0.3 * np.sqrt(background) + 8.0):
            mean = truth * 1.25 ** pulls[0] + background * (1.0 + 0.1 * pulls[1])
            chances = stats.poisson.pmf(every[:, None], mean).mean(axis=1)
            covered = 1.0 - chances[column < truth].sum()
            # Exact sums, but for the interpolation of the limit, 1e-3 of it. With nuisances 20,000 toys: the error of
            # the mean of the probability, and the points of the constraints, are below half a per cent of 0.1.
            assert covered >= 0.9 - (2e-3 if uncertain else 2e-4), (background, truth, covered)


@pytest.mark.slow
def test_toys_of_several_bins_are_covered():
    """Toys of a search of three unequal bins without background, as `simulate` draws them: the total decides."""
    shares = jnp.array([0.6, 0.3, 0.1])
    exp = toy(lambda g, m, e, v: (g / G0) ** 2 * shares, Poisson(), 3)
    like = lmt.JointLikelihood([exp], FIXED, {"toy": np.zeros(3)}, check=False)
    grid = {"g_x": np.geomspace(2e-5, 1e-3, 30), "mass": MASS[:1]}
    truth = FIXED.hidden_photon(np.sqrt(3.0) * G0, 30.0)
    toys = np.asarray(lmt.simulate(like, truth, 5, size=4000)["toy"])
    known = {}
    for counts in ((0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1), (2, 0, 1), (1, 1, 1)):
        found = upper_limit(profile_likelihood(like.with_data({"toy": np.array(counts)}), grid), "g_x")
        limit = float(found["limit"][0])
        assert known.setdefault(sum(counts), limit) == pytest.approx(limit, rel=1e-6)
    below = {n for n, limit in known.items() if limit < float(truth.g_x)}
    missed = np.isin(toys.sum(axis=1), list(below)).mean()
    assert missed <= 0.1 + 3.0 * np.sqrt(0.09 / 4000)
    assert missed == pytest.approx(stats.poisson.cdf(0, 3.0), abs=0.01)  # 4.98 %: a count of none alone


def test_far_fewer_events_than_background_still_leave_a_limit():
    """Nothing seen where three are expected: the exact set is empty, the asymptotic limit stands and covers."""
    found = upper_limit(profile(0), "g_x").isel(mass=2)
    asymptotic = 0.5 * stats.norm.ppf(0.9) ** 2
    assert events(found["limit"]) == pytest.approx(asymptotic, rel=2e-3)
    assert float(found["confidence"]) == pytest.approx(1.0 - np.exp(-3.0 - asymptotic), rel=1e-3)
    assert bool(found["exact"])


@pytest.mark.slow
@pytest.mark.parametrize("name", ["na64mu", "na64mu-2022", "m3"])
def test_searches_without_background_exclude_2_3_events(name):
    exp = lmt.experiment(name, nuisances=())
    like = lmt.JointLikelihood([exp], FIXED, {name: np.zeros(exp.n_bins)}, check=False)
    grid = {"g_x": np.geomspace(1e-6, 1e-1, 60), "mass": np.array([1.0, 100.0])}
    found = upper_limit(profile_likelihood(like, grid), "g_x")
    photon = FIXED.hidden_photon(found["limit"].values, found["mass"].values)
    np.testing.assert_allclose(exp.signal_counts(FIXED, photon).sum(axis=-1), np.log(10.0), rtol=1e-6)


# -- convention -------------------------------------------------------------------------------------------------------


def test_a_published_limit_comes_back_at_its_level_and_has_no_exact_one():
    mass = np.array([10.0, 100.0])
    grid = {"g_x": np.geomspace(1e-5, 1e-2, 60), "mass": mass}
    exp = published_limit("mine", ([1.0, 1000.0], [3e-4, 9e-4]), cl=0.95)
    like = lmt.JointLikelihood([exp], FIXED, "observed", check=False)
    prof = profile_likelihood(like, grid)
    found = upper_limit(prof, "g_x", 0.95)
    np.testing.assert_allclose(found["limit"], exp.limit(jnp.asarray(mass)), rtol=1e-6)
    assert np.isinf(found["expected_events"]).all()
    assert found.attrs["q_threshold"] == pytest.approx(stats.norm.ppf(0.95) ** 2)
    # The same curve at 90 % is the same likelihood in other units: ln L = -(z^2/2) mu^2.
    weaker = published_limit("mine", ([1.0, 1000.0], [3e-4, 9e-4]), cl=0.9)
    assert float(weaker.term.sigma[0]) == pytest.approx(1.0 / stats.norm.ppf(0.9))
    rescaled = prof.assign(q=prof["q"] * (stats.norm.ppf(0.9) / stats.norm.ppf(0.95)) ** 2)
    np.testing.assert_allclose(upper_limit(rescaled, "g_x", 0.9)["limit"], found["limit"], rtol=1e-6)
    with pytest.raises(InvalidArgument, match="'exact' needs"):
        upper_limit(prof, "g_x", method="exact")
    with pytest.raises(InvalidArgument, match="`method` must be one of"):
        upper_limit(prof, "g_x", method="toys")


# -- the grid ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["auto", "asymptotic"])
@pytest.mark.filterwarnings("ignore::lmtbayes.errors.AsymptoticWarning")
@pytest.mark.parametrize("seen", [0, 2, 3, 5])
def test_a_limit_does_not_know_where_the_grid_begins(seen, method):
    found = [
        events(upper_limit(profile(seen, low, 1e-3, 61), "g_x", method=method)["limit"])
        for low in (1e-7, 1e-5, 5e-5, 8e-5)
    ]
    if method == "asymptotic":

        def above(signal, background):
            best = max(seen - background, 0.0)
            mean, top = signal + background, best + background
            ratio = seen * np.log(mean / top) if seen else 0.0
            return 2.0 * (mean - top - ratio) - stats.norm.ppf(0.9) ** 2

        exact = [optimize.brentq(above, max(seen - b, 0.0), 90.0, (b,)) for b in BACKGROUNDS]
        np.testing.assert_allclose(found[0], exact, rtol=5e-3)
    np.testing.assert_allclose(found, np.broadcast_to(found[-1], (4, 4)), rtol=3e-3)


@pytest.mark.filterwarnings("ignore::lmtbayes.errors.AsymptoticWarning")
def test_a_limit_below_the_grid_is_said():
    found = without_background(upper_limit(profile(0, 5e-4, 3e-3), "g_x"))
    assert (found["status"] == 4).all()
    assert found["limit"].isnull().all()
    assert found["status"].attrs["flag_meanings"].split()[4] == "below_grid"
    above = without_background(upper_limit(profile(0, 1e-6, 5e-5), "g_x"))
    assert (above["status"] == 2).all()
    assert above["limit"].isnull().all()


def test_a_profile_of_the_coupling_alone():
    whole = profile(0)
    alone = whole.isel(mass=0)
    assert float(upper_limit(alone, "g_x")["limit"]) == pytest.approx(np.sqrt(np.log(10.0)) * G0, rel=1e-6)
    with pytest.warns(AsymptoticWarning, match=r"there are 0\.82, and the actual confidence is 56 %"):
        upper_limit(alone, "g_x", method="asymptotic")


def test_eps_x_has_no_upper_limit_of_its_size():
    data = xarray.Dataset({"q": ("eps_x", np.zeros(5))}, {"eps_x": -np.geomspace(1e-3, 1e-6, 5)})
    with pytest.raises(InvalidArgument, match="eps_x is negative"):
        upper_limit(data, "eps_x")


# -- few events are said ----------------------------------------------------------------------------------------------


def test_an_asymptotic_limit_of_few_events_is_said_with_its_numbers():
    prof = without_background(profile(0))
    # q = 2 s = 1.64: 0.82 events, and exp(-0.82) = 44 % of the toys see none.
    with pytest.warns(AsymptoticWarning, match=r"upper_limit: q = 1\.64 .* 90 %.* 0\.82 at mass = 1, .* is 56 %"):
        found = upper_limit(prof, "g_x", method="asymptotic")
    np.testing.assert_allclose(events(found["limit"]), 0.5 * stats.norm.ppf(0.9) ** 2, rtol=1e-6)
    with pytest.warns(AsymptoticWarning, match=r"q = 2\.71 stands for 90 %.* 1\.4 at mass = 1, .* is 74\.1 %"):
        upper_limit(prof, "g_x", method="asymptotic", tails="two")
    with pytest.warns(AsymptoticWarning, match=r"intervals: q = 1 stands for 68\.27 %"):
        intervals(prof, "g_x")
    with (
        pytest.warns(ResolutionWarning, match="not resolved by a grid of 4 x 80"),
        pytest.warns(AsymptoticWarning, match=r"contours: levels are those of many events"),
    ):
        regions = lmt.contours(profile(3))
    assert "asymptotic, with only" in str(regions)


def test_many_events_are_not():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        prof = profile(50).isel(mass=[3])
        upper_limit(prof, "g_x")
        found = upper_limit(prof, "g_x", method="asymptotic")
        intervals(prof, "g_x")
    assert (found["expected_events"] > 50.0).all()


def test_expected_events_are_those_of_the_skewness():
    """One bin: its mean. A Gaussian beside: more. Two uneven bins: by the formula, in numpy."""
    photon = FIXED.hidden_photon(np.array([2e-4]), np.array([4.0]))

    def described(*experiments):
        data = {e.name: np.zeros(e.n_bins) for e in experiments}
        like = lmt.JointLikelihood(experiments, FIXED, data, check=False)
        return counting_variables(like, photon, np.zeros((1, 0)), resolve_devices(None))

    one = described(toy(counted, Poisson(), 1))
    assert one["expected_events"][0] == pytest.approx(7.0)
    assert one["count_information"][0] == pytest.approx(1.0)
    assert one["count_p_value"][0] == pytest.approx(np.exp(-7.0))
    signal, background = np.array([4.0, 1.0]), np.array([0.5, 20.0])

    def uneven(g_x, mass, eps_x, values):
        return (g_x / (2 * G0)) ** 2 * jnp.asarray(signal) + jnp.asarray(background)

    two = described(toy(uneven, Poisson(), 2))
    mean = signal + background
    weights = 2.0 * signal / mean  # d/d ln g
    skewness = np.sum(weights**3 * mean) / np.sum(weights**2 * mean) ** 1.5
    assert two["expected_events"][0] == pytest.approx(skewness**-2)
    total = (2.0 * signal.sum()) ** 2 / mean.sum() / np.sum(weights**2 * mean)
    assert two["count_information"][0] == pytest.approx(total)
    both = described(toy(counted, Poisson(), 1), published_limit("mine", ([1.0, 1000.0], [2e-4, 2e-4])))
    assert set(both) == {"expected_events"}
    # The Gaussian adds to the variance of the score, (d mu/d ln g)^2/sigma^2, and not to its third moment.
    z = stats.norm.ppf(0.9)
    slope = 8.0
    information, third = slope**2 / 7.0 + (2.0 * z) ** 2, (slope / 7.0) ** 3 * 7.0
    assert both["expected_events"][0] == pytest.approx(information**3 / third**2, rel=1e-9)
