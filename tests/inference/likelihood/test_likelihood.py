"""JointLikelihood against densities written out with scipy; data, shared nuisances, toys, the numpyro model, errors."""

import copy
import functools
import pickle

import jax
import jax.numpy as jnp
import numpy as np
import numpyro
import pytest
import scipy.stats
from numpyro.infer.util import log_density
from toys import counter

import lmtbayes as lmt
from lmtbayes.errors import InvalidArgument, NotFinite, NuisanceConflict, UnknownName

PHOTON = lmt.HiddenPhoton(1.2e-3, 10.0, -1e-5)
TRUTH = lmt.HiddenPhoton(1e-3, 20.0, -1e-5)


@pytest.fixture(scope="module")
def pair():
    experiments = [counter("a", 10.0), counter("b", 40.0, nuisances=("flux",))]
    return lmt.JointLikelihood(experiments, lmt.LMU, lmt.asimov(lmt.LMU, TRUTH))


def by_scipy(data, flux, background_pull):
    """The sum of all terms, from the toy experiment's definition."""
    steps = np.arange(1, 4)
    expected = {
        "a": flux * 10 * 1.44 * steps + 4 * 1.5**background_pull,
        "b": flux * 40 * 1.44 * steps + 4,
    }
    total = scipy.stats.norm.logpdf((flux - 1) / 0.1) + scipy.stats.norm.logpdf(background_pull)
    return total + sum(scipy.stats.poisson.logpmf(np.round(data[k]), expected[k]).sum() for k in expected)


def test_terms_and_constraints_add_up(pair):
    data = {"a": np.array([12.0, 30.0, 33.0]), "b": np.array([41.0, 90.0, 130.0])}
    like = pair.with_data(data)
    assert like.nuisance_names == ("flux", "background")
    value = like.log_likelihood(PHOTON, {"flux": 1.07, "background": 1.5**0.4})
    assert float(value) == pytest.approx(by_scipy(data, 1.07, 0.4), rel=1e-12)
    assert float(like.log_likelihood(PHOTON)) == pytest.approx(by_scipy(data, 1.0, 0.0), rel=1e-12)


def test_batches_of_photons(pair):
    g_x = np.array([[1e-4, 1e-3, 3e-3], [2e-4, 2e-3, 4e-3]])
    photons = lmt.HiddenPhoton(g_x, 10.0, 0.0)
    values = pair.log_likelihood(photons)
    assert values.shape == (2, 3)
    single = [float(pair.log_likelihood(lmt.HiddenPhoton(g, 10.0, 0.0))) for g in g_x.ravel()]
    np.testing.assert_allclose(np.ravel(values), single, rtol=1e-13)


def test_asimov_data_are_best_fitted_by_the_truth(pair):
    slope = jax.grad(lambda g: pair.log_likelihood(lmt.HiddenPhoton(g, 20.0, 0.0)))(1e-3)
    scale = abs(float(pair.log_likelihood(TRUTH))) / 1e-3
    assert abs(float(slope)) < 1e-9 * scale
    # The constraints and the Poisson terms are all at their maximum: nothing can be better than the truth.
    assert float(pair.saturated_log_likelihood()) == pytest.approx(float(pair.log_likelihood(TRUTH)), rel=1e-12)


def test_gradient_agrees_with_finite_differences(pair):
    def value(log_g):
        return pair.log_likelihood(lmt.HiddenPhoton(jnp.exp(log_g), 10.0, 0.0))

    centre, step = np.log(1.3e-3), 1e-5
    expected = (value(centre + step) - value(centre - step)) / (2 * step)
    # Rounding of the difference quotient: 1e-16 |ln L|/step = 1e-9 of a slope of order 100.
    assert float(jax.grad(value)(centre)) == pytest.approx(float(expected), rel=1e-6)


def test_the_numpyro_model_is_the_same_density(pair):
    prior = lmt.priors.default(lmt.LMU)
    values = {"log10_g_x": -2.9, "log10_mass": 1.3, "log10_kappa": -1.2, "flux_pull": 0.3, "background_pull": -0.8}
    density, trace = log_density(pair.numpyro_model(prior), (), {}, values)
    photon = prior.photon(values)
    expected = pair.log_density(photon, jnp.array([0.3, -0.8])) + prior.log_prob(values)
    assert float(density) == pytest.approx(float(expected), rel=1e-12)
    assert float(trace["g_x"]["value"]) == pytest.approx(10**-2.9)
    assert float(trace["eps_x"]["value"]) == pytest.approx(-(10**-2.9) * 10**-1.2)
    assert float(trace["flux"]["value"]) == pytest.approx(1.03)


def test_the_numpyro_model_takes_other_data_or_none(pair):
    prior = lmt.priors.default(lmt.LMU)
    model = pair.numpyro_model(prior)
    draws = numpyro.infer.Predictive(model, num_samples=5)(jax.random.key(0), data=None)
    assert draws["a"].shape == (5, 3)
    assert {"g_x", "mass", "eps_x", "flux", "background"} <= set(draws)
    with pytest.raises(InvalidArgument, match="`prior` must be of the likelihood's model"):
        pair.numpyro_model(lmt.priors.default(lmt.LMU_LTAU))


