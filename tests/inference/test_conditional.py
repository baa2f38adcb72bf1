"""Conditional optimum and Laplace integral of the nuisances, against scipy's optimum and quadrature."""

import functools
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from profile_toys import FIXED, PHOTON, counts, scale, toy
from scipy import integrate, optimize

import lmtbayes as lmt
from lmtbayes.experiments.nuisance import GaussianMixture, Nuisance
from lmtbayes.experiments.terms import Gaussian, GaussianCounts, Poisson
from lmtbayes.inference.conditional import (
    conditional,
    marginal_log_likelihood,
    profiled_log_likelihood,
)

THREE = (
    scale(),
    Nuisance("tilt", lmt.Gaussian(0.0, 1.0), "tilts the background"),
    Nuisance("level", lmt.LogNormal(1.0, 1.3), "scales the background"),
)
BACKGROUND = np.array([12.0, 8.0, 4.5])
DATA = {"toy": jnp.array([14.0, 5.0, 4.0])}


def solve(like, photon, start=None, max_steps=20):
    start = like.central_pulls if start is None else jnp.array(start)
    return like.compiled(solver, max_steps)(photon, like.data, start)


def solver(like, max_steps):
    return jax.jit(lambda p, data, s: conditional(like, p, data, s, max_steps))


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
    np.testing.assert_allclose(found.pulls, [pull], rtol=1e-12)
    chi2 = np.sum(w * (o - t * (1.0 + 0.085 * pull)) ** 2) + pull**2
    constant = -0.5 * np.sum(np.log(2.0 * np.pi / w)) - 0.5 * np.log(2.0 * np.pi)
    np.testing.assert_allclose(found.log_likelihood, -0.5 * chi2 + constant, rtol=1e-13)


def test_one_newton_step_is_exact_where_the_log_likelihood_is_quadratic():
    like = eq34()
    one, many = (solve(like, PHOTON, start=jnp.array([3.0]), max_steps=n) for n in (1, 20))
    np.testing.assert_allclose(one.pulls, many.pulls, atol=1e-12)


def test_laplace_is_exact_where_the_log_likelihood_is_quadratic():
    like = eq34()
    offset = float(like.log_density(PHOTON, like.central_pulls))

    def density(pull):
        return np.exp(float(like.log_density(PHOTON, jnp.array([pull]))) - offset)

    exact = np.log(integrate.quad(density, -8.0, 8.0, epsabs=0.0, epsrel=1e-10)[0]) + offset
    np.testing.assert_allclose(marginal_log_likelihood(like, PHOTON), exact, atol=1e-10)


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
    np.testing.assert_allclose(found.log_likelihood, -oracle.fun, atol=1e-8)
    np.testing.assert_allclose(found.pulls, oracle.x, atol=1e-4)
    np.testing.assert_allclose(profiled_log_likelihood(like, photon), found.log_likelihood)


def test_laplace_is_near_quadrature_for_small_poisson_counts():
    like = poisson()
    nodes, weights = np.polynomial.hermite_e.hermegauss(24)
    grid = np.stack(np.meshgrid(nodes, nodes, nodes, indexing="ij"), axis=-1).reshape(-1, 3)
    weight = (weights[:, None, None] * weights[:, None] * weights).ravel() / (2.0 * np.pi) ** 1.5
    log_data_of = jax.jit(
        jax.vmap(lambda p, pulls: like.log_density(p, pulls) - like.log_constraint(pulls), in_axes=(None, 0))
    )
    for g_x in (1e-4, 5e-4, 8e-4):
        photon = FIXED.hidden_photon(g_x, 15.0)
        # ln L includes the unit normals of the constraints, which are Gauss-Hermite's own weight.
        log_data = log_data_of(photon, grid)
        exact = np.log(np.sum(weight * np.exp(np.asarray(log_data))))
        # Ten counts a bin: the next order of Laplace is of the size (skewness)^2/12.
        np.testing.assert_allclose(solve(like, photon).log_integral, exact, atol=0.02)


def test_far_starts_reach_the_same_optimum():
    like = poisson()
    photon = FIXED.hidden_photon(8e-4, 15.0)
    best = solve(like, photon)
    for start in ([8.0, 0.0, 0.0], [-9.0, 4.0, 10.0], [0.0, -6.0, -15.0]):
        found = solve(like, photon, start=jnp.array(start))
        assert bool(found.converged)
        np.testing.assert_allclose(found.pulls, best.pulls, atol=1e-6)


