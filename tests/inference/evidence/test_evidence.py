import dataclasses
import math
import sys

import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
import pytest
from compilations import compilations
from evidence_targets import TARGETS, log_z
from hypothesis import given, settings
from hypothesis import strategies as st
from jax.scipy.special import ndtr
from profile_toys import FIXED, PHOTON, counts, scale, toy
from scipy import integrate, stats
from scipy.special import erf, gammaln, logsumexp
from scipy.stats import multivariate_normal

import lmtbayes as lmt
from lmtbayes.errors import InvalidArgument, MissingDependency, UnknownName
from lmtbayes.experiments.terms import Gaussian, Poisson
from lmtbayes.inference.devices import Mapped, resolve_devices
from lmtbayes.inference.evidence import nested, nss, smc
from lmtbayes.inference.evidence.evidence import SHORTHAND as METHODS
from lmtbayes.inference.evidence.evidence import evidence
from lmtbayes.inference.nuisances import laplace_check
from lmtbayes.methods import Cubature, Importance, Nested, Nss, Smc

PRIOR = lmt.priors.default(FIXED)
_SLOW = pytest.mark.slow
QUICK_SMC = Smc(particles=300, steps=10, ess=0.8)


# -- the samplers on the six targets ----------------------------------------------------------------------------------


def by_number(z, number):
    """ln L of a target: its number is an argument, so that what runs on one is compiled for all of them."""
    return jax.lax.switch(number, [lambda z, f=f: f(ndtr(z)) for f in TARGETS.values()], z)


@pytest.fixture(scope="module")
def smc_sampler():
    return smc.make_sampler(by_number, 3, Smc())


@pytest.fixture(scope="module")
def nss_sampler():
    return nss.make_sampler(by_number, 3, Nss())


@pytest.mark.slow
@pytest.mark.parametrize("name", TARGETS)
def test_smc_on_known_evidence(name, smc_sampler):
    setup, number = Smc(), list(TARGETS).index(name)
    result = smc.summarise(smc_sampler(jax.random.split(jax.random.key(0), setup.replicas), number), setup)
    assert result.converged, result.status
    # Three of its own standard deviations; an error that claims nothing would be no test.
    assert abs(result.log_z - log_z(name)) < 3.0 * result.log_z_error
    assert result.log_z_error < 0.15


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=_SLOW if n in ("signal", "bimodal") else pytest.mark.nightly) for n in TARGETS]
)
def test_nested_on_known_evidence(name):
    f = jax.jit(lambda z: TARGETS[name](ndtr(z)))
    result = nested.sample(lambda z: float(f(z)), 3, 1, Nested())
    assert result.converged, result.status
    assert abs(result.log_z - log_z(name)) < 3.0 * result.log_z_error
    assert result.log_z_error < 0.2


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=_SLOW if n in ("gauss", "bimodal") else pytest.mark.nightly) for n in TARGETS]
)
def test_nested_slices_on_known_evidence(name, nss_sampler):
    result = nss.sample(nss_sampler, 1, Nss(), list(TARGETS).index(name))
    assert result.converged, result.status
    assert abs(result.log_z - log_z(name)) < 3.0 * result.log_z_error
    # Of two modes 17 widths apart the live points' shares fluctuate, in each run by itself.
    assert result.log_z_error < (0.3 if name == "bimodal" else 0.15)
    # The points are the posterior: its mean in one coordinate, where that is known.
    if name == "gauss":
        mean = np.exp(result.log_weights) @ stats.norm.cdf(result.positions[:, 0])
        effective = np.exp(-logsumexp(2.0 * result.log_weights))
        assert abs(mean - 0.3) < 4.0 * 0.02 / np.sqrt(effective / 10.0)  # walks remember their starts


@_SLOW
def test_nested_slices_give_up_honestly():
    setup = Nss(live=50, batch_size=40, replicas=4, steps=2, max_rounds=10)
    result = nss.sample(nss.make_sampler(lambda z: TARGETS["gauss"](ndtr(z)), 3, setup), 1, setup)
    assert not result.converged
    assert "may still add" in result.status
    assert np.exp(result.log_weights).sum() == pytest.approx(1.0)


# -- likelihoods with an evidence on paper ----------------------------------------------------------------------------


def linear(g_x, mass, eps_x, values):
    """mu_b = a_b (log10 g + 3.5) + c_b pull, linear in the nuisance."""
    x = jnp.log10(g_x) + 3.5
    return jnp.array([4.0, 1.0]) * x + jnp.array([0.5, -1.0]) * values["tilt"]


