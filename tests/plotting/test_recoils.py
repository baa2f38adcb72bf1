"""The recoil pictures draw the arrays they are given, in the colours of the house."""

import matplotlib as mpl

mpl.use("Agg")

import numpy as np
import pytest

from lmtbayes.plotting.recoils import ratio_to_reference, recoil_spectra
from lmtbayes.plotting.style import BENCHMARK_COLOURS, BLACK

ENERGY = np.geomspace(0.1, 100.0, 20)
SPECTRA = {"SM": 100.0 / ENERGY, "BP1": 80.0 / ENERGY, "mine": 50.0 / ENERGY}


def test_spectra(axis):
    assert recoil_spectra(axis, ENERGY, SPECTRA, threshold_kev=20.0, title="ESS") is axis
    lines = {line.get_label(): line for line in axis.get_lines()}
    for label, spectrum in SPECTRA.items():
        np.testing.assert_array_equal(lines[label].get_ydata(), spectrum)
    assert (lines["SM"].get_color(), lines["BP1"].get_color()) == (BLACK, BENCHMARK_COLOURS["BP1"])
    assert (axis.get_xscale(), axis.get_yscale()) == ("log", "log")
    (shade,) = axis.patches
    assert shade.get_x() + shade.get_width() == pytest.approx(20.0)
    assert axis.get_title(loc="left") == "ESS"


def test_ratio(axis):
    empty = {**SPECTRA, "SM": np.where(ENERGY > 90.0, 0.0, SPECTRA["SM"])}
    ratio_to_reference(axis, ENERGY, empty)
    lines = {line.get_label(): line.get_ydata() for line in axis.get_lines()}
    np.testing.assert_allclose(lines["BP1"][:-1], 0.8)
    assert np.isnan(lines["BP1"][-1])
    assert not axis.patches
