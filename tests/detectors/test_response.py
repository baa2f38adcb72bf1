"""Efficiency at lowered thresholds, resolution, Lindhard and the smearing matrix."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad

from lmtbayes.detectors.response import Efficiency, Resolution, lindhard, smearing_matrix, to_kevee, to_kevnr
from lmtbayes.errors import InvalidArgument

ENERGY = np.array([1.0, 2.0, 4.0, 8.0, 16.0])
CURVE = np.array([0.1, 0.5, 0.9, 0.8, 0.4])


def curve(threshold=None, floor=0.0):
    return Efficiency(ENERGY, CURVE, half_kev=2.0, plateau_kev=4.0, threshold_kev=threshold, floor_kev=floor)


def test_published_efficiency():
    np.testing.assert_allclose(curve()(np.array([0.5, 1.0, 3.0, 12.0, 99.0])), [0.0, 0.1, 0.7, 0.6, 0.4])
    np.testing.assert_array_equal(curve(threshold=3.0)(ENERGY), CURVE)


def test_lowered_threshold_moves_the_rise_and_keeps_the_fall():
    lowered = curve(threshold=0.5)  # s = 1/4
    assert lowered.shift == 0.25
    np.testing.assert_allclose(lowered(np.array([0.2, 0.25, 0.5, 1.0])), [0.0, 0.1, 0.5, 0.9])
    np.testing.assert_allclose(lowered(np.array([1.0, 2.0, 3.9])), 0.9)  # plateau
    np.testing.assert_allclose(lowered(np.array([8.0, 12.0])), [0.8, 0.6])
    np.testing.assert_allclose(curve(threshold=0.5, floor=0.4)(np.array([0.39, 0.5])), [0.0, 0.5])


@given(st.floats(0.05, 2.0))
def test_efficiency_is_continuous_between_its_kinks(threshold):
    efficiency = curve(threshold)
    kinks = efficiency.kinks_kev
    inside = kinks[(kinks > 1.001 * efficiency.shift) & (kinks < 16.0)]  # it begins with a jump
    np.testing.assert_allclose(efficiency(inside * (1 - 1e-9)), efficiency(inside * (1 + 1e-9)), atol=1e-7)


def test_resolution_is_capped_and_slid():
    """Sect. 5 of arXiv:2104.03297: linear in energy. A 50 % point at 1 keVee goes to 0.25."""
    resolution = Resolution(0.31, 0.0037, cap_kevee=1.0, shift_kevee=0.75)
    assert resolution(0.25) == resolution(0.01) == pytest.approx(0.3137)
    assert resolution(1.0) == pytest.approx(0.31 / np.sqrt(1.75) + 0.0037)
    assert resolution(0.25 + 1e-12) == pytest.approx(0.3137)
    assert Resolution(0.33)(4.0) == pytest.approx(0.165)
    # Nothing switches off with the shift.
    assert Resolution(0.33, cap_kevee=4.0)(0.5) == pytest.approx(0.165)
    assert Resolution(0.33, cap_kevee=4.0)(9.0) == pytest.approx(0.11)


def test_lindhard():
    # PHYSICS: 0.7 keVnr is 0.106 keVee.
    assert to_kevee(0.7) == pytest.approx(0.106, abs=5e-4)
    assert to_kevnr(float(to_kevee(3.3))) == pytest.approx(3.3, rel=1e-12)
    energy = np.geomspace(0.1, 100, 50)
    assert np.all(np.diff(lindhard(energy)) > 0)
    np.testing.assert_array_less(lindhard(energy, 0.1435), lindhard(energy, 0.2035))
    with pytest.raises(InvalidArgument, match="energy_kevee"):
        to_kevnr(-1.0)


def test_smearing_is_a_gaussian_integral():
    edges = np.array([1.0, 1.5, 4.0])
    matrix = smearing_matrix(edges, np.array([1.2, 30.0]), np.array([0.3, 2.0]))
    for row, (low, high) in zip(matrix, [(1.0, 1.5), (1.5, 4.0)], strict=True):
        want = quad(lambda x: np.exp(-0.5 * ((x - 1.2) / 0.3) ** 2) / (0.3 * np.sqrt(2 * np.pi)), low, high)[0]
        assert row[0] == pytest.approx(want, rel=1e-10)
    assert 0 < matrix[1, 1] < 1e-30  # far in the tail and not lost to cancellation
    assert matrix[0, 1] > 0


@given(st.floats(0.1, 30.0), st.floats(0.01, 5.0))
def test_bins_that_cover_everything_lose_nothing(mean, sigma):
    matrix = smearing_matrix(np.linspace(-100, 200, 31), np.array([mean]), np.array([sigma]))
    assert matrix.sum() == pytest.approx(1.0, rel=1e-12)
