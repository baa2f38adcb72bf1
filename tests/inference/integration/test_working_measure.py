"""Priors in tension with the data, needles and odd priors: right, by every method, or not "converged".

The references are closed forms of normal integrals, scipy's quadrature of densities from scipy.stats, and a sum over a
dense grid of log10 g, log10 M and the pull; none of them knows of quantiles, cells or climbs.
"""

import itertools
import math

import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
import pytest
from posterior_toys import TWO, gaussian, two_modes
from profile_toys import FIXED, toy
from scipy import integrate, stats

import lmtbayes as lmt
from lmtbayes.errors import InvalidArgument
from lmtbayes.experiments.terms import Gaussian
from lmtbayes.inference.coordinates import Space
from lmtbayes.inference.devices import resolve_devices
from lmtbayes.inference.distributions.tabulated import Even, Hump, Own, tabulated
from lmtbayes.inference.integration import missed_peaks
from lmtbayes.inference.integration.cubature import integrate as cubature
from lmtbayes.inference.integration.modes import boxes_around
from lmtbayes.inference.integration.refine import posterior_grid
from lmtbayes.inference.integration.working_measure import survey

MEANS, SIGMAS = (-3.2, 1.4), (0.03, 0.2)
LIKE = gaussian(MEANS, SIGMAS)
MASS = dist.Uniform(0.0, 3.0)
LOG_MASS = math.log(stats.norm.cdf(3.0, 1.4, 0.2) / 3.0)
"""Of the flat prior of the mass, whose lower edge is seven widths away."""


def prior(distribution, name="log10_g_x"):
    return lmt.priors.Prior(FIXED, {name: distribution, "log10_mass": MASS})


def by_quad(density, low=-6.0, high=-1.0, points=()):
    """ln of the integral of a density of log10 g times N(-3.2; 0.03), between the parts that may be narrow."""
    edges = sorted({low, *points, high, *(-3.2 + k * 0.03 for k in (-30, -8, -4, 0, 4, 8, 30))})

    def f(x):
        return density(x) * stats.norm.pdf(x, MEANS[0], SIGMAS[0])

    parts = [integrate.quad(f, a, b, epsabs=0.0, epsrel=1e-9)[0] for a, b in itertools.pairwise(edges)]
    return math.log(sum(parts)) + LOG_MASS


def normal(centre, width):
    return stats.norm.logpdf(MEANS[0], centre, math.hypot(width, SIGMAS[0])) + LOG_MASS


