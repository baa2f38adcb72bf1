"""Eq. 31 and its averages against numerical integrals of the printed spectra."""

import numpy as np
import pytest

from lmtbayes.errors import InvalidArgument
from lmtbayes.sources import pion_decay_at_rest as source

M_MU = 105.6583755
X, W = np.polynomial.legendre.leggauss(8)  # exact for these polynomials
PRINTED = {
    "nubar_mu": lambda E: 64 * E**2 / M_MU**3 * (3 / 4 - E / M_MU),
    "nu_e": lambda E: 192 * E**2 / M_MU**3 * (1 / 2 - E / M_MU),
}
CLOSED = {
    "nubar_mu": lambda u: 1 - 4 * u**2 + 4 * u**3 - u**4,
    "nu_e": lambda u: 1 - 6 * u**2 + 8 * u**3 - 3 * u**4,
}


def integral(f, low, high=M_MU / 2):
    E = 0.5 * (high - low) * (X + 1) + low
    return 0.5 * (high - low) * np.sum(W * f(E))


@pytest.mark.parametrize("neutrino", PRINTED)
def test_spectra_are_normalised(neutrino):
    assert source.inverse_moment(neutrino, 0.0, 0) == pytest.approx(1.0, rel=1e-14)


@pytest.mark.parametrize("neutrino", PRINTED)
@pytest.mark.parametrize("order", [0, 1, 2])
def test_moments_against_quadrature(neutrino, order):
    for minimum in (1e-6, 5.0, 30.0, 52.0):
        expected = integral(lambda E: PRINTED[neutrino](E) / E**order, minimum)
        assert source.inverse_moment(neutrino, minimum, order) == pytest.approx(expected, rel=1e-9, abs=1e-15)
    assert source.inverse_moment(neutrino, 60.0, order) == 0.0


@pytest.mark.parametrize("neutrino", PRINTED)
def test_kinematic_average_is_the_closed_form(neutrino):
    M, u = 37224.7, np.linspace(0.0, 1.2, 100)
    E_R = (u * M_MU) ** 2 / (2 * M)
    average = source.kinematic_average(neutrino, E_R, M, np.sqrt(M * E_R / 2))
    np.testing.assert_allclose(average, np.where(u < 1, CLOSED[neutrino](u), 0.0), rtol=0, atol=2e-15)


@pytest.mark.parametrize("neutrino", PRINTED)
def test_kinematic_average_with_the_energy_correction(neutrino):
    M, E_R = 37224.7, 0.04
    minimum = 0.5 * (E_R + np.sqrt(E_R**2 + 2 * M * E_R))
    expected = integral(lambda E: PRINTED[neutrino](E) * (1 - E_R / E - M * E_R / (2 * E**2)), minimum)
    assert source.kinematic_average(neutrino, E_R, M, minimum, True) == pytest.approx(expected, rel=1e-13)


def test_prompt_line():
    assert pytest.approx(29.792, abs=5e-4) == source.LINE_ENERGY
    M = 39.962383 * 931.494104
    kink = 2 * source.LINE_ENERGY**2 / M
    E_R = np.array([0.5, 1.0 - 1e-12, 1.01]) * kink
    average = source.kinematic_average("nu_mu", E_R, M, np.sqrt(M * E_R / 2))
    np.testing.assert_allclose(average, [0.5, 0.0, 0.0], atol=1e-11)


def test_fluence():
    """ESS at 20 m: 2.8e23 x 0.3/(4 pi 400 m^2)."""
    assert source.fluence(2.8e23, 0.3, 20.0) == pytest.approx(8.4e22 / (4 * np.pi * 4e6), rel=1e-15)


def test_unknown_neutrino_is_refused():
    with pytest.raises(InvalidArgument, match="nubar_mu"):
        source.inverse_moment("nubar_e", 30.0, 1)
    with pytest.raises(InvalidArgument, match="order"):
        source.inverse_moment("nu_e", 1.0, 3)
