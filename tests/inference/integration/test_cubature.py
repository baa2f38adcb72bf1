import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from evidence_targets import LOG_Z, SIGNAL_BOX, TARGETS, dense, limit, signal
from hypothesis import given
from hypothesis import strategies as st

from lmtbayes.errors import InvalidArgument, NotFinite
from lmtbayes.inference.integration.cubature import integrate
from lmtbayes.inference.integration.gauss_legendre import rule
from lmtbayes.inference.integration.multi_start import boxes_around, cube_modes


@pytest.fixture(scope="module")
def results():
    return {
        name: integrate(jax.jit(f), 3, find_modes=cube_modes(f, 3) if name in ("bimodal", "signal") else None)
        for name, f in TARGETS.items()
    }


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
    assert abs(result.log_z - LOG_Z[name]) < result.log_z_error


def test_references_of_the_dense_rule_are_converged():
    assert dense(limit, (12, 12, 12)) == pytest.approx(LOG_Z["limit"], abs=1e-8)
    assert dense(signal, (20, 20, 20), *SIGNAL_BOX) == pytest.approx(LOG_Z["signal"], abs=1e-5)
    # Nothing of weight lies outside the box, as far as a grid that is too coarse for the peak can tell.
    assert dense(signal, (30, 24, 24), (0.55, 0.4, 0.4), (0.65, 0.75, 0.85)) == pytest.approx(LOG_Z["signal"], abs=1e-4)


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


def test_narrow_mode_is_found_by_climbing():
    # A spike of a tenth of a cell, of half the weight, whose slope reaches the nodes around it.
    sigma, at = 6e-3, np.array([0.3121, 0.7282, 0.5301])

    def f(u):
        spike = -0.5 * jnp.sum(((u - at) / sigma) ** 2, -1) - 3.0 * math.log(sigma * math.sqrt(2.0 * math.pi))
        return jnp.logaddexp(spike, 0.0)

    result = integrate(jax.jit(f), 3, find_modes=cube_modes(f, 3))
    assert abs(result.log_z - math.log(2.0)) < result.log_z_error <= 1e-3
    assert np.abs(result.modes - at).max(1).min() < 1e-3


def test_it_says_so_when_it_gives_up(results):
    result = integrate(jax.jit(TARGETS["signal"]), 3, max_evaluations=125_000)
    assert not result.converged
    assert "125000 evaluations" in result.status
    assert abs(result.log_z - LOG_Z["signal"]) < result.log_z_error


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


def test_boxes_merge_what_lies_in_the_box_of_a_higher_optimum():
    x = np.array([[0.5, 0.5], [0.505, 0.5], [0.2, 0.2], [0.9, 0.9], [0.4, 0.4]])
    sigma = np.array([[0.01, 0.01]] * 4 + [[np.inf, np.nan]])
    values = np.array([3.0, 2.0, 1.0, -60.0, np.nan])
    modes, low, high = boxes_around(x, sigma, values, np.zeros(2), np.ones(2))
    np.testing.assert_array_equal(modes, x[[0, 2]])
    np.testing.assert_allclose(high - low, 0.04)
