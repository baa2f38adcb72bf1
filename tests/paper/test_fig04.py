"""Fig. 4: the picture holds the counts of the four benchmarks, in both conventions."""

import matplotlib as mpl
import numpy as np
import pytest

mpl.use("Agg")
from matplotlib.patches import StepPatch

import lmtbayes as lmt
from lmtbayes import paper


@pytest.mark.parametrize("convention", ["default", "paper"])
def test_fig_4_shows_the_benchmarks(convention):
    (axis,) = paper.draw("fig4", convention).axes
    steps = [patch.get_data().values for patch in axis.patches if isinstance(patch, StepPatch)]
    beam = lmt.experiment("na64mu", convention=convention)
    assert len(steps) == 4
    for drawn, photon in zip(steps, lmt.BENCHMARKS.values(), strict=True):
        np.testing.assert_allclose(drawn, beam.expected_counts(lmt.LMU_LTAU, photon), rtol=1e-12)
    legend = [text.get_text() for text in axis.get_legend().get_texts()]
    assert [entry[:3] for entry in legend] == ["BP1", "BP2", "BP3", "BP4"]
    assert "10^{-3}" in legend[3]
    assert "GeV" in axis.get_xlabel()
    assert "$10^{11}$ muons" in axis.get_title()
    assert ("paper" in axis.get_title()) == (convention == "paper")
