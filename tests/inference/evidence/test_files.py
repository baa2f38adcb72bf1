"""An evidence, a comparison and their priors through JSON and NetCDF; what cannot be written; the calls of before."""

import json
import math

import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
import pytest
from profile_toys import FIXED, toy

import lmtbayes as lmt
from lmtbayes.errors import InvalidArgument, UnknownName
from lmtbayes.experiments.terms import Gaussian
from lmtbayes.inference.distributions.signed import SignedLogUniform
from lmtbayes.inference.distributions.tabulated import Tabulated
from lmtbayes.inference.evidence.comparison import Comparison
from lmtbayes.inference.evidence.evidence import evidence
from lmtbayes.inference.evidence.quantiles import quantiles
from lmtbayes.inference.evidence.result import Evidence
from lmtbayes.inference.integration.cubature import integrate
from lmtbayes.methods import Cubature, Importance, Smc

PRIOR = lmt.priors.default(FIXED)
MASS = dist.Uniform(0.0, 3.0)


def peak(unit):
    """Correlated, at log10 g = -3.8 and log10 M = 1.8."""
    x, y = (unit - np.array([0.4, 0.6])).T / 0.1
    return -0.5 * (x**2 + y**2 - x * y) / 0.75


def by_cubature(prior=PRIOR, measure=None):
    """What `Cubature` gives, of an integrand that needs no likelihood."""
    cells = integrate(peak, 2)
    points, log_weights = cells.nodes
    return Evidence(
        log_z=cells.log_z + 0.01,
        bound=cells.log_z_error,
        sigma=0.002,
        error_kind="bound",
        prior=prior,
        measure=measure,
        status=cells.status,
        evaluations=cells.evaluations,
        log_correction=0.01,
        nodes={name: np.asarray(x) for name, x in (measure or prior).from_unit_cube(jnp.asarray(points)).items()},
        log_weights=log_weights,
        cubature=cells,
        method="cubature",
        settings=Cubature(rtol=0.02, start_cells=None),
        seed=3,
        seconds=1.25,
    )


def by_json(found, prior=None):
    # No NaN and no Infinity, which JSON does not have.
    return Evidence.from_dict(json.loads(json.dumps(found.to_dict(), allow_nan=False)), prior)


def by_netcdf(found, prior=None, path="found.nc"):
    found.to_netcdf(path)
    return Evidence.from_netcdf(path, prior)


