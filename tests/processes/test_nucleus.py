"""Eq. 33 against its printed, expanded form, written anew; kinematic limits."""

import jax
import numpy as np
import pytest

from lmtbayes.constants import ELECTRIC_CHARGE, FERMI_CONSTANT
from lmtbayes.processes import nucleus

M_ARGON = 37224.7


def printed(E_R, E_nu, M, Z, N, s2, F, g, eps, mass, Q_nu):
    """Standard Model, interference and square one by one, as in Eq. 33."""
    Q = N - (1 - 4 * s2) * Z
    D = 2 * M * E_R + mass**2
    kinematics = 1 - M * E_R / (2 * E_nu**2)
    sm = FERMI_CONSTANT**2 * M / np.pi * Q**2 / 4
    interference = g * eps * ELECTRIC_CHARGE * Z * Q_nu * FERMI_CONSTANT * M * Q / (np.sqrt(2) * np.pi * D)
    square = (g * eps * ELECTRIC_CHARGE * Z * Q_nu) ** 2 * M / (2 * np.pi * D**2)
    return F**2 * kinematics * (sm + interference + square)


@pytest.mark.parametrize("charge", [1.0, -1.0, 0.0])
@pytest.mark.parametrize(("g", "mass"), [(5e-4, 15.0), (1e-3, 100.0), (4e-4, 1.0)])
def test_square_is_the_printed_sum(charge, g, mass):
    E_R, E_nu, eps = 0.03, 40.0, -g / 70
    q = nucleus.momentum_transfer(E_R, M_ARGON)
    chi = nucleus.hidden_amplitude(g * charge, -eps * ELECTRIC_CHARGE * 18, nucleus.propagator(q, mass))
    square = nucleus.cross_section(E_R, E_nu, M_ARGON, 0.8, nucleus.weak_charge(18, 22, 0.23857), chi)
    expected = printed(E_R, E_nu, M_ARGON, 18, 22, 0.23857, 0.8, g, eps, mass, charge)
    # The printed sum cancels where chi is near -Q: 1e-11 leaves room for that.
    assert float(square) == pytest.approx(expected, rel=1e-11)


def test_standard_model_scale():
    """Total cross section for F = 1: G_F^2 Q^2 E_nu^2/(4 pi), from the integral over E_R."""
    E_nu, Q = 29.792, nucleus.weak_charge(18, 22, 0.23857)
    end = float(nucleus.maximum_recoil_energy(E_nu, M_ARGON))
    x, w = np.polynomial.legendre.leggauss(8)
    E_R = 0.5 * end * (x + 1)
    total = float(np.sum(0.5 * end * w * np.asarray(nucleus.cross_section(E_R, E_nu, M_ARGON, 1.0, Q))))
    assert total == pytest.approx(FERMI_CONSTANT**2 * float(Q) ** 2 * E_nu**2 / (4 * np.pi), rel=1e-13)


@pytest.mark.parametrize("exact", [False, True])
def test_kinematic_limits_agree(exact):
    E_nu = 29.792
    end = nucleus.maximum_recoil_energy(E_nu, M_ARGON, exact)
    assert float(nucleus.minimum_neutrino_energy(end, M_ARGON, exact)) == pytest.approx(E_nu, rel=1e-13)
    assert float(nucleus.kinematic_factor(end, E_nu, M_ARGON, exact)) == pytest.approx(0.0, abs=1e-14)
    assert float(nucleus.kinematic_factor(end * 1.01, E_nu, M_ARGON, exact)) == 0.0


def test_prompt_end_point_on_argon_40():
    assert float(nucleus.maximum_recoil_energy(29.792, 39.962383 * 931.49410)) * 1e3 == pytest.approx(47.69, abs=5e-3)


def test_gradients_are_finite_at_zero_coupling():
    def rate(g):
        chi = nucleus.hidden_amplitude(g, g / 70, nucleus.propagator(30.0, 10.0))
        return nucleus.cross_section(0.03, 40.0, M_ARGON, 0.8, 21.2, chi)

    assert np.isfinite(jax.grad(rate)(0.0))
