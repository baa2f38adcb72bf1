"""Muon spectra: what is drawn is what was given."""

import matplotlib as mpl
import numpy as np
import pytest

mpl.use("Agg")
from matplotlib.patches import StepPatch

from lmtbayes.errors import InvalidArgument
from lmtbayes.plotting.spectra import binned_spectra
from lmtbayes.plotting.style import BENCHMARK_COLOURS

EDGES = np.array([10.0, 20.0, 30.0, 40.0])


def test_steps_and_error_bars_are_the_counts(axis):
    spectra = {"BP1": np.array([4.0, 9.0, 16.0]), "mine": np.array([1.0, 0.0, 1.0])}
    assert binned_spectra(axis, EDGES, spectra, labels={"mine": "my model"}) is axis
    steps = [patch for patch in axis.patches if isinstance(patch, StepPatch)]
    np.testing.assert_array_equal(steps[0].get_data().values, spectra["BP1"])
    np.testing.assert_array_equal(steps[0].get_data().edges, EDGES)
    assert mpl.colors.to_hex(steps[0].get_edgecolor()).upper() == BENCHMARK_COLOURS["BP1"]
    bars = axis.containers[0].lines[2][0].get_segments()
    np.testing.assert_allclose([bar[:, 1] for bar in bars], [[2, 6], [6, 12], [12, 20]])
    # Error bars of the two spectra stand side by side, inside their bins.
    first, second = (container.lines[0].get_xdata() for container in axis.containers)
    assert np.all(first < second)
    assert np.all((first > EDGES[:-1]) & (second < EDGES[1:]))
    assert [text.get_text() for text in axis.get_legend().get_texts()] == ["BP1", "my model"]
    assert axis.get_ylim()[1] > 20.0


def test_bars_can_be_left_out_and_empty_spectra_drawn(axis):
    binned_spectra(axis, EDGES, {"nothing": np.zeros(3)}, poisson_errors=False)
    assert not axis.containers
    assert axis.get_ylim() == (0.0, 1.0)


def test_wrong_length_is_named(axis):
    with pytest.raises(InvalidArgument, match=r"`spectra\['BP1'\]` must be an array of shape \(3,\)"):
        binned_spectra(axis, EDGES, {"BP1": np.zeros(4)})
