"""scipy's twin of a distribution against numpyro's own functions, and priors that are built from it."""

import jax.numpy as jnp
import mpmath
import numpy as np
import numpyro.distributions as dist
import pytest
from profile_toys import FIXED
from scipy import stats

import lmtbayes as lmt
from lmtbayes.inference.distributions.scipy_twins import Cut, twin_of

OWN = [
    dist.Beta(2.0, 3000.0),
    dist.Cauchy(-3.5, 0.5),
    dist.Chi2(3.0),
    dist.Exponential(4000.0),
    dist.Gamma(2.0, 4000.0),
    dist.Gumbel(-3.5, 0.5),
    dist.HalfCauchy(1e-3),
    dist.HalfNormal(1e-3),
    dist.InverseGamma(3.0, 1e-3),
    dist.Laplace(-3.5, 0.5),
    dist.LogNormal(-8.0, 1.5),
    dist.Logistic(-3.5, 0.5),
    dist.Normal(-3.5, 0.5),
    dist.StudentT(4.0, -3.5, 0.5),
    dist.Weibull(1e-3, 1.5),
    dist.LeftTruncatedDistribution(dist.StudentT(4.0, -3.5, 0.5), -3.0),
    dist.RightTruncatedDistribution(dist.StudentT(4.0, -3.5, 0.5), -3.0),
    dist.TwoSidedTruncatedDistribution(dist.StudentT(4.0, -3.5, 0.5), -6.0, -3.0),
    dist.TruncatedNormal(-3.5, 0.5, low=-4.0),
]


def kind(own):
    return type(own).__name__


@pytest.mark.parametrize("own", OWN, ids=kind)
def test_against_numpyro(own):
    """Its cdf to 1e-10 (of its betainc and gammainc), and its density as the slope of the twin's quantiles."""
    twin = twin_of(own)
    unit = np.array([1e-3, 0.2, 0.49, 0.8, 0.999])
    x = twin.ppf(unit)
    np.testing.assert_allclose(own.cdf(jnp.asarray(x)), unit, rtol=1e-10)
    np.testing.assert_allclose(twin.isf(1.0 - unit), x, rtol=1e-12)
    np.testing.assert_allclose(twin.cdf(x) + twin.sf(x), 1.0, rtol=1e-12)
    step = 1e-5 * unit * (1.0 - unit)
    slope = (twin.ppf(unit + step) - twin.ppf(unit - step)) / (2.0 * step)
    np.testing.assert_allclose(own.log_prob(jnp.asarray(x)), -np.log(slope), atol=1e-6)


@pytest.mark.parametrize(("low", "high"), [(6.0, np.inf), (-np.inf, -6.0), (6.0, 7.0), (-1.0, 9.0)])
def test_cut_in_a_tail(low, high):
    """Where one side's probabilities are all 1 to rounding: quantiles against mpmath's normal, to 1e-9."""
    cut = Cut(stats.norm(), low, high)

    def above(x):
        return mpmath.erfc(mpmath.mpf(float(x)) / mpmath.sqrt(2)) / 2

    with mpmath.workdps(40):
        inside = above(low) - above(high)
        for q in (1e-6, 0.3, 0.5, 0.9):
            for found, exact in ((cut.ppf(q), above(low) - q * inside), (cut.isf(q), above(high) + q * inside)):
                density = mpmath.npdf(mpmath.mpf(float(found)))
                assert abs((above(found) - exact) / density) < 1e-9


@pytest.mark.slow
@pytest.mark.parametrize("own", OWN, ids=kind)
def test_a_prior_is_built_without_numpyros_cdf(own, monkeypatch):
    """It compiles for seconds; asked for quantiles numpyro may want tensorflow_probability."""

    def compiles(self, value):
        raise AssertionError

    for name in {kind(own), "StudentT"}:
        monkeypatch.setattr(getattr(dist, name), "cdf", compiles)
    name = "log10_g_x" if own.support is dist.constraints.real or "Truncated" in kind(own) else "g_x"
    if "Cauchy" in kind(own):
        return  # refused: its tails reach where rates are no numbers
    prior = lmt.Prior(FIXED, {name: own, "log10_mass": dist.Uniform(0.0, 3.0)})
    unit = np.array([1e-9, 1e-3, 0.5, 0.999])
    exact = np.clip(twin_of(own).ppf(unit), *prior.reach(name))
    np.testing.assert_allclose(prior.quantiles(name, jnp.asarray(unit)), exact, rtol=1e-8)


@pytest.mark.slow
def test_a_prior_of_a_cut_student_is_drawn_from():
    """numpyro wants tensorflow_probability for it; 1000 draws against the twin's cdf, Kolmogorov-Smirnov."""
    own = OWN[-2]
    prior = lmt.Prior(FIXED, {"log10_g_x": own, "log10_mass": dist.Uniform(0.0, 3.0)})
    drawn = np.asarray(prior.sample(1, 1000)["log10_g_x"])
    assert stats.kstest(drawn, twin_of(own).cdf, method="asymp").pvalue > 1e-3


def test_a_users_subclass_has_no_twin():
    class Mine(dist.Normal):
        pass

    assert twin_of(Mine(0.0, 1.0)) is None
