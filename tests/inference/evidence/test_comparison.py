import math

import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
import pytest
from profile_toys import FIXED, PHOTON, counts, scale, toy

import lmtbayes as lmt
from lmtbayes.errors import InvalidArgument, UnknownName
from lmtbayes.experiments.terms import Poisson
from lmtbayes.inference.evidence.comparison import Comparison, compare_models
from lmtbayes.inference.evidence.evidence import evidence
from lmtbayes.inference.evidence.result import Evidence, combined

PRIOR = lmt.priors.default(FIXED)
HALF = lmt.priors.default(FIXED, g_x=(1e-5, math.sqrt(1e-5 * 1e-2)))


@pytest.fixture(scope="module")
def like():
    return lmt.JointLikelihood([toy(counts, Poisson(), 3, (scale(),))], FIXED, lmt.asimov(FIXED, PHOTON))


@pytest.fixture(scope="module")
def compared(like):
    free = lmt.JointLikelihood([toy(counts, Poisson(), 3, (scale(),))], lmt.LMU_LTAU, lmt.asimov(FIXED, PHOTON))
    return compare_models(
        {"fixed mixing": (like, PRIOR), "free mixing": (free, lmt.priors.default(lmt.LMU_LTAU))},
        prior_probabilities={"fixed mixing": 0.75, "free mixing": 0.25},
    )


@pytest.mark.slow
def test_a_parameter_that_the_data_do_not_see_costs_nothing(compared):
    # The toy's counts know nothing of the mixing: the integral over kappa is 1.
    table = compared.table
    factor = float(table.log_bayes_factor.sel(model="free mixing", against="fixed mixing"))
    error = float(table.log_bayes_factor_error.sel(model="free mixing", against="fixed mixing"))
    assert abs(factor) < error < 0.05
    assert float(table.posterior_probability.sel(model="fixed mixing")) == pytest.approx(0.75, abs=0.01)
    assert float(table.posterior_probability.sum()) == pytest.approx(1.0)


def test_table_is_antisymmetric_and_named(compared):
    table = compared.table
    factor = table.log_bayes_factor.values
    np.testing.assert_allclose(factor, -factor.T)
    np.testing.assert_array_equal(np.diag(table.log_bayes_factor_error), 0.0)
    assert table.prior.sel(model="free mixing").item() == repr(lmt.priors.default(lmt.LMU_LTAU))


def test_error_of_a_probability_is_its_derivative(compared):
    def probability(shift):
        a, b = (compared.evidences[name].log_z for name in compared.names)
        odds = math.log(3.0) + a + shift - b
        return 1.0 / (1.0 + math.exp(-odds))

    slope = (probability(1e-5) - probability(-1e-5)) / 2e-5
    found = [compared.evidences[name] for name in compared.names]
    # Bounds add up; what Laplace's correction scatters by is drawn, and counts twice.
    expected = slope * (sum(e.bound for e in found) + 2.0 * math.hypot(*(e.sigma for e in found)))
    assert float(compared.table.posterior_probability_error[0]) == pytest.approx(expected, rel=1e-6)


def made(log_z, bound=0.0, sigma=0.0, kind="bound", converged=True):
    """An evidence by hand."""
    return Evidence(
        log_z=log_z,
        bound=bound,
        sigma=sigma,
        error_kind=kind,
        prior=PRIOR,
        method="any",
        status="status",
        converged=converged,
        evaluations=1,
    )


BY_CELLS = made(-3.0, bound=0.02, sigma=0.005), made(-4.0, bound=0.03, sigma=0.012)
BY_DRAWS = made(-3.5, sigma=0.03, kind="one sigma"), made(-2.0, sigma=0.04, kind="one sigma")


def test_errors_of_one_evidence_and_of_two():
    assert [e.log_z_error for e in (*BY_CELLS, *BY_DRAWS)] == pytest.approx([0.03, 0.054, 0.03, 0.04])
    assert combined(BY_CELLS) == (pytest.approx(0.05 + 2.0 * 0.013), "bound")
    assert combined(BY_DRAWS) == (pytest.approx(0.05), "one sigma")
    mixed = pytest.approx(0.02 + 2.0 * math.hypot(0.005, 0.03))
    assert combined([BY_CELLS[0], BY_DRAWS[0]]) == (mixed, "bound")
    assert "± 0.0300 (bound, any)" in repr(BY_CELLS[0])
    assert "± 0.0300 (one sigma, any)" in repr(BY_DRAWS[0])


@pytest.mark.parametrize(
    ("pair", "error", "line"),
    [
        (BY_CELLS, 0.076, "errors: bounds (two standard deviations of what was drawn included)"),
        (BY_DRAWS, 0.05, "errors: one standard deviation"),
    ],
)
def test_what_is_printed_says_what_kind_of_error_it_is(pair, error, line):
    compared = Comparison(dict(zip("ab", pair, strict=True)), {"a": 0.5, "b": 0.5}, {})
    table = compared.table
    assert float(table.log_bayes_factor_error.sel(model="b", against="a")) == pytest.approx(error)
    assert set(table.log_bayes_factor_error_kind.values.ravel()) == set(table.error_kind.values)
    p = 1.0 / (1.0 + math.exp(pair[1].log_z - pair[0].log_z))
    assert float(table.posterior_probability_error[0]) == pytest.approx(p * (1.0 - p) * error)
    assert line in str(compared).splitlines()
    assert f"± {error:.3f}" in str(compared).splitlines()[2]


