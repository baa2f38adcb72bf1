"""Conditional optimum of the nuisances against closed forms and scipy, near the data and far from all they allow."""

import functools
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from profile_toys import FIXED, PHOTON, counts, scale, toy
from scipy import optimize

import lmtbayes as lmt
from lmtbayes.experiments.nuisance import GaussianMixture, Nuisance
from lmtbayes.experiments.terms import Gaussian, GaussianCounts, Poisson
from lmtbayes.inference.nuisances.conditional import conditional

THREE = (
    scale(),
    Nuisance("tilt", lmt.Gaussian(0.0, 1.0), "tilts the background"),
    Nuisance("level", lmt.LogNormal(1.0, 1.3), "scales the background"),
)
BACKGROUND = np.array([12.0, 8.0, 4.5])
DATA = {"toy": jnp.array([14.0, 5.0, 4.0])}


@functools.partial(jax.jit, static_argnums=(0, 3))
def optimum(like, photon, data, max_steps):
    return conditional(like.joint, photon, data, max_steps)


def solve(like, photon, max_steps=100):
    return optimum(like, photon, like.data, max_steps)


def linear(g_x, mass, eps_x, values):
    """Linear in the pull of one nuisance (Eq. 34), over a known background."""
    return jnp.array([120.0, 80.0, 45.0]) * (g_x / 5e-4) * values["scale"] + BACKGROUND


@functools.cache
def eq34():
    experiment = toy(linear, GaussianCounts(), 3, (scale(sigma=0.085),))
    return lmt.JointLikelihood([experiment], FIXED, {"toy": jnp.array([130.0, 70.0, 50.0]) + BACKGROUND})


@functools.cache
def poisson():
    return lmt.JointLikelihood([toy(counts, Poisson(), 3, THREE)], FIXED, DATA)


def test_the_linear_pull_of_eq_34_has_its_closed_form():
    like = eq34()
    t = np.array([120.0, 80.0, 45.0]) * 1.2
    o = np.array([130.0, 70.0, 50.0])
    w = 1.0 / (o + BACKGROUND)
    pull = 0.085 * np.sum(w * (o - t) * t) / (0.085**2 * np.sum(w * t**2) + 1.0)
    found = solve(like, lmt.HiddenPhoton(6e-4, 15.0, -6e-4 / 70.0))
    assert bool(found.converged)
    np.testing.assert_allclose(found.point, [pull], rtol=1e-12)
    chi2 = np.sum(w * (o - t * (1.0 + 0.085 * pull)) ** 2) + pull**2
    constant = -0.5 * np.sum(np.log(2.0 * np.pi / w)) - 0.5 * np.log(2.0 * np.pi)
    np.testing.assert_allclose(found.value, -0.5 * chi2 + constant, rtol=1e-13)


@pytest.mark.parametrize("g_x", [1e-5, 2e-4, 5e-4, 2e-3, 1e-2])
def test_the_optimum_is_scipy_s(g_x):
    like = poisson()
    photon = FIXED.hidden_photon(g_x, 15.0)
    energy = jax.jit(jax.value_and_grad(lambda pulls: -like.log_density(photon, pulls)))
    oracle = min(
        (
            optimize.minimize(energy, np.array(start), jac=True, method="BFGS", options={"gtol": 1e-9})
            for start in itertools.product((-1.0, 1.0), repeat=3)
        ),
        key=lambda result: result.fun,
    )
    found = solve(like, photon)
    assert bool(found.converged)
    # scipy's BFGS stops at a gradient of 1e-9 or where rounding stops it: 1e-8 in ln L is generous, 1e-4 in a pull.
    np.testing.assert_allclose(found.value, -oracle.fun, atol=1e-8)
    np.testing.assert_allclose(found.point, oracle.x, atol=1e-4)


def test_no_nuisances():
    like = lmt.JointLikelihood([toy(counts, Poisson(), 3)], FIXED, DATA)
    found = solve(like, PHOTON)
    assert found.point.shape == (0,)
    assert bool(found.converged)
    expected = float(like.log_likelihood(PHOTON))
    assert float(found.value) == expected


def test_new_data_do_not_recompile_and_photons_batch():
    like = poisson()
    compiled = jax.jit(jax.vmap(lambda photon, data: conditional(like.joint, photon, data), in_axes=(0, None)))
    photons = FIXED.hidden_photon(jnp.geomspace(1e-4, 1e-3, 5), jnp.full(5, 15.0))
    first = compiled(photons, DATA)
    assert first.point.shape == (5, 3)
    assert bool(first.converged.all())
    other = compiled(photons, {"toy": jnp.array([1.0, 2.0, 30.0])})
    assert compiled._cache_size() == 1
    assert not np.allclose(first.value, other.value)
    single = solve(like, FIXED.hidden_photon(photons.g_x[2], 15.0))
    np.testing.assert_allclose(first.value[2], single.value, rtol=1e-12)


