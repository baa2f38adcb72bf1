"""Fig. 6: the numbers in the picture are Eq. 33's, and what the paper says of it holds."""

import matplotlib as mpl

mpl.use("Agg")

import numpy as np
import pytest

from lmtbayes.experiments import experiment
from lmtbayes.gauge.models import LMU_LTAU, HiddenPhoton
from lmtbayes.paper import draw, figure_names
from lmtbayes.paper.fig06 import DETECTORS, ENERGY_KEV, spectra


@pytest.mark.parametrize("convention", ["default", "paper"])
def test_four_panels_of_five_curves(convention):
    assert "fig6" in figure_names()
    figure = draw("fig6", convention)
    assert len(figure.subfigs) == 4
    for panel, detector in zip(figure.subfigs, DETECTORS, strict=True):
        upper, lower = panel.axes
        drawn = {line.get_label(): line.get_ydata() for line in upper.get_lines()}
        assert set(drawn) == {"SM", "BP1", "BP2", "BP3", "BP4"}
        sm = experiment(detector, convention=convention).differential_rate(LMU_LTAU, HiddenPhoton.none(), ENERGY_KEV)
        np.testing.assert_allclose(drawn["SM"], sm, rtol=1e-13)
        assert len(lower.get_lines()) == 5


def test_benchmarks_lower_the_rate_most_at_low_recoils():
    """nu_mu and proton couplings have one sign, the Z's have opposite ones: BP1 and BP2 gain from a low threshold."""
    curves = spectra("ess10")
    for label in ("BP1", "BP2", "BP3", "BP4"):
        ratio = curves[label] / curves["SM"]
        assert np.all(ratio < 1.0)
        assert ratio[0] < ratio[-1]
    assert curves["BP1"][0] / curves["SM"][0] == pytest.approx(0.52, abs=0.01)
