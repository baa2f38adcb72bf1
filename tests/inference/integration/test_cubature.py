"""The cubature against closed forms and scipy's; where modes are searched, by what the evidence searches them with."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
import pytest
import scipy.integrate
from evidence_targets import DATA, SIGNAL_BOX, TARGETS, counts, dense, log_z, signal
from hypothesis import given
from hypothesis import strategies as st
from posterior_toys import TWO, interference
from profile_toys import FIXED, toy
from scipy.special import gammaln

import lmtbayes as lmt
from lmtbayes.errors import InvalidArgument, NotFinite
from lmtbayes.experiments.terms import Poisson
from lmtbayes.inference.coordinates import Space
from lmtbayes.inference.devices import resolve_devices
from lmtbayes.inference.integration.cubature import integrate
from lmtbayes.inference.integration.gauss_legendre import rule
from lmtbayes.inference.integration.modes import boxes_around, find_modes
from lmtbayes.inference.integration.working_measure import evaluate


def searching(like, prior):
    """The mode finder of `evidence`, without peaks that are known beforehand."""
    space = Space(like.joint, prior)
    nothing = np.zeros((0, space.dimensions))
    return lambda starts: find_modes(space, starts, nothing, like.data, resolve_devices(None))


def signal_likelihood():
    """`signal` as a likelihood: its cube is that of log10 g, log10 M and log10 of minus the mixing ratio."""
    flat = {"log10_g_x": (-6.0, -2.0), "log10_mass": (0.0, 4.0), "log10_kappa": (-7.0, -2.0)}
    prior = lmt.priors.Prior(lmt.LMU_LTAU, {name: dist.Uniform(*edges) for name, edges in flat.items()})

    def rate(g_x, mass, eps_x, values):
        # Masses of a prior are in MeV, 1 at the least; here the unit does not matter.
        return counts(*(jnp.atleast_1d(x) for x in (g_x, 1e-4 * mass, -eps_x / g_x)))

    experiment = toy(rate, Poisson(), len(DATA))
    return lmt.JointLikelihood([experiment], lmt.LMU_LTAU, data={"toy": DATA}, check=False), prior


@pytest.fixture(scope="module")
def results():
    peaks = np.array([[0.375] * 3, [0.625] * 3]), np.array([0.5, 0.1]) / 40.0, np.zeros(2)
    finders = {"bimodal": lambda _: boxes_around(*peaks), "signal": searching(*signal_likelihood())}
    return {name: integrate(jax.jit(f), 3, find_modes=finders.get(name)) for name, f in TARGETS.items()}


def by_scipy(f, low, high, rtol=1e-4):
    """ln of the integral of exp(f) and its error by scipy's adaptive Gauss-Kronrod."""
    found = scipy.integrate.cubature(lambda u: np.exp(f(u)), low, high, rule="gk15", rtol=rtol)
    assert found.status == "converged"
    return math.log(found.estimate), found.error / found.estimate


# -- rules ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("order", "dim"), [(3, 1), (3, 3), (5, 2), (5, 4)])
def test_rules_integrate_every_monomial_they_should(order, dim):
    used = rule(order, dim)
    for powers in [(2 * order - 1,) * dim, tuple(range(dim)), (0,) * dim]:
        found = np.exp(used.log_weights) @ np.prod(used.nodes ** np.array(powers), axis=1)
        assert found == pytest.approx(np.prod([1.0 / (p + 1) for p in powers]), rel=1e-12)


def test_partial_weights_integrate_polynomials_over_part_of_a_cell():
    used = rule(5, 1)
    polynomial = np.polynomial.Polynomial([0.3, -1.0, 2.0, 0.5, -0.7])
    primitive = polynomial.integ()
    low, high = np.array([0.0, 0.2, 0.55]), np.array([1.0, 0.9, 0.6])
    weights = used.partial_weights(low, high)
    np.testing.assert_allclose(weights @ polynomial(used.line), primitive(high) - primitive(low), rtol=1e-12)
    cubic = np.polynomial.Polynomial([0.3, -1.0, 2.0, 0.5])
    np.testing.assert_allclose(
        used.partial_weights(low, high, drop=1) @ cubic(used.line), cubic.integ()(high) - cubic.integ()(low), rtol=1e-12
    )