def octants(weights=(0.4, 0.6)):
    return Nuisance("octant", GaussianMixture((-3.0, 3.0), (0.5, 0.4), weights), "shifts")


@pytest.mark.parametrize("observed", [-2.4, 0.1, 3.3])
def test_of_a_mixture_of_gaussians_the_best_solution_is_found(observed):
    def rate(g_x, mass, eps_x, values):
        return jnp.atleast_1d(values["octant"] + 0.0 * g_x)

    like = lmt.JointLikelihood([toy(rate, Gaussian(0.8), 1, (octants(),))], FIXED, {"toy": jnp.array([observed])})
    found = solve(like, PHOTON)
    pulls = np.linspace(-30.0, 15.0, 90_001)
    values = np.asarray(jax.vmap(lambda x: like.log_density(PHOTON, x))(jnp.array(pulls)[:, None]))
    assert bool(found.converged)
    np.testing.assert_allclose(found.value, values.max(), atol=1e-6)


def test_central_values_are_numbers_while_tracing():
    for constraint in (lmt.LogNormal(2.0, 1.3), lmt.TruncatedGaussian(0.5, 0.2, 0.1, 1.0), octants().constraint):
        traced = jax.jit(lambda x, c=constraint: x + c.central)(0.0)
        np.testing.assert_allclose(traced, constraint.central, rtol=1e-15)


def test_what_is_no_maximum_is_said_to_be_none():
    def rate(g_x, mass, eps_x, values):
        return jnp.atleast_1d(1e4 * jnp.sin(values["scale"]) + 0.0 * g_x)

    like = lmt.JointLikelihood([toy(rate, Gaussian(1.0), 1, (scale(),))], FIXED, {"toy": jnp.array([0.0])})
    found = solve(like, PHOTON, max_steps=1)
    assert not bool(found.converged)
    assert np.isfinite(found.value)


def bilinear(g_x, mass, eps_x, values):
    """A rate as g^4 whose flux may be pulled to nothing and whose shape bends with a radius: the valley of ESS."""
    shape = jnp.exp(-(values["radius"] ** 2) * jnp.arange(1.0, 5.0) * 0.4)
    return values["scale"] * 4e3 * shape * (1.0 + 30.0 * (g_x / 1e-3) ** 4)


RADIUS = Nuisance("radius", lmt.Gaussian(1.0, 0.03), "bends the shape")


def scipys(like, photon, starts):
    energy = jax.jit(jax.value_and_grad(lambda pulls, p: -like.log_density(p, pulls)))

    def finite(x, p):
        value, slope = energy(x, p)
        return (float(value), np.asarray(slope)) if np.isfinite(value) else (1e30, np.zeros(x.size))

    options = {"maxiter": 3000, "maxfun": 6000, "ftol": 1e-15, "gtol": 1e-9}
    runs = [optimize.minimize(finite, x, (photon,), jac=True, method="L-BFGS-B", options=options) for x in starts]
    return -min(run.fun for run in runs)


def against_scipy(like, photons, every):
    """ln L found for all photons; of each `every`-th: no start of scipy's is higher."""
    converged = np.zeros(photons.shape, dtype=bool)
    found = lmt.log_likelihood_at(like, photons, nuisances="profiled", batch_size=64, converged=converged)
    assert converged.all()
    rng = np.random.default_rng(0)
    size = len(like.nuisances)
    for i in range(0, photons.mass.size, every):
        photon = jax.tree.map(lambda x, i=i: x[i], photons.broadcast())
        starts = [np.zeros(size), *rng.normal(0.0, 3.0, (4, size)), *rng.normal(0.0, 10.0, (4, size))]
        # scipy's own gradient of 1e-9 or rounding at ln L of 1e4.
        assert scipys(like, photon, starts) - found[i] < 1e-6 + 1e-11 * abs(found[i])
    return found


@pytest.mark.slow
def test_far_from_all_that_the_data_allow_it_is_scipy_s():
    like = lmt.JointLikelihood(
        [toy(bilinear, GaussianCounts(), 4, (scale(sigma=0.05), RADIUS))],
        FIXED,
        lmt.asimov(FIXED, FIXED.hidden_photon(0.0, 50.0)),
        check=False,
    )
    against_scipy(like, FIXED.hidden_photon(np.linspace(0.0, 5e-2, 81), np.full(81, 50.0)), 16)


@pytest.mark.slow
def test_ess_without_a_boson_at_couplings_a_hundred_times_too_large():
    """A third of these points had no optimum, for a nucleus smaller than its skin had no counts."""
    like = lmt.JointLikelihood(["ess"], FIXED, lmt.asimov(FIXED, FIXED.hidden_photon(0.0, 50.0)), check=False)
    g_x = np.linspace(0.0, 5e-2, 20_001)[::100]
    found = against_scipy(like, FIXED.hidden_photon(g_x, np.full(g_x.size, 50.0)), 20)
    assert np.isfinite(found).all()
