"""The Laplace integral against quadrature over the nuisances and importance sampling; one photon and many."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from profile_toys import FIXED, PHOTON, counts, scale, toy
from scipy import optimize, special, stats
from scipy.integrate import quad

import lmtbayes as lmt
from lmtbayes.experiments.nuisance import GaussianMixture
from lmtbayes.experiments.terms import Gaussian, Poisson
from lmtbayes.inference.devices import resolve_devices
from lmtbayes.inference.nuisances.laplace_at_many import laplace_at_many

LEVEL = lmt.Nuisance("level", lmt.LogNormal(1.0, 1.3), "background")
OCTANT = lmt.Nuisance("scale", GaussianMixture((0.9, 1.1), (0.02, 0.03), (0.4, 0.6)), "scales the rate")


def at_one(like, photon):
    """The integral at one photon, without the leading axis."""
    photons = jax.tree.map(lambda x: np.asarray(x)[None], photon.broadcast())
    found = laplace_at_many(like.joint, resolve_devices(None))(photons, like.data)
    return jax.tree.map(lambda x: x[0], found)


def joint(term, nuisances):
    experiment = toy(counts, term, 3, nuisances)
    return lmt.JointLikelihood([experiment], FIXED, data=lmt.asimov(FIXED, PHOTON), check=False)


def test_exact_for_a_linear_nuisance_and_a_gaussian_term():
    like = joint(Gaussian([2.0, 2.0, 1.0]), (scale(),))
    photon = FIXED.hidden_photon(6e-4, 20.0)
    peak = float(like.log_density(photon, jnp.zeros(1)))
    f = jax.jit(lambda x: like.log_density(photon, x))
    integral, _ = quad(lambda x: np.exp(float(f(jnp.array([x]))) - peak), -12, 12, epsabs=1e-13, epsrel=1e-12)
    assert at_one(like, photon).log_integral == pytest.approx(np.log(integral) + peak, abs=1e-9)


def brute(like, photon, wide=9.0, cells=401):
    """Integral over one or two pulls on a dense grid: trapezoids of smooth functions that vanish at its edge."""
    axis = np.linspace(-wide, wide, cells)
    pulls = np.stack(np.meshgrid(*[axis] * len(like.nuisances), indexing="ij"), -1).reshape(-1, len(like.nuisances))
    values = np.asarray(jax.jit(jax.vmap(lambda x: like.log_density(photon, x)))(pulls))
    return float(special.logsumexp(values) + len(like.nuisances) * np.log(axis[1] - axis[0]))


EFFICIENCY = lmt.Nuisance("scale", lmt.LogNormal(1.0, 1.25), "scales the signal")


@pytest.mark.parametrize(
    ("nuisances", "wide"),
    [
        ((scale(),), 9.0),
        *(pytest.param(*c, marks=pytest.mark.slow) for c in (((EFFICIENCY, LEVEL), 9.0), ((OCTANT, LEVEL), 16.0))),
    ],
    ids=["gaussian", "log-normal", "octants"],
)
def test_one_number_for_one_word_and_close_to_the_integral(nuisances, wide):
    """Counts of ten in three bins: the third derivatives leave 0.01 (measured), 5 units of ln L from the best 0.03."""
    like = joint(Poisson(), nuisances)
    rng = np.random.default_rng(0)
    photons = FIXED.hidden_photon(5e-4 * 10 ** rng.normal(0, 0.1, 12), 15.0 * 10 ** rng.normal(0, 0.2, 12)).broadcast()
    found = lmt.log_likelihood_at(like, photons, nuisances="marginalised")
    exact = np.array([brute(like, jax.tree.map(lambda x, i=i: x[i], photons), wide) for i in range(12)])
    near = exact > exact.max() - 5.0
    assert near.sum() > 6
    np.testing.assert_allclose(found[near], exact[near], atol=0.03)
    np.testing.assert_allclose(found[exact > exact.max() - 1.0], exact[exact > exact.max() - 1.0], atol=0.01)
    evidence_s = laplace_at_many(like.joint, resolve_devices(None))(jax.tree.map(np.asarray, photons), like.data)
    np.testing.assert_array_equal(found[evidence_s.converged], evidence_s.log_integral[evidence_s.converged])
    assert evidence_s.converged[near].all()


def many(g_x, mass, eps_x, values):
    tilts = sum(0.03 * jnp.cos((k + 1) * jnp.arange(12.0)) * values[f"tilt_{k}"] for k in range(6))
    signal = 20.0 * (g_x / 5e-4) ** 2 * jnp.exp(-jnp.arange(12) * mass / 100.0)
    return (values["efficiency"] * values["scale"] * signal + 8.0 * values["level"]) * (1.0 + tilts)


MANY = (
    *(lmt.Nuisance(f"tilt_{k}", lmt.Gaussian(0.0, 1.0), "tilts") for k in range(6)),
    lmt.Nuisance("efficiency", lmt.LogNormal(1.0, 1.25), "signal"),
    LEVEL,
    OCTANT,
)


@pytest.mark.slow
def test_many_nuisances_against_importance_sampling():
    """Nine of them, two log-normal, one of two octants: 200,000 draws about scipy's own optima tell it to 0.003."""
    like = lmt.JointLikelihood([toy(many, Poisson(), 12, MANY)], FIXED, data=lmt.asimov(FIXED, PHOTON), check=False)
    rng = np.random.default_rng(1)
    density = jax.jit(jax.vmap(lambda x, p: like.log_density(p, x), in_axes=(0, None)))
    slope = jax.jit(jax.value_and_grad(lambda x, p: -like.log_density(p, x)))
    hessian = jax.jit(jax.hessian(lambda x, p: -like.log_density(p, x)))
    photons = FIXED.hidden_photon(np.array([0.0, 4e-4, 6e-4]), np.full(3, 15.0)).broadcast()
    found = lmt.log_likelihood_at(like, photons, nuisances="marginalised")
    for i in range(3):
        photon = jax.tree.map(lambda x, i=i: x[i], photons)
        parts = []
        for octant in (-20.0 / 3.0, 0.0):
            run = optimize.minimize(lambda x, p=photon: slope(x, p), np.array([0.0] * 8 + [octant]), jac=True)
            covariance = np.linalg.inv(np.asarray(hessian(run.x, photon)))
            parts.append(stats.multivariate_t(run.x, 1.1 * covariance, df=8, seed=rng))
        draws = np.concatenate([part.rvs(100_000) for part in parts])
        proposal = np.logaddexp(*(part.logpdf(draws) for part in parts)) - np.log(2.0)
        exact = special.logsumexp(np.asarray(density(draws, photon)) - proposal) - np.log(len(draws))
        assert found[i] == pytest.approx(exact, abs=0.03)


