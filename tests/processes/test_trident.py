"""Tridents: structure functions against Dirac traces, R against nested adaptive quadrature as written, its limits."""

import math

import numpy as np
import photon_tensor
import pytest
import scipy.integrate
import scipy.special

from lmtbayes import tables
from lmtbayes.constants import ALPHA, FERMI_CONSTANT, MUON_MASS, SIN2_THETA_W
from lmtbayes.errors import InvalidArgument
from lmtbayes.processes.trident import Nucleus, Trident, form_factor, structure_functions

IRON = (Nucleus(1.0, 26, 55.845),)
GLASS = (Nucleus(1.0, 14, 28.085), Nucleus(2.0, 8, 15.999))
V2 = 1.0 / (math.sqrt(2.0) * FERMI_CONSTANT)


@pytest.fixture(scope="module")
def ccfr():
    return Trident(160e3, IRON)


@pytest.mark.parametrize(("x", "t"), [(0.3, 1e5), (0.05, 1e6), (0.5, 9.5e4)])
def test_structure_functions_follow_from_the_lagrangian(x, t):
    # Traces of Dirac matrices, integrated over the pair's angle: one factor for all four, 1/(8 pi).
    found = structure_functions(x, t)
    for axial, (f1, f2) in ((False, found[:2]), (True, found[2:])):
        expected = np.array(photon_tensor.structure_functions(x, t, axial)) / (8.0 * np.pi)
        np.testing.assert_allclose([f1, f2], expected, rtol=1e-9)


def raw_structure(x, r, axial):
    """F1 and F2 as PHYSICS prints them, in x and r = m^2/Q2."""
    beta = math.sqrt(max(1.0 - 4.0 * r * x / (1.0 - x), 0.0))
    log = math.log((1.0 + beta) / (1.0 - beta)) if beta > 0 else 0.0
    f2 = x / math.pi * log * (1 - 2 * x + 2 * x**2 + 4 * x * (1 - 3 * x) * r - 8 * x**2 * r**2)
    f2 += x / math.pi * beta * (-1 + 8 * x * (1 - x) - 4 * x * (1 - x) * r)
    sign = -1.0 if axial else 1.0
    f1 = log * (1 - 2 * x + 2 * x**2 + sign * 4 * x * (1 - x) * r - sign * 8 * x**2 * r**2)
    f1 += beta * (-1 + 4 * x * (1 - x) - sign * 4 * x * (1 - x) * r)
    return f1 / (2 * math.pi), f2 + (4 * x / math.pi * r * log if axial else 0.0)


def helm(q, mass_number):
    c, a, s = 1.23 * mass_number ** (1 / 3) - 0.60, 0.52, 0.9
    qr = q / 197.3269804 * math.sqrt(c**2 + 7 * math.pi**2 * a**2 / 3 - 5 * s**2)
    j1 = math.sin(qr) / qr**2 - math.cos(qr) / qr if qr > 1e-3 else qr / 3
    return 3 * j1 / qr * math.exp(-0.5 * (q / 197.3269804 * s) ** 2)


def photon_cross_section(s, c_v, c_a, rel=1e-4):
    """sigma_gn(s) as printed: c_v a function of Q2, c_a a number."""

    def integrand(log_x, y):
        x = math.exp(log_x)
        q2 = x * y * s
        total = 0.0
        for axial, c in ((False, c_v(q2)), (True, c_a)):
            f1, f2 = raw_structure(x, MUON_MASS**2 / q2, axial)
            total += c**2 * (x * y**2 * f1 + (1 - y) * f2)
        return x * total

    threshold = 4.0 * MUON_MASS**2 / s
    value, _ = scipy.integrate.dblquad(
        integrand, threshold, 1.0, -25.0, lambda y: math.log1p(-threshold / y), epsabs=0.0, epsrel=rel
    )
    return ALPHA * s / (2 * math.pi) * value


def cross_section(energy, nucleus, c_v, c_a):
    """sigma(E) as printed, up to Z^2: over s, over q2, with sigma_gn on an interpolated grid of ln s."""

    def flux(s):
        lowest = s / (2 * energy)
        value, _ = scipy.integrate.quad(
            lambda u: 2.0 * helm(math.exp(u), nucleus.mass_number) ** 2 * (1.0 - lowest**2 / math.exp(2 * u)),
            math.log(lowest),
            math.log(1e3),
            epsrel=1e-8,
            limit=400,
        )
        return value

    low, high = math.log(4.0 * MUON_MASS**2), math.log(2 * energy * 600.0)
    u, weight = np.polynomial.legendre.leggauss(20)
    u = 0.5 * (high - low) * (u + 1) + low
    return sum(
        w * flux(math.exp(x)) * photon_cross_section(math.exp(x), c_v, c_a) for x, w in zip(u, weight, strict=True)
    )