def test_lattice_continues_a_quadratic_beyond_the_nodes():
    used = rule(3, 2)

    def f(x):
        return -40.0 * (x[..., 0] - 0.98) ** 2 + 3.0 * x[..., 0] * x[..., 1]

    lattice = np.stack(np.meshgrid(*[np.linspace(0.0, 1.0, 5)] * 2, indexing="ij"), -1).reshape(-1, 2)
    np.testing.assert_allclose(used.to_lattice @ f(used.nodes), f(lattice), atol=1e-10)


# -- integrals --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", TARGETS)
def test_known_evidence_within_the_claimed_bound(results, name):
    result = results[name]
    assert result.converged
    assert 0.0 < result.log_z_error <= 1e-3
    assert abs(result.log_z - log_z(name)) < result.log_z_error


@pytest.mark.parametrize("name", ["gauss", "funnel", "limit", pytest.param("signal", marks=pytest.mark.slow)])
def test_scipy_finds_the_same(results, name):
    """Both claimed errors hold; of `signal` in the box that holds all but 1e-5 of it."""
    low, high = SIGNAL_BOX if name == "signal" else ((0.0,) * 3, (1.0,) * 3)
    oracle, error = by_scipy(lambda u: TARGETS[name](u, np), low, high)
    assert abs(oracle - log_z(name)) < error + 1e-8
    assert abs(results[name].log_z - oracle) < results[name].log_z_error + error + 1e-5


def test_nothing_of_weight_lies_outside_of_the_box_of_signal():
    """As far as a grid that is too coarse for the peak can tell."""
    assert dense(signal, (30, 24, 24), (0.55, 0.4, 0.4), (0.65, 0.75, 0.85)) == pytest.approx(log_z("signal"), abs=1e-4)


@pytest.mark.parametrize("dim", [1, 2, 4])
def test_other_dimensions(dim):
    sigma = 0.05

    def f(u):
        return -0.5 * jnp.sum(((u - 0.4) / sigma) ** 2, -1) - dim * math.log(sigma * math.sqrt(2.0 * math.pi))

    result = integrate(jax.jit(f), dim, rtol=1e-3)
    assert result.converged
    assert abs(result.log_z) < result.log_z_error


def test_a_large_offset_changes_nothing_but_the_offset():
    f = TARGETS["gauss"]
    plain = integrate(jax.jit(f), 3)
    assert integrate(jax.jit(lambda u: f(u) - 1e5), 3).log_z == pytest.approx(plain.log_z - 1e5, abs=1e-9)


def test_impossible_regions_are_allowed():
    def f(u):
        return jnp.where(u[..., 0] < 0.3, 0.0, -jnp.inf)

    result = integrate(jax.jit(f), 2, rtol=1e-2)
    assert abs(result.log_z - math.log(0.3)) <= result.log_z_error


def test_two_needles_are_found_by_climbing():
    """Ten thousand times the counts: two peaks of a hundredth of a cell at g = 1.5e-4 and 4.5e-4, seen by no start."""
    scale, at = 1e4, np.array([[math.log10(g) / 3.0 + 5.0 / 3.0, math.log10(30.0) / 3.0] for g in (4.5e-4, 1.5e-4)])

    def rate(g_x, mass, eps_x, values):
        return scale * interference(g_x, mass, eps_x, values)

    experiment = toy(rate, Poisson(), 2)
    data = lmt.asimov(FIXED, FIXED.hidden_photon(1.5e-4, 30.0))
    like = lmt.JointLikelihood([experiment], FIXED, data=data)
    space, devices = Space(like.joint, TWO), resolve_devices(None)
    found = integrate(
        lambda u: evaluate(space, u, like.data, devices)[0], 2, batch=512, find_modes=searching(like, TWO)
    )
    assert found.converged
    np.testing.assert_allclose(found.modes[np.argsort(-found.modes[:, 0])], at, atol=1e-4)

    observed = np.asarray(like.data["toy"])

    def density(u):
        x = 10.0 ** (3.0 * u[:, 0] - 5.0) / 3e-4
        expected = scale * np.stack([80.0 * (1.0 - x) ** 2 + 20.0, 30.0 + 60.0 * u[:, 1]], axis=-1)
        return (observed * np.log(expected) - expected - gammaln(observed + 1.0)).sum(-1)

    boxes = [by_scipy(density, centre - 0.01, centre + 0.01)[0] for centre in at]
    assert found.log_z == pytest.approx(np.logaddexp(*boxes), abs=found.log_z_error)


