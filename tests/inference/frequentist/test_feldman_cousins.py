"""Feldman and Cousins's construction by toys, against sums and integrals, and against toys that are drawn here."""

import functools

import jax.numpy as jnp
import numpy as np
import pytest
import xarray
from profile_toys import FIXED, counts, toy
from scipy import optimize, stats

import lmtbayes as lmt
from lmtbayes.errors import CheckpointError, InvalidArgument
from lmtbayes.experiments.terms import Gaussian, Poisson
from lmtbayes.inference.frequentist import order_statistics
from lmtbayes.inference.frequentist.axes import threshold
from lmtbayes.inference.frequentist.construction import Construction

BACKGROUND, CL, BATCH = 3.0, 0.9, 500
UNIT = 1e-3
"""g_x of one event, or of one standard deviation."""
STEP = 0.4
SIGNALS = np.arange(0.1, 15.0, STEP)
LIMITS = {"size": 500, "levels": (CL,), "relative_to": "slice", "rounds": 0, "batch_size": BATCH}

# G. J. Feldman, R. D. Cousins, arXiv:physics/9711021, Table IV: 90 % intervals for a background of 3.0, n = 0 ... 10.
# As typed, and compared with the arXiv text, in a public repository's tests; our sums give them again (below).
PUBLISHED = [
    *((0.00, 1.08), (0.00, 1.88), (0.00, 3.04), (0.00, 4.42), (0.00, 5.60), (0.00, 6.99)),
    *((0.15, 8.47), (0.89, 9.53), (1.51, 10.99), (1.88, 12.30), (2.63, 13.50)),
]


def line(signals):
    return {"mass": [30.0], "g_x": UNIT * np.sqrt(signals)}


@functools.cache
def counting():
    """One bin: (g_x/1e-3)^2 events over a known background of three."""
    one = toy(lambda g_x, mass, eps_x, values: jnp.stack([(g_x / UNIT) ** 2 + BACKGROUND]), Poisson(), 1)
    return lmt.JointLikelihood([one], FIXED, {"toy": jnp.array([3.0])}, check=False)


@functools.cache
def table():
    return lmt.feldman_cousins(counting(), line(SIGNALS), seed=2, **LIMITS)


# -- by sums ----------------------------------------------------------------------------------------------------------


def q_of_counts(n, signal):
    """-2 ln of P(n|signal + b)/P(n|best signal + b), the best signal not below zero: Eq. 4.1 as a chi^2."""
    best = np.maximum(n - BACKGROUND, 0.0)
    return -2.0 * (stats.poisson.logpmf(n, signal + BACKGROUND) - stats.poisson.logpmf(n, best + BACKGROUND))


N = np.arange(80)


def accepted(signal):
    """Counts in the order of their ratio until they hold 90 %."""
    q, p = q_of_counts(N, signal), stats.poisson.pmf(N, signal + BACKGROUND)
    order = np.argsort(q, kind="stable")
    return N[order[: np.searchsorted(np.cumsum(p[order]), CL) + 1]]


@functools.cache
def exact():
    """Ends of the interval of every count, on the paper's steps of 0.005."""
    signals = np.arange(0.0, 16.0, 0.005)
    inside = np.array([np.isin(np.arange(11), accepted(signal)) for signal in signals])
    return np.array([signals[column][[0, -1]] for column in inside.T])


def test_our_sums_give_the_published_table():
    # Without events the paper lengthens the interval (0.95), so that a higher background does not widen it.
    np.testing.assert_allclose(exact()[1:], PUBLISHED[1:], atol=0.011)
    assert exact()[0] == pytest.approx([0.0, 0.95], abs=0.011)


