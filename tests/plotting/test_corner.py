"""Corner and predictive pictures: histograms, marks and bands are those of the arrays; bad input."""

import matplotlib as mpl
import numpy as np
import pytest

mpl.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.patches import StepPatch

from lmtbayes.errors import InvalidArgument
from lmtbayes.plotting.corner import corner
from lmtbayes.plotting.predictive import predictive_spectrum

NAMES = ("log10_g_x", "log10_mass")


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


def draws(seed=1, size=4000):
    rng = np.random.default_rng(seed)
    return {"log10_g_x": rng.normal(-3.3, 0.1, size), "log10_mass": rng.normal(1.2, 0.2, size)}


def marks(axis, marker):
    """Points that are drawn with a marker."""
    return [(line.get_xdata()[0], line.get_ydata()[0]) for line in axis.lines if line.get_marker() == marker]


def test_truth_and_modes_are_marked_where_they_are_and_in_view():
    truth, mode = {"log10_g_x": -2.5, "log10_mass": 1.2}, {"log10_g_x": -3.35, "log10_mass": 1.1}
    axes = corner(draws(), truth=truth, modes=[mode])
    assert [[axis.get_visible() for axis in row] for row in axes] == [[True, False], [True, True]]
    assert marks(axes[1, 0], "*") == [tuple(truth.values())]
    assert marks(axes[1, 0], "x") == [tuple(mode.values())]
    low, high = axes[1, 0].get_xlim()
    assert low < -2.5 < high
    for place, name in enumerate(NAMES):
        (line,) = axes[place, place].lines
        assert set(line.get_xdata()) == {truth[name]}
    # One column, one scale.
    assert axes[0, 0].get_xlim() == axes[1, 0].get_xlim()


def test_marginals_are_the_histograms_of_draws_and_prior():
    samples, prior = draws(), draws(2)
    axes = corner(samples, prior=prior)
    for place, name in enumerate(NAMES):
        axis = axes[place, place]
        (steps,) = (patch.get_data() for patch in axis.patches if isinstance(patch, StepPatch))
        expected = np.histogram(prior[name], steps.edges)[0] / len(prior[name]) / np.diff(steps.edges)
        np.testing.assert_allclose(steps.values, expected)
        outline = next(p for p in axis.patches if not isinstance(p, StepPatch) and not p.get_fill()).get_xy()
        edges = np.unique(outline[:, 0])
        expected = np.histogram(samples[name], edges)[0]
        height = [outline[(outline[:, 0] == edge), 1].max() for edge in edges]
        # The outline is at least as high as the bins on either side of an edge.
        density = expected / expected.sum() / np.diff(edges)
        np.testing.assert_allclose(height, np.maximum([0.0, *density], [*density, 0.0]), rtol=1e-9)


def test_corner_refuses_ragged_samples():
    with pytest.raises(InvalidArgument, match="`samples` must be arrays of one length"):
        corner({"a": np.ones(3), "b": np.ones(4)})


def test_bands_of_a_predictive_spectrum_are_quantiles_and_points_the_data():
    _, axis = plt.subplots()
    expected = np.random.default_rng(0).normal(100, 3, (500, 4))
    observed, edges = np.array([98.0, 100.0, 0.0, 121.0]), np.array([1.0, 2, 4, 8, 16])
    predictive_spectrum(axis, edges, observed, expected, expected + 5, logarithmic=True)
    wide, narrow, median, low, high = (p.get_data() for p in axis.patches if isinstance(p, StepPatch))
    inside = [(expected >= steps.baseline) & (expected <= steps.values) for steps in (wide, narrow)]
    np.testing.assert_allclose([part.mean() for part in inside], [0.9545, 0.6827], atol=4e-3)
    np.testing.assert_allclose(median.values, np.median(expected, axis=0))
    np.testing.assert_allclose(high.values - 5, wide.values)
    np.testing.assert_allclose(low.values - 5, wide.baseline)
    (container,) = axis.containers
    points, _, (bars,) = container.lines
    np.testing.assert_array_equal(points.get_ydata(), observed)
    assert np.all((points.get_xdata() > edges[:-1]) & (points.get_xdata() < edges[1:]))
    np.testing.assert_allclose([bar[1, 1] - bar[0, 1] for bar in bars.get_segments()], 2 * np.sqrt(observed))
    assert axis.get_xscale() == "log"
    with pytest.raises(InvalidArgument, match="`observed` must be an array of shape"):
        predictive_spectrum(axis, np.array([1.0, 2, 4]), np.ones(3), np.ones((5, 2)))