TILT = lmt.Nuisance("tilt", lmt.Gaussian(0.0, 1.0), "tilts the spectrum")


def linear_likelihood(data=(2.0, 0.3)):
    return lmt.JointLikelihood([toy(linear, Gaussian([0.5, 0.8]), 2, (TILT,))], FIXED, {"toy": np.array(data)})


def linear_log_z(data, low, high):
    """Pull and x integrated on paper: N(d; a x, S) with S = sigma^2 + c c^T, then a normal in x between the edges."""
    a, c, d = np.array([4.0, 1.0]), np.array([0.5, -1.0]), np.array(data)
    covariance = np.diag([0.25, 0.64]) + np.outer(c, c)
    inverse = np.linalg.inv(covariance)
    precision, mean = a @ inverse @ a, (a @ inverse @ d) / (a @ inverse @ a)
    peak = -0.5 * (d - a * mean) @ inverse @ (d - a * mean) - 0.5 * np.linalg.slogdet(2.0 * np.pi * covariance)[1]
    root = math.sqrt(precision / 2.0)
    inside = 0.5 * math.sqrt(2.0 * math.pi / precision) * (erf(root * (high - mean)) - erf(root * (low - mean)))
    return peak + math.log(inside / (high - low))


def test_gaussian_with_a_linear_nuisance_is_exact():
    found = evidence(linear_likelihood(), PRIOR)
    assert found.converged
    assert "exactly" in found.status
    assert found.log_correction == 0.0
    assert abs(found.log_z - linear_log_z((2.0, 0.3), -1.5, 1.5)) < found.log_z_error < 5e-3


@settings(max_examples=8)
@given(data=st.tuples(st.floats(-4.0, 6.0), st.floats(-2.0, 3.0)))
def test_gaussian_with_a_linear_nuisance_for_any_data(data):
    found = evidence(LINEAR.with_data({"toy": np.array(data)}), PRIOR)
    assert abs(found.log_z - linear_log_z(data, -1.5, 1.5)) < found.log_z_error


LINEAR = linear_likelihood()


@pytest.mark.parametrize(
    "method", ["importance", *(pytest.param(name, marks=pytest.mark.slow) for name in ("smc", "nested", "nss"))]
)
def test_samplers_on_a_likelihood_with_a_nuisance(method):
    found = evidence(LINEAR, PRIOR, method)
    assert found.converged
    assert abs(found.log_z - linear_log_z((2.0, 0.3), -1.5, 1.5)) < 3.0 * found.log_z_error


def lognormal(g_x, mass, eps_x, values):
    return jnp.array([6.0, 3.0]) * (g_x / 5e-4) ** 2 * values["efficiency"] + jnp.array([1.0, 2.0]) * values["level"]


EFFICIENCY = lmt.Nuisance("efficiency", lmt.LogNormal(1.0, 1.6), "scales the signal")
LEVEL = lmt.Nuisance("level", lmt.LogNormal(1.0, 1.4), "scales the background")
OCTANTS = lmt.Nuisance("level", lmt.GaussianMixture((1.0, 2.5), (0.1, 0.2), (0.6, 0.4)), "scales the background")


def direct_log_z(nuisances, data):
    """Poisson terms by equal-width sums over log10 g and both pulls: converged to rounding for smooth integrands."""
    x = np.linspace(-5.0, -2.0, 601)
    weight = np.full(x.size, x[1] - x[0])
    weight[[0, -1]] /= 2.0
    z = np.linspace(-9.0, 24.0, 400) if nuisances[1].constraint.components else np.linspace(-9.0, 9.0, 180)
    first = np.linspace(-9.0, 9.0, 140)
    efficiency = np.asarray(nuisances[0].constraint.value(first))
    level = np.asarray(nuisances[1].constraint.value(z))
    log_prior = np.asarray(nuisances[1].constraint.distribution().log_prob(z)) + math.log(z[1] - z[0])
    log_first = -0.5 * first**2 - 0.5 * math.log(2.0 * math.pi) + math.log(first[1] - first[0])
    total = -np.inf
    for e, w in zip(efficiency, log_first, strict=True):
        signal = np.array([6.0, 3.0]) * (10.0 ** x[:, None, None] / 5e-4) ** 2 * e
        mu = np.maximum(signal + np.array([1.0, 2.0]) * level[:, None], 1e-30)
        logs = (data * np.log(mu) - mu - gammaln(data + 1.0)).sum(-1) + log_prior + np.log(weight / 3.0)[:, None] + w
        total = np.logaddexp(total, np.logaddexp.reduce(logs, axis=None))
    return total


