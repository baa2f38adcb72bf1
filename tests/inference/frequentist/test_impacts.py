"""Pulls, widths, correlations and impacts in a linear Gaussian problem, where all have closed forms; and toys."""

import functools

import jax.numpy as jnp
import numpy as np
import pytest
from profile_toys import FIXED, scale, toy

import lmtbayes as lmt
from lmtbayes.errors import InvalidArgument
from lmtbayes.experiments.nuisance import Nuisance
from lmtbayes.experiments.terms import Gaussian, Poisson
from lmtbayes.inference.frequentist.best_fit import best_fit
from lmtbayes.inference.frequentist.impacts import nuisance_pulls
from lmtbayes.inference.frequentist.toys import toy_test_statistics

DESIGN = np.array([[1.0, 0.0, 0.15, 0.0], [0.0, 1.0, 0.0, -0.3], [1.0, 1.0, 0.1, 0.2], [0.0, 0.0, 0.5, 0.1]])
"""Of the measurements in (ln g, ln M, pull a, pull b)."""
SIGMAS = np.array([0.2, 0.3, 0.25, 1.0])
SHIFTED = np.array([0.1, -0.2, 0.15, 0.9])


def linear(g_x, mass, eps_x, values):
    z = jnp.stack([jnp.log(g_x / 5e-4), jnp.log(mass / 30.0), values["a"], values["b"]])
    return jnp.asarray(DESIGN) @ z


@functools.cache
def like():
    nuisances = tuple(Nuisance(name, lmt.Gaussian(0.0, 1.0), "shifts") for name in "ab")
    experiment = toy(linear, Gaussian(SIGMAS), 4, nuisances)
    return lmt.JointLikelihood([experiment], FIXED, {"toy": jnp.array(SHIFTED)}, check=False)


def normal_equations():
    weighted = DESIGN / SIGMAS[:, None] ** 2
    precision = DESIGN.T @ weighted + np.diag([0.0, 0.0, 1.0, 1.0])
    covariance = np.linalg.inv(precision)
    return covariance, covariance @ weighted.T @ SHIFTED


def test_pulls_widths_and_correlations_solve_the_normal_equations():
    covariance, best = normal_equations()
    found = nuisance_pulls(like())
    np.testing.assert_allclose(found["pull"], best[2:], atol=1e-5)
    widths = np.sqrt(np.diag(covariance))
    np.testing.assert_allclose(found["width"], widths[2:], rtol=1e-8)
    assert (found["width"] < 1.0).all()
    np.testing.assert_allclose(found["correlation"], covariance / np.outer(widths, widths), atol=1e-8)
    assert found["parameter"].values.tolist() == ["ln g_x", "ln mass", "a", "b"]
    np.testing.assert_allclose(found["value"], best[2:], atol=1e-5)
    assert found.attrs["photon_known"] == 1


@pytest.mark.parametrize("of", ["g_x", "mass"])
def test_an_impact_is_the_shift_by_correlation(of):
    covariance, _ = normal_equations()
    row = {"g_x": 0, "mass": 1}[of]
    found = nuisance_pulls(like(), of=of)
    exact = np.array([covariance[row, i] / np.sqrt(covariance[i, i]) for i in (2, 3)])
    assert found["impact_converged"].all()
    np.testing.assert_allclose(found["impact"].sel(shift=1.0), exact, atol=3e-5)
    np.testing.assert_allclose(found["impact"].sel(shift=-1.0), -exact, atol=3e-5)


@pytest.mark.slow
def test_a_boson_that_the_data_do_not_know_is_said_to_be_unknown():
    def rate(g_x, mass, eps_x, values):
        return jnp.stack([1e-9 * g_x * mass + 50.0 * values["scale"]])

    flat = lmt.JointLikelihood([toy(rate, Poisson(), 1, (scale(),))], FIXED, {"toy": jnp.array([60.0])}, check=False)
    fit = best_fit(flat)
    assert fit.at_edge or not fit.converged
    found = nuisance_pulls(flat, fit)
    # Poisson curvature n sigma^2/(1 + sigma pull)^2 + 1 at the optimum.
    pull = float(found["pull"][0])
    np.testing.assert_allclose(found["width"], (1.0 + 60.0 * 0.01 / (1.0 + 0.1 * pull) ** 2) ** -0.5, rtol=1e-6)


def test_bad_input():
    bare = lmt.JointLikelihood(
        [toy(lambda g_x, mass, eps_x, values: jnp.stack([g_x]), Gaussian(1.0), 1)],
        FIXED,
        {"toy": jnp.array([0.0])},
        check=False,
    )
    with pytest.raises(InvalidArgument, match="nuisances"):
        nuisance_pulls(bare)
    with pytest.raises(InvalidArgument, match="of"):
        nuisance_pulls(like(), of="kappa")
    with pytest.raises(InvalidArgument, match="size"):
        toy_test_statistics(like(), lmt.BENCHMARKS["BP1"], 0)
    with pytest.raises(InvalidArgument, match="nuisances"):
        toy_test_statistics(like(), lmt.BENCHMARKS["BP1"], 4, nuisances="fixed")


# -- toys -------------------------------------------------------------------------------------------------------------

TRUTH = lmt.HiddenPhoton(5e-4, 30.0, -5e-4 / 70.0)


@pytest.mark.slow
def test_wilks_holds_in_a_gaussian_problem_and_toys_repeat():
    toys = toy_test_statistics(like(), TRUTH, 400, seed=3)
    assert toys.converged.mean() > 0.99
    # chi^2 with two degrees of freedom: mean 2 +- 0.1, coverage within three binomial errors.
    assert abs(toys.q.mean() - 2.0) < 0.3
    for level in (0.6827, 0.9545):
        inside, error = toys.coverage(level, 2)
        assert abs(inside - level) < 3.0 * error
    # Four bins, two free parameters: the deviance is chi^2 with two degrees of freedom as well.
    assert abs(toys.deviance.mean() - 2.0) < 0.3
    assert toys.p_value(0.0) == 1.0
    again = toy_test_statistics(like(), TRUTH, 400, seed=3)
    np.testing.assert_array_equal(again.q, toys.q)


@pytest.mark.slow
def test_central_nuisances_make_q_too_small():
    drawn, central = (toy_test_statistics(like(), TRUTH, 400, seed=5, nuisances=how) for how in ("drawn", "central"))
    assert central.q.mean() < drawn.q.mean()


@pytest.mark.slow
def test_q_piles_up_where_nothing_is_there():
    def rate(g_x, mass, eps_x, values):
        return jnp.stack([20.0 * (g_x / 5e-4) ** 2 + 30.0])

    counting = lmt.JointLikelihood([toy(rate, Poisson(), 1)], FIXED, {"toy": jnp.array([30.0])}, check=False)
    toys = toy_test_statistics(counting, lmt.HiddenPhoton(0.0, 30.0, 0.0), 400, seed=1)
    # A rate that can only grow: half of the toys are fitted best without a boson (Chernoff).
    assert abs(np.mean(toys.q < 1e-3) - 0.5) < 0.1
    assert toys.quantile(0.90) < 2.3
