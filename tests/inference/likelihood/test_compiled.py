"""Nothing that is kept with a likelihood is taken for something else: priors, methods and orders do not mix."""

import functools
import gc
import itertools
import math
import weakref

import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
import pytest
from numpyro.distributions import constraints
from profile_toys import FIXED, toy
from scipy import integrate

import lmtbayes as lmt
from lmtbayes.experiments.terms import Gaussian
from lmtbayes.inference.evidence.evidence import evidence
from lmtbayes.inference.likelihood.programs import KEPT

SIGMA = np.array([0.5, 0.8])
SLOPE = np.array([4.0, 1.0])
TILTS = np.array([[0.5, -1.0], [0.3, 0.2], [-0.4, 0.6], [0.1, 0.7]])
DATA = np.array([2.0, 0.3])


def likelihood(number):
    """Two numbers, linear in log10 g and in so many nuisances: both integrate out on paper."""

    def rate(g_x, mass, eps_x, values):
        shift = sum((jnp.asarray(TILTS[k]) * values[f"tilt {k}"] for k in range(number)), jnp.zeros(2))
        # Without a boson 3e-4 is left, so that the logarithm is finite: far from the data, not too far for samplers.
        return jnp.asarray(SLOPE) * (jnp.log10(g_x + 3e-4) + 3.5) + shift

    nuisances = tuple(lmt.Nuisance(f"tilt {k}", lmt.Gaussian(0.0, 1.0), "tilts", "made up") for k in range(number))
    return lmt.JointLikelihood([toy(rate, Gaussian(SIGMA), 2, nuisances)], FIXED, {"toy": DATA})


class Wedge(dist.Distribution):
    """Density rising or falling between -5 and -2: a user's own, which keeps its slope in a plain attribute."""

    support = constraints.interval(-5.0, -2.0)
    arg_constraints = {}  # noqa: RUF012 - numpyro's own way

    def __init__(self, slope):
        self.slope = slope
        super().__init__(batch_shape=(), event_shape=())

    def log_prob(self, value):
        return jnp.log(self.density((value + 5.0) / 3.0) / 3.0)

    def density(self, t):
        return 1.0 + self.slope * (2.0 * t - 1.0)

    def sample(self, key, sample_shape=()):
        return self.icdf(jax.random.uniform(key, sample_shape))

    def icdf(self, q):
        # Of (1 - s) t + s t^2 = q.
        b = 1.0 - self.slope
        return -5.0 + 3.0 * 2.0 * q / (b + jnp.sqrt(b**2 + 4.0 * self.slope * q))


class Steps(Wedge):
    """The same attributes, another density."""

    def density(self, t):
        return jnp.where(t < 0.5, 1.0 - self.slope, 1.0 + self.slope)

    def icdf(self, q):
        low = 0.5 * (1.0 - self.slope)
        return -5.0 + 3.0 * jnp.where(q < low, q / (1.0 - self.slope), 0.5 + (q - low) / (1.0 + self.slope))


def prior(distribution):
    return lmt.Prior(FIXED, {"log10_g_x": distribution, "log10_mass": dist.Uniform(0.0, 3.0)})


PRIORS = {
    "none": lmt.priors.no_boson(FIXED),
    "default": lmt.priors.default(FIXED),
    "rising": prior(Wedge(0.9)),
    "falling": prior(Wedge(-0.9)),
    "steps": prior(Steps(0.9)),
}


@functools.cache
def exact(name, number):
    """The pulls on paper, log10 g by scipy's quadrature."""
    covariance = np.diag(SIGMA**2) + TILTS[:number].T @ TILTS[:number]

    inverse, norm = np.linalg.inv(covariance), math.sqrt(np.linalg.det(2.0 * np.pi * covariance))

    def density(x):
        off = DATA - SLOPE * (math.log10(10.0**x + 3e-4) + 3.5)
        return math.exp(-0.5 * off @ inverse @ off) / norm

    if name == "none":
        return math.log(density(-math.inf))
    of_t = {
        "default": lambda t: 1.0,
        "rising": lambda t: 1.0 + 0.9 * (2.0 * t - 1.0),
        "falling": lambda t: 1.0 - 0.9 * (2.0 * t - 1.0),
        "steps": lambda t: 0.1 if t < 0.5 else 1.9,
    }[name]
    value, error = integrate.quad(lambda x: density(x) * of_t((x + 5.0) / 3.0) / 3.0, -5.0, -2.0, points=[-3.5])
    assert error < 1e-6 * value
    return math.log(value)


