"""mu Z -> mu Z A': adaptive quadrature of the equation, closed limits, and the exact tree-level cross section."""

import exact_bremsstrahlung
import numpy as np
import pytest

from lmtbayes.constants import ALPHA, MUON_MASS
from lmtbayes.errors import InvalidArgument
from lmtbayes.processes import bremsstrahlung
from lmtbayes.processes.bremsstrahlung import CONVENTIONS, closing_mass, dsigma_dx
from lmtbayes.processes.photon_flux import elastic_form_factor, photon_flux
from lmtbayes.validation.independent import bremsstrahlung as reference_bremsstrahlung

LEAD = (82.0, 207.2)
TUNGSTEN = (74.0, 183.84)
NA64 = (160e3, *LEAD)
M3 = (15e3, *TUNGSTEN)


def _eq16_terms(x, mass):
    """C2/V, C3/(2 V^2), C4/(3 V^3): Eqs. 17, 18, 20 as printed, Eq. 19 repaired."""
    M2, m2 = mass**2, MUON_MASS**2
    V = M2 * (1 - x) / x + m2 * x
    C2 = (1 - x) + (1 - x) ** 3
    C3 = -2 * x * (1 - x) ** 2 * (M2 + 2 * m2)
    C4 = 2 * (1 - x) ** 2 * (M2 + 2 * m2) * (M2 * (1 - x) + m2 * x**2)
    return C2 / V, C3 / (2 * V**2), C4 / (3 * V**3)


@pytest.mark.parametrize("beam", [NA64, M3])
@pytest.mark.parametrize(("x", "mass"), [(0.4, 0.02), (0.9, 15.0), (0.6, 100.0), (0.94, 1000.0), (0.7, 2800.0)])
def test_default_matches_adaptive_quadrature_to_1e_6(beam, x, mass):
    expected = reference_bremsstrahlung.dsigma_dx(x, mass, *beam)
    assert float(dsigma_dx(x, mass, *beam)) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(("x", "mass"), [(0.4, 1.0), (0.5, 50.0), (0.8, 105.0), (0.9, 900.0)])
def test_default_with_a_constant_flux_is_eq_16_repaired(monkeypatch, x, mass):
    monkeypatch.setattr(bremsstrahlung, "photon_flux", lambda t_min, t_max, **_: np.ones(np.shape(t_min)))
    E0, M2, m2 = 160e3, mass**2, MUON_MASS**2
    beta = np.sqrt(1 - M2 / E0**2)
    repaired = ALPHA**2 * beta / (2 * np.pi) * sum(_eq16_terms(x, mass)) / (1 - x)

    # Eq. 16 integrates to U = infinity, the default to t_min = t_max: take the tail, done by hand, off.
    U = 2 * E0 * (1 - x) * 1e3
    first, second = 2 * (2 - 2 * x + x**2) / (1 - x), 4 * (M2 + 2 * m2)
    tail = first / U + second * ((M2 * (1 - x) + m2 * x**2) / (3 * U**3) - x / (2 * U**2))
    tail *= ALPHA**2 * beta * (1 - x) / (4 * np.pi)
    assert tail < 0.03 * repaired
    # The rule of 20 nodes over up to 10 e-folds: 1e-7 at the lightest, where the range is widest.
    assert float(dsigma_dx(x, mass, *NA64)) == pytest.approx(repaired - tail, rel=1e-6)


@pytest.mark.parametrize(("x", "mass"), [(0.1, 5.0), (0.4, 50.0), (0.8, 105.0), (0.9, 900.0)])
def test_constant_flux_conventions_are_eq_16(x, mass):
    beta, terms = np.sqrt(1 - (mass / 160e3) ** 2), sum(_eq16_terms(x, mass)) / (1 - x)
    t_min = (mass**2 / 320e3) ** 2
    improved = ALPHA**2 / (2 * np.pi) * beta * terms * photon_flux(t_min, mass**2 + MUON_MASS**2, *LEAD)
    paper = ALPHA**2 / (2 * np.pi**2) * beta * terms * photon_flux(t_min, mass**2, *LEAD)
    assert float(dsigma_dx(x, mass, *NA64, convention="improved")) == pytest.approx(float(improved), rel=1e-12)
    assert float(dsigma_dx(x, mass, *NA64, convention="paper")) == pytest.approx(float(paper), rel=1e-12)


@pytest.mark.parametrize("x", [0.1, 0.5, 0.9])
def test_massless_limit_is_ordinary_bremsstrahlung(x):
    # M = 0.1 MeV: corrections of order (M/m_mu)^2 (1-x)/x^2, below 1e-4.
    mass = 0.1
    chi = photon_flux((mass**2 / 320e3) ** 2, mass**2 + MUON_MASS**2, *LEAD)
    splitting = float(dsigma_dx(x, mass, *NA64, convention="improved") / (ALPHA**2 * chi / (2 * np.pi)))
    assert x * MUON_MASS**2 * splitting == pytest.approx(4 / 3 * (1 - x) + x**2, rel=2e-4)


@pytest.mark.parametrize("mass", [5.0, 25.0, 100.0, 300.0, 1000.0])
@pytest.mark.parametrize("x", [0.1, 0.375, 0.7, 0.94])
def test_default_agrees_with_exact_tree_level_at_160_gev(x, mass):
    # The error of the equivalent-photon approximation, always upwards: measured at most 0.6 % up to x = 0.7, and
    # 1.04 % in the corner x = 0.94, M = 5 MeV (E'_mu = 9.6 GeV, just outside the window of NA64mu).
    exact = exact_bremsstrahlung.dsigma_dx(x, mass, 160e3, lambda t: elastic_form_factor(t, *LEAD), 1e6)
    assert -1e-4 < float(dsigma_dx(x, mass, *NA64, inelastic=False)) / exact - 1.0 < (0.0065 if x <= 0.7 else 0.011)


