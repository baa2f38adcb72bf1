"""Pictures of solar neutrinos in xenon: what is drawn is what was given."""

import matplotlib as mpl

mpl.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest

from lmtbayes.paper import draw, figure_names
from lmtbayes.paper.nr_sign import DELTA_CP_DEG, THETA23_DEG, relative_change
from lmtbayes.plotting.xenon import exposure_lines, sign_map, solar_spectra


@pytest.fixture
def axes():
    figure, axes = plt.subplots()
    yield axes
    plt.close(figure)


def test_spectra(axes):
    energy = np.geomspace(0.1, 10, 5)
    assert solar_spectra(axes, energy, {"SM": energy, "BP1": 2 * energy}, background=energy) is axes
    np.testing.assert_array_equal(axes.lines[1].get_ydata(), 2 * energy)
    assert [t.get_text() for t in axes.get_legend().get_texts()] == ["SM", "BP1", "DARWIN background"]
    axes.figure.canvas.draw()


def test_what_is_never_reached_is_not_drawn(axes):
    threshold = np.array([1.0, 2.0, 3.0])
    lines = {"LZ": {"BP1": np.array([10.0, 100.0, np.inf])}}
    exposure_lines(axes, threshold, lines, {"LZ, planned": (1.5, 20.0)}, "keVee")
    assert np.isnan(axes.lines[0].get_ydata()[2])
    assert axes.get_xlabel() == "threshold [keVee]"
    axes.figure.canvas.draw()


def test_sign_map(axes):
    change = np.linspace(-0.1, 0.1, 12).reshape(3, 4)
    sign_map(axes, np.arange(4.0), np.arange(3.0), change, {"set": (1.0, 0.5, 1.0, 0.2)})
    assert "theta" in axes.get_ylabel()
    axes.figure.canvas.draw()


def test_the_map_changes_sign_where_physics_says():
    change = relative_change()
    assert change.shape == (THETA23_DEG.size, DELTA_CP_DEG.size)
    row = {theta: int(np.argmin(np.abs(THETA23_DEG - theta))) for theta in (43.25, 49.25)}
    column = {delta: int(np.argmin(np.abs(DELTA_CP_DEG - delta))) for delta in (0.0, 210.0)}
    assert change[row[49.25], column[0.0]] == pytest.approx(0.09, abs=0.005)
    assert change[row[43.25], column[210.0]] == pytest.approx(-0.026, abs=0.003)


def test_figures_are_registered():
    assert {"fig10", "fig11", "fig13", "fig14", "nr-sign"} <= set(figure_names())


@pytest.mark.slow
@pytest.mark.parametrize("name", ["fig10", "fig11", "fig13", "fig14", "nr-sign"])
@pytest.mark.parametrize("convention", ["default", "paper"])
def test_figures_draw(name, convention):
    figure = draw(name, convention)
    figure.canvas.draw()
    plt.close(figure)