METHODS = {
    "cubature": lmt.methods.Cubature(),
    "importance": lmt.methods.Importance(),
    "smc": lmt.methods.Smc(particles=200, steps=5),
    "nested": lmt.methods.Nested(live=50, dlogz=0.5),
}


def allowed(found):
    """Cubature's own bound; four standard deviations of a sampler, of which a short run knows its own to a third."""
    return found.log_z_error + 1e-6 if found.method == "cubature" else max(4.0 * found.log_z_error, 1e-6)


def check_all(method, number, names):
    like = likelihood(number)
    for name in names:
        if name == "none" and number == 0 and method == "nested":
            continue
        found = evidence(like, PRIORS[name], METHODS[method])
        assert abs(found.log_z - exact(name, number)) < allowed(found), (method, number, name, found)
        assert found.log_z_error < 0.7  # of 50 live points
    return like


def test_priors_are_far_apart():
    """Otherwise the tests below would not tell one from the other."""
    for number in (0, 2, 3, 4):
        values = [exact(name, number) for name in PRIORS]
        assert min(abs(a - b) for a, b in itertools.combinations(values, 2)) > 0.09


ORDERS = {"there": tuple(PRIORS), "back": tuple(reversed(PRIORS))}
SHORT = {"there": ("none", "default", "falling"), "back": ("falling", "default", "none")}


@pytest.mark.slow
def test_priors_on_one_likelihood_by_cubature():
    check_all("cubature", 2, ("default", "none", "falling"))


_SLOW = pytest.mark.slow


@pytest.mark.parametrize(
    ("number", "order"),
    [
        pytest.param(*case, marks=_SLOW if case[0] == 3 else pytest.mark.nightly)
        for case in ((0, "there"), (2, "there"), (2, "back"), (3, "there"), (3, "back"), (4, "there"), (4, "back"))
    ],
)
def test_priors_on_one_likelihood_by_nested_sampling(number, order):
    """The input of the audit: with two or four nuisances it ended in a TypeError, or in an IndexError."""
    check_all("nested", number, ORDERS[order])


@pytest.mark.slow
@pytest.mark.parametrize("order", SHORT)
@pytest.mark.parametrize("number", [0, 3])
@pytest.mark.parametrize("method", ["cubature", "importance"])
def test_priors_on_one_likelihood(method, number, order):
    check_all(method, number, ORDERS[order])


@pytest.mark.parametrize("order", SHORT)
@pytest.mark.parametrize(
    "number", [pytest.param(2, marks=pytest.mark.slow), pytest.param(3, marks=pytest.mark.nightly)]
)
def test_priors_on_one_likelihood_by_smc(number, order):
    """With three nuisances the audit got -3.105 +- 0.007 for -3.356."""
    check_all("smc", number, SHORT[order])


class Thing:
    """What a builder makes."""


def thing(joint, number):
    return Thing()


def test_what_was_asked_for_last_is_kept_and_the_rest_let_go_of():
    joint = lmt.JointModel(["muon-g2-2021"], lmt.LMU_LTAU)
    first, second = weakref.ref(joint.compiled(thing, 0)), weakref.ref(joint.compiled(thing, 1))
    for number in range(2, KEPT + 1):
        joint.compiled(thing, 0)
        joint.compiled(thing, number)
    gc.collect()
    assert first() is joint.compiled(thing, 0)
    assert second() is None
    assert not joint.has_compiled(thing, 1)
    assert joint.has_compiled(thing, KEPT)