@pytest.mark.parametrize("expected", [0.2, 1.0, 4.0, 16.0])
def test_an_efficiency_known_to_a_factor_of_two(expected):
    # No event seen, `expected` at the central efficiency: the optimum is far from central, where the rate is curved.
    efficiency = lmt.Nuisance("efficiency", lmt.LogNormal(0.1, 2.0), "signal efficiency")
    rate = toy(
        lambda g_x, mass, eps_x, values: 10.0 * values["efficiency"] * g_x[None] / 1e-4, Poisson(), 1, (efficiency,)
    )
    like = lmt.JointLikelihood([rate], FIXED, data={rate.name: np.zeros(1)}, check=False)

    def likelihood(pull):
        return np.exp(-expected * 2.0**pull - 0.5 * pull**2) / np.sqrt(2.0 * np.pi)

    integral, _ = quad(likelihood, -12.0, 12.0, epsabs=1e-14, epsrel=1e-10)
    found = at_one(like, FIXED.hidden_photon(expected * 1e-4, 20.0))
    # Laplace's own error for this skewed integrand is 0.006 at most, what the second Jacobian leaves 0.006 more.
    assert float(found.log_integral) == pytest.approx(np.log(integral), abs=0.012)
    assert bool(found.converged)


def by_scipy(like, photon):
    """Optimum of the pulls, ln L there and its Hessian, by BFGS from every octant."""
    energy = jax.jit(jax.value_and_grad(lambda x: -like.log_density(photon, x)))
    size = len(like.nuisances)
    starts = [np.array([octant] + [0.0] * (size - 1)) for octant in (0.0, -20.0 / 3.0)]
    runs = [optimize.minimize(lambda x: tuple(map(np.asarray, energy(x))), start, jac=True) for start in starts]
    best = min(runs, key=lambda run: run.fun)
    return best.x, -best.fun, np.asarray(jax.hessian(lambda x: -like.log_density(photon, x))(best.x))