@pytest.mark.slow
def test_critical_values_of_a_counting_experiment_are_those_of_the_sums():
    found = table()
    assert found.converged.all()
    error = np.sqrt(CL * (1.0 - CL) / found.toys)
    for signal, critical in zip(SIGNALS, found.critical(CL).value, strict=True):
        q, p = q_of_counts(N, signal), stats.poisson.pmf(N, signal + BACKGROUND)
        inside = q <= critical
        last = q == q[inside].max()
        # With the last count that is accepted there are 90 %, and without it there are not.
        assert p[inside].sum() > CL - 3.5 * error
        assert p[inside & ~last].sum() < CL + 3.5 * error


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:intervals read critical values between truths")
def test_intervals_of_a_counting_experiment_are_the_published_ones():
    fine = np.geomspace(0.1, 14.0, 400)
    for n, (lower, upper) in enumerate(exact()):
        q = q_of_counts(n, fine)
        coords = {"g_x": UNIT * np.sqrt(fine), "mass": [30.0]}
        zero = {"log_likelihood_at_zero_g_x": ("mass", [-0.5 * q_of_counts(n, 0.0)])}
        profile = xarray.Dataset({"q": (("g_x", "mass"), q[:, None]), **zero}, coords, {"best_log_likelihood": 0.0})
        found = lmt.intervals(profile, "g_x", CL, calibration=table()).isel(interval=0, mass=0)
        # Between truths that are 0.4 apart a count leaves or joins somewhere; the sum's own error moves it by 0.2.
        assert (float(found["upper"]) / UNIT) ** 2 == pytest.approx(upper, abs=STEP + 0.2)
        assert (float(found["lower"]) / UNIT) ** 2 == pytest.approx(max(lower, 0.1), abs=STEP + 0.2)


def test_a_gaussian_that_cannot_be_below_zero():
    one = toy(lambda g_x, mass, eps_x, values: jnp.stack([(g_x / UNIT) ** 2]), Gaussian(1.0), 1)
    like = lmt.JointLikelihood([one], FIXED, {"toy": jnp.array([0.0])}, check=False)
    means = np.array([0.05, 0.3, 0.8, 1.5, 4.0])
    found = lmt.feldman_cousins(like, line(means), **LIMITS | {"size": 1000})

    def excess(c, mean):
        """P(q <= c) less 90 %, with q = (x - mean)^2 - min(x, 0)^2: Eq. 4.3."""
        low = mean - np.sqrt(c) if c < mean**2 else (mean**2 - c) / (2.0 * mean)
        return stats.norm.cdf(np.sqrt(c)) - stats.norm.cdf(low - mean) - CL

    exact_ones = np.array([optimize.brentq(excess, 0.1, 4.0, args=(mean,)) for mean in means])
    critical = found.critical(CL)
    assert np.all(np.abs(critical.value - exact_ones) < 3.5 * critical.error)
    # From Chernoff's 1.64 at the boundary to the 2.71 of chi^2 far from it.
    assert exact_ones[[0, -1]] == pytest.approx([1.64, 2.71], abs=0.1)


# -- truths, toys, files ----------------------------------------------------------------------------------------------

FEW = {"size": 200, "levels": (0.6827,), "relative_to": "slice", "batch_size": BATCH}
COARSE = line([0.1, 2.0, 14.0])


@functools.cache
def refined():
    return lmt.feldman_cousins(counting(), COARSE, rounds=2, **FEW)


def test_truths_are_added_where_critical_values_change_and_know_nothing_of_each_other():
    found = refined()
    signals = (found.truths[:, 1] / UNIT) ** 2
    np.testing.assert_allclose(signals[:3], [0.1, 2.0, 14.0])
    assert 3 < signals.size <= 9
    np.testing.assert_allclose(found.truths[:, 0], 30.0)
    # Every new one is half way, in the logarithm, between two others.
    x = np.sort(np.log(signals))
    assert all(np.isclose(2 * a, x[:, None] + x[None, :]).sum() > 1 for a in np.log(signals[3:]))
    few = lmt.feldman_cousins(counting(), COARSE, rounds=2, most=3, **FEW)
    assert not few.resolved
    np.testing.assert_array_equal(few.q, found.q[:3])
    alone = lmt.feldman_cousins(counting(), line(signals[[-1]]), rounds=0, **FEW)
    np.testing.assert_allclose(alone.q[0], found.q[-1], atol=1e-9)
    other = lmt.feldman_cousins(counting(), line(signals[[-1]]), rounds=0, seed=1, **FEW)
    assert not np.allclose(other.q[0], found.q[-1])