@pytest.mark.parametrize("mass", [5.0, 25.0, 100.0, 300.0])
@pytest.mark.parametrize("x", [0.4, 0.65, 0.8])
def test_default_agrees_with_exact_tree_level_at_15_gev(x, mass):
    # Ten times slower muons, angles of the order of 0.03: measured worst 1.6 % for x up to 0.8.
    exact = exact_bremsstrahlung.dsigma_dx(x, mass, 15e3, lambda t: elastic_form_factor(t, *TUNGSTEN), 1e6)
    assert float(dsigma_dx(x, mass, *M3, inelastic=False)) == pytest.approx(exact, rel=0.02)


def test_constant_flux_is_far_from_exact_tree_level():
    # Why the default is the default: at x = 0.9, M = 25 MeV "improved" is twice, "paper" two thirds of the exact rate.
    exact = exact_bremsstrahlung.dsigma_dx(0.9, 25.0, 160e3, lambda t: elastic_form_factor(t, *LEAD), 1e6)
    ratios = [float(dsigma_dx(0.9, 25.0, *NA64, convention=c, inelastic=False)) / exact for c in CONVENTIONS]
    assert ratios == pytest.approx([1.009, 2.12, 0.62], abs=0.01)


def test_exact_tree_level_has_converged():
    def form_factor(t):
        return elastic_form_factor(t, *LEAD)

    coarse = exact_bremsstrahlung.dsigma_dx(0.6, 50.0, 160e3, form_factor, 1e6)
    fine = exact_bremsstrahlung.dsigma_dx(0.6, 50.0, 160e3, form_factor, 1e6, nodes=(36, 60, 28))
    assert coarse == pytest.approx(fine, rel=1e-6)


def test_exact_tree_level_conserves_the_current():
    # The longitudinal state with and without its part k/M, at an energy where the digits suffice for both.
    def with_k_over_m(direction, energy, mass):
        momentum = np.sqrt(energy**2 - mass**2)
        across, along, _ = exact_bremsstrahlung.polarisations(direction, energy, mass)
        return [across, along, (np.full(direction.shape[:-1], momentum / mass), energy / mass * direction)]

    arguments = (0.6, 50.0, 2e3, lambda t: elastic_form_factor(t, *LEAD), 1e6)
    without = exact_bremsstrahlung.dsigma_dx(*arguments)
    assert exact_bremsstrahlung.dsigma_dx(*arguments, states=with_k_over_m) == pytest.approx(without, rel=1e-7)


@pytest.mark.parametrize(
    ("beam", "window", "worst"),
    [
        (NA64, (10e3, 100e3), 0.006),
        (NA64, (0.5e3, 80e3), 0.008),  # the window of the 2022 run
        (M3, (0.5e3, 9e3), 0.025),
    ],
)
@pytest.mark.parametrize("mass", [100.0, *(pytest.param(m, marks=pytest.mark.slow) for m in (5.0, 1000.0))])
def test_default_agrees_with_exact_tree_level_over_the_windows(beam, window, worst, mass):
    # In the muon's energy, cubic towards the soft end where heavy A' crowd; 0.5 GeV to zero adds below 1 %.
    nodes, weights = np.polynomial.legendre.leggauss(8)
    low, high = (edge ** (1 / 3) for edge in window)
    root = 0.5 * (high + low) + 0.5 * (high - low) * nodes
    x, weights = 1.0 - root**3 / beam[0], weights * root**2
    exact = [
        exact_bremsstrahlung.dsigma_dx(at, mass, beam[0], lambda t: elastic_form_factor(t, *beam[1:]), 1e6) for at in x
    ]
    default = dsigma_dx(x, mass, *beam, inelastic=False)
    assert 0.0 < np.dot(weights, default) / np.dot(weights, exact) - 1.0 < worst


def test_production_closes():
    assert float(dsigma_dx(0.5, 160.1e3, *NA64)) == 0.0
    closing = float(closing_mass(0.4, 160e3))
    assert float(dsigma_dx(0.4, 1.001 * closing, *NA64)) == 0.0
    assert float(dsigma_dx(0.4, 0.999 * closing, *NA64)) > 0.0
    # sqrt(2 E_0 x GeV) but for the muon mass.
    assert closing == pytest.approx(np.sqrt(2 * 160e3 * 0.4 * 1e3), rel=1e-3)


@pytest.mark.parametrize("convention", CONVENTIONS)
def test_cross_section_broadcasts(convention):
    x, mass = np.array([0.2, 0.5, 0.9]), np.array([[1.0], [100.0]])
    table = dsigma_dx(x, mass, *NA64, convention=convention)
    assert table.shape == (2, 3)
    assert table[1, 2] == pytest.approx(float(dsigma_dx(0.9, 100.0, *NA64, convention=convention)), rel=1e-12)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"x": 0.0}, "x"),
        ({"x": 1.0}, "x"),
        ({"x": np.nan}, "x"),
        ({"mass": -1.0}, "mass"),
        ({"mass": np.nan}, "mass"),
        ({"beam_energy": 0.0}, "beam_energy"),
        ({"convention": "printed"}, "convention"),
    ],
)
def test_bad_input_is_named(changes, named):
    arguments = {"x": 0.5, "mass": 10.0, "beam_energy": 160e3, "Z": 82.0, "A": 207.2}
    with pytest.raises(InvalidArgument, match=f"`{named}`"):
        dsigma_dx(**{**arguments, **changes})
