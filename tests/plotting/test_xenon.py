"""Pictures of solar neutrinos in xenon: what is drawn is what was given."""

import matplotlib as mpl

mpl.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest
from drawn import named_but_not_drawn, segments

from lmtbayes.paper import draw, exposure, fig10, figure_names, nr_sign
from lmtbayes.paper.nr_sign import DELTA_CP_DEG, THETA23_DEG, relative_change
from lmtbayes.plotting.style import BENCHMARK_COLOURS
from lmtbayes.plotting.xenon import exposure_lines, sign_map, solar_spectra


def test_spectra_and_background_are_the_arrays(axis):
    energy = np.geomspace(0.1, 10, 5)
    assert solar_spectra(axis, energy, {"SM": energy, "BP1": 2 * energy}, background=0.5 * energy) is axis
    for line, values in zip(axis.lines, (energy, 2 * energy), strict=True):
        np.testing.assert_array_equal(line.get_xydata(), np.column_stack([energy, values]))
    corners = axis.collections[0].get_paths()[0].vertices
    for x, y in zip(energy, 0.5 * energy, strict=True):
        assert corners[np.isclose(corners[:, 0], x), 1].max() == pytest.approx(y)
    assert axis.get_xlim() == (0.1, 10)
    assert [t.get_text() for t in axis.get_legend().get_texts()] == ["SM", "BP1", "DARWIN background"]
    assert not named_but_not_drawn(axis.get_legend(), axis)


def test_exposures_are_the_arrays_and_what_is_never_reached_is_not_drawn(axis):
    threshold = np.array([1.0, 2.0, 3.0])
    lines = {"LZ": {"BP1": np.array([10.0, 100.0, np.inf])}, "DARWIN": {"BP1": np.array([5.0, 50.0, 500.0])}}
    exposure_lines(axis, threshold, lines, {"LZ, planned": (1.5, 20.0)}, "keVee")
    first, second = (line for line in axis.lines if len(line.get_xdata()) == 3)
    np.testing.assert_array_equal(first.get_ydata(), [10.0, 100.0, np.nan])
    np.testing.assert_array_equal(second.get_ydata(), [5.0, 50.0, 500.0])
    assert first.get_color() == second.get_color() == BENCHMARK_COLOURS["BP1"]
    # Detectors are told by their dashes: those of the legend's lines are those that are drawn.
    dashes = {line.get_label(): line.get_linestyle() for line in axis.lines if not len(line.get_xdata())}
    assert dashes == {"LZ": first.get_linestyle(), "DARWIN": second.get_linestyle()}
    assert dashes["LZ"] != dashes["DARWIN"]
    (point,) = (line for line in axis.lines if line.get_label() == "LZ, planned")
    np.testing.assert_array_equal(point.get_xydata(), [[1.5, 20.0]])
    assert axis.get_xlabel() == "threshold [keVee]"


def test_sign_map_is_the_array_with_its_zero_and_its_points(axis):
    delta, theta = np.linspace(0.0, 300.0, 7), np.linspace(40.0, 50.0, 6)
    change = 0.01 * (theta[:, None] - 46.0) * np.ones(7)
    sign_map(axis, delta, theta, change, {"set": (100.0, 5.0, 45.0, 2.0)})
    mesh = axis.collections[0]
    np.testing.assert_allclose(np.reshape(mesh.get_array(), change.shape), 100.0 * change)
    assert mesh.get_clim() == (-6.0, 6.0)
    # The thick line is where nothing changes.
    zero = next(c for c in axis.collections if np.size(c.get_linewidth()) and np.max(c.get_linewidth()) == 2.0)
    heights = np.concatenate([path.vertices[:, 1] for path in zero.get_paths() if len(path.vertices)])
    np.testing.assert_allclose(heights, 46.0)
    (container,) = axis.containers
    np.testing.assert_array_equal(container.lines[0].get_xydata(), [[100.0, 45.0]])
    across, up = segments(container)
    assert across == [(95.0, 45.0), (105.0, 45.0)]
    assert up == [(100.0, 43.0), (100.0, 47.0)]


def test_the_map_changes_sign_where_physics_says():
    change = relative_change()
    assert change.shape == (THETA23_DEG.size, DELTA_CP_DEG.size)
    row = {theta: int(np.argmin(np.abs(THETA23_DEG - theta))) for theta in (43.25, 49.25)}
    column = {delta: int(np.argmin(np.abs(DELTA_CP_DEG - delta))) for delta in (0.0, 210.0)}
    assert change[row[49.25], column[0.0]] == pytest.approx(0.09, abs=0.005)
    assert change[row[43.25], column[210.0]] == pytest.approx(-0.026, abs=0.003)


def test_figures_are_registered():
    assert {"fig10", "fig11", "fig13", "fig14", "nr-sign"} <= set(figure_names())


@pytest.mark.parametrize("name", ["fig10", "fig11", "fig13", "fig14", "nr-sign"])
@pytest.mark.parametrize(
    "convention", [pytest.param("default", marks=pytest.mark.nightly), pytest.param("paper", marks=pytest.mark.slow)]
)
def test_figures_draw(name, convention, monkeypatch):
    """By the paper's conventions with every sixth number of their axes: what is drawn of how many is the same code."""
    if convention == "paper":
        every = slice(None, None, 6)
        for module, what in ((exposure, "THRESHOLDS_KEV"), (fig10, "ENERGY_KEV")):
            fewer = {channel: values[every] for channel, values in getattr(module, what).items()}
            monkeypatch.setattr(module, what, fewer)
        for what in ("DELTA_CP_DEG", "THETA23_DEG"):
            monkeypatch.setattr(nr_sign, what, getattr(nr_sign, what)[every])
    figure = draw(name, convention)
    figure.canvas.draw()
    plt.close(figure)
