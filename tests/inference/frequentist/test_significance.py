"""Significance: a known number of trials, Clopper and Pearson's interval against scipy, what is printed."""

import functools
import json

import jax.numpy as jnp
import numpy as np
import pytest
from profile_toys import FIXED, toy
from scipy import stats

import lmtbayes as lmt
from lmtbayes.errors import InvalidArgument
from lmtbayes.experiments.terms import Gaussian
from lmtbayes.gauge.models import HiddenPhoton
from lmtbayes.inference.devices import resolve_devices
from lmtbayes.inference.frequentist.box import Box
from lmtbayes.inference.frequentist.cls_fits import Fits
from lmtbayes.inference.frequentist.significance import PValue, sigma_of, significance

G0 = 1e-4
TRIALS = 4
BOUNDS = {"g_x": (1e-6, 1e-3), "mass": (1.0, 1000.0)}
SEEN = np.array([0.3, 2.2, -1.0, 0.5])


def windows(g_x, mass, eps_x, values):
    """A boson is in the one of four bins that its mass is in: as many searches as there are bins, independent ones."""
    own = jnp.floor(TRIALS * jnp.log(mass) / np.log(1000.0) * (1.0 - 1e-9))
    return (g_x / G0) ** 2 * (own == jnp.arange(float(TRIALS)))


@functools.cache
def like():
    return lmt.JointLikelihood([toy(windows, Gaussian(np.ones(TRIALS)), TRIALS)], FIXED, {"toy": SEEN}, check=False)


@functools.cache
def found():
    return significance(like(), 600, bounds=BOUNDS, local="toys")


def test_a_known_number_of_trials():
    """q0 of a bin is max(0, x)^2: P(q0 >= u) is Phi(-sqrt(u)) in one of them, 1 - Phi(sqrt(u))^4 in any of them."""
    assert found().q0 == pytest.approx(2.2**2, abs=1e-6)
    assert 1000.0**0.25 <= found().fit.mass <= 1000.0**0.5
    local = stats.norm.sf(2.2)
    assert found().local_p_value == pytest.approx(local, rel=1e-6)
    assert found().local_sigma == pytest.approx(2.2, abs=1e-6)
    exact = 1.0 - stats.norm.cdf(2.2) ** TRIALS
    for p, value in ((found().global_p_value, exact), (found().local, local)):
        low, high = p.interval(0.999)
        assert low < value < high
        low, high = p.interval()
        assert 0.3 < (high - low) / (2.0 * np.sqrt(value * (1.0 - value) / p.size)) < 2.0
    assert found().trials_factor == pytest.approx(exact / local, rel=0.6)


def test_the_toys_are_distributed_as_the_largest_of_four():
    toys = found().toys
    u = np.array([0.5, 1.0, 2.0, 4.0])
    exact = 1.0 - stats.norm.cdf(np.sqrt(u)) ** TRIALS
    part = (toys[:, None] >= u).mean(axis=0)
    assert (np.abs(part - exact) < 3.5 * np.sqrt(exact * (1.0 - exact) / toys.size)).all()
    # The whole box is never worse than one window of it.
    assert (toys >= found().local_toys - 1e-6).all()


@pytest.mark.slow
def test_they_are_the_toys_of_cls():
    """Of x in (0, s) in the window of the best fit, sqrt(q0) is x and sqrt(q~(s)) is s - x, toy by toy."""
    s, size = 4.0, 50
    box = Box.of(FIXED, BOUNDS, {"mass": np.array([found().fit.mass])})
    fits = Fits(like(), box, np.log([found().fit.mass]), "profiled", resolve_devices(None), 64)
    none = HiddenPhoton.unchecked(np.zeros(1), np.ones(1), np.zeros(1))
    q, _ = fits.toys(np.log([[2.0 * G0]]), none, np.zeros((1, 0)), size, 0, None)
    q, q0 = q.ravel(), found().local_toys[:size]
    inside = (q0 > 1e-3) & (q > 1e-3)
    assert inside.sum() > 15
    np.testing.assert_allclose(np.sqrt(q0[inside]) + np.sqrt(q[inside]), s, atol=1e-4)


def test_where_no_toy_is_so_extreme_a_bound_is_printed():
    far = significance(like().with_data({"toy": np.array([0.0, 0.0, 6.0, 0.0])}), 50, bounds=BOUNDS)
    assert far.global_p_value.is_bound
    bound = 1.0 - 0.05 ** (1.0 / 50.0)
    assert far.global_p_value.upper_bound == pytest.approx(bound, rel=1e-9)
    words = str(far)
    assert f"p < {bound:.3g} at 95 % (0 of 50 toys), above {stats.norm.isf(bound):.2f} sigma" in words
    assert "6.00 sigma" in words
    assert json.loads(json.dumps(far.to_dict()))["global_p_value"] is None
    assert np.isnan(far.trials_factor)


def test_where_no_boson_is_as_good():
    none = significance(like().with_data({"toy": np.full(TRIALS, -1.0)}), 20, bounds=BOUNDS)
    assert none.q0 == pytest.approx(0.0, abs=1e-6)
    assert none.global_p_value.value == none.local_p_value == 1.0
    assert "no boson fits better than none" in str(none)
    assert json.loads(json.dumps(none.to_dict(), allow_nan=False))["global_sigma"] is None


@pytest.mark.parametrize(("k", "n"), [(0, 20), (3, 50), (50, 50), (400, 1000)])
def test_the_interval_is_that_of_clopper_and_pearson(k, n):
    for cl in (0.6827, 0.95):
        exact = stats.binomtest(k, n).proportion_ci(cl, method="exact")
        np.testing.assert_allclose(PValue(k, n).interval(cl), exact, rtol=1e-9, atol=1e-15)


def test_sigmas_are_one_sided():
    assert sigma_of(0.05) == pytest.approx(1.6449, abs=1e-4)
    assert sigma_of(stats.norm.sf(5.0)) == pytest.approx(5.0, abs=1e-9)


def test_bad_input():
    with pytest.raises(InvalidArgument, match="`local` must be one of"):
        significance(like(), 10, local="exact")
    with pytest.raises(InvalidArgument, match="`size` must be"):
        significance(like(), 0)
