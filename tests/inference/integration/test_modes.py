"""Climbs to peaks that are known."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from posterior_toys import TWO, gaussian, two_modes
from profile_toys import FIXED, scale, toy
from scipy.optimize import minimize

import lmtbayes as lmt
from lmtbayes.experiments.terms import Gaussian
from lmtbayes.inference.coordinates import Space
from lmtbayes.inference.devices import resolve_devices
from lmtbayes.inference.integration.modes import boxes_around, find_modes, levenberg_marquardt

STARTS = np.array([[0.1, 0.2], [0.5, 0.5], [0.9, 0.9], [0.6, 0.05]])


def peaks_of(like, starts=STARTS):
    return levenberg_marquardt(Space(like.joint, TWO), starts, like.data, resolve_devices(None))


@pytest.mark.parametrize("sigmas", [(0.05, 0.2), (0.002, 0.01)], ids=["medium", "narrow"])
def test_gaussian_in_a_box(sigmas):
    """The prior's quantiles are log10 g and log10 M over boxes of width 3."""
    peaks = peaks_of(gaussian((-3.2, 1.4), sigmas))
    # A climb ends where 1e-6 in ln L is left to gain: 1.5e-3 of a standard deviation.
    np.testing.assert_allclose((peaks.unit - [1.8 / 3.0, 1.4 / 3.0]) * 3.0 / sigmas, 0.0, atol=2e-3)
    np.testing.assert_allclose(peaks.finest, sigmas[0] / 3.0, rtol=1e-3)


def test_both_modes_are_found_with_their_heights():
    like = two_modes()
    space = Space(like.joint, TWO)
    density = jax.jit(lambda x: space.log_likelihood(x[:2], x[2:], like.data))
    peaks = peaks_of(like, np.array([[0.38, 0.5], [0.56, 0.5]]))
    assert peaks.unit[0, 0] < 0.49 < peaks.unit[1, 0]
    for unit, height in zip(peaks.unit, peaks.log_likelihood, strict=True):

        def minus(x):
            return -float(density(jnp.asarray(x)))

        best = minimize(minus, [*unit, 0.0], method="Nelder-Mead", options={"xatol": 1e-8, "fatol": 1e-10})
        assert height == pytest.approx(-best.fun, abs=1e-5)


def test_pulls_are_marginalised_in_the_width():
    """log10 g measured to 0.03 beside a scale known to 0.1: the two together leave a variance of 0.03^2 + 0.1^2."""

    def sum_of_two(g_x, mass, eps_x, values):
        return (values["scale"] - 1.0 + jnp.log10(g_x))[None]

    like = lmt.JointLikelihood(
        [toy(sum_of_two, Gaussian([0.03]), 1, (scale(sigma=0.1),))], FIXED, data={"toy": np.array([-3.2])}, check=False
    )
    peaks = peaks_of(like)
    np.testing.assert_allclose(peaks.finest, np.hypot(0.03, 0.1) / 3.0, rtol=1e-3)


def test_a_start_where_nothing_is_finite_stays_there():
    def holed(g_x, mass, eps_x, values):
        x = jnp.log10(g_x)[None]
        return (x + 4.0) ** 0.5  # not a number below 1e-4

    like = lmt.JointLikelihood([toy(holed, Gaussian([0.1]), 1)], FIXED, data={"toy": np.array([0.9])}, check=False)
    peaks = peaks_of(like, np.array([[0.05, 0.5], [0.6, 0.5]]))
    assert peaks.log_likelihood[0] == -np.inf
    np.testing.assert_allclose(peaks.unit[0], [0.05, 0.5], atol=1e-12)
    assert peaks.unit[1, 0] == pytest.approx((0.9**2 + 1.0) / 3.0, abs=1e-4)


@pytest.mark.parametrize("sigma", [1e-3, 1e-8, 1e-12])
@pytest.mark.parametrize("of_pulls", [False, True], ids=["boson", "pulls"])
def test_what_nothing_measures_beside_what_is_measured_too_well(sigma, of_pulls):
    """Only the sum of log10 g and log10 M, or the product of two nuisances, is known: curvatures up to 1e24, and 0."""

    def rate(g_x, mass, eps_x, values):
        rest = jnp.log10(mass)
        if of_pulls:
            rest = 1.0 * values["a"] * values["b"]
        return jnp.atleast_1d(jnp.log10(g_x) + rest)

    nuisances = (scale("a"), scale("b")) if of_pulls else ()
    like = lmt.JointLikelihood(
        [toy(rate, Gaussian([sigma]), 1, nuisances)], FIXED, data={"toy": np.array([-2.0])}, check=False
    )
    peaks = peaks_of(like)
    assert np.isfinite(peaks.log_likelihood).all()
    assert np.isfinite(peaks.unit).all()
    assert (peaks.finest > 0.0).all()
    # The peak of the sum: -ln(sigma sqrt(2 pi)), where rounding of the sum leaves a standard deviation to be found.
    if not of_pulls and sigma > 1e-12:
        assert peaks.log_likelihood.max() == pytest.approx(-np.log(sigma * np.sqrt(2.0 * np.pi)), abs=1e-3)


def test_boxes_merge_what_lies_in_the_box_of_a_higher_peak():
    x = np.array([[0.505, 0.5], [0.5, 0.5], [0.2, 0.99], [0.9, 0.9], [0.4, 0.4]])
    height = np.array([2.0, 3.0, 1.0, -60.0, np.nan])
    peaks, low, high = boxes_around(x, np.full(5, 0.01), height)
    np.testing.assert_array_equal(peaks, x[[1, 2]])
    np.testing.assert_allclose(high - low, [[0.04, 0.04], [0.04, 0.03]])
    assert all(found.shape == (0, 2) for found in boxes_around(x[:2], np.ones(2), np.full(2, -np.inf)))


def test_known_peaks_are_added_to_those_of_the_starts():
    """From the lower couplings alone only one of two modes is climbed."""
    like = two_modes()
    space, devices = Space(like.joint, TWO), resolve_devices(None)
    start, known = np.array([[0.38, 0.5]]), np.array([[0.56, 0.5]])
    alone, both = (find_modes(space, start, more, like.data, devices)[0] for more in (known[:0], known))
    assert len(alone) == 1
    assert sorted(both[:, 0] > 0.49) == [False, True]