CASES = {
    "five widths": (dist.Normal(-3.7, 0.1), normal(-3.7, 0.1)),
    "ten widths": (dist.Normal(-4.2, 0.1), normal(-4.2, 0.1)),
    "forty widths": (dist.Normal(-5.2, 0.05), normal(-5.2, 0.05)),
    "above": (dist.Normal(-2.2, 0.1), normal(-2.2, 0.1)),
    "Laplace": (dist.Laplace(-4.0, 0.1), by_quad(lambda x: stats.laplace.pdf(x, -4.0, 0.1))),
    "Student": (dist.StudentT(3.0, -4.0, 0.1), by_quad(lambda x: stats.t.pdf(x, 3.0, -4.0, 0.1))),
    "in its bulk": (dist.Normal(-3.3, 0.3), normal(-3.3, 0.3)),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_prior_in_tension_with_the_data(name):
    distribution, exact = CASES[name]
    found = lmt.evidence(LIKE, prior(distribution))
    assert found.converged, found.status
    assert abs(found.log_z - exact) < found.log_z_error < 5e-3


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_prior_in_tension_by_draws(name):
    distribution, exact = CASES[name]
    drawn = lmt.evidence(LIKE, prior(distribution), "importance")
    assert drawn.converged, drawn.status
    assert abs(drawn.log_z - exact) < 4.0 * drawn.log_z_error


@pytest.mark.nightly
def test_smc_in_tension():
    distribution, exact = CASES["ten widths"]
    found = lmt.evidence(LIKE, prior(distribution), lmt.methods.Smc(particles=400, steps=10))
    assert abs(found.log_z - exact) < 4.0 * found.log_z_error
    # The posterior of log10 g is a normal density: precision-weighted mean.
    precision = np.array([0.1, 0.03]) ** -2.0
    assert found.mean("log10_g_x") == pytest.approx(precision @ [-4.2, -3.2] / precision.sum(), abs=0.005)


@pytest.mark.parametrize(
    "sigmas",
    [
        pytest.param((1e-4, 0.2), marks=pytest.mark.slow),
        pytest.param((2e-5, 3e-5), marks=pytest.mark.slow),
        pytest.param((0.05, 1e-6), marks=pytest.mark.slow),
    ],
)
def test_needle(sigmas):
    like = gaussian((-3.2345, 1.4321), sigmas)
    exact = -math.log(9.0)
    for method in ("cubature", "importance"):
        found = lmt.evidence(like, TWO, method)
        assert found.converged, found.status
        assert abs(found.log_z - exact) < (1.0 if method == "cubature" else 4.0) * found.log_z_error
    grid = posterior_grid(like, TWO)
    edges, probability = grid.marginal("log10_g_x")
    expected = np.diff(stats.norm.cdf(edges, -3.2345, sigmas[0]))
    assert 0.5 * np.abs(probability - expected).sum() < 0.02
    assert grid.missed < missed_peaks.MISSED


@pytest.mark.slow
def test_two_modes_one_of_them_in_the_far_tail_of_the_prior():
    """Two bosons give the same rate; the prior sits far below both, so that the lower one has nearly all."""
    like = two_modes(nuisances=False)
    own = prior(dist.Normal(-4.6, 0.08))
    x, y = np.linspace(-5.2, -3.0, 4401), np.linspace(0.0, 3.0, 301)
    mu = np.stack(np.broadcast_arrays(80.0 * (1.0 - 10.0 ** x[:, None] / 3e-4) ** 2 + 20.0, 30.0 + 20.0 * y))
    data = np.asarray(like.data["toy"])[:, None, None]
    log_l = (data * np.log(mu) - mu - np.vectorize(math.lgamma)(data + 1.0)).sum(0)
    values = np.exp(log_l + stats.norm.logpdf(x, -4.6, 0.08)[:, None] - math.log(3.0) + 60.0)
    exact = math.log(integrate.simpson(integrate.simpson(values, x=y), x=x)) - 60.0
    found = lmt.evidence(like, own)
    assert found.converged
    assert abs(found.log_z - exact) < found.log_z_error + 1e-4


@pytest.mark.slow
def test_a_prior_that_is_fine_is_kept():
    for distribution in (dist.Uniform(-5.0, -2.0), dist.Normal(-3.3, 0.3)):
        own = prior(distribution)
        assert survey(LIKE, own, resolve_devices(None)).measure is own


@pytest.mark.parametrize(
    ("name", "own", "density", "high"),
    [
        pytest.param(
            *("g_x", dist.Gamma(2.0, 4000.0), lambda g: stats.gamma.pdf(g, 2.0, scale=1.0 / 4000.0), 5e-3),
            marks=pytest.mark.slow,
        ),
        pytest.param(
            *("g_x", dist.Beta(2.0, 3000.0), lambda g: stats.beta.pdf(g, 2.0, 3000.0), 5e-3), marks=pytest.mark.slow
        ),
        pytest.param(
            *("g_x", dist.TruncatedNormal(0.0, 1e-3, low=0.0), lambda g: stats.halfnorm.pdf(g, scale=1e-3), 5e-3),
            marks=pytest.mark.slow,
        ),
    ],
)
def test_priors_of_the_coupling_itself_also_without_icdf(name, own, density, high):
    def f(g):
        return density(g) * stats.norm.pdf(math.log10(g), MEANS[0], SIGMAS[0])

    exact = math.log(integrate.quad(f, 3e-4, 1.3e-3, epsabs=0.0, epsrel=1e-9, points=(6.3e-4,))[0]) + LOG_MASS
    found = lmt.evidence(LIKE, prior(own, name))
    assert found.converged, found.status
    assert abs(found.log_z - exact) < found.log_z_error


@pytest.mark.parametrize(
    ("distributions", "message"),
    [
        ({"g_x": dist.Normal(0.0, 1e-3), "log10_mass": MASS}, "g_x can be, at 0 or above; Normal .*truncate"),
        ({"log10_g_x": dist.Uniform(-5, -2), "mass": dist.Uniform(-10.0, 300.0)}, "reaches down to -10"),
        ({"log10_g_x": dist.Cauchy(-3.5, 0.5), "log10_mass": MASS}, "rates are numbers.*truncate"),
        ({"g_x": dist.Kumaraswamy(2.0, 3.0), "log10_mass": MASS}, "cdf or a quantile function"),
        ({"g_x": dist.Poisson(3.0), "log10_mass": MASS}, "continuous"),
    ],
)
def test_refused_before_anything_compiles(distributions, message):
    with pytest.raises(InvalidArgument, match=message):
        lmt.priors.Prior(FIXED, distributions)


def test_truncated_cauchy_is_accepted():
    own = prior(dist.TruncatedCauchy(-3.5, 0.5, low=-6.0, high=-1.0))
    inside = stats.cauchy.cdf(-1.0, -3.5, 0.5) - stats.cauchy.cdf(-6.0, -3.5, 0.5)
    exact = by_quad(lambda x: stats.cauchy.pdf(x, -3.5, 0.5) / inside)
    found = lmt.evidence(LIKE, own)
    assert abs(found.log_z - exact) < found.log_z_error


# -- parts ------------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_table_of_quantiles_against_scipy():
    table = tabulated([(1.0, Own(dist.Gamma(0.5, 1.0), 0.0, 1e3))], 0.0, 1e3)
    unit = np.array([1e-10, 1e-3, 0.3, 0.5, 0.99, 1.0 - 1e-9])
    np.testing.assert_allclose(table.icdf(unit), stats.gamma(0.5).ppf(unit), rtol=1e-8)
    np.testing.assert_allclose(table.cdf(table.icdf(unit)), unit, rtol=1e-10)
    np.testing.assert_allclose(-table.log_slope(unit), stats.gamma(0.5).logpdf(table.icdf(unit)), atol=1e-5)


@pytest.mark.slow
def test_table_is_its_own_density():
    """Whatever the mixture: the slope is the derivative of the quantiles, by differences."""
    parts = [(0.3, Own(dist.Normal(-4.0, 0.1), -9.0, 4.0)), (0.1, Even(-5.0, -2.0)), (0.6, Hump(-3.2, 1e-6, -9.0, 4.0))]
    table = tabulated(parts, -9.0, 4.0)
    unit, step = np.linspace(0.01, 0.99, 99), 1e-7
    by_difference = (table.icdf(unit + step) - table.icdf(unit - step)) / (2.0 * step)
    np.testing.assert_allclose(table.log_slope(unit), np.log(by_difference), atol=1e-3)


@pytest.mark.slow
def test_space_and_its_inverse():
    surveyed = survey(LIKE, prior(CASES["ten widths"][0]), resolve_devices(None))
    space = Space(LIKE.joint, prior(CASES["ten widths"][0]), surveyed.measure)
    unit = np.random.default_rng(0).random((50, 2))
    np.testing.assert_allclose(space.unit(space.values(jnp.asarray(unit))), unit, atol=1e-9)


def test_a_ridge_is_followed_through_wide_cells():
    """A thin, bent ridge of which only the middle is known to be fine: it used to be cut, at 5 % of its integral."""
    width = 3e-4

    def ridge(u):
        x, y = u[..., 0], u[..., 1]
        across = stats.norm.logpdf(y, 0.3 + 0.4 * x + 0.1 * x**2, width)
        return across + stats.norm.logpdf(x, 0.5, 0.1)

    def find(_):
        middle = np.array([[0.5, 0.525]])
        return boxes_around(middle, np.array([width]), np.zeros(1))

    found = cubature(ridge, 2, rtol=3e-3, start_cells=16, find_modes=find)
    assert found.converged
    assert abs(found.log_z) < found.log_z_error + 1e-5


def test_a_peak_that_was_not_seen_is_said():
    assert missed_peaks.unseen(-3.0, np.array([-3.5, np.nan, -2.5])) == ""
    assert "not converged" in missed_peaks.unseen(-3.0, np.array([0.0]))
    # Of a thousand draws in twenty dimensions the highest lies some five below the peak.
    rng = np.random.default_rng(1)
    drop = 0.5 * (rng.standard_normal((200, 1000, 20)) ** 2).sum(-1).min(1)
    assert drop.max() < missed_peaks.by_chance(20, 1000) < drop.max() + 3.0


# -- the package's own experiment -------------------------------------------------------------------------------------


def dense(like, low, high, number, log_prior):
    """ln of the integral over log10 g and log10 M on a dense grid, over the pull by Gauss and Hermite."""
    import jax

    model = like.model
    x, y = (np.linspace(a, b, n) for a, b, n in zip(low, high, number, strict=True))
    pull, weight = np.polynomial.hermite_e.hermegauss(15)

    @jax.jit
    def row(a):
        def one(b, p):
            pulls = jnp.full(len(like.nuisances), p)
            return like.log_density(model.hidden_photon(10.0**a, 10.0**b), pulls, like.data)

        table = jax.vmap(lambda b: jax.vmap(lambda p: one(b, p))(pull))(y)
        return jax.scipy.special.logsumexp(table + 0.5 * pull**2 + np.log(weight), axis=1)

    values = np.stack([np.asarray(row(a)) for a in x]) + log_prior(x)[:, None] - math.log(3.0)
    top = values.max()
    return math.log(integrate.simpson(integrate.simpson(np.exp(values - top), x=y), x=x)) + top


@pytest.mark.slow
@pytest.mark.parametrize("own", ["normal", "Laplace"])
def test_na64mu_with_a_prior_in_tension(own):
    model = lmt.LMU_LTAU.with_mixing("paper")
    like = lmt.JointLikelihood(["na64mu"], model, lmt.asimov(model, lmt.BENCHMARKS["BP4"]))
    assert len(like.nuisances) == 1
    if own == "normal":
        distribution, log_prior = dist.Normal(-4.0, 0.1), lambda x: stats.norm.logpdf(x, -4.0, 0.1)
    else:
        distribution, log_prior = dist.Laplace(-4.0, 0.1), lambda x: stats.laplace.logpdf(x, -4.0, 0.1)
    exact = dense(like, (-4.6, 0.0), (-2.4, 3.0), (881, 401), log_prior)
    given = lmt.priors.Prior(model, {"log10_g_x": distribution, "log10_mass": MASS})
    found = lmt.evidence(like, given)
    assert found.converged
    assert abs(found.log_z - exact) < found.log_z_error + 1e-3
    drawn = lmt.evidence(like, given, "importance")
    assert abs(drawn.log_z - exact) < 4.0 * drawn.log_z_error


@pytest.mark.parametrize(
    "sign", [pytest.param(1.0, marks=pytest.mark.nightly), pytest.param(-1.0, marks=pytest.mark.slow)]
)
def test_mixing_of_either_sign_also_in_tension(sign):
    """A kappa of both signs is a mixing of both signs; its measured value is sign * 0.3 within 1e-4."""

    def rates(g_x, mass, eps_x, values):
        return jnp.array([jnp.log10(g_x), jnp.log10(mass), -eps_x / g_x])

    model, data = lmt.LMU_LTAU, {"toy": np.array([-3.2, 1.4, 0.3 * sign])}
    like = lmt.JointLikelihood([toy(rates, Gaussian((0.05, 0.2, 1e-4)), 3)], model, data=data, check=False)
    flat = {"log10_g_x": dist.Uniform(-5.0, -2.0), "log10_mass": MASS}
    cases = (
        (lmt.priors.default(model, sign="both"), -math.log(9.0 * 2.0 * 0.3 * math.log(1e3))),
        (
            lmt.priors.Prior(model, {**flat, "kappa": dist.Normal(0.0, 0.03)}),
            -math.log(9.0) + stats.norm.logpdf(0.3, 0.0, math.hypot(0.03, 1e-4)),
        ),
    )
    for own, exact in cases:
        found = lmt.evidence(like, own)
        assert found.converged, found.status
        assert abs(found.log_z - exact) < found.log_z_error
        assert found.mean("kappa") == pytest.approx(0.3 * sign, abs=1e-4)