@pytest.mark.slow
@pytest.mark.parametrize("second", [LEVEL, OCTANTS], ids=["lognormal", "sum of Gaussians"])
def test_poisson_with_nonlinear_nuisances_against_quadrature(second):
    data = np.array([9.0, 4.0])
    like = lmt.JointLikelihood([toy(lognormal, Poisson(), 2, (EFFICIENCY, second))], FIXED, {"toy": data})
    exact = direct_log_z((EFFICIENCY, second), data)
    found = evidence(like, PRIOR, Cubature(rtol=1e-3, laplace_draws=4096))
    assert found.converged
    assert abs(found.log_z - exact) < found.log_z_error < 0.02
    # What Laplace leaves out is small, and said.
    assert 0.0 < abs(found.log_correction) < 0.02
    for method in ("importance", "smc"):
        drawn = evidence(like, PRIOR, method)
        assert abs(drawn.log_z - exact) < 3.0 * drawn.log_z_error


# -- a count experiment: what the result can do -----------------------------------------------------------------------


@pytest.fixture(scope="module")
def like():
    experiment = toy(counts, Poisson(), 3, (scale(),))
    return lmt.JointLikelihood([experiment], FIXED, lmt.asimov(FIXED, PHOTON))


@pytest.fixture(scope="module")
def found(like):
    return evidence(like, PRIOR)


def test_the_prior_is_in_the_same_line(found):
    first = repr(found).splitlines()[0]
    assert "ln Z" in first
    assert "log10_g_x ~ Uniform[-5, -2]" in first
    assert "log10_mass ~ Uniform[0, 3]" in first


@pytest.mark.slow
def test_seed_repeats_a_run(like, found):
    assert evidence(like, PRIOR).log_z == found.log_z
    other = evidence(like, PRIOR, seed=1)
    assert other.log_z != found.log_z
    assert abs(other.log_z - found.log_z) < other.log_z_error + found.log_z_error
    first, again = (evidence(like, PRIOR, QUICK_SMC, seed=3) for _ in range(2))
    assert first.log_z == again.log_z
    assert abs(first.log_z - found.log_z) < 4.0 * first.log_z_error


def test_new_data_do_not_compile_again(like, found):
    before = dict(like.joint._compiled)
    with compilations("own") as blocks:
        evidence(like.with_data(lmt.asimov(FIXED, lmt.BENCHMARKS["BP3"])), PRIOR)
        assert like.joint._compiled == before
        assert blocks == []
        Mapped(lambda x: x, resolve_devices(None), 4)(np.zeros(1))
        assert len(blocks) == 1, "blocks have another name"


def test_marginal_and_moments_agree(found):
    edges = np.linspace(-5.0, -2.0, 61)
    marginal = found.marginal("log10_g_x", edges)
    assert marginal.sum() == pytest.approx(1.0, abs=1e-6)
    middle = (edges[1:] + edges[:-1]) / 2.0
    assert marginal @ middle == pytest.approx(found.mean("log10_g_x"), abs=2e-3)
    spread = math.sqrt(marginal @ (middle - found.mean("log10_g_x")) ** 2)
    deviation = math.sqrt(np.exp(found.log_weights) @ (found.nodes["log10_g_x"] - found.mean("log10_g_x")) ** 2)
    assert deviation == pytest.approx(spread, rel=0.02)
    # The toy's truth.
    assert found.mean("log10_g_x") == pytest.approx(math.log10(PHOTON.g_x), abs=0.1)
    with pytest.raises(UnknownName, match="log10_g_x"):
        found.mean("g_x")


@pytest.mark.parametrize("g_x", [(2e-4, 2e-3), (1e-5, 5.3e-4), (4.7e-4, 1e-2)])
def test_reweighting_to_a_smaller_box_equals_a_new_run(like, found, g_x):
    prior = lmt.priors.default(FIXED, g_x=g_x, mass=(3.0, 700.0))
    moved, again = found.with_prior(prior), evidence(like, prior)
    assert abs(moved.log_z - again.log_z) < moved.log_z_error + again.log_z_error
    assert moved.log_z_error < 0.03
    assert moved.mean("log10_g_x") == pytest.approx(again.mean("log10_g_x"), abs=0.02)


