"""The split normal: normalised, widths on the right sides, draws with its moments, a term that numpyro takes."""

import jax
import jax.numpy as jnp
import numpy as np
import numpyro
import pytest
import scipy.integrate
from numpyro.infer import Predictive, log_likelihood

from lmtbayes.errors import InvalidArgument
from lmtbayes.experiments.asymmetric import AsymmetricGaussian, SplitNormal


@pytest.mark.parametrize(("low", "high"), [(1.73, 0.72), (0.3, 0.3), (0.1, 4.0)])
def test_density_is_normalised(low, high):
    density = jax.jit(lambda x: jnp.exp(SplitNormal(0.5, low, high).log_prob(x)))
    total, _ = scipy.integrate.quad(lambda x: float(density(x)), -40, 40, points=[0.0, 0.5, 1.0], limit=300)
    assert total == pytest.approx(1.0, abs=1e-8)


def test_equal_widths_are_a_gaussian():
    x = np.linspace(-3, 3, 7)
    reference = -0.5 * (x - 0.2) ** 2 / 0.49 - np.log(0.7 * np.sqrt(2 * np.pi))
    np.testing.assert_allclose(SplitNormal(0.2, 0.7, 0.7).log_prob(x), reference, rtol=1e-12)


def test_likelihood_of_the_expectation_has_the_published_widths():
    term, measured = AsymmetricGaussian(1.73, 0.72), jnp.array([0.72])
    top = term.log_prob(measured, measured)
    for expectation in (0.72 + 1.73, 0.72 - 0.72):
        assert float((top - term.log_prob(jnp.array([expectation]), measured))[0]) == pytest.approx(0.5)
    slope = jax.grad(lambda mu: term.log_prob(jnp.array([mu]), measured)[0])
    assert float(slope(0.72)) == 0.0
    assert float(slope(1.5)) == pytest.approx((0.72 - 1.5) / 1.73**2)


def test_draws_have_the_moments_of_the_density():
    distribution = SplitNormal(jnp.array([1.0, -2.0]), 1.73, 0.72)
    draws = distribution.sample(jax.random.key(3), (200_000,))
    assert draws.shape == (200_000, 2)
    # Five standard errors: 5 sigma/sqrt(N) = 0.015 of the mean, 2 % of the variance.
    np.testing.assert_allclose(draws.mean(0), distribution.mean, atol=0.016)
    np.testing.assert_allclose(draws.var(0), distribution.variance, rtol=0.02)
    below = float((draws[:, 0] < 1.0).mean())
    assert below == pytest.approx(1.73 / (1.73 + 0.72), abs=0.006)


def test_numpyro_conditions_and_predicts():
    term = AsymmetricGaussian(1.73, 0.72)

    def model(data=None):
        mu = numpyro.sample("mu", numpyro.distributions.Normal(1.0, 0.1))
        numpyro.sample("x", term.distribution(mu[None], data).to_event(1), obs=data)

    drawn = Predictive(model, num_samples=50)(jax.random.key(0))["x"]
    assert drawn.shape == (50, 1)
    value = log_likelihood(model, {"mu": jnp.array([1.0])}, jnp.array([0.72]))["x"]
    assert float(value[0]) == pytest.approx(float(term.log_prob(jnp.array([1.0]), jnp.array([0.72]))[0]))


def test_bad_input():
    with pytest.raises(InvalidArgument, match="`sigma_minus` must be finite and positive"):
        AsymmetricGaussian(1.0, 0.0)
