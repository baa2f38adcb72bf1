"""Pictures of designs: cells around their points on either scale, ticks in plain numbers, the first bar on top."""

import matplotlib.pyplot as plt
import numpy as np

from lmtbayes.plotting.design import assurance_map, probability_line, ranking_bars


def test_a_map_has_a_cell_around_every_point(axis):
    x, y = np.array([20.0, 200.0, 2000.0]), np.array([1.0, 1.5, 2.0])
    values = np.linspace(0.0, 1.0, 9).reshape(3, 3)
    assurance_map(axis, x, y, values, "exposure", "threshold")
    (mesh,) = [one for one in axis.collections if hasattr(one, "get_coordinates")]
    edges = mesh.get_coordinates()
    # Equal ones on each axis: a decade, and 0.5.
    np.testing.assert_allclose(edges[0, :, 0], 20.0 * 10.0 ** (np.arange(4) - 0.5), rtol=1e-12)
    np.testing.assert_allclose(edges[:, 0, 1], [0.75, 1.25, 1.75, 2.25], rtol=1e-12)
    np.testing.assert_array_equal(np.ravel(mesh.get_array()), values.ravel())
    assert (axis.get_xscale(), axis.get_yscale()) == ("log", "linear")
    assert [t.get_text() for t in axis.get_xticklabels()] == ["20", "200", "2000"]


def test_lines_and_bars(axis):
    error = np.full(2, 0.1)
    probability_line(axis, np.array([1.0, 2.0]), {"assurance": (np.array([0.2, 0.4]), error)}, "exposure")
    assert axis.get_xscale() == "linear"
    fig, bars = plt.subplots()
    ranking_bars(bars, ["best", "worst"], np.array([0.5, 0.1]), error, "gain")
    top = max(bars.patches, key=lambda one: one.get_y())
    assert top.get_width() == 0.5
    assert [t.get_text() for t in bars.get_yticklabels()] == ["best", "worst"]
    plt.close(fig)