@pytest.mark.slow
def test_reweighting_to_a_density_equals_a_new_run(like, found):
    prior = lmt.priors.Prior(
        FIXED, {"log10_g_x": dist.TruncatedNormal(-3.2, 0.3, low=-4.5, high=-2.5), "log10_mass": dist.Uniform(0.0, 3.0)}
    )
    moved, again = found.with_prior(prior), evidence(like, prior)
    assert abs(moved.log_z - again.log_z) < moved.log_z_error + again.log_z_error
    assert moved.log_z_error < 0.05


def test_what_needs_a_new_run_is_refused(found):
    with pytest.raises(InvalidArgument, match=r"log10_g_x in .* needs a new run"):
        found.with_prior(lmt.priors.default(FIXED, g_x=(1e-6, 1e-2)))
    with pytest.raises(InvalidArgument, match="needs a new run"):
        found.with_prior(lmt.priors.default(lmt.LMU_LTAU))
    by_draws = dataclasses.replace(found, method="smc", cubature=None)
    with pytest.raises(InvalidArgument, match="'smc'"):
        by_draws.with_prior(PRIOR)


def test_without_nuisances_there_is_nothing_to_correct():
    like = lmt.JointLikelihood([toy(counts, Poisson(), 3)], FIXED, lmt.asimov(FIXED, PHOTON))
    found = evidence(like, PRIOR)
    assert found.log_correction == 0.0
    g, mass = np.linspace(-5.0, -2.0, 1501), np.linspace(0.0, 3.0, 151)
    logs = like.log_likelihood(FIXED.hidden_photon(*np.meshgrid(10.0**g, 10.0**mass, indexing="ij")))
    mean = np.trapezoid(np.trapezoid(np.exp(logs), mass), g) / 9.0
    assert abs(found.log_z - math.log(mean)) < found.log_z_error + 1e-5


def test_prior_in_linear_coordinates(like):
    # Narrow and flat in g: the mean likelihood over the box, by a plain sum over g and the nuisance.
    prior = lmt.priors.Prior(FIXED, {"g_x": dist.Uniform(4e-4, 6e-4), "mass": dist.Uniform(10.0, 20.0)})
    found = evidence(like, prior)
    g, mass, pull = (np.linspace(a, b, n) for a, b, n in ((4e-4, 6e-4, 81), (10.0, 20.0, 21), (-6.0, 6.0, 61)))
    logs = np.empty((g.size, mass.size, pull.size))
    grid = FIXED.hidden_photon(*np.meshgrid(g, mass, indexing="ij"))
    for i, z in enumerate(pull):
        logs[:, :, i] = like.log_likelihood(grid, {"scale": 1.0 + 0.1 * z})
    values = np.trapezoid(np.trapezoid(np.trapezoid(np.exp(logs), pull), mass), g) / (2e-4 * 10.0)
    assert found.log_z == pytest.approx(math.log(values), abs=found.log_z_error + 1e-4)


# -- errors of importance sampling ------------------------------------------------------------------------------------


def test_ten_seeds_of_importance_scatter_as_their_errors_say(like):
    reference = evidence(like, PRIOR, Cubature(rtol=5e-4))
    drawn = [evidence(like, PRIOR, "importance", seed=seed) for seed in range(10)]
    assert all(e.converged for e in drawn)
    pulls = np.array([(e.log_z - reference.log_z) / e.log_z_error for e in drawn])
    # chi^2 of ten degrees of freedom leaves 0.5 to 1.6 once in three hundred times.
    assert 0.5 < np.sqrt(np.mean(pulls**2)) < 1.6


def test_tails_far_wider_than_laplace_are_not_missed():
    """A third of the integral over the pull is a plateau that the Gaussian at its peak knows nothing of."""

    def spiked(g_x, mass, eps_x, values):
        return jnp.array([jnp.log10(g_x), jnp.arctan(30.0 * values["level"])])

    level = lmt.Nuisance("level", lmt.Gaussian(0.0, 1.0), "with a spike")
    data = {"toy": np.array([-3.5, 0.0])}
    like = lmt.JointLikelihood([toy(spiked, Gaussian((0.3, 0.6)), 2, (level,))], FIXED, data)
    x, z = np.linspace(-5.0, -2.0, 601), np.linspace(-9.0, 9.0, 360_001)
    over_pull = integrate.simpson(stats.norm.pdf(z) * stats.norm.pdf(np.arctan(30.0 * z), 0.0, 0.6), x=z)
    exact = math.log(integrate.simpson(stats.norm.pdf(x, -3.5, 0.3), x=x) / 3.0 * over_pull)
    drawn = evidence(like, PRIOR, "importance")
    assert drawn.converged, drawn.status
    assert abs(drawn.log_z - exact) < 4.0 * drawn.log_z_error
    assert drawn.log_correction > 0.3


