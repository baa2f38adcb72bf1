"""Quantiles of a cubature against its own marginals, against what is known in closed form, and what they refuse."""

import numpy as np
import pytest

import lmtbayes as lmt
from lmtbayes.errors import InvalidArgument, UnknownName
from lmtbayes.inference.evidence.quantiles import _piecewise, quantiles

POINTS = (0.05, 0.1587, 0.5, 0.8413, 0.95)


@pytest.fixture(scope="module")
def evidence():
    """NA64mu at BP4, mixing free: it says nothing of the mixing."""
    like = lmt.JointLikelihood(
        [lmt.experiment("na64mu", convention="paper")], lmt.LMU_LTAU, lmt.asimov(lmt.LMU_LTAU, lmt.BENCHMARKS["BP4"])
    )
    return lmt.evidence(like, lmt.priors.default(lmt.LMU_LTAU), lmt.methods.Cubature(rtol=1e-2))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["log10_g_x", "log10_mass"])
def test_marginal_up_to_a_quantile_is_its_probability(evidence, name):
    """`marginal` integrates interpolating polynomials: another route to the same cells, good to 1e-3 here."""
    found = quantiles(evidence, {name: 1.0}, POINTS)
    low, high = evidence.prior.box[name]
    below = np.cumsum(evidence.marginal(name, np.array([low, *found, high])))[:-1]
    np.testing.assert_allclose(below, POINTS, atol=0.01)


@pytest.mark.slow
def test_an_unmeasured_coordinate_keeps_its_prior(evidence):
    np.testing.assert_allclose(
        quantiles(evidence, {"log10_kappa": 1.0}, POINTS), -3.0 + 3.0 * np.array(POINTS), atol=2e-3
    )


def test_sum_with_a_flat_coordinate_is_the_convolution(evidence):
    """log10 g_x is narrow beside three decades of log10 kappa: inside, the sum is flat around the mean of log10 g_x."""
    found = quantiles(evidence, {"log10_g_x": 1.0, "log10_kappa": 1.0}, (0.25, 0.5, 0.75))
    np.testing.assert_allclose(found, evidence.mean("log10_g_x") + np.array([-2.25, -1.5, -0.75]), atol=5e-3)
    scaled = quantiles(evidence, {"log10_g_x": 2.0}, POINTS)
    np.testing.assert_allclose(scaled, 2.0 * quantiles(evidence, {"log10_g_x": 1.0}, POINTS), rtol=1e-12)


def test_piecewise_of_two_overlapping_boxes():
    """Mass 1 on [0, 1] and 3 on [0.5, 2.5]: F(1) = (1 + 0.75)/4."""
    low, high, mass = np.array([0.0, 0.5]), np.array([1.0, 2.5]), np.array([1.0, 3.0])
    found = _piecewise(low, high, mass, np.array([0.0, 0.125, 1.75 / 4.0, 1.0]))
    np.testing.assert_allclose(found, [0.0, 0.5, 1.0, 2.5], atol=1e-12)


def test_refusals(evidence):
    with pytest.raises(UnknownName, match="coordinate of the prior 'log10_eps'"):
        quantiles(evidence, {"log10_eps": 1.0}, POINTS)
    with pytest.raises(InvalidArgument, match="`probabilities` must be between 0 and 1"):
        quantiles(evidence, {"log10_mass": 1.0}, (1.5,))
    reweighted = evidence.with_prior(lmt.priors.default(lmt.LMU_LTAU, mass=(10.0, 500.0)))
    with pytest.raises(InvalidArgument, match="must be by method 'cubature'"):
        quantiles(reweighted, {"log10_mass": 1.0}, POINTS)
