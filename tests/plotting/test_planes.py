"""Planes of mass and coupling, pulls and impacts: what is drawn is where it should be; bad input."""

import matplotlib as mpl
import numpy as np
import pytest

mpl.use("Agg")
import matplotlib.pyplot as plt
from drawn import named_but_not_drawn, segments

from lmtbayes.errors import InvalidArgument
from lmtbayes.plotting import planes, pulls
from lmtbayes.plotting.style import BENCHMARK_COLOURS

MASS, G_X = np.geomspace(1.0, 1000.0, 81), np.geomspace(1e-5, 1e-2, 91)
Q = (np.log(G_X / 5e-4)[:, None] / 0.3) ** 2 + (np.log(MASS / 30.0) / 0.5) ** 2


@pytest.fixture
def axis():
    yield planes.plane(plt.figure().add_subplot())
    plt.close("all")


def test_the_plane_is_logarithmic_and_holds_its_ranges(axis):
    planes.plane(axis, (1.0, 1e4), (1e-6, 1e-2))
    low, middle, high = axis.transData.transform([(1.0, 1e-6), (100.0, 1e-4), (1e4, 1e-2)])
    np.testing.assert_allclose(middle, 0.5 * (low + high))
    frame = axis.get_window_extent()
    np.testing.assert_allclose([low, high], [[frame.x0, frame.y0], [frame.x1, frame.y1]])
    assert axis.get_xlabel().endswith("[MeV]")


def test_profile_lines_lie_on_their_thresholds(axis):
    planes.profile_regions(axis, MASS, G_X, Q, label="toy")
    assert len(axis.lines) == 2
    for line, threshold in zip(axis.lines, planes.PROFILE_Q, strict=True):
        q = (np.log(line.get_ydata() / 5e-4) / 0.3) ** 2 + (np.log(line.get_xdata() / 30.0) / 0.5) ** 2
        np.testing.assert_allclose(np.sqrt(q), np.sqrt(threshold), rtol=0.03)
    assert len(axis.patches) == 2
    # A point inside the inner region is inside both fills, one outside of both in none.
    inside = [patch.get_path().contains_point((30.0, 5e-4)) for patch in axis.patches]
    outside = [patch.get_path().contains_point((300.0, 5e-4)) for patch in axis.patches]
    assert inside == [True, True]
    assert outside == [False, False]
    planes.legend(axis)
    assert [text.get_text() for text in axis.get_legend().get_texts()] == ["toy", "68 %", "95 %"]
    styles = [handle.get_linestyle() for handle in axis.get_legend().legend_handles[1:]]
    assert styles == [line.get_linestyle() for line in axis.lines]
    assert not named_but_not_drawn(axis.get_legend(), axis)


def test_infinite_q_does_not_hurt(axis):
    q = np.where(Q > 50.0, np.inf, Q)
    planes.profile_regions(axis, MASS, G_X, q)
    assert np.isfinite(axis.lines[0].get_xdata()).all()


def test_a_limit_shades_what_it_excludes_and_leaves_islands_open(axis):
    limit = np.where(MASS < 300.0, 1e-4 * np.ones_like(MASS), np.nan)
    lower = np.where(MASS < 10.0, 3e-4, np.nan)
    planes.limit_curve(axis, MASS, limit, [(lower, 2.0 * lower)], label="90 %")

    def shaded(mass, g_x):
        return any(path.contains_point((mass, g_x)) for c in axis.collections for path in c.get_paths())

    assert shaded(3.0, 2e-4)
    assert not shaded(3.0, 4e-4)  # the island
    assert shaded(3.0, 2e-3)
    assert shaded(100.0, 4e-4)
    assert not shaded(100.0, 5e-5)
    assert not shaded(500.0, 5e-3)
    first_without = MASS[np.argmax(~np.isfinite(lower))]
    assert shaded(first_without, 2e-4)  # no gap where the island ends


def test_a_limit_can_leave_out_its_shade(axis):
    limit = 1e-3 * (1 + MASS / 100.0)
    planes.limit_curve(axis, MASS, limit, fill=0.0, line_style="-.", label="toy")
    assert [c.get_alpha() for c in axis.collections] == [0.0]
    (line,) = axis.lines
    np.testing.assert_array_equal(line.get_xydata(), np.column_stack([MASS, limit]))
    planes.legend(axis)
    (entry,) = axis.get_legend().legend_handles
    assert (entry.get_linestyle(), entry.get_color()) == (line.get_linestyle(), line.get_color())


