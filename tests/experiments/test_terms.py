"""Likelihood terms against scipy's densities, toys against their moments."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
import pytest
import scipy.special
import scipy.stats
from toys import counter

import lmtbayes as lmt
from lmtbayes.errors import InvalidArgument
from lmtbayes.experiments.terms import Gaussian, GaussianCounts, Poisson, Term

EXPECTED = jnp.array([0.3, 4.0, 250.0])
DATA = jnp.array([0.0, 6.0, 231.0])


def test_poisson_is_scipys():
    np.testing.assert_allclose(
        Poisson().log_prob(EXPECTED, DATA), scipy.stats.poisson.logpmf(DATA, EXPECTED), rtol=1e-12
    )


def test_poisson_takes_asimov_data():
    data = np.array([0.3, 4.5, 249.1])
    reference = data * np.log(EXPECTED) - EXPECTED - scipy.special.gammaln(data + 1)
    np.testing.assert_allclose(Poisson().log_prob(EXPECTED, jnp.asarray(data)), reference, rtol=1e-12)


def test_poisson_of_nothing_expected_is_finite_with_a_finite_slope():
    def log_prob(rate):
        return Poisson().log_prob(jnp.array([rate]), jnp.zeros(1))[0]

    assert float(log_prob(0.0)) == pytest.approx(0.0, abs=1e-20)
    assert np.isfinite(jax.grad(log_prob)(0.0))
    assert np.isfinite(jax.grad(log_prob)(1e-12))


def test_gaussian_is_scipys():
    sigma = np.array([0.5, 2.0, 15.0])
    reference = scipy.stats.norm.logpdf(DATA, EXPECTED, sigma)
    np.testing.assert_allclose(Gaussian(sigma).log_prob(EXPECTED, DATA), reference, rtol=1e-12)


@pytest.mark.parametrize("term", [Poisson(), Gaussian([1.0, 2.0, 15.0])], ids=["Poisson", "Gaussian"])
def test_toys_have_the_expected_mean_and_width(term):
    draws = jax.vmap(lambda key: term.sample(key, EXPECTED))(jax.random.split(jax.random.key(1), 20000))
    width = np.sqrt(EXPECTED) if isinstance(term, Poisson) else term.sigma
    # Five standard errors of the mean; the variance's relative error is sqrt(2/20000) and more for few counts.
    np.testing.assert_array_less(np.abs(draws.mean(0) - EXPECTED), 5 * width / np.sqrt(20000))
    np.testing.assert_allclose(draws.std(0), width, rtol=0.06)


def test_saturated_is_the_best_any_expectation_can_do():
    for term in (Poisson(), Gaussian(2.0)):
        best = term.saturated_log_prob(DATA)
        assert np.all(best >= term.log_prob(EXPECTED, DATA))


def test_bad_input():
    with pytest.raises(InvalidArgument, match="`sigma` must be finite and positive"):
        Gaussian(0.0)


@pytest.mark.parametrize(
    ("term", "message"),
    [
        (Gaussian(np.ones((1, 3))), r"of one log-likelihood a bin, shape \(3,\); (got|Gaussian fails)"),
        (Gaussian([1.0, 2.0]), r"of one log-likelihood a bin, shape \(3,\); Gaussian fails with"),
    ],
)
def test_a_term_of_other_bins_than_the_experiment_s(term, message):
    with pytest.raises(InvalidArgument, match=message):
        counter(term=term)


def test_two_widths_for_one_bin_would_count_it_twice():
    mine = lmt.measurement("mine", 1.0, 1.0, lambda model, photon: photon.g_x)
    fields = {f.name: getattr(mine, f.name) for f in dataclasses.fields(mine)}
    with pytest.raises(InvalidArgument, match=r"`term` of experiment 'mine' must be of one .* shape \(1,\)"):
        type(mine)(**{**fields, "term": Gaussian([1.0, 2.0])})


def test_what_a_term_says_of_its_distribution_goes_with_it():
    class Spread(Poisson):
        def distribution(self, expected, data=None):
            return dist.GammaPoisson(expected, 1.0)

    class Fewer(Poisson):
        def sample(self, key, expected):
            return super().sample(key, 0.5 * expected)

    class Named(Poisson):
        """A Poisson by another name."""

    class Own(Term):
        is_poisson = True
        draws_poisson = True

        def distribution(self, expected, data=None):
            return dist.Poisson(expected)

    said = {kind: (kind.counts_events, kind.is_poisson, kind.draws_poisson) for kind in (Spread, Fewer, Named, Own)}
    assert said == {
        Spread: (True, False, False),
        Fewer: (True, True, False),
        Named: (True, True, True),
        Own: (False, True, True),
    }
    assert (GaussianCounts.is_poisson, GaussianCounts.draws_poisson) == (False, True)
    assert not Gaussian.counts_events
    assert not Gaussian.draws_poisson