@pytest.mark.parametrize("through", [by_json, by_netcdf])
def test_nothing_is_lost(through, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = by_cubature()
    read = through(found)
    assert repr(read) == repr(found)
    assert read.prior == PRIOR
    assert read.settings == Cubature(rtol=0.02)
    assert (read.seed, read.log_correction, read.log_z_error) == (3, 0.01, found.log_z_error)
    edges = np.linspace(-5.0, -2.0, 31)
    np.testing.assert_array_equal(read.marginal("log10_g_x", edges), found.marginal("log10_g_x", edges))
    assert read.mean("log10_mass") == found.mean("log10_mass") == pytest.approx(1.8, abs=0.02)
    points = quantiles(found, {"log10_g_x": 1.0}, (0.16, 0.5, 0.84))
    np.testing.assert_array_equal(quantiles(read, {"log10_g_x": 1.0}, (0.16, 0.5, 0.84)), points)
    smaller = lmt.priors.default(FIXED, g_x=(1e-4, 1e-2))
    moved, again = found.with_prior(smaller), read.with_prior(smaller)
    assert (moved.log_z, moved.bound) == (again.log_z, again.bound)
    # Written again it is the same file: what was read is what was written.
    assert read.to_dict() == found.to_dict()


@pytest.mark.parametrize("through", [by_json, by_netcdf])
def test_little_is_known_of_an_evidence_of_ones_own(through, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = Evidence(log_z=-math.inf, sigma=math.inf, error_kind="one sigma", prior=lmt.priors.no_boson())
    read = through(found)
    assert (read.log_z, read.sigma, read.log_weights.size, read.settings) == (-math.inf, math.inf, 0, None)
    assert repr(read.prior) == "Prior(no boson)"


LOGITS = np.linspace(-33.0, 33.0, 9)
MADE = {
    "normal": dist.Normal(-3.5, 0.2),
    "with numbers of NumPy": dist.Normal(np.float64(-3.5), np.array(0.2)),
    "cut normal": dist.TruncatedNormal(-3.5, 0.2, low=-4.5, high=-2.5),
    "normal cut below": dist.TruncatedNormal(-3.5, 0.2, low=-4.5),
    "Laplace": dist.Laplace(-4.0, 0.1),
    "table": Tabulated(LOGITS, -3.5 + 0.03 * LOGITS, np.full(9, 0.03)),
}


@pytest.mark.parametrize("name", MADE)
def test_priors_come_back(name):
    prior = lmt.Prior(FIXED, {"log10_g_x": MADE[name], "log10_mass": MASS})
    read = by_json(Evidence(log_z=0.0, error_kind="bound", prior=prior)).prior
    assert read == prior
    assert read.box == prior.box
    assert type(read.distributions["log10_g_x"]) is type(MADE[name])


def test_models_and_signs_come_back():
    for model, sign in ((lmt.LMU, "both"), (lmt.GaugeModel("B-3Lmu", {"u": 1 / 3, "d": 1 / 3, "mu": -3.0}), "loop")):
        prior = lmt.priors.default(model, sign=sign)
        assert by_json(Evidence(log_z=0.0, error_kind="bound", prior=prior)).prior == prior
    assert isinstance(lmt.priors.default(lmt.LMU, sign="both").distributions["kappa"], SignedLogUniform)


class Own(dist.Uniform):
    """A distribution that no file knows."""


def test_a_prior_that_no_file_holds_is_asked_for_and_compared():
    prior = lmt.Prior(FIXED, {"log10_g_x": Own(-5.0, -2.0), "log10_mass": MASS})
    found = Evidence(log_z=-1.0, error_kind="bound", prior=prior)
    with pytest.raises(InvalidArgument, match=r"`prior` must be given: .*log10_g_x ~ Own\[-5, -2\]"):
        by_json(found)
    assert by_json(found, prior).prior is prior
    with pytest.raises(InvalidArgument, match="`prior` must be the one of the evidence"):
        by_json(found, PRIOR)


def test_cells_in_a_working_measure_come_back_beside_such_a_prior():
    prior = lmt.Prior(FIXED, {"log10_g_x": Own(-5.0, -2.0), "log10_mass": MASS})
    measure = lmt.Prior(FIXED, {"log10_g_x": MADE["table"], "log10_mass": MASS})
    found = by_cubature(prior, measure)
    read = by_json(found, prior)
    edges = np.linspace(-4.0, -3.0, 11)
    assert found.marginal("log10_g_x", edges).sum() > 0.5
    np.testing.assert_array_equal(read.marginal("log10_g_x", edges), found.marginal("log10_g_x", edges))


def test_a_comparison_comes_back_without_its_likelihoods():
    two = {"a": by_cubature(), "b": Evidence(log_z=-4.0, sigma=0.1, error_kind="one sigma", prior=PRIOR, method="smc")}
    compared = Comparison(two, {"a": 0.75, "b": 0.25})
    read = Comparison.from_dict(json.loads(json.dumps(compared.to_dict())))
    assert str(read) == str(compared)
    moved = Comparison({"a": two["a"]}, {"a": 1.0}).prior_sensitivity("log10_g_x", "low", [-4.5])
    again = Comparison({"a": read.evidences["a"]}, {"a": 1.0}).prior_sensitivity("log10_g_x", "low", [-4.5])
    assert moved.identical(again)
    with pytest.raises(InvalidArgument, match="`new_runs` must be False where there is nothing to run"):
        read.prior_sensitivity("log10_g_x", "low", [-4.5], new_runs=True)
    with pytest.raises(InvalidArgument, match="it has no prior_probabilities"):
        Comparison.from_dict({"evidences": {}})


def test_what_is_no_evidence_is_refused(tmp_path):
    with pytest.raises(InvalidArgument, match=r"must be what Evidence\.to_dict gives"):
        Evidence.from_dict({})
    with pytest.raises(InvalidArgument, match="got format 99"):
        Evidence.from_dict(by_cubature().to_dict() | {"format": 99})
    Comparison({"a": by_cubature()}, {"a": 1.0}).table.to_netcdf(tmp_path / "table.nc", engine="h5netcdf")
    with pytest.raises(InvalidArgument, match=r"a file that Evidence\.to_netcdf wrote"):
        Evidence.from_netcdf(tmp_path / "table.nc")
    with pytest.raises(InvalidArgument, match="`error_kind` must be one of 'bound', 'one sigma'"):
        Evidence(log_z=0.0, error_kind="bounds", prior=PRIOR)
    with pytest.raises(InvalidArgument, match="`sigma` must be not negative; got nan"):
        Evidence(log_z=0.0, error_kind="bound", sigma=math.nan, prior=PRIOR)
    with pytest.raises(InvalidArgument, match=r"`nodes\['log10_g_x'\]` must be one for each of the 0 weights"):
        Evidence(log_z=0.0, error_kind="bound", prior=PRIOR, nodes={"log10_g_x": np.ones(2)})


# -- the calls of the last release ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def null():
    experiment = toy(lambda g_x, mass, eps_x, values: 1e3 * g_x[None], Gaussian([0.5]), 1)
    return lmt.JointLikelihood([experiment], FIXED, {"toy": np.array([0.2])})


NOTHING = lmt.priors.no_boson(FIXED)


def test_settings_as_keywords_say_what_to_write(null):
    with pytest.warns(DeprecationWarning, match=r"lmtbayes\.methods\.Cubature\(rtol=0\.01\) as `method`"):
        found = evidence(null, NOTHING, rtol=0.01)
    assert found.settings == Cubature(rtol=0.01)
    with pytest.warns(DeprecationWarning, match=r"Importance\(max_draws=5\)"):
        assert evidence(null, NOTHING, "importance", max_draws=5).settings == Importance(max_draws=5)
    with pytest.warns(DeprecationWarning, match="write seed=7"):
        assert evidence(null, NOTHING, "importance", 7).seed == 7
    with pytest.raises(InvalidArgument, match="has its own settings; got 'steps' as well"):
        evidence(null, NOTHING, Smc(), steps=3)
    with pytest.raises(UnknownName, match="unknown setting of method 'cubature' 'rtoll'"):
        evidence(null, NOTHING, rtoll=0.01)


def test_prior_odds_are_probabilities_now(null):
    pairs = {"a": (null, NOTHING), "b": (null, NOTHING)}
    with pytest.warns(DeprecationWarning, match="write `prior_probabilities`, which sum to 1"):
        compared = lmt.compare_models(pairs, prior_odds={"a": 3.0, "b": 1.0})
    assert compared.prior_probabilities == {"a": 0.75, "b": 0.25}
    with pytest.warns(DeprecationWarning, match="it is `prior_probabilities`"):
        assert compared.prior_odds == compared.prior_probabilities
    with pytest.raises(InvalidArgument, match="give one of them"), pytest.warns(DeprecationWarning, match="odds"):
        lmt.compare_models(pairs, {"a": 0.5, "b": 0.5}, prior_odds={"a": 3.0, "b": 1.0})
