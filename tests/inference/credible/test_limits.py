"""Credible limits against integrals done by hand: closed forms, and sums over dense grids."""

import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
import pytest
import xarray as xr
from posterior_toys import TWO, gaussian
from profile_toys import FIXED, counts, toy
from scipy.optimize import brentq
from scipy.special import gammaincc
from scipy.stats import truncnorm

import lmtbayes as lmt
from lmtbayes.errors import InvalidArgument
from lmtbayes.experiments.terms import Poisson
from lmtbayes.inference.evidence.result import Evidence

SIGNAL, BACKGROUND = 3000.0, 1.0
SEEN = np.array([6.0, 5.0, 1.0])


def closed_form(seen, background, cl):
    """Limit of a signal with a flat prior over a known background: sums of Poisson probabilities as gamma functions."""

    def above(signal):
        return gammaincc(seen + 1.0, signal + background) / gammaincc(seen + 1.0, background)

    return brentq(lambda signal: above(signal) - (1.0 - cl), 0.0, 100.0)


@pytest.fixture(scope="module")
def counting():
    rate = toy(lambda g_x, mass, eps_x, values: jnp.array([SIGNAL * g_x + BACKGROUND]), Poisson(), 1)
    return lmt.JointLikelihood([rate], FIXED, {"toy": np.zeros(1)}, check=False)


@pytest.mark.parametrize(("seen", "cl"), [(0, 0.90), (0, 0.95), (3, 0.90)])
def test_a_count_with_a_prior_flat_in_the_signal(counting, seen, cl):
    flat = lmt.Prior(FIXED, {"g_x": dist.Uniform(0.0, 0.01), "log10_mass": dist.Uniform(0.0, 3.0)})
    grid = lmt.posterior_grid(counting.with_data({"toy": np.array([float(seen)])}), flat)
    limit = lmt.credible_limit(grid, "g_x", cl)
    # Six seen, three expected: 8.91 at 95 %, scanned in steps of 0.01 from sums of Poisson probabilities
    # (mdonega.github.io/hep-datanalysis-jb, "Bayesian upper limit for a Poisson near the physical boundary").
    assert 8.90 < closed_form(6, 3.0, 0.95) <= 8.91
    expected = closed_form(seen, BACKGROUND, cl)
    if seen == 0:
        assert expected == pytest.approx({0.90: 2.3026, 0.95: 2.9957}[cl], abs=1e-4)
    assert SIGNAL * float(limit["limit"]) == pytest.approx(expected, rel=5e-3)
    assert abs(SIGNAL * float(limit["limit"]) - expected) < SIGNAL * float(limit["limit_error"]) < 0.03 * expected
    assert float(limit["prior_limit"]) == pytest.approx(cl * 0.01)
    assert limit.attrs["prior"] == repr(flat)


@pytest.fixture(scope="module")
def three_counts():
    return lmt.JointLikelihood([toy(counts, Poisson(), 3)], FIXED, {"toy": SEEN}, check=False)


@pytest.fixture(scope="module")
def grid(three_counts):
    return lmt.posterior_grid(three_counts, TWO)


LOG_G, LOG_M = np.linspace(-5.0, -2.0, 3001), np.linspace(0.0, 3.0, 601)


def three_count_posterior(log_g=LOG_G, log_mass=LOG_M):
    """On a dense grid, (g, M), as the counts are written."""
    g, mass = 10.0 ** log_g[:, None, None], 10.0 ** log_mass[None, :, None]
    shape = np.array([9.0, 6.0, 2.0]) * np.exp(-np.arange(3) * mass / 100.0)
    rates = shape * (g / 5e-4) ** 2 + np.array([3.0, 2.0, 1.0])
    log_l = np.sum(SEEN * np.log(rates) - rates, axis=-1)
    return np.exp(log_l - log_l.max())


def quantile(density, probability):
    """Of log10 g, the density joined by straight lines."""
    below = np.concatenate([[0.0], np.cumsum(0.5 * (density[1:] + density[:-1]))])
    return np.interp(probability, below / below[-1], LOG_G)


def test_marginal_and_conditional_limits_against_sums(grid):
    density = three_count_posterior()
    weights = np.ones(LOG_M.size)
    weights[[0, -1]] = 0.5
    for found, expected in (
        (lmt.credible_limit(grid, "g_x", 0.90), quantile(density @ weights, 0.90)),
        (lmt.credible_limit(grid, "g_x", 0.95), quantile(density @ weights, 0.95)),
    ):
        assert abs(float(found["limit"]) - 10.0**expected) < float(found["limit_error"]) < 0.02 * 10.0**expected
        assert found.attrs["posterior"] == "marginal"
    masses = np.array([2.0, 30.0, 100.0, 700.0])
    held = lmt.credible_limit(grid, "g_x", 0.90, at={"mass": masses})
    expected = 10.0 ** np.array(
        [quantile(column, 0.90) for column in three_count_posterior(log_mass=np.log10(masses)).T]
    )
    assert held["limit"].dims == ("mass",)
    np.testing.assert_array_less(np.abs(held["limit"] - expected), held["limit_error"])
    np.testing.assert_array_less(held["limit_error"], 0.02 * expected)
    assert held.attrs["posterior"] == "conditional on mass"