@pytest.mark.parametrize(
    "nuisances", [(scale(), LEVEL), pytest.param((OCTANT, LEVEL), marks=pytest.mark.slow)], ids=["gaussian", "octants"]
)
def test_optimum_and_width_are_scipy_s(nuisances):
    """Rates linear in one pull, exponential in the other, without mixed derivatives: the Hessian is exact."""
    like = joint(Poisson(), nuisances)
    rng = np.random.default_rng(1)
    # More than a block, and no multiple of it.
    photons = FIXED.hidden_photon(5e-4 * 10 ** rng.normal(0, 0.1, 150), 15.0 * 10 ** rng.normal(0, 0.1, 150))
    photons = jax.tree.map(np.asarray, photons.broadcast())
    found = laplace_at_many(like.joint, resolve_devices(None))(photons, like.data)
    assert np.all(found.converged)
    for i in range(0, 150, 50):
        pulls, value, hessian = by_scipy(like, jax.tree.map(lambda x, i=i: x[i], photons))
        # Two expansions of the rates leave a few 1e-3 of ln L, by what the function says of itself.
        np.testing.assert_allclose(found.log_likelihood[i], value, atol=3e-3)
        np.testing.assert_allclose(found.pulls[i], pulls, atol=0.02)
        np.testing.assert_allclose(found.factor[i] @ found.factor[i].T, hessian, rtol=0.02, atol=0.02)


def test_a_photon_without_integral_is_minus_infinity():
    def holed(g_x, mass, eps_x, values):
        return values["scale"] * jnp.sqrt(g_x - 3e-4)[None] * 1e3

    like = lmt.JointLikelihood([toy(holed, Poisson(), 1, (scale(),))], FIXED, data={"toy": np.ones(1)}, check=False)
    photons = jax.tree.map(np.asarray, FIXED.hidden_photon(np.array([1e-4, 6e-4]), np.array([20.0, 20.0])).broadcast())
    found = laplace_at_many(like.joint, resolve_devices(None))(photons, like.data)
    assert found.log_integral[0] == -np.inf
    assert not found.converged[0]
    assert np.isfinite(found.log_integral[1])
    assert np.isfinite(found.pulls).all()
    assert np.isfinite(found.factor).all()


def test_without_nuisances_it_is_the_likelihood():
    like = joint(Poisson(), ())
    assert at_one(like, PHOTON).log_integral == float(like.log_likelihood(PHOTON))


@pytest.mark.slow
def test_where_two_expansions_are_not_enough_the_rest_is_climbed():
    """Rates 10^4 times too large: the integral is about an optimum that is 13 widths of the scale away."""
    like = joint(Poisson(), (scale(), LEVEL))
    photon = FIXED.hidden_photon(np.array([5e-4, 5e-3, 5e-2]), np.full(3, 15.0)).broadcast()
    converged = np.zeros(3, dtype=bool)
    found = lmt.log_likelihood_at(like, photon, nuisances="marginalised", converged=converged)
    profiled = lmt.log_likelihood_at(like, photon, nuisances="profiled")
    assert converged.all()
    # The width of the scale is 1/rate there: its logarithm, and no more, is between the two.
    np.testing.assert_allclose(found - profiled, 0.0, atol=12.0)