def test_it_is_of_one_likelihood_whatever_the_names_of_its_experiments():
    """Ten times the background, under the same name: refused; the same with other data: taken."""
    other = toy(lambda g_x, mass, eps_x, values: jnp.stack([(g_x / UNIT) ** 2 + 10.0 * BACKGROUND]), Poisson(), 1)
    like = lmt.JointLikelihood([other], FIXED, {"toy": jnp.array([30.0])}, check=False)
    grid = line(np.geomspace(0.1, 14.0, 12))
    few = lmt.feldman_cousins(counting(), COARSE, rounds=0, tolerance=1e3, **FEW)
    with pytest.raises(InvalidArgument, match="must be of the profile's likelihood; its experiments have the same"):
        lmt.upper_limit(lmt.profile_likelihood(like, grid), "g_x", calibration=few)
    seen = counting().with_data({"toy": jnp.array([5.0])})
    assert lmt.upper_limit(lmt.profile_likelihood(seen, grid), "g_x", 0.6827, calibration=few)["limit"] > 0.0


def test_an_interrupted_calibration_goes_on_where_it_stood(tmp_path, monkeypatch):
    file, done, compute = tmp_path / "calibration.nc", [], Construction.toys

    def stop(self, point, *arguments):
        if len(done) == 2:
            raise KeyboardInterrupt
        done.append(point)
        return compute(self, point, *arguments)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Construction, "toys", stop)
        lmt.feldman_cousins(counting(), COARSE, rounds=2, checkpoint=file, **FEW)
    assert len(lmt.Calibration.from_netcdf(file).q) == 2
    done = []
    with monkeypatch.context() as patch:
        patch.setattr(
            Construction, "toys", lambda self, point, *rest: done.append(point) or compute(self, point, *rest)
        )
        again = lmt.feldman_cousins(counting(), COARSE, rounds=2, checkpoint=file, **FEW)
    assert len(done) == len(refined().q) - 2
    np.testing.assert_array_equal(again.truths, refined().truths)
    np.testing.assert_array_equal(again.q, refined().q)
    assert str(lmt.Calibration.from_netcdf(file)) == str(again)
    with pytest.raises(CheckpointError, match="belongs to another run"):
        lmt.feldman_cousins(counting(), COARSE, rounds=2, checkpoint=file, seed=1, **FEW)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"nuisances": "central"}, "`nuisances` must be one of 'profiled', 'drawn'"),
        ({"relative_to": "best"}, "`relative_to` must be one of 'slice', 'global'"),
        ({"parameter": "mass"}, "`parameter` must be one of 'g_x'; got 'mass'"),
        ({"relative_to": "global", "parameter": "g_x"}, "`parameter` must be left out"),
        ({"size": 20, "levels": (0.99,)}, "`size` must be larger for a level of 99 %"),
        ({"tolerance": 0.0}, "`tolerance` must be finite and positive"),
        ({"checkpoint": "/no/such/folder/file.nc"}, "`checkpoint` must be a file in a folder that exists"),
    ],
)
def test_bad_input(options, message):
    with pytest.raises(InvalidArgument, match=message):
        lmt.feldman_cousins(counting(), COARSE, **FEW | options)
    with pytest.raises(InvalidArgument, match="`relative_to` must be 'global' for a grid without g_x"):
        lmt.feldman_cousins(counting(), {"mass": [30.0, 40.0]}, **FEW)


# -- against toys that are drawn and fitted here ----------------------------------------------------------------------


def fitted(data, rates):
    """Highest ln L of each row of counts over a table of rates (points, bins), without ln n!."""
    return np.max(data @ np.log(rates).T - rates.sum(axis=1), axis=1)


