"""The plane of mass and coupling: contours at the right place, labels apart, switches, Fig. 1 itself."""

import itertools

import matplotlib as mpl
import numpy as np
import pytest

mpl.use("Agg")
import matplotlib.pyplot as plt

from lmtbayes.errors import InvalidArgument
from lmtbayes.plotting.parameter_space import Entry, edges_of, parameter_space
from lmtbayes.plotting.placing import _rectangle, overlap

MASS, COUPLING = np.geomspace(0.5, 2e4, 60), np.geomspace(1e-6, 1e-1, 80)


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


def power_law(name, at_one, slope, kind="limit"):
    return Entry(name, f"the {name} experiment", kind, [(MASS, at_one * MASS**slope)], citation="nobody")


def corners(text):
    """Corners of a drawn label, rotated as it is, in pixels."""
    angle = np.radians(text.get_rotation())
    text.set_rotation(0)
    extent = text.get_window_extent()
    text.set_rotation(np.degrees(angle))
    centre = text.axes.transData.transform(text.get_position())
    return _rectangle(centre, extent.width, extent.height, angle)


def test_contour_of_a_known_statistic():
    # q = (g/g_lim)^4 z^2 with g_lim = 1e-4 M: cut at z^2 it is g_lim itself.
    statistic = 1.64 * (COUPLING[:, None] / (1e-4 * MASS)) ** 4
    ((mass, coupling),) = edges_of(MASS, COUPLING, statistic, 1.64)
    inside = (mass > 1) & (mass < 500)
    # The grid has 16 points a decade; linear interpolation of sqrt(q) in ln g.
    np.testing.assert_allclose(coupling[inside], 1e-4 * mass[inside], rtol=1e-2)
    assert edges_of(MASS, COUPLING, np.zeros_like(statistic), 2.71) == []


def test_islands_are_pieces_of_the_outline():
    x, y = np.log(MASS)[None, :], np.log(COUPLING)[:, None]
    bump = 10 * np.exp(-((x - 3) ** 2) - (y + 7) ** 2) + 10 * np.exp(-((x - 7) ** 2) - (y + 10) ** 2)
    assert len(edges_of(MASS, COUPLING, bump, 2.71)) == 2


def test_labels_hit_neither_each_other_nor_the_points():
    _, axis = plt.subplots(figsize=(9, 6.5))
    entries = [power_law(f"no. {i}", 10 ** (-4.5 + 0.25 * i), 0.2 + 0.05 * i) for i in range(8)]
    parameter_space(axis, entries, {"BP1": (15.0, 5e-4), "BP4": (100.0, 1e-3)})
    texts = [t for t in axis.texts if t.get_text()]
    assert {t.get_gid() for t in texts} >= {e.name for e in entries}
    for first, second in itertools.combinations([t for t in texts if t.get_gid() not in ("BP1", "BP4")], 2):
        assert overlap(corners(first), corners(second)) == 0.0
    frame = axis.get_window_extent()
    for text in texts:
        box = corners(text)
        assert (box[:, 0] > frame.x0).all()
        assert (box[:, 0] < frame.x1).all()


def test_what_is_not_handed_over_is_not_drawn():
    _, axis = plt.subplots()
    parameter_space(axis, [power_law("a", 1e-4, 0.5), power_law("b", 1e-9, 0.0, "projection")])
    assert {line.get_gid() for line in axis.lines} == {"a", "b"}
    # An edge outside the axes has no label.
    assert {t.get_gid() for t in axis.texts} == {"a"}
    assert axis.get_xscale() == axis.get_yscale() == "log"


def test_overlap_of_rectangles():
    square = _rectangle(np.zeros(2), 2.0, 2.0, 0.0)
    assert overlap(square, _rectangle(np.array([3.0, 0.0]), 2.0, 2.0, 0.0)) == 0.0
    assert overlap(square, _rectangle(np.array([1.5, 0.0]), 2.0, 2.0, 0.0)) == pytest.approx(0.5)
    # A diamond beside a square: the axis of the diamond's own side separates them.
    assert overlap(square, _rectangle(np.array([2.2, 2.2]), 2.0, 2.0, np.pi / 4)) == 0.0


def test_bad_input():
    with pytest.raises(InvalidArgument, match="`kind` must be one of 'limit'"):
        Entry("a", "a", "guess", [])
    with pytest.raises(InvalidArgument, match="`coupling of 'a'` must be an array of shape"):
        Entry("a", "a", "limit", [(MASS, COUPLING)])
    _, axis = plt.subplots()
    with pytest.raises(InvalidArgument, match="`mass_range` must be a strictly increasing"):
        parameter_space(axis, [], mass_range=(10.0, 1.0))