def test_stars_and_crosses_are_at_their_points(axis):
    points = {"BP1": (15.0, 5e-4), "mine": (200.0, 2e-3)}
    planes.stars(axis, points)
    planes.best_fit(axis, 20.0, 4e-4)
    drawn = {(line.get_marker(), line.get_xdata()[0], line.get_ydata()[0]): line.get_color() for line in axis.lines}
    assert list(drawn) == [("*", 15.0, 5e-4), ("*", 200.0, 2e-3), ("x", 20.0, 4e-4)]
    assert drawn["*", 15.0, 5e-4] == BENCHMARK_COLOURS["BP1"]
    # Each name stands beside its own star, and is not drawn where none is wanted.
    assert {text.get_text(): tuple(text.xy) for text in axis.texts} == points
    planes.stars(axis, points, name_them=False, colour_all="red")
    assert len(axis.texts) == 2
    assert [line.get_color() for line in axis.lines[-2:]] == ["red", "red"]


def test_a_band_lies_between_its_curves(axis):
    lower, upper = 1e-4 * (1 + MASS / 100.0), 3e-4 * (1 + MASS / 50.0)
    planes.band(axis, MASS, lower, upper, label="band")
    (path,) = axis.collections[0].get_paths()
    middle = np.sqrt(lower * upper)[1:-1]
    assert path.contains_points(np.column_stack([MASS[1:-1], middle])).all()
    for outside in (0.95 * lower, 1.05 * upper):
        assert not path.contains_points(np.column_stack([MASS, outside])).any()
    planes.legend(axis)
    assert not named_but_not_drawn(axis.get_legend(), axis)
    assert [text.get_text() for text in axis.get_legend().get_texts()] == ["band"]


def test_bad_planes(axis):
    with pytest.raises(InvalidArgument, match="mass_range"):
        planes.plane(axis, (10.0, 1.0))
    with pytest.raises(InvalidArgument, match="mass"):
        planes.profile_regions(axis, -MASS[::-1], G_X, Q)


NAMES = ["flux_ess", "radius_argon"]


def test_pulls_and_widths_are_the_numbers_in_the_rows_of_their_names():
    pull, width = np.array([0.5, -2.4]), np.array([0.6, 1.0])
    other = plt.figure().add_subplot()
    pulls.pull_plot(other, NAMES, pull, width, label="fit")
    (container,) = other.containers
    rows = other.get_yticks()
    assert [label.get_text() for label in other.get_yticklabels()] == ["flux ess", "radius argon"]
    np.testing.assert_array_equal(container.lines[0].get_xydata(), np.column_stack([pull, rows]))
    ends = np.array(segments(container)[0]).reshape(2, 2, 2)
    np.testing.assert_allclose(ends[:, :, 0], np.column_stack([pull - width, pull + width]))
    # The first name is on top; one and two standard deviations of the constraint are shaded.
    assert other.transData.transform((0.0, rows[0]))[1] > other.transData.transform((0.0, rows[1]))[1]
    shades = sorted((p.get_x(), p.get_x() + p.get_width()) for p in other.patches)
    assert shades == [(-2.0, 2.0), (-1.0, 1.0)]
    legend = other.legend()
    words = {text.get_text() for text in legend.get_texts()}
    assert words == {"fit", r"constraint, $1\sigma$", r"constraint, $2\sigma$"}
    low, high = other.get_xlim()
    assert low < -3.4
    assert high > 1.1
    with pytest.raises(InvalidArgument, match="pull"):
        pulls.pull_plot(other, NAMES, np.zeros(3), np.zeros(3))


def test_impacts_are_bars_of_their_lengths():
    impact = np.array([[-0.02, 0.02], [0.0, 0.01]])
    other = plt.figure().add_subplot()
    pulls.impact_plot(other, NAMES, impact)
    for column, bars in enumerate(other.containers):
        np.testing.assert_allclose([bar.get_width() for bar in bars], impact[:, column])
        for row, bar in zip(other.get_yticks(), bars, strict=True):
            assert abs(bar.get_y() + 0.5 * bar.get_height() - row) < 0.5
    assert [text.get_text() for text in other.get_legend().get_texts()] == [r"$-1\sigma$", r"$+1\sigma$"]
    faces = [bars[0].get_facecolor() for bars in other.containers]
    assert [handle.get_facecolor() for handle in other.get_legend().legend_handles] == faces
    with pytest.raises(InvalidArgument, match="names"):
        pulls.impact_plot(other, [], np.zeros((0, 2)))


def test_where_no_coupling_is_allowed_all_is_shaded_and_without_a_limit_nothing():
    figure, axis = plt.subplots()
    mass = np.geomspace(1.0, 100.0, 4)
    planes.plane(axis, (1.0, 100.0), (1e-5, 1e-2))
    limit, excluded = np.array([np.nan, 1e-4, 1e-3, np.nan]), np.array([True, False, False, False])
    planes.limit_curve(axis, mass, limit, excluded=excluded)
    (shade,) = axis.collections
    (outline,) = shade.get_paths()
    low = {x: outline.vertices[outline.vertices[:, 0] == x][:, 1].min() for x in mass[:3]}
    np.testing.assert_allclose(list(low.values()), [1e-5, 1e-4, 1e-3])
    assert outline.vertices[:, 0].max() < mass[3]
    plt.close(figure)
