"""Solar spectra and fluxes against mpmath, sums and published shapes."""

import mpmath
import numpy as np
import pytest

from lmtbayes.errors import InvalidArgument
from lmtbayes.sources import solar

CONTINUOUS = [source for source in solar.SOURCES if not solar.lines(source)]


@pytest.mark.parametrize("source", CONTINUOUS)
@pytest.mark.parametrize("table", solar.SPECTRA_8B)
def test_spectra_are_normalised_and_vanish_outside(source, table):
    end = solar.endpoint(source, table)
    nodes, weights = np.polynomial.legendre.leggauss(300)
    x = 0.5 * (nodes + 1)
    energy = end * (1 - x * x)
    assert weights @ (x * end * solar.spectrum(source, energy, table)) == pytest.approx(1.0, rel=2e-6)
    outside = solar.spectrum(source, np.array([-1.0, 0.0, end, end + 1.0]), table)
    assert np.all(outside == 0.0)
    assert np.all(solar.spectrum(source, np.linspace(0, end, 1001), table) >= 0.0)


@pytest.mark.parametrize("source", [s for s in CONTINUOUS if s != "8b"])
def test_allowed_shape_against_mpmath(source):
    """The ratio of two points of the spectrum, with mpmath's gamma function of a complex argument."""
    end, z = {"pp": (0.42341, 1), "hep": (18.784, 2), "13n": (1.199, 6), "15o": (1.732, 7), "17f": (1.740, 8)}[source]
    m, alpha = mpmath.mpf("0.51099895069"), 1 / mpmath.mpf("137.035999177")

    def shape(energy):
        w = end - energy + m
        p = mpmath.sqrt(w * w - m * m)
        g = mpmath.sqrt(1 - (alpha * z) ** 2)
        eta = alpha * z * w / p
        fermi = p ** (2 * g - 2) * mpmath.exp(-mpmath.pi * eta) * abs(mpmath.gamma(mpmath.mpc(g, eta))) ** 2
        return energy**2 * p * w * fermi

    low, high = 0.3 * end, 0.97 * end
    got = float(solar.spectrum(source, low) / solar.spectrum(source, high))
    assert got == pytest.approx(float(shape(low) / shape(high)), rel=1e-11)


def test_8b_shift_keeps_the_norm_and_moves_the_mean():
    energy = np.linspace(0, 15.5, 20001)
    step = energy[1]
    shift = solar.shape_shift_8b(energy)
    assert abs(np.sum(shift) * step) < 2e-5
    assert np.sum(shift * energy) * step < -1e-3


def test_lines():
    assert solar.lines("8b") == ()
    assert sum(share for _, share in solar.lines("7be")) == pytest.approx(1.0)
    assert solar.endpoint("7be") == 0.8613
    with pytest.raises(InvalidArgument, match="lines"):
        solar.spectrum("pep", 1.0)


def test_fluxes():
    assert solar.flux("8b") == 5.46e6
    assert solar.flux("8b", "agss09met") == 4.50e6
    assert solar.flux_uncertainty("8b") == 0.12
    with pytest.raises(InvalidArgument, match="solar_model"):
        solar.flux("8b", "gs99")
    with pytest.raises(InvalidArgument, match="'8b'"):
        solar.flux("8B")