# -- bad input --------------------------------------------------------------------------------------------------------


def test_unknown_method_and_settings_are_named(like):
    with pytest.raises(InvalidArgument, match="cubature"):
        evidence(like, PRIOR, "cubatur")
    with pytest.raises(UnknownName, match=r"'particle'.*did you mean 'particles'"):
        evidence(like, PRIOR, "smc", particle=10)
    with pytest.raises(UnknownName, match="rtol"):
        evidence(like, PRIOR, live=100)
    for method, setting, value in (
        ("cubature", "rtol", -1.0),
        ("cubature", "batch", 0),
        ("cubature", "start_cells", 0),
        ("smc", "replicas", 1),
        ("smc", "particles", True),
        ("nested", "live", True),
        ("importance", "max_draws", True),
        ("cubature", "start_cells", True),
        ("smc", "ess", 1.5),
        ("nested", "live", 3),
        ("nested", "sample", "magic"),
        ("nss", "steps", 0),
        ("nss", "batch_size", 401),
        ("nss", "batch_size", 2008),
        ("nss", "dlogz", 0.0),
    ):
        with pytest.raises(InvalidArgument, match=setting):
            METHODS[method](**{setting: value})


def test_a_seed_is_a_whole_number():
    for seed in (True, -1):
        with pytest.raises(InvalidArgument, match="`seed` must be a whole number"):
            evidence(LINEAR, PRIOR, seed=seed)


def test_prior_of_another_model_is_refused(like):
    with pytest.raises(InvalidArgument, match="model"):
        evidence(like, lmt.priors.default(lmt.LMU_LTAU))


def test_missing_dynesty_says_how_to_install_it(like, monkeypatch):
    monkeypatch.setitem(sys.modules, "dynesty", None)
    with pytest.raises(MissingDependency, match=r"pip install 'lmtbayes\[nested\]'"):
        evidence(like, PRIOR, "nested")


def test_nested_gives_up_honestly(like):
    result = evidence(like, PRIOR, Nested(live=50, max_evaluations=200))
    assert not result.converged
    assert "200 evaluations" in result.status


# -- no boson ---------------------------------------------------------------------------------------------------------


NULL_DATA = np.array([0.8, -1.1])
COVARIANCE = np.diag([0.25, 0.64]) + np.outer([0.5, -1.0], [0.5, -1.0])
NULL_LOG_Z = float(multivariate_normal([0.0, 0.0], COVARIANCE).logpdf(NULL_DATA))
"""On paper: d ~ N(0, sigma^2 + c c^T)."""


@pytest.fixture(scope="module")
def null_likelihood():
    def expected(g_x, mass, eps_x, values):
        return 1e3 * g_x + jnp.array([0.5, -1.0]) * values["tilt"]

    return lmt.JointLikelihood([toy(expected, Gaussian([0.5, 0.8]), 2, (TILT,))], FIXED, {"toy": NULL_DATA})


def test_no_boson_is_the_integral_over_the_nuisances_alone(null_likelihood):
    found = evidence(null_likelihood, lmt.priors.no_boson(FIXED))
    assert found.converged, found.status
    assert found.log_z == pytest.approx(NULL_LOG_Z, abs=1e-10)  # quadratic in the pull: Laplace is exact up to rounding
    assert "no boson" in repr(found)


@pytest.fixture(scope="module")
def skewed_likelihood():
    """No events where one is expected, or ten, or a tenth: what is left of the pull is no Gaussian."""
    level = lmt.Nuisance("level", lmt.LogNormal(1.0, 10.0), "a background")
    experiment = toy(lambda g, m, e, values: values["level"] * jnp.ones(1), Poisson(), 1, (level,))
    return lmt.JointLikelihood([experiment], FIXED, {"toy": np.zeros(1)})


