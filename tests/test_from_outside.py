"""What a user adds without touching the package, one function a kind: each joins a likelihood, which is checked."""

import functools
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
import pytest
import scipy.optimize
import scipy.stats
from numpyro.infer.util import log_density

import lmtbayes as lmt
from lmtbayes.errors import InvalidArgument
from lmtbayes.experiments import registry

MODEL = lmt.LMU_LTAU.with_mixing("paper")
BP1 = lmt.BENCHMARKS["BP1"]


@pytest.fixture(autouse=True)
def _own_registry(monkeypatch):
    """What a test registers, it alone knows."""
    monkeypatch.setattr(registry, "_ENTRIES", dict(registry._ENTRIES))


class Iodine(lmt.Experiment):
    """A detector: counts that rise with g_x^2 above a flat background, in three bins."""

    def _signal(self, model, photon, values):
        return values["iodine_yield"] * jnp.array([9.0, 4.0, 1.0]) * (model.charges["mu"] * photon.g_x / 5e-4) ** 2

    def _background(self, values):
        return jnp.full(3, 2.0)


def iodine(term=None, constraint=None, observed=(12.0, 5.0, 3.0), **words):
    own = lmt.Nuisance("iodine_yield", constraint or lmt.Gaussian(1.0, 0.1), "factor on the signal", "made up")
    words = {"name": "iodine", "title": "My iodine", "citation": "nobody, never", "status": "data"} | words
    return Iodine(
        description=lmt.Description(**words),
        binning=lmt.Binning(np.array([2.0, 5.0, 8.0, 11.0]), "keVnr", "recoil energy"),
        term=term or lmt.terms.Poisson(),
        declared=(own,),
        active=(own.name,),
        observed=np.array(observed),
    )


EXPECTED = np.array([11.0, 6.0, 3.0])
"""Of `iodine` at BP1, nuisance central."""


@functools.cache
def muon_g2():
    return float(lmt.JointLikelihood(["muon-g2-2025"], MODEL, "observed").log_likelihood(BP1))


def log_likelihood(*experiments, **options):
    """ln L at BP1, nuisances central, less that of muon g-2, so that what is added is joined to something."""
    joint = lmt.JointLikelihood(["muon-g2-2025", *experiments], MODEL, "observed")
    return float(joint.log_likelihood(BP1, **options)) - muon_g2()


def test_a_detector():
    lmt.register("iodine", lambda *, name="iodine", title="My iodine": iodine(name=name, title=title))
    expected = scipy.stats.poisson.logpmf([12.0, 5.0, 3.0], EXPECTED).sum() + scipy.stats.norm.logpdf(0.0)
    assert log_likelihood("iodine") == pytest.approx(expected, rel=1e-12)
    assert lmt.experiment("iodine", title="Other").title == "Other"
    assert lmt.experiment_options("iodine") == {"name": "iodine", "title": "My iodine"}


def test_a_detector_of_a_kind_that_is_there():
    """Twice the published mass at the same source: another detector, with the options of its kind."""
    lmt.register("myess", functools.partial(lmt.spallation, "ess", name="myess", title="My ESS", mass_ton=2e-2))
    mine, ess = lmt.experiment("myess"), lmt.experiment("ess", mass_ton=1e-2)
    assert (mine.name, mine.title) == ("myess", "My ESS")
    np.testing.assert_allclose(mine.expected_counts(MODEL, BP1), 2.0 * ess.expected_counts(MODEL, BP1), rtol=1e-12)
    assert lmt.experiment_options("myess")["mass_ton"] == 2e-2
    assert set(lmt.experiment_options("myess")) == set(lmt.experiment_options("ess"))
    joint = lmt.JointLikelihood(["myess", "ess"], MODEL, lmt.asimov(lmt.LMU_LTAU, BP1), check=False)
    assert set(joint.data) == {"myess", "ess"}
    assert callable(lmt.liquid_xenon)
    assert callable(lmt.muon_beam)


def test_a_detector_is_registered_under_its_own_name():
    lmt.register("myess", functools.partial(lmt.spallation, "ess"))
    with pytest.raises(InvalidArgument, match="it is 'ess': build it with name='myess', or register it as 'ess'"):
        lmt.experiment("myess")
    assert lmt.experiment("myess", name="myess").name == "myess"
    lmt.register("nothing", lambda: None)
    with pytest.raises(
        InvalidArgument, match="`build of 'nothing'` must be a function that returns an Experiment; got"
    ):
        lmt.experiment("nothing")