def test_equal_tails_against_sums(grid):
    density = three_count_posterior().sum(axis=1)
    found = lmt.credible_intervals(grid, "g_x", 0.6827)
    for name, probability in (("lower", 0.15865), ("median", 0.5), ("upper", 0.84135)):
        expected = 10.0 ** quantile(density, probability)
        assert float(found[name].squeeze()) == pytest.approx(expected, rel=0.01)
        assert float(found[f"{name}_error"].squeeze()) < 0.02 * expected
    assert found["lower"].dims == ("interval",)
    assert float(found["prior_lower"]) == pytest.approx(10.0 ** (-5.0 + 3.0 * 0.15865), rel=1e-6)


@pytest.mark.parametrize(
    ("means", "sigmas"),
    [
        ((-3.2, 1.4), (0.05, 0.2)),
        ((-5.3, 1.4), (0.3, 0.2)),
        pytest.param((-3.2, 1.4), (0.002, 0.01), marks=pytest.mark.slow),
    ],
    ids=["medium", "beyond the edge", "narrow"],
)
def test_a_gaussian_in_a_box(means, sigmas):
    """Narrow: 1/1500 of the box, in quantiles of a working measure."""
    grid = lmt.posterior_grid(gaussian(means, sigmas), TWO)
    mean, sigma = means[0], sigmas[0]
    exact = truncnorm((-5.0 - mean) / sigma, (-2.0 - mean) / sigma, mean, sigma)
    held = {} if sigma == 0.002 else {"mass": [25.0]}
    found = lmt.credible_limit(grid, "g_x", 0.90, at=held)
    off = np.abs(np.log10(found["limit"].values) - exact.ppf(0.90))
    assert off < 0.02 * sigma
    assert np.all(np.abs(found["limit"] - 10.0 ** exact.ppf(0.90)) <= found["limit_error"])


def test_draws_and_their_error():
    """Even draws of log10 g and independent ones of the prior: quantiles with the deviation of so many draws."""
    rng = np.random.default_rng(1)
    posterior = {"g_x": (("chain", "draw"), 10.0 ** rng.uniform(-5.0, -2.0, (4, 1000)))}
    tree = xr.DataTree.from_dict(
        {
            "posterior": xr.Dataset(posterior),
            "prior": xr.Dataset({"g_x": (("chain", "draw"), 10.0 ** rng.uniform(-5.0, -2.0, (1, 1000)))}),
            "constant_data": xr.Dataset({"log10_g_x_prior": ("edge", [-5.0, -2.0])}),
        }
    )
    found = lmt.credible_limit(tree, "g_x", 0.90)
    # 90 % of 3 decades; its deviation sqrt(0.9 0.1/4000) of probability is 0.0142 decades.
    assert np.log10(float(found["limit"])) == pytest.approx(-2.3, abs=3.0 * 0.0142)
    assert float(found["limit_error"] / found["limit"]) == pytest.approx(0.0142 * np.log(10.0), rel=0.3)
    assert found.attrs["error_kind"] == "one sigma"
    assert found.attrs["prior"] == "log10_g_x in [-5, -2]"
    with pytest.raises(InvalidArgument, match="`at` must be None for draws"):
        lmt.credible_limit(tree, "g_x", at={"mass": [10.0]})


def test_weighted_draws_of_an_evidence():
    rng = np.random.default_rng(2)
    nodes = {"log10_g_x": rng.uniform(-5.0, -2.0, 4000), "log10_mass": rng.uniform(0.0, 3.0, 4000)}
    weights = np.log(nodes["log10_g_x"] + 5.0)  # a density that grows evenly: 90 % below sqrt(0.9) of 3 decades
    found = lmt.credible_limit(
        Evidence(
            log_z=0.0,
            error_kind="one sigma",
            prior=TWO,
            nodes=nodes,
            log_weights=weights - np.logaddexp.reduce(weights),
        )
    )
    off = np.log10(float(found["limit"])) - (-5.0 + 3.0 * np.sqrt(0.9))
    assert abs(off) < 3.0 * float(found["limit_error"] / found["limit"]) / np.log(10.0) < 0.06


def test_bad_input(grid):
    for call, words in (
        (lambda: lmt.credible_limit(grid, "kappa"), "`parameter` must be one of 'g_x', 'mass'; got 'kappa'"),
        (lambda: lmt.credible_limit(grid, cl=1.0), "`cl` must be between 0 and 1"),
        (lambda: lmt.credible_limit(grid, at={"g_x": [1e-4]}), "`at` must be of another parameter than 'g_x'"),
        (lambda: lmt.credible_limit(grid, at={"mass": [0.5]}), r"`at\['mass'\]` must be inside the prior, 1 to 1000"),
    ):
        with pytest.raises(InvalidArgument, match=words):
            call()