def test_no_nuisances():
    like = lmt.JointLikelihood([toy(counts, Poisson(), 3)], FIXED, DATA)
    found = solve(like, PHOTON)
    assert found.pulls.shape == (0,)
    assert bool(found.converged)
    expected = float(like.log_likelihood(PHOTON))
    assert float(found.log_likelihood) == expected == float(found.log_integral)


def profiled_of(like, theta):
    photon = lmt.HiddenPhoton(10.0 ** theta[0], 10.0 ** theta[1], -(10.0 ** theta[0]) / 70.0)
    return solve(like, photon)


@pytest.mark.parametrize("quantity", ["log_likelihood", "log_integral", "pulls"])
def test_gradients_in_the_photon(quantity):
    like = poisson()
    theta = jnp.array([-3.2, 1.3])

    def function(x):
        return jnp.sum(getattr(profiled_of(like, x), quantity))

    step = 1e-5
    function = jax.jit(function)
    numeric = [(function(theta.at[i].add(step)) - function(theta.at[i].add(-step))) / (2.0 * step) for i in (0, 1)]
    # Central differences: rounding 1e-13/1e-5 and truncation 1e-10.
    np.testing.assert_allclose(jax.grad(function)(theta), numeric, rtol=1e-6, atol=1e-6)


def test_the_hessian_of_the_profile_is_the_schur_complement():
    like = poisson()
    theta = jnp.array([-3.2, 1.3])
    pulls = profiled_of(like, theta).pulls

    def joint(x):
        photon = lmt.HiddenPhoton(10.0 ** x[0], 10.0 ** x[1], -(10.0 ** x[0]) / 70.0)
        return like.log_density(photon, x[2:])

    h = np.asarray(jax.jit(jax.hessian(joint))(jnp.concatenate([theta, pulls])))
    schur = h[:2, :2] - h[:2, 2:] @ np.linalg.solve(h[2:, 2:], h[2:, :2])
    profile = jax.jit(jax.hessian(lambda x: profiled_of(like, x).log_likelihood))(theta)
    np.testing.assert_allclose(profile, schur, rtol=1e-7, atol=1e-7)


def test_new_data_do_not_recompile_and_photons_batch():
    like = poisson()
    compiled = jax.jit(jax.vmap(lambda photon, data: conditional(like, photon, data), in_axes=(0, None)))
    photons = FIXED.hidden_photon(jnp.geomspace(1e-4, 1e-3, 5), jnp.full(5, 15.0))
    first = compiled(photons, DATA)
    assert first.pulls.shape == (5, 3)
    assert bool(first.converged.all())
    other = compiled(photons, {"toy": jnp.array([1.0, 2.0, 30.0])})
    assert compiled._cache_size() == 1
    assert not np.allclose(first.log_likelihood, other.log_likelihood)
    single = solve(like, FIXED.hidden_photon(photons.g_x[2], 15.0))
    np.testing.assert_allclose(first.log_integral[2], single.log_integral, rtol=1e-12)


def octants(weights=(0.4, 0.6)):
    return Nuisance("octant", GaussianMixture((-3.0, 3.0), (0.5, 0.4), weights), "shifts")


@pytest.mark.parametrize("observed", [-2.4, 0.1, 3.3])
def test_a_mixture_of_gaussians_is_integrated_exactly_and_its_best_solution_found(observed):
    def rate(g_x, mass, eps_x, values):
        return jnp.atleast_1d(values["octant"] + 0.0 * g_x)

    like = lmt.JointLikelihood([toy(rate, Gaussian(0.8), 1, (octants(),))], FIXED, {"toy": jnp.array([observed])})
    found = solve(like, PHOTON)
    pulls = np.linspace(-30.0, 15.0, 90_001)
    values = np.asarray(jax.vmap(lambda x: like.log_density(PHOTON, x))(jnp.array(pulls)[:, None]))
    assert bool(found.converged)
    np.testing.assert_allclose(found.log_likelihood, values.max(), atol=1e-6)
    np.testing.assert_allclose(found.log_integral, np.log(integrate.simpson(np.exp(values), x=pulls)), atol=1e-9)


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
    assert np.isfinite(found.log_integral)
