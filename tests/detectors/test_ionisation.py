"""Lindhard's quenching and the windows of measured energy against their definitions."""

import jax
import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import norm

from lmtbayes.detectors.ionisation import GERMANIUM_K, Ionisation
from lmtbayes.errors import InvalidArgument

GE = Ionisation(32, GERMANIUM_K, 0.032, noise_kevee=0.132, spread_root_kevee=0.0365)


def lindhard_by_screening(recoil_kev, k, z=32, a=72.63):
    """Reduced energy from the Thomas-Fermi screening length, as COHERENT's own code has it."""
    e2, bohr = 1439.9764, 52900.0  # [keV fm], [fm]
    reduced = recoil_kev * 0.6261 * bohr * z ** (-1 / 3) * a / (z**2 * e2 * 2 * a)
    g = 3 * reduced**0.15 + 0.7 * reduced**0.6 + reduced
    return recoil_kev * k * g / (1 + k * g)


def test_quenching_is_lindhards():
    recoil = np.array([0.3, 1.0, 6.77, 30.0, 80.0])
    np.testing.assert_allclose(GE.kevee(recoil), lindhard_by_screening(recoil, 0.157), rtol=2e-4)
    np.testing.assert_allclose(GE.kevee(recoil, 0.157 * 1.1), lindhard_by_screening(recoil, 0.157 * 1.1), rtol=2e-4)
    assert pytest.approx(0.133 * 32 ** (2 / 3) / 72.63**0.5, abs=5e-4) == GERMANIUM_K
    np.testing.assert_allclose(GE.kevnr(GE.kevee(recoil)), recoil, rtol=1e-6)


def test_probability_is_that_of_a_gaussian():
    edges, recoil = np.array([1.5, 8.5, 20.0]), np.array([5.0, 7.0, 31.0])
    for j, at in enumerate(recoil):
        mean = lindhard_by_screening(at, 0.157)
        sigma = (0.132 + 0.0365 * mean**0.5) / 2.3548200450309493
        for i in range(2):
            expected = quad(lambda x, m=mean, s=sigma: norm.pdf(x, m, s), edges[i], edges[i + 1], points=[mean])[0]
            assert GE.probability(edges, recoil)[i, j] == pytest.approx(expected, abs=2e-3)


def test_k_may_be_traced():
    """Equal to a detector of that k, values and slopes; a k of nothing or less ionises nothing."""
    edges, recoil = np.array([1.5, 8.5]), np.linspace(4.0, 12.0, 40)
    other = Ionisation(32, 0.21, 0.032, noise_kevee=0.132, spread_root_kevee=0.0365)
    found = jax.jit(lambda k: GE.probability(edges, recoil, k))
    np.testing.assert_allclose(found(0.21), other.probability(edges, recoil), rtol=1e-12, atol=1e-14)
    slope = jax.jacfwd(found)(0.21)
    difference = (np.asarray(found(0.21 + 1e-6)) - np.asarray(found(0.21 - 1e-6))) / 2e-6
    np.testing.assert_allclose(slope, difference, rtol=1e-6, atol=1e-7)
    for k in (0.0, -0.1):
        np.testing.assert_allclose(found(k), 0.0, atol=1e-12)
        assert np.all(np.isfinite(jax.jacfwd(found)(k)))


def test_bad_input():
    for words, argument in (
        ({"k": 0.0}, "k"),
        ({"noise_kevee": 0.0}, "noise_kevee"),
        ({"k_uncertainty": -0.1}, "k_uncertainty"),
        ({"spread_root_kevee": -1.0}, "spread_root_kevee"),
    ):
        with pytest.raises(InvalidArgument, match=f"`{argument}` must be"):
            Ionisation(**({"protons": 32, "k": 0.157, "k_uncertainty": 0.03, "noise_kevee": 0.1} | words))