def test_toys_are_reproducible_scatter_as_poisson_and_do_not_depend_on_the_company(pair):
    toys = lmt.simulate(pair, TRUTH, seed=3, size=4000)
    again = lmt.simulate(pair, TRUTH, seed=3, size=4000)
    alone = lmt.simulate(lmt.JointLikelihood([counter("a", 10.0)], lmt.LMU, pair_data(pair)), TRUTH, 3, size=4000)
    np.testing.assert_array_equal(toys["a"], again["a"])
    np.testing.assert_array_equal(toys["a"], alone["a"])
    expected = pair.data["b"]
    np.testing.assert_array_less(abs(toys["b"].mean(0) - expected), 5 * np.sqrt(expected / 4000))
    single = lmt.simulate(pair, TRUTH, seed=3)
    assert single["a"].shape == (3,)
    assert np.isfinite(pair.with_data(single).log_likelihood(TRUTH))


def pair_data(like):
    return {"a": like.data["a"]}


def test_new_data_do_not_compile_again(pair):
    other = pair.with_data(lmt.simulate(pair, TRUTH, 5))
    assert other.compiled(central) is pair.compiled(central)
    for like in (pair, other):
        assert np.isfinite(like.compiled(central)(PHOTON, like.data))
    assert pair.compiled(central)._cache_size() == 1


def central(like):
    return jax.jit(lambda photon, data: like.log_density(photon, like.central_pulls, data))


class Held:
    def method(self, like):
        return jax.jit(like.log_density)


def of_own_data(like):
    return jax.jit(lambda photon: like.log_density(photon, like.central_pulls))


def test_what_is_compiled_closes_over_nothing_but_its_key(pair):
    factor = 2.0
    for builder in (
        lambda like: jax.jit(like.log_density),
        functools.partial(central),
        Held().method,
        Held.method,
        (lambda: lambda like: factor)(),
    ):
        with pytest.raises(TypeError, match="`builder` must be a function or class of a module"):
            pair.compiled(builder)
    # Data that are not an argument are not there: they would be kept for other data.
    with pytest.raises(TypeError, match=r"required .*argument: 'data'"):
        pair.compiled(of_own_data)(PHOTON)


def scaled(like, power):
    return lambda: power


def test_equal_arguments_of_other_types_are_others(pair):
    assert pair.compiled(scaled, 2) is pair.compiled(scaled, 2)
    assert pair.compiled(scaled, 2.0)() is not pair.compiled(scaled, 2)()
    assert pair.compiled(scaled, True)() is True


class Broken(type(counter())):
    """A counter whose rate has a gradient that is NaN."""

    def _signal(self, model, photon, values):
        rate = super()._signal(model, photon, values)
        return rate + jnp.where(photon.mass > 0, 0.0, jnp.sqrt(-photon.mass))


def broken():
    good = counter("broken")
    return Broken(**{name: getattr(good, name) for name in good.__dataclass_fields__})


ASIMOV = lmt.asimov(lmt.LMU, TRUTH)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: lmt.JointLikelihood([], lmt.LMU, ASIMOV), InvalidArgument, "`experiments` must be at least one"),
        (
            lambda: lmt.JointLikelihood([counter("a"), counter("a")], lmt.LMU, ASIMOV),
            InvalidArgument,
            "'a' appears 2 times",
        ),
        (lambda: lmt.JointLikelihood(["na64"], lmt.LMU, ASIMOV), UnknownName, "unknown experiment 'na64'"),
        (
            lambda: lmt.JointLikelihood([counter("a")], lmt.LMU, "observed"),
            InvalidArgument,
            "needs observed data in every experiment; a is a projection",
        ),
        (lambda: lmt.JointLikelihood([counter("a")], lmt.LMU, "asimov"), InvalidArgument, "`data` must be one of"),
        (
            lambda: lmt.JointLikelihood([counter("a")], lmt.LMU, {"b": np.ones(3)}),
            UnknownName,
            "unknown experiment in `data` 'b'",
        ),
        (lambda: lmt.JointLikelihood([counter("a")], lmt.LMU, {}), InvalidArgument, "missing: a"),
        (
            lambda: lmt.JointLikelihood([counter("a")], lmt.LMU, {"a": np.ones(2)}),
            InvalidArgument,
            r"`data\['a'\]` must be an array of shape \(3,\); got shape \(2,\)",
        ),
        (
            lambda: lmt.JointLikelihood([counter("a")], lmt.LMU, {"a": np.array([1, np.nan, 2])}),
            InvalidArgument,
            r"`data\['a'\]` must be finite",
        ),
        (
            lambda: lmt.JointLikelihood(
                [counter("a"), counter("b", flux=lmt.Nuisance("flux", lmt.Gaussian(1.0, 0.2), "other"))],
                lmt.LMU,
                ASIMOV,
            ),
            NuisanceConflict,
            "'flux' is shared by name",
        ),
        (lambda: lmt.JointLikelihood([counter("a"), broken()], lmt.LMU, ASIMOV), NotFinite, "experiment 'broken'"),
        (lambda: lmt.asimov(lmt.LMU, lmt.HiddenPhoton(np.ones(2), 1.0, 0.0)), InvalidArgument, "single photon"),
    ],
)
def test_bad_input(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_unknown_nuisance(pair):
    with pytest.raises(UnknownName, match=r"unknown nuisance 'flx' \(did you mean 'flux'\?\)"):
        pair.log_likelihood(PHOTON, {"flx": 1.0})


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda like: pickle.loads(pickle.dumps(like))])
def test_a_likelihood_is_copied_and_pickled_without_what_is_compiled(again):
    like, photon = lmt.JointLikelihood(["muon-g2-2021"], lmt.LMU, "observed"), lmt.BENCHMARKS["BP1"]
    expected = like.log_likelihood(photon)
    other = again(like)
    assert other.log_likelihood(photon) == expected
    assert other.joint.nuisance_names == like.joint.nuisance_names
