"""Planes of mass and coupling, pulls and impacts: what is drawn is where it should be; bad input."""

import matplotlib as mpl
import numpy as np
import pytest

mpl.use("Agg")
import matplotlib.pyplot as plt

from lmtbayes.errors import InvalidArgument
from lmtbayes.plotting import planes, pulls

MASS, G_X = np.geomspace(1.0, 1000.0, 81), np.geomspace(1e-5, 1e-2, 91)
Q = (np.log(G_X / 5e-4)[:, None] / 0.3) ** 2 + (np.log(MASS / 30.0) / 0.5) ** 2


@pytest.fixture
def axis():
    yield planes.plane(plt.figure().add_subplot())
    plt.close("all")


def test_the_plane_is_logarithmic_with_units(axis):
    assert (axis.get_xscale(), axis.get_yscale()) == ("log", "log")
    assert "MeV" in axis.get_xlabel()


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
    assert [text.get_text() for text in axis.get_legend().get_texts()] == ["toy"]


def test_infinite_q_does_not_hurt(axis):
    q = np.where(Q > 50.0, np.inf, Q)
    planes.profile_regions(axis, MASS, G_X, q)
    assert np.isfinite(axis.lines[0].get_xdata()).all()


def test_posterior_regions_hold_their_content(axis):
    planes.posterior_regions(axis, MASS, G_X, np.exp(-0.5 * Q))
    for line, level in zip(axis.lines, (0.6827, 0.9545), strict=True):
        q = (np.log(line.get_ydata() / 5e-4) / 0.3) ** 2 + (np.log(line.get_xdata() / 30.0) / 0.5) ** 2
        # A 2-d Gaussian holds 1 - exp(-q/2); cells of 0.09 against a width of 0.3 limit this to a few per cent.
        np.testing.assert_allclose(1.0 - np.exp(-0.5 * q), level, atol=0.03)


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
    planes.limit_curve(axis, MASS, np.full(81, 1e-3), fill=0.0, line_style="-.", label="toy")
    assert [c.get_alpha() for c in axis.collections] == [0.0]
    assert axis.lines[0].get_linestyle() == "-."


def test_stars_bands_and_crosses(axis):
    planes.stars(axis, {"BP1": (15.0, 5e-4)})
    planes.best_fit(axis, 20.0, 4e-4)
    planes.band(axis, MASS, 1e-4 * np.ones(81), 3e-4 * np.ones(81), label="band")
    assert [text.get_text() for text in axis.texts] == ["BP1"]
    assert len(axis.lines) == 2
    assert axis.collections[0].get_paths()[0].contains_point((20.0, 2e-4))


def test_bad_planes(axis):
    with pytest.raises(InvalidArgument, match="mass_range"):
        planes.plane(axis, (10.0, 1.0))
    with pytest.raises(InvalidArgument, match="mass"):
        planes.profile_regions(axis, -MASS[::-1], G_X, Q)
    with pytest.raises(InvalidArgument, match="density"):
        planes.posterior_regions(axis, MASS, G_X, -Q)
    with pytest.raises(InvalidArgument, match="levels"):
        planes.posterior_regions(axis, MASS, G_X, Q, levels=(68.27, 95.45))


def test_pulls_and_impacts():
    axis = plt.figure().add_subplot()
    names = ["flux_ess", "radius_argon"]
    pulls.pull_plot(axis, names, np.array([0.5, -2.4]), np.array([0.6, 1.0]))
    assert [label.get_text() for label in axis.get_yticklabels()] == ["flux ess", "radius argon"]
    low, high = axis.get_xlim()
    assert low < -3.4
    assert high > 1.1
    other = plt.figure().add_subplot()
    pulls.impact_plot(other, names, np.array([[-0.02, 0.02], [0.0, 0.01]]))
    assert sorted(round(patch.get_width(), 3) for patch in other.patches) == [-0.02, 0.0, 0.01, 0.02]
    third = plt.figure().add_subplot()
    image = pulls.correlation_plot(third, ["ln g_x", "flux_ess"], np.array([[1.0, -0.001], [-0.001, 1.0]]))
    assert image.get_clim() == (-1.0, 1.0)
    assert [text.get_text() for text in third.texts] == ["1.00", "0.00", "0.00", "1.00"]
    with pytest.raises(InvalidArgument, match="pull"):
        pulls.pull_plot(axis, names, np.zeros(3), np.zeros(3))
    with pytest.raises(InvalidArgument, match="names"):
        pulls.impact_plot(axis, [], np.zeros((0, 2)))
    plt.close("all")