@pytest.mark.slow
def test_a_calibrated_region_holds_a_weak_boson_as_often_as_it_says():
    like = lmt.JointLikelihood([toy(counts, Poisson(), 3)], FIXED, {"toy": jnp.array([3.0, 2.0, 1.0])}, check=False)
    bounds = {"g_x": (2e-5, 2e-3), "mass": (1.0, 200.0)}
    grid = {"g_x": [4e-5], "mass": [20.0]}
    found = lmt.feldman_cousins(like, grid, 3000, bounds=bounds, rounds=0, batch_size=100)
    # Toys of our own, each fitted by looking it up in a fine table of rates.
    g, m = (np.geomspace(*bounds[name], points) for name, points in (("g_x", 120), ("mass", 40)))

    def rates(g_x, mass):
        return np.asarray(counts(g_x, mass, 0.0, {})).T

    rates_of_all = np.concatenate([np.stack([rates(one, mass) for one in g]) for mass in m])
    truth = rates(4e-5, 20.0)[None]
    data = np.random.default_rng(7).poisson(truth, (4000, 3))
    q = 2.0 * (fitted(data, np.concatenate([rates_of_all, truth])) - fitted(data, truth))
    for level in (0.6827, 0.9545):
        c = found.critical(level)
        inside, error = np.mean(q < c.value), np.sqrt(level * (1.0 - level) / 3000)
        # Counts are whole: no less than the level, and a step more at most.
        assert inside > level - 3.5 * np.hypot(error, error)
        # Wilks' threshold holds far more of a boson that is hardly there.
        assert c.value[0] + 3.0 * c.error[0] < threshold(level, 2)
        assert np.mean(q < threshold(level, 2)) > level + 3.0 * error


@pytest.mark.slow
def test_nuisances_are_profiled_or_drawn_as_said():
    background = lmt.Nuisance("level", lmt.Gaussian(1.0, 0.3), "scales the background")
    one = toy(
        lambda g_x, mass, eps_x, values: jnp.stack([(g_x / UNIT) ** 2 + 10.0 * values["level"]]),
        Poisson(),
        1,
        (background,),
    )
    observed, signal, size = 16.0, 3.0, 2000
    like = lmt.JointLikelihood([one], FIXED, {"toy": jnp.array([observed])}, check=False)
    options = LIMITS | {"size": size, "levels": (0.6827, 0.9)}
    rng = np.random.default_rng(11)

    # -2 ln L over a table of pulls: at the signal, and at the best one, which is what is seen above the background.
    pulls = np.linspace(-3.3, 6.0, 931)
    level = 10.0 * (1.0 + 0.3 * pulls)

    def q_of(n, found):
        penalty = (pulls - found[:, None]) ** 2
        best = np.maximum(n[:, None], np.maximum(level, 1e-9))  # level + max(n - level, 0)

        def deviance(rate):
            return np.min(2.0 * (rate - n[:, None] * np.log(rate)) + penalty, axis=1)

        return np.maximum(deviance(np.maximum(signal + level, 1e-9)) - deviance(best), 0.0)

    # The pull that is best at the signal for the observed count.
    at = pulls[np.argmin(2.0 * (signal + level - observed * np.log(np.maximum(signal + level, 1e-9))) + pulls**2)]
    true = {"profiled": np.full(size, at), "drawn": rng.standard_normal(size)}
    measured = {"profiled": at + rng.standard_normal(size), "drawn": np.zeros(size)}
    for how, pull in true.items():
        found = lmt.feldman_cousins(like, line([signal]), nuisances=how, **options)
        q = q_of(rng.poisson(np.maximum(signal + 10.0 * (1.0 + 0.3 * pull), 0.0)).astype(float), measured[how])
        for cl in options["levels"]:
            # Drawn nuisances leave q as few values as there are counts, and half way between two is what is meant.
            c, ours = found.critical(cl), order_statistics.critical(q, cl)
            error = np.hypot(c.error[0], ours.error)
            assert c.value[0] == pytest.approx(float(ours.value), abs=3.5 * error + 0.005)