def _skewed_log_z():
    integrand = lambda pull: np.exp(-(10.0**pull)) * stats.norm.pdf(pull)  # noqa: E731
    return float(np.log(integrate.quad(integrand, -12.0, 5.0, epsabs=1e-12, epsrel=1e-10)[0]))


def test_no_boson_is_drawn_as_often_as_an_error_wants(skewed_likelihood):
    """By importance, with the error that is asked for; of many seeds, scattered as it says."""
    prior, exact = lmt.priors.no_boson(FIXED), _skewed_log_z()
    fine, coarse = (evidence(skewed_likelihood, prior, Importance(rtol=rtol)) for rtol in (0.002, 0.02))
    for found, rtol in ((fine, 0.002), (coarse, 0.02)):
        assert found.converged, found.status
        assert 0.0 < found.sigma <= rtol
        assert abs(found.log_z - exact) < 4.0 * found.sigma
    assert abs(fine.log_correction) > 5.0 * fine.sigma  # there is something to correct
    runs = [evidence(skewed_likelihood, prior, Importance(rtol=0.02), seed=seed) for seed in range(1, 21)]
    pulls = [(run.log_z - exact) / run.sigma for run in runs]
    # 20 seeds: an rms within 1/sqrt(40) of one, four times that.
    assert np.sqrt(np.mean(np.square(pulls))) < 1.0 + 4.0 / np.sqrt(40.0)


def test_no_boson_says_where_draws_were_not_enough(skewed_likelihood):
    found = evidence(skewed_likelihood, lmt.priors.no_boson(FIXED), Importance(rtol=1e-6, max_draws=4096))
    assert not found.converged
    assert "4096 draws were not enough" in found.status
    assert abs(found.log_z - _skewed_log_z()) < 4.0 * found.sigma


@pytest.mark.parametrize("max_draws", [1, 100])
def test_no_boson_of_a_handful_of_draws_has_not_converged(skewed_likelihood, max_draws):
    """Whatever their scatter is: of two numbers it says nothing."""
    found = evidence(skewed_likelihood, lmt.priors.no_boson(FIXED), Importance(rtol=10.0, max_draws=max_draws))
    assert not found.converged
    assert f"{max_draws} draws are too few" in found.status


def test_checks_of_laplace_are_the_same_however_many_draws_are_held(skewed_likelihood, monkeypatch):
    prior, settings = lmt.priors.no_boson(FIXED), Cubature(laplace_photons=9, laplace_draws=33)
    together = evidence(skewed_likelihood, prior, settings)
    monkeypatch.setattr(laplace_check, "_TOGETHER", 66)
    apart = evidence(skewed_likelihood, prior, settings)
    assert apart.log_z == pytest.approx(together.log_z, abs=1e-13)
    assert apart.sigma == pytest.approx(together.sigma, rel=1e-10)


@pytest.mark.slow
def test_no_boson_by_draws(null_likelihood):
    sampled = evidence(null_likelihood, lmt.priors.no_boson(FIXED), QUICK_SMC)
    assert abs(sampled.log_z - NULL_LOG_Z) < 4.0 * sampled.log_z_error


def test_no_boson_beside_a_boson_in_a_comparison(null_likelihood):
    with_boson = (null_likelihood, PRIOR)
    table = lmt.compare_models({"boson": with_boson, "SM": (null_likelihood, lmt.priors.no_boson(FIXED))}).table
    # A box of vanishing couplings is no boson.
    tiny = lmt.priors.default(FIXED, g_x=(1e-9, 1e-8))
    assert evidence(null_likelihood, tiny).log_z == pytest.approx(float(table.log_z.sel(model="SM")), abs=1e-4)
    assert float(table.log_bayes_factor.sel(model="boson", against="SM")) == pytest.approx(
        float(table.log_z.sel(model="boson") - table.log_z.sel(model="SM"))
    )


def test_no_boson_cannot_be_sampled():
    with pytest.raises(InvalidArgument, match="no boson"):
        lmt.sample_posterior(linear_likelihood(), lmt.priors.no_boson(FIXED))


def test_smc_says_where_its_error_is_too_small():
    """Replicas that agree: in fourteen coordinates they do so about a number that is 0.09 too high."""
    for coordinates, converged in ((10, True), (14, False)):
        run = (np.zeros(8), np.full(8, 30), np.full(8, 0.5), np.zeros((8, 5, coordinates)), np.ones(8))
        found = smc.summarise(run, Smc())
        assert found.converged == converged
        assert ("in 14 coordinates its error is too small" in found.status) != converged