@dataclass(frozen=True)
class Laplace(lmt.Constraint):
    """A constraint of a nuisance: value = 1 + width * pull, the pull of density exp(-|pull|)/2."""

    width: float

    def value(self, pull):
        return 1.0 + self.width * jnp.asarray(pull)

    def pull(self, value):
        return (jnp.asarray(value) - 1.0) / self.width

    def distribution(self):
        return dist.Laplace(0.0, 1.0)


def test_a_constraint_of_a_nuisance():
    own = iodine(constraint=Laplace(0.2))
    # At a yield of 1.5 the pull is 2.5.
    counts = 1.5 * (EXPECTED - 2.0) + 2.0
    expected = scipy.stats.poisson.logpmf([12.0, 5.0, 3.0], counts).sum() + scipy.stats.laplace.logpdf(2.5)
    assert log_likelihood(own, nuisances={"iodine_yield": 1.5}) == pytest.approx(expected, rel=1e-12)


def test_a_parameter_of_the_rates():
    """One efficiency of two detectors: a parameter of the fit, with one constraint, because it has one name."""
    twins = [iodine(name="left"), iodine(name="right", observed=(9.0, 7.0, 2.0))]
    counts = 1.5 * (EXPECTED - 2.0) + 2.0
    expected = scipy.stats.poisson.logpmf([[12.0, 5.0, 3.0], [9.0, 7.0, 2.0]], counts).sum()
    # At a yield of 1.5 the pull is 5, once.
    expected += scipy.stats.norm.logpdf(5.0)
    assert log_likelihood(*twins, nuisances={"iodine_yield": 1.5}) == pytest.approx(expected, rel=1e-12)


def test_a_model():
    """A gauge group of one's own: the muon's charge doubled, so that the signal is four times as large."""
    model = lmt.GaugeModel("twice", {"mu": 2.0, "tau": -2.0}, mixing=0.0)
    like = lmt.JointLikelihood([iodine()], model, "observed")
    expected = scipy.stats.poisson.logpmf([12.0, 5.0, 3.0], 4.0 * (EXPECTED - 2.0) + 2.0).sum()
    photon = model.hidden_photon(5e-4, 15.0)
    assert float(like.log_likelihood(photon)) == pytest.approx(expected + scipy.stats.norm.logpdf(0.0), rel=1e-12)
    assert lmt.priors.default(model).names == ("log10_g_x", "log10_mass")
    # Four times a_mu at half of the coupling is a_mu, with the muon's mixing left out.
    assert float(lmt.delta_a_mu(model.hidden_photon(2.5e-4, 15.0), model=model)) == pytest.approx(
        float(lmt.delta_a_mu(lmt.HiddenPhoton(5e-4, 15.0, 0.0), model=lmt.LMU_LTAU)), rel=1e-12
    )


class Robust(lmt.terms.Term):
    """A likelihood term: Student's t of four degrees of freedom, which forgives an outlier."""

    width: float

    def distribution(self, expected, data=None):
        return dist.StudentT(4.0, expected, self.width)


def test_a_likelihood_term():
    expected = scipy.stats.t.logpdf([12.0, 5.0, 3.0], 4.0, EXPECTED, 2.0).sum() + scipy.stats.norm.logpdf(0.0)
    assert log_likelihood(iodine(term=Robust(2.0))) == pytest.approx(expected, rel=1e-12)


def test_a_measurement():
    own = lmt.measurement("ratio", 1.2, (0.3, 0.2), lambda model, photon: 1.0 + (photon.g_x / 1e-3) ** 2)
    # 1.25 expected: above the measured 1.2, by its upper uncertainty.
    expected = 0.5 * np.log(2.0 / np.pi) - np.log(0.5) - 0.5 * (0.05 / 0.3) ** 2
    assert log_likelihood(own) == pytest.approx(expected, rel=1e-12)


def test_a_published_limit():
    limit = lmt.published_limit("mine", ([1.0, 15.0, 100.0], [1e-4, 1e-3, 1e-2]), cl=0.95, title="My limit")
    z = scipy.stats.norm.ppf(0.95)
    expected = -0.5 * z**2 * (5e-4 / 1e-3) ** 4 + np.log(z / np.sqrt(2.0 * np.pi))
    assert log_likelihood(limit) == pytest.approx(expected, rel=1e-10)

    def build(*, name="mine", title="My limit"):
        return lmt.published_limit(name, ([1.0, 15.0, 100.0], [1e-4, 1e-3, 1e-2]), cl=0.95, title=title)

    lmt.register("mine", build)
    assert lmt.experiment("mine", title="Other").title == "Other"


