"""The cheap Laplace integral against the exact one, and quadrature where it must be exact; one photon and many."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from profile_toys import FIXED, PHOTON, counts, scale, toy
from scipy.integrate import quad

import lmtbayes as lmt
from lmtbayes.experiments.nuisance import GaussianMixture
from lmtbayes.experiments.terms import Gaussian, Poisson
from lmtbayes.inference.conditional import conditional
from lmtbayes.inference.devices import resolve
from lmtbayes.inference.linearised import linearised
from lmtbayes.inference.marginals import marginals

LEVEL = lmt.Nuisance("level", lmt.LogNormal(1.0, 1.3), "background")
OCTANT = lmt.Nuisance("scale", GaussianMixture((0.9, 1.1), (0.02, 0.03), (0.4, 0.6)), "scales the rate")


def joint(term, nuisances):
    experiment = toy(counts, term, 3, nuisances)
    return lmt.JointLikelihood([experiment], FIXED, data=lmt.asimov(FIXED, PHOTON), check=False)


def test_exact_for_a_linear_nuisance_and_a_gaussian_term():
    like = joint(Gaussian([2.0, 2.0, 1.0]), (scale(),))
    photon = FIXED.hidden_photon(6e-4, 20.0)
    peak = float(like.log_density(photon, jnp.zeros(1)))
    f = jax.jit(lambda x: like.log_density(photon, x))
    integral, _ = quad(lambda x: np.exp(float(f(jnp.array([x]))) - peak), -12, 12, epsabs=1e-13, epsrel=1e-12)
    assert float(linearised(like, photon).log_integral) == pytest.approx(np.log(integral) + peak, abs=1e-9)


@pytest.mark.parametrize(
    "nuisances", [(scale(), LEVEL), pytest.param((OCTANT, LEVEL), marks=pytest.mark.slow)], ids=["gaussian", "octants"]
)
def test_close_to_the_exact_laplace_integral(nuisances):
    """Within 5 units of the maximum the left-out second derivatives are worth less than 0.03 in ln L (measured)."""
    like = joint(Poisson(), nuisances)
    rng = np.random.default_rng(0)
    photons = FIXED.hidden_photon(5e-4 * 10 ** rng.normal(0, 0.2, 64), 15.0 * 10 ** rng.normal(0, 0.2, 64))
    cheap, exact = (jax.jit(jax.vmap(lambda p, f=f: f(like, p)))(photons) for f in (linearised, conditional))
    near = np.asarray(exact.log_integral > exact.log_integral.max() - 5.0)
    assert near.sum() > 20
    assert bool(np.all(cheap.converged[near]))
    np.testing.assert_allclose(cheap.log_integral[near], exact.log_integral[near], atol=0.03)
    np.testing.assert_allclose(cheap.pulls[near], exact.pulls[near], atol=0.05)


@pytest.mark.parametrize("expected", [0.2, 1.0, 4.0, 16.0])
def test_an_efficiency_known_to_a_factor_of_two(expected):
    # No event seen, `expected` at the central efficiency: the optimum is far from central, where the rate is bent.
    efficiency = lmt.Nuisance("efficiency", lmt.LogNormal(0.1, 2.0), "signal efficiency")
    rate = toy(
        lambda g_x, mass, eps_x, values: 10.0 * values["efficiency"] * g_x[None] / 1e-4, Poisson(), 1, (efficiency,)
    )
    like = lmt.JointLikelihood([rate], FIXED, data={rate.name: np.zeros(1)}, check=False)

    def likelihood(pull):
        return np.exp(-expected * 2.0**pull - 0.5 * pull**2) / np.sqrt(2.0 * np.pi)

    integral, _ = quad(likelihood, -12.0, 12.0, epsabs=1e-14, epsrel=1e-10)
    found = linearised(like, FIXED.hidden_photon(expected * 1e-4, 20.0))
    # Laplace's own error for this skewed integrand is 0.006 at most, what the second Jacobian leaves 0.006 more.
    assert float(found.log_integral) == pytest.approx(np.log(integral), abs=0.012)
    assert bool(found.converged)


@pytest.mark.parametrize("nuisances", [(), (scale(), LEVEL), (OCTANT, LEVEL)], ids=["none", "gaussian", "octants"])
def test_many_photons_on_the_host_as_one_traced(nuisances):
    """Compiled apart or as one: rounding, which five Newton steps and a choice among trial steps carry on."""
    like = joint(Poisson(), nuisances)
    rng = np.random.default_rng(1)
    # More than a block, and no multiple of it.
    photons = FIXED.hidden_photon(5e-4 * 10 ** rng.normal(0, 0.2, 150), 15.0 * 10 ** rng.normal(0, 0.2, 150))
    photons = jax.tree.map(np.asarray, photons.broadcast())
    traced = jax.jit(jax.vmap(lambda p: linearised(like, p)))(photons)
    many = marginals(like, resolve(None))(photons, like.data)
    assert many.converged.mean() > 0.5
    np.testing.assert_array_equal(many.converged, traced.converged)
    for ours, theirs in zip(many, traced, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-8, atol=1e-8)


def test_a_photon_without_integral_is_minus_infinity():
    def holed(g_x, mass, eps_x, values):
        return values["scale"] * jnp.sqrt(g_x - 3e-4)[None] * 1e3

    like = lmt.JointLikelihood([toy(holed, Poisson(), 1, (scale(),))], FIXED, data={"toy": np.ones(1)}, check=False)
    photons = jax.tree.map(np.asarray, FIXED.hidden_photon(np.array([1e-4, 6e-4]), np.array([20.0, 20.0])).broadcast())
    found = marginals(like, resolve(None))(photons, like.data)
    assert found.log_integral[0] == -np.inf
    assert not found.converged[0]
    assert np.isfinite(found.log_integral[1])
    assert np.isfinite(found.pulls).all()
    assert np.isfinite(found.factor).all()


def test_without_nuisances_it_is_the_likelihood():
    like = joint(Poisson(), ())
    assert float(linearised(like, PHOTON).log_integral) == float(like.log_likelihood(PHOTON))