def test_it_says_so_when_it_gives_up(results):
    result = integrate(jax.jit(TARGETS["signal"]), 3, max_evaluations=125_000)
    assert not result.converged
    assert "125000 evaluations" in result.status
    assert abs(result.log_z - log_z("signal")) < result.log_z_error


def test_an_error_beyond_all_numbers_bounds_nothing_and_warns_of_nothing():
    """Few nodes on steep walls: the interpolant promises e^800 of what was seen. (Warnings are errors here.)"""
    result = integrate(jax.jit(signal), 3, rtol=0.1, start_cells=10, max_evaluations=27_000)
    assert not result.converged
    assert result.log_z_error == np.inf


def test_nan_is_an_error_that_names_the_point():
    with pytest.raises(NotFinite, match=r"nan at \[0\.9"):
        integrate(jax.jit(lambda u: jnp.where(u[..., 0] > 0.99, jnp.nan, 0.0)), 1)


@pytest.mark.parametrize(
    ("setting", "value"), [("dim", 5), ("rtol", 0.0), ("start_cells", 0), ("max_evaluations", 0), ("batch", -1)]
)
def test_bad_settings_are_named(setting, value):
    arguments = {"dim": 2, setting: value}
    with pytest.raises(InvalidArgument, match=setting):
        integrate(lambda u: u[:, 0], **arguments)


# -- what the cells give ----------------------------------------------------------------------------------------------


def test_nodes_are_a_quadrature_of_the_posterior(results):
    points, log_weights = results["gauss"].nodes
    weights = np.exp(log_weights)
    assert weights.sum() == pytest.approx(1.0, abs=1e-12)
    mean = weights @ points
    np.testing.assert_allclose(mean, [0.3, 0.6, 0.5], atol=1e-4)
    covariance = (weights[:, None] * (points - mean)).T @ (points - mean)
    expected = np.array([[1, 0.8, 0.3], [0.8, 1, 0.5], [0.3, 0.5, 1]]) * np.outer([0.02, 0.05, 0.1], [0.02, 0.05, 0.1])
    np.testing.assert_allclose(covariance, expected, rtol=2e-3, atol=2e-6)


def test_the_parts_that_nodes_stand_for_tile_the_cube(results):
    centre, half = results["signal"].cells.node_shares()
    points = results["signal"].nodes[0]
    assert np.prod(2.0 * half, axis=1).sum() == pytest.approx(1.0, abs=1e-12)
    assert (np.abs(points - centre) < half).all()


@given(axis=st.integers(0, 2), at=st.floats(0.2, 0.7))
def test_parts_of_a_box_add_up(results, axis, at):
    result = results["limit"]
    low, high = np.zeros(3), np.ones(3)
    middle_high, middle_low = high.copy(), low.copy()
    middle_high[axis] = middle_low[axis] = at
    (below, below_error), (above, above_error) = (
        result.log_integral(low, middle_high),
        result.log_integral(middle_low, high),
    )
    assert np.logaddexp(below, above) == pytest.approx(result.log_z, abs=1e-6)
    assert below_error < 0.02 or below < result.log_z - 3.0
    assert above_error < 0.02 or above < result.log_z - 3.0


@given(edge=st.floats(0.22, 0.38))
def test_a_cut_box_has_the_mass_of_the_normal_distribution(results, edge):
    # Correlated or not, the marginal of the first coordinate is N(0.3, 0.02).
    log_mass, error = results["gauss"].log_integral(np.zeros(3), np.array([edge, 1.0, 1.0]))
    exact = math.log(0.5 * math.erfc(-(edge - 0.3) / 0.02 / math.sqrt(2.0)))
    assert abs(log_mass - exact) < error
    assert error < 0.01 or exact < -2.0


def test_an_empty_box_holds_nothing(results):
    assert results["gauss"].log_integral(np.array([0.5, 0, 0]), np.array([0.5, 1, 1]))[0] == -np.inf


def test_reweighting_multiplies_the_integrand(results):
    # A normal density of width 0.1 in the first coordinate times N(0.3, 0.02): a normal in the difference.
    def log_ratio(u):
        return -0.5 * ((u[:, 0] - 0.35) / 0.1) ** 2 - math.log(0.1 * math.sqrt(2.0 * math.pi))

    changed = results["gauss"].reweighted(log_ratio)
    variance = 0.1**2 + 0.02**2
    exact = -0.5 * 0.05**2 / variance - 0.5 * math.log(2.0 * math.pi * variance)
    assert abs(changed.log_z - exact) < changed.log_z_error < 5e-3
