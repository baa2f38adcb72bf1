"""Neutrino-electron scattering: Eq. 36 as printed, limits, and the electrons of xenon."""

import math

import jax
import numpy as np
import pytest
from scipy.integrate import quad

from lmtbayes.errors import InvalidArgument
from lmtbayes.processes import binding, electron

GF, ME = 1.1663788e-11, 0.51099895069


def printed(recoil, energy, flavour_e, sin2, g_nu_g_e, mass):
    """Eq. 36, term by term: SM, interference, square."""
    gl, gr = sin2 - 0.5 + flavour_e, sin2
    standard = gl**2 + gr**2 * (1 - recoil / energy) ** 2 - gl * gr * ME * recoil / energy**2
    d = 2 * ME * recoil + mass**2
    mixed = (gl + gr * (1 - recoil / energy) ** 2) - 0.5 * (gl + gr) * ME * recoil / energy**2
    square = 1 + (1 - recoil / energy) ** 2 - ME * recoil / energy**2
    delta = g_nu_g_e / (math.sqrt(2) * GF * d)
    return 2 * GF**2 * ME / math.pi * (standard + delta * mixed + delta**2 / 4 * square)


@pytest.mark.parametrize("is_electron", [True, False])
@pytest.mark.parametrize("coupling", [0.0, 3e-9, -4e-8])
def test_shifted_couplings_are_the_printed_equation(is_electron, coupling):
    g_left, g_right = electron.chiral_couplings(0.2386, is_electron)
    shift = electron.hidden_shift(coupling, 1.0, 0.02, 15.0)
    got = electron.cross_section(0.02, 0.8, g_left, g_right, shift)
    assert float(got) == pytest.approx(printed(0.02, 0.8, is_electron, 0.2386, coupling, 15.0), rel=1e-12)


def test_total_cross_section_at_high_energy():
    """sigma = 2 G_F^2 m_e E/pi (g_L^2 + g_R^2/3) for E >> m_e: 9.5e-45 cm^2 a MeV for nu_e."""
    g_left, g_right = electron.chiral_couplings(0.2312, True)
    energy = 1e4
    top = float(electron.maximum_recoil_energy(energy))
    total = quad(lambda t: float(electron.cross_section(t, energy, g_left, g_right)), 0, top, epsrel=1e-9)[0]
    want = 2 * GF**2 * ME * energy / math.pi * (float(g_left) ** 2 + float(g_right) ** 2 / 3)
    assert total == pytest.approx(want, rel=2e-4)
    assert total / energy * 1.973269804e-11**2 == pytest.approx(9.5e-45, rel=0.02)


def test_end_points_are_each_other_s_inverse():
    recoil = np.array([1e-5, 1e-2, 0.3])
    energy = electron.minimum_neutrino_energy(recoil)
    np.testing.assert_allclose(electron.maximum_recoil_energy(energy), recoil, rtol=1e-12)
    assert float(electron.cross_section(0.3, 0.4, 0.7, 0.2)) == 0.0


def test_gradient():
    def f(mass):
        return electron.cross_section(0.02, 0.8, 0.7, 0.2, electron.hidden_shift(1e-9, 1.0, 0.02, mass)) * 1e20

    slope = float(jax.grad(f)(1.0))
    assert slope == pytest.approx(float(f(1.0 + 1e-5) - f(1.0 - 1e-5)) / 2e-5, rel=1e-6)


def test_electrons_of_xenon():
    assert binding.free_electrons(100.0, "stepped") == 54
    assert binding.free_electrons(100.0, "rrpa") == 54  # the ratio ends at 28 keV
    assert binding.free_electrons(0.001, "stepped") == 0
    assert binding.free_electrons(0.001, "free") == 54
    # 1s (34.8 keV), 2s and 2p (4.8-5.5 keV) closed at 2 keV.
    assert binding.free_electrons(2.0, "stepped") == 54 - 2 - 8
    assert binding.free_electrons(2.0, "rrpa") == pytest.approx(0.886 * 44)
    assert binding.rrpa_ratio(np.array([0.253, 28.36])).tolist() == [1.0, 1.0]
    with pytest.raises(InvalidArgument, match="stepped"):
        binding.free_electrons(1.0, "step")