@pytest.mark.slow
@pytest.mark.parametrize(("mass", "g"), [(10.0, 1e-3), (300.0, 2e-3)])
def test_ratio_agrees_with_nested_quadrature_of_the_printed_integrals(ccfr, mass, g):
    def c_v(q2):
        return FERMI_CONSTANT * (0.5 + 2 * SIN2_THETA_W) + g**2 / (math.sqrt(2.0) * (mass**2 + q2))

    standard = cross_section(160e3, IRON[0], lambda q2: c_v(1e30), FERMI_CONSTANT / 2)
    expected = cross_section(160e3, IRON[0], c_v, FERMI_CONSTANT / 2) / standard
    first, second = ccfr.coefficients(mass)
    # 20 nodes in ln s and 1e-4 in the inner integrals: 3e-4 of R - 1.
    assert 1 + first * g**2 + second * g**4 - 1 == pytest.approx(expected - 1, rel=1e-3)


def test_one_photon_energy_agrees_with_the_known_leading_logarithm():
    # arXiv:1406.2332: sigma_gn = (c_V^2 + c_A^2)/G_F^2 (2 alpha G_F^2 s/9 pi^2)(ln(s/m^2) - 19/6) up to m^2/s, with the
    # couplings in this module's normalisation (C = 2 c/G_F there, and a factor 1/2 in front).
    s, c = (30e3) ** 2, 1e-11
    value = photon_cross_section(s, lambda q2: c, c)
    expected = 0.5 * 2 * (2 * c) ** 2 * 2 * ALPHA * s / (9 * math.pi**2) * (math.log(s / MUON_MASS**2) - 19 / 6)
    assert value == pytest.approx(expected, rel=2e-3)


def test_heavy_boson(ccfr):
    # With c_V -> G_F (1/2 + 2 s_W^2) + g^2/(sqrt2 M^2): exact with the axial cross section's own mass correction.
    mass, g = 1e7, 1.0
    first, second = ccfr.coefficients(mass)
    plain, shifted = 1 + 4 * SIN2_THETA_W, 1 + 4 * SIN2_THETA_W + 2 * V2 * g**2 / mass**2
    a = ccfr.axial_to_vector
    assert first * g**2 + second * g**4 == pytest.approx((shifted**2 - plain**2) / (a + plain**2), rel=1e-6)


def test_textbook_heavy_limit_is_that_of_massless_muons():
    # [1 + (1 + 4 s_W^2 + 2 v^2 g^2/M^2)^2]/[1 + (1 + 4 s_W^2)^2] takes sigma_A = sigma_V. The muon's mass makes
    # sigma_A/sigma_V 1.118 at CCFR's energy and 1.326 at CHARM-II's; it tends to 1 as m^2/s.
    assert Trident(160e3, IRON).axial_to_vector == pytest.approx(1.1175, abs=1e-3)
    assert Trident(20e3, GLASS).axial_to_vector == pytest.approx(1.326, abs=1e-3)
    fast = Trident(1e10, IRON)
    assert fast.axial_to_vector == pytest.approx(1.0, abs=1e-4)
    mass, g = 1e8, 1e5
    first, second = fast.coefficients(mass)
    plain, shifted = 1 + 4 * SIN2_THETA_W, 1 + 4 * SIN2_THETA_W + 2 * V2 * g**2 / mass**2
    assert 1 + first * g**2 + second * g**4 == pytest.approx((1 + shifted**2) / (1 + plain**2), rel=5e-4)


def test_nodes_have_converged(ccfr, monkeypatch):
    masses = np.geomspace(1e-3, 1e6, 10)
    monkeypatch.setattr("lmtbayes.processes.trident._NODES_T", 160)
    monkeypatch.setattr("lmtbayes.processes.trident._NODES_Q", 240)
    monkeypatch.setattr("lmtbayes.processes.trident._NODES_X", 240)
    np.testing.assert_allclose(ccfr.coefficients(masses), Trident(160e3, IRON).coefficients(masses), rtol=1e-9)


def test_published_ccfr_limits():
    # arXiv:1406.2332 excludes sigma/sigma_SM > 1.38; the table's header promises 8 % at 1-300 MeV, 1 % above 3 GeV.
    table = tables.read("constraints/ccfr_trident")
    first, second = Trident(160e3, IRON).coefficients(table["mass_mev"])
    limit = np.sqrt((-first + np.sqrt(first**2 + 4 * second * 0.38)) / (2 * second))
    ratio = limit / table["g_x"]
    np.testing.assert_allclose(ratio, 1.0, atol=0.08)
    np.testing.assert_allclose(ratio[table["mass_mev"] > 3e3], 1.0, atol=0.01)


def test_form_factor_is_helms():
    from lmtbayes.processes.form_factors import Helm

    q = np.geomspace(1e-3, 900.0, 40)
    np.testing.assert_allclose(form_factor(q, 55.845), Helm()(q, 55.845), rtol=1e-9, atol=1e-14)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Trident(-1.0, IRON), "`energy` must be finite and positive"),
        (lambda: Trident(10.0, IRON), "`energy` must be above the threshold"),
        (lambda: Trident(1e4, ()), "`nuclei` must be at least one Nucleus"),
        (lambda: Trident(1e4, IRON).mean_propagator(0.0), "`mass` must be finite and positive"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(InvalidArgument, match=message):
        call()