def test_a_published_exclusion_with_two_edges():
    table = ([1.0, 15.0, 100.0], [5e-4, 5e-4, 1e-3], [1e-2, 2e-3, 1e-3])
    z = scipy.stats.norm.ppf(0.95)
    expected = -0.5 * z**2 + np.log(z / np.sqrt(2.0 * np.pi))
    assert log_likelihood(lmt.excluded_region("mine", table, cl=0.95)) == pytest.approx(expected, rel=1e-10)


@dataclass(frozen=True)
class PlainMonteCarlo:
    """The mean of the likelihood over draws of the prior."""

    draws: int = 4000

    def run(self, like: lmt.JointLikelihood, prior: lmt.Prior, seed: int) -> lmt.Evidence:
        values = prior.sample(seed, self.draws)
        log_l = np.asarray(like.log_likelihood(prior.photon(values)))
        weights = np.exp(log_l - log_l.max())
        return lmt.Evidence(
            log_z=float(np.log(weights.mean()) + log_l.max()),
            sigma=float(weights.std() / weights.mean() / np.sqrt(self.draws)),
            error_kind="one sigma",
            prior=prior,
            status="as many draws as were asked for",
            evaluations=self.draws,
            nodes={name: np.asarray(x) for name, x in values.items()},
            log_weights=np.log(weights / weights.sum()),
        )


def test_a_method_for_the_evidence():
    model = lmt.LMU_LTAU.with_mixing("paper")
    measured = lmt.measurement("coupling", -3.5, 0.2, lambda model, photon: jnp.log10(photon.g_x))
    like, prior = lmt.JointLikelihood([measured], model, "observed"), lmt.priors.default(model)
    found = lmt.evidence(like, prior, PlainMonteCarlo(), seed=2)
    assert (found.method, found.settings, found.seed) == ("plainmontecarlo", PlainMonteCarlo(), 2)
    assert isinstance(found.settings, lmt.methods.EvidenceMethod)
    # Three decades, of which the Gaussian fills its width.
    exact = np.log(scipy.stats.norm(-3.5, 0.2).cdf(-2.0) / 3.0)
    assert abs(found.log_z - exact) < 4.0 * found.log_z_error < 0.2
    assert found.mean("log10_g_x") == pytest.approx(-3.5, abs=0.03)
    assert "plainmontecarlo" in repr(found)
    # What has no place in a file is left out of it; the rest comes back.
    read = lmt.Evidence.from_dict(found.to_dict())
    assert (read.log_z, read.method, read.settings) == (found.log_z, found.method, None)
    compared = lmt.compare_models({"a": (like, prior), "b": (like, prior)}, method=PlainMonteCarlo(500))
    assert set(compared.table["method"].values) == {"plainmontecarlo"}


def test_any_other_statistical_method():
    """A chi^2 at the best coupling of a scan, on `log_density`; and numpyro's own trace of the same likelihood."""
    like = lmt.JointLikelihood([iodine()], MODEL, "observed")
    couplings = np.linspace(4e-4, 7e-4, 301)

    @jax.jit
    @jax.vmap
    def log_l(g_x):
        return like.log_density(MODEL.hidden_photon(g_x, 15.0), like.joint.central_pulls, like.data)

    found = couplings[np.argmax(log_l(couplings))]
    # The counts are 2 + s n_i with n = (9, 4, 1), s = (g_x/5e-4)^2: the score in s vanishes.
    shape, seen = np.array([9.0, 4.0, 1.0]), np.array([12.0, 5.0, 3.0])
    best = scipy.optimize.brentq(lambda s: np.sum(shape * seen / (2.0 + s * shape) - shape), 0.1, 5.0)
    assert found == pytest.approx(5e-4 * np.sqrt(best), abs=1e-6)

    prior = lmt.priors.default(MODEL)
    values = {"log10_g_x": np.log10(5e-4), "log10_mass": np.log10(15.0)}
    density, trace = log_density(like.numpyro_model(prior), (), {}, values | {"iodine_yield_pull": 0.0})
    expected = float(like.log_likelihood(BP1)) + float(prior.log_prob(values))
    assert float(density) == pytest.approx(expected, rel=1e-10), list(trace)
