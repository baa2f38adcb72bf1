"""Panels side by side: one a point, its star, one legend for all, notes one below another; bad input."""

import matplotlib as mpl
import numpy as np
import pytest

mpl.use("Agg")
import matplotlib.pyplot as plt
from drawn import named_but_not_drawn

from lmtbayes.errors import InvalidArgument
from lmtbayes.plotting import panels, planes
from lmtbayes.plotting.style import BENCHMARK_COLOURS, EXPERIMENT_COLOURS, LMU_COLOUR, style

POINTS = {"A": (10.0, 5e-4), "B": (30.0, 6e-4), "C": (100.0, 1e-3)}
MASS, G_X = np.geomspace(1.0, 1e3, 40), np.geomspace(1e-4, 1e-2, 50)
Q = (np.log(G_X / 5e-4)[:, None] / 0.3) ** 2 + (np.log(MASS / 30.0) / 0.5) ** 2


@pytest.fixture
def three():
    with style():
        yield panels.panels(POINTS, (1.0, 1e3), (1e-4, 1e-2), "title")
    plt.close("all")


def test_one_panel_a_point_with_its_star(three):
    figure, axes = three
    assert list(axes) == list(POINTS)
    assert len(figure.axes) == 3
    assert figure.get_suptitle() == "title"
    for name, axis in axes.items():
        assert axis.get_xlim() == (1.0, 1e3)
        assert axis.get_ylim() == (1e-4, 1e-2)
        (star,) = axis.lines
        assert (star.get_xdata()[0], star.get_ydata()[0]) == POINTS[name]
        assert name in [text.get_text() for text in axis.texts]


def test_a_name_is_once_in_the_legend(three):
    figure, axes = three
    for axis in axes.values():
        planes.profile_regions(axis, MASS, G_X, Q, label="toy")
    planes.limit_curve(axes["A"], MASS, np.full(40, 1e-3), label="limit")
    panels.shared_legend(figure)
    (legend,) = figure.legends
    assert sorted(text.get_text() for text in legend.get_texts()) == [
        "68 %",
        "95 %",
        "limit",
        "the data's boson",
        "toy",
    ]
    assert not named_but_not_drawn(legend, *axes.values())
    figure.canvas.draw()
    below = legend.get_window_extent().y1
    assert all(axis.get_tightbbox().y0 >= below - 1.0 for axis in axes.values())


def test_notes_do_not_overlap(three):
    figure, axes = three
    for words in ("first", "second"):
        panels.note(axes["B"], words)
    figure.canvas.draw()
    first, second = (text.get_window_extent() for text in axes["B"].texts if text.get_gid() == "note")
    assert first.y0 > second.y1


@pytest.mark.parametrize("palette", [{**EXPERIMENT_COLOURS, "in Lmu": LMU_COLOUR}, BENCHMARK_COLOURS])
def test_what_is_drawn_together_can_be_told_apart(palette):
    figure = plt.figure(figsize=(4.0, 3.0), dpi=50)
    axis = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    for row, colour in enumerate(palette.values()):
        axis.axhspan(row, row + 1, color=colour, lw=0)
    axis.set_ylim(0, len(palette))
    figure.canvas.draw()
    shown = np.asarray(figure.canvas.buffer_rgba())[:, :, :3] / 255.0
    rows = ((np.arange(len(palette)) + 0.5) / len(palette) * shown.shape[0]).astype(int)
    seen = shown[rows, shown.shape[1] // 2]
    apart = np.linalg.norm(seen[:, None] - seen, axis=-1)[np.triu_indices(len(seen), 1)]
    assert apart.min() > 0.2
    plt.close(figure)


def test_no_points():
    with pytest.raises(InvalidArgument, match="at least one point"):
        panels.panels({}, (1.0, 1e3), (1e-4, 1e-2), "")