def test_kinds_that_meet_are_told_apart():
    three = {"a": BY_DRAWS[0], "b": BY_DRAWS[1], "c": made(-3.0, bound=0.02, sigma=0.005, converged=False)}
    compared = Comparison(three, dict.fromkeys("abc", 1.0 / 3.0), {})
    kinds = compared.table.log_bayes_factor_error_kind
    assert kinds.sel(model="a", against="b").item() == "one sigma"
    assert kinds.sel(model="c", against="b").item() == "bound"
    _, a, b, c, errors, _ = str(compared).splitlines()
    assert "-3.500 ± 0.030 (s)" in a
    assert "+1.500 ± 0.050 (s)" in b
    assert f"+0.500 ± {0.02 + 2.0 * math.hypot(0.03, 0.005):.3f} (b)" in c
    assert c.endswith("NOT CONVERGED")
    assert errors.startswith("errors: (b) bounds")
    assert errors.endswith("(s) one standard deviation")


def test_every_line_has_its_prior(compared):
    lines = str(compared).splitlines()
    for name, line in zip(compared.names, lines[1:], strict=False):
        assert line.startswith(name)
        assert "log10_g_x ~ Uniform[-5, -2]" in line
    assert "log10_kappa" in lines[2]
    assert "0.75 : 0.25" in lines[-1]


@pytest.mark.slow
def test_sensitivity_without_new_runs_equals_new_runs(like, compared):
    edges = np.array([-5.0, -4.6, -4.0, -3.55])
    moved = compared.prior_sensitivity("log10_g_x", "low", edges)
    assert not moved.new_run.any()
    for edge in edges:
        found = evidence(like, lmt.priors.default(FIXED, g_x=(10.0**edge, 1e-2)))
        at = moved.sel(model="fixed mixing", edge=edge)
        assert abs(float(at.log_z) - found.log_z) < float(at.log_z_error) + found.log_z_error
        assert float(at.log_z_error) < 0.05
    # Data that want a signal: an empty part of the box that is cut away raises ln Z by the log of what is left.
    gained = moved.log_z.sel(model="fixed mixing").values
    assert gained[1] - gained[0] == pytest.approx(math.log(3.0 / 2.6), abs=5e-3)


def test_sensitivity_leaves_models_without_that_coordinate_alone(compared):
    moved = compared.prior_sensitivity("log10_kappa", "low", [-3.0, -2.0])
    np.testing.assert_allclose(moved.log_z.sel(model="fixed mixing"), compared.evidences["fixed mixing"].log_z)
    # The likelihood is flat in kappa, so its edges do not matter at all.
    np.testing.assert_allclose(np.diff(moved.log_z.sel(model="free mixing")), 0.0, atol=2e-3)


@pytest.mark.slow
def test_a_wider_prior_needs_a_new_run(like):
    result = compare_models({"all": (like, PRIOR), "half": (like, HALF)})
    with pytest.raises(InvalidArgument, match=r"'all'.*new_runs=True"):
        result.prior_sensitivity("log10_g_x", "low", [-6.0])
    moved = result.prior_sensitivity("log10_g_x", "low", [-6.0, -4.5], new_runs=True)
    assert moved.new_run.values.tolist() == [[True, False], [True, False]]
    # The added decade is as good as empty for these data: ln Z falls by the log of the volumes' ratio.
    assert float(moved.log_z.sel(model="all", edge=-6.0)) == pytest.approx(
        result.evidences["all"].log_z - math.log(4.0 / 3.0), abs=0.02
    )


def test_bad_input_is_named(like, compared):
    other = like.with_data({"toy": jnp.array([1.0, 2.0, 3.0])})
    pair = (like, PRIOR)
    with pytest.raises(InvalidArgument, match="two"):
        compare_models({"one": pair})
    with pytest.raises(InvalidArgument, match=r"same data.*'toy'.*'a' and 'b'"):
        compare_models({"a": pair, "b": (other, PRIOR)})
    renamed = lmt.JointLikelihood([toy(counts, Poisson(), 3, name="else")], FIXED, lmt.asimov(FIXED, PHOTON))
    with pytest.raises(InvalidArgument, match="toy and 'b' has else"):
        compare_models({"a": pair, "b": (renamed, PRIOR)})
    with pytest.raises(UnknownName, match="'c'"):
        compare_models({"a": pair, "b": pair}, prior_probabilities={"a": 0.5, "c": 0.5})
    with pytest.raises(InvalidArgument, match="positive"):
        compare_models({"a": pair, "b": pair}, prior_probabilities={"a": 2.0, "b": -1.0})
    with pytest.raises(InvalidArgument, match="missing: b"):
        compare_models({"a": pair, "b": pair}, prior_probabilities={"a": 1.0})
    with pytest.raises(InvalidArgument, match=r"1 in all, which these are not \(4\)"):
        compare_models({"a": pair, "b": pair}, prior_probabilities={"a": 3.0, "b": 1.0})
    with pytest.raises(UnknownName, match="log10_g_x"):
        compared.prior_sensitivity("log10_gx", "low", [-4.0])
    with pytest.raises(InvalidArgument, match="edge"):
        compared.prior_sensitivity("log10_g_x", "left", [-4.0])
    with pytest.raises(InvalidArgument, match="no width"):
        compared.prior_sensitivity("log10_g_x", "low", [-1.0])


@pytest.mark.slow
def test_a_prior_without_edges_has_none_to_move(like):
    normal = lmt.priors.Prior(FIXED, {"log10_g_x": dist.Normal(-3.3, 0.2), "log10_mass": dist.Uniform(0.0, 3.0)})
    result = compare_models({"box": (like, PRIOR), "normal": (like, normal)})
    with pytest.raises(InvalidArgument, match="uniform"):
        result.prior_sensitivity("log10_g_x", "low", [-4.0])
