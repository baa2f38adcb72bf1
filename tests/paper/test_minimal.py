"""Evidences on fixed nodes against the adaptive cubature; the toys' data against what they must scatter around."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from profile_toys import FIXED, PHOTON, counts, scale, toy
from scipy.integrate import quad

import lmtbayes as lmt
from lmtbayes.experiments.nuisance import GaussianMixture
from lmtbayes.experiments.terms import Poisson
from lmtbayes.paper import minimal

OCTANTS = lmt.Nuisance("scale", GaussianMixture((0.9, 1.1), (0.02, 0.03), (0.4, 0.6)), "scales the rate")


def by_cubature(like, model):
    return lmt.evidence(like, lmt.priors.default(model)).log_z


@pytest.mark.parametrize(
    ("convention", "tolerance"),
    [pytest.param("paper", 0.01, marks=pytest.mark.slow), pytest.param("default", 0.06, marks=pytest.mark.nightly)],
)
def test_fixed_nodes_give_what_adaptive_cells_give(convention, tolerance):
    """The paper's convention has quadratic pulls only: exact. By default the cubature corrects Laplace by 0.05."""
    bp3 = lmt.BENCHMARKS["BP3"]
    experiments = [*minimal.beams(convention), minimal.darwin(convention)]
    expected = []
    for model in minimal.MODELS.values():
        like = lmt.JointLikelihood(experiments, model, lmt.asimov(lmt.LMU_LTAU, bp3), check=False)
        expected.append(by_cubature(like, model))
    found = minimal.asimov_log_bayes_factors(convention, bp3)["Lμ-Lτ"]
    assert found == pytest.approx(expected[0] - expected[1], abs=tolerance)


@pytest.mark.parametrize(
    "nuisance",
    [None, scale(), pytest.param(OCTANTS, marks=pytest.mark.slow)],
    ids=["none", "gaussian", "octants"],
)
def test_the_nuisances_are_integrated_at_a_node(nuisance):
    """Counts of ten in three bins; quadrature with break points at the octants, -6.7 and 0."""
    nuisances = () if nuisance is None else (nuisance,)
    like = lmt.JointLikelihood([toy(counts, Poisson(), 3, nuisances)], FIXED, lmt.asimov(FIXED, PHOTON), check=False)
    photon = FIXED.hidden_photon(4.5e-4, 20.0)
    peak = float(like.log_density(photon, jnp.zeros(len(nuisances))))
    density = jax.jit(lambda x: like.log_density(photon, x[None]))
    integral = 1.0
    if nuisances:
        integral, _ = quad(lambda x: np.exp(float(density(x)) - peak), -14.0, 8.0, points=[-20.0 / 3.0, 0.0])
    assert float(minimal.marginal(like.joint, photon, like.data)) == pytest.approx(np.log(integral) + peak, abs=0.01)


@pytest.mark.slow
def test_the_scan_is_the_same_number_at_the_same_setting():
    """Two routes of one module: leaves of the detector as arguments, or data as an argument."""
    bp1 = lmt.BENCHMARKS["BP1"]
    scan = minimal.asimov_log_bayes_factor("paper", None, bp1, [(200.0, 1.0), (50.0, 1.0)])
    assert scan[0] == pytest.approx(minimal.asimov_log_bayes_factors("paper", bp1)["Lμ-Lτ"], abs=1e-8)
    assert scan[1] < scan[0]


def test_a_gaussian_posterior_on_the_nodes():
    """Nodes and weights integrate a Gaussian as narrow as NA64mu makes it in g_x, and the prior's share of the box."""
    g_x, mass, log_weights = minimal.nodes()
    x, y = np.log10(g_x), np.log10(mass)
    sigma_x, sigma_y = 0.03, 0.15
    density = np.exp(-0.5 * ((x + 3.3) / sigma_x) ** 2 - 0.5 * ((y - 1.2) / sigma_y) ** 2)
    expected = 2 * np.pi * sigma_x * sigma_y / 9.0
    assert np.sum(density * np.exp(log_weights)) == pytest.approx(expected, rel=5e-3)
    assert np.exp(log_weights).sum() == pytest.approx(1.8 / 3.0, rel=1e-12)


def test_five_bins_whatever_the_threshold():
    for threshold in (0.7, 1.0, 3.0):
        exp = minimal.darwin("default", threshold_kev=threshold)
        assert exp.n_bins == 5
        assert exp.bin_edges[0] == threshold
    assert minimal.darwin("paper").nuisances == ()
    assert {n.name for n in minimal.darwin("paper", nuisances=("flux_8b",)).nuisances} == {"flux_8b"}


@pytest.mark.slow
def test_toys_scatter_around_the_asimov_value():
    """Without nuisances ln B of a toy is nearly linear in its counts: its mean is near the Asimov value."""
    bp1 = lmt.BENCHMARKS["BP1"]
    toys = minimal.toy_log_bayes_factors("paper", "Lμ-Lτ", bp1, 40, seed=3)
    error = toys.std(ddof=1) / np.sqrt(toys.size)
    assert abs(toys.mean() - minimal.asimov_log_bayes_factors("paper", bp1)["Lμ-Lτ"]) < 4 * error + 1.0
    np.testing.assert_array_equal(toys[:5], minimal.toy_log_bayes_factors("paper", "Lμ-Lτ", bp1, 40, seed=3)[:5])
    assert minimal.toy_log_bayes_factors("paper", "Lμ", bp1, 5).max() < 0.0, "data of Lmu speak against Lmu-Ltau"
