"""Contours and limits of profiles that are known in closed form; the data sets are made here, not fitted."""

import warnings

import numpy as np
import pytest
import xarray
from hypothesis import given
from hypothesis import strategies as st

from lmtbayes import tables
from lmtbayes.errors import InvalidArgument, ResolutionWarning, UnknownName
from lmtbayes.inference.frequentist.axes import threshold
from lmtbayes.inference.frequentist.contours import contours
from lmtbayes.inference.frequentist.limits import intervals, upper_limit

G_X, MASS = np.geomspace(1e-5, 1e-2, 121), np.geomspace(1.0, 1000.0, 101)


def profile(q, g_x=G_X, mass=MASS):
    units = {"g_x": "1", "mass": "MeV"}
    coords = {name: (name, values, {"units": units[name]}) for name, values in (("g_x", g_x), ("mass", mass))}
    attrs = {"lmtbayes_version": "0", "experiments": "toy", "best_g_x": 5e-4, "best_mass": 30.0, "best_eps_x": -1e-5}
    return xarray.Dataset({"q": (("g_x", "mass"), q)}, coords, attrs | {"best_log_likelihood": -1.0})


def ellipse(sigma_g=0.3, sigma_m=0.5, g_x=G_X, mass=MASS):
    return profile(
        (np.log(g_x / 5e-4)[:, None] / sigma_g) ** 2 + (np.log(mass / 30.0) / sigma_m) ** 2, g_x=g_x, mass=mass
    )


def test_thresholds_are_those_of_the_paper():
    assert threshold(0.6827, 2) == pytest.approx(2.30, abs=0.005)
    assert threshold(0.9545, 2) == pytest.approx(6.18, abs=0.005)
    assert threshold(0.6827, 1) == pytest.approx(1.00, abs=0.005)
    assert threshold(0.9545, 1) == pytest.approx(4.00, abs=0.005)
    assert threshold(0.90, 1) == pytest.approx(2.71, abs=0.005)


@pytest.mark.parametrize("dof", [1, 2])
def test_an_ellipse_is_closed_and_where_it_should_be(dof):
    found = contours(ellipse(), dof=dof)
    assert found.names == ("mass", "g_x")
    for contour in found.levels:
        assert contour.closed
        assert contour.status == "closed"
        (line,) = contour.lines
        q = (np.log(line.y / 5e-4) / 0.3) ** 2 + (np.log(line.x / 30.0) / 0.5) ** 2
        # Linear interpolation of sqrt(q) over cells of 0.07 in ln M: second order in the cell over the radius.
        np.testing.assert_allclose(np.sqrt(q), np.sqrt(contour.q), rtol=0.02)
    assert "degrees of freedom" in str(found)
    assert found[0.9545].q == pytest.approx(threshold(0.9545, dof))


WHOLE = contours(ellipse(), (0.6827,))[0.6827]


@given(st.integers(0, 40), st.integers(80, 120), st.integers(0, 30), st.integers(70, 100))
def test_a_contour_does_not_depend_on_the_range_of_the_grid(g_low, g_high, m_low, m_high):
    """The points of the small grid are points of the large one: what is inside both is the same."""
    whole = WHOLE.lines[0]
    cut = ellipse(g_x=G_X[g_low : g_high + 1], mass=MASS[m_low : m_high + 1])
    part = contours(cut, (0.6827,))[0.6827]
    assert part.closed
    assert sorted(np.round(part.lines[0].x, 6)) == pytest.approx(sorted(np.round(whole.x, 6)))


def test_a_contour_that_the_grid_cuts_is_open_and_says_where():
    found = contours(ellipse(mass=np.geomspace(40.0, 1000.0, 80)))[0.6827]
    assert not found.closed
    assert found.lines[0].sides == ("mass lower",)
    assert found.status == "open at the grid's mass lower edge"


def test_no_line_at_all():
    assert contours(profile(np.zeros((121, 101))))[0.6827].status == "nothing on the grid is excluded"
    elsewhere = profile(np.full((121, 101), 50.0)).assign_attrs(best_g_x=0.1)
    assert contours(elsewhere)[0.6827].status == "nothing on the grid is allowed"


def test_a_contour_that_the_grid_does_not_resolve_is_not_closed_and_says_so():
    coarse = ellipse(0.03, 0.05, G_X[::2], MASS[::2])
    with pytest.warns(ResolutionWarning, match=r"68\.27 % and 95\.45 % are not resolved by a grid of 51 x 61 lines"):
        found = contours(coarse)
    for contour in found.levels:
        assert not contour.closed
        assert contour.error == 1.0
        assert contour.status.startswith("not resolved by the grid")
    assert "closed" not in str(found)
    # The best fit lies between the lines, and the region with it.
    with pytest.warns(ResolutionWarning):
        assert not contours(profile(np.full((121, 101), 50.0)))[0.6827].resolved


@pytest.mark.parametrize("number", [11, 13, 16, 20, 25])
def test_the_error_of_a_contour_is_an_upper_one(number):
    """Five to thirty cells in the 68 % region."""
    sigma = 0.8
    grid = ellipse(sigma, sigma, np.geomspace(1e-5, 1e-2, number), np.geomspace(1.0, 1000.0, number))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResolutionWarning)
        found = contours(grid)
    for contour in found.levels:
        exact = np.pi * sigma**2 * contour.q
        assert abs(contour.area / exact - 1.0) < max(contour.error, 2e-3)
        x = np.concatenate([line.x for line in contour.lines])
        assert abs(np.log(x.max() / 30.0) / (sigma * np.sqrt(contour.q)) - 1.0) < 2.0 * max(contour.error, 2e-3)


def test_two_regions_are_two_lines():
    q = np.minimum(ellipse(0.1, 0.3)["q"], ellipse(0.1, 0.3)["q"].values[::-1] + 1.0)
    contour = contours(profile(q.values))[0.9545]
    assert len(contour.lines) == 2
    assert contour.closed
    assert contour.status == "closed, 2 lines"


def test_negative_mixing_on_an_axis():
    data = ellipse().rename(g_x="eps_x").assign_coords(eps_x=-G_X[::-1])
    line = contours(data)[0.6827].lines[0]
    assert (line.y < 0.0).all()
    assert line.closed


def test_csv_round_trip(tmp_path):
    found = contours(ellipse())
    path = found.to_csv(tmp_path / "contours.csv")
    text = path.read_text()
    assert text.startswith("# lmtbayes 0: profile likelihood of toy")
    assert "# units: mass [MeV], g_x [1]" in text
    columns = tables.read_csv(path)
    for contour in found.levels:
        rows = np.isclose(columns["level"], contour.level)
        np.testing.assert_allclose(columns["mass"][rows], contour.lines[0].x, rtol=1e-9)
        np.testing.assert_allclose(columns["g_x"][rows], contour.lines[0].y, rtol=1e-9)
        assert (columns["closed"][rows] == 1).all()
    assert list(tmp_path.iterdir()) == [path]  # no temporary file is left


def test_a_csv_that_cannot_be_written_leaves_the_old_one(tmp_path, monkeypatch):
    path = tmp_path / "contours.csv"
    path.write_text("old")
    monkeypatch.setattr("os.replace", lambda source, target: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        contours(ellipse()).to_csv(path)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_bad_input_of_contours():
    with pytest.raises(InvalidArgument, match="levels"):
        contours(ellipse(), (68.27,))
    with pytest.raises(InvalidArgument, match="two parameters"):
        contours(ellipse().isel(mass=0))
    with pytest.raises(InvalidArgument, match="dof"):
        contours(ellipse(), dof=3)
    with pytest.raises(InvalidArgument, match="one of"):
        contours(ellipse(), x="kappa")
    with pytest.raises(UnknownName, match=r"0\.6827"):
        contours(ellipse())[0.9]


# -- one parameter ----------------------------------------------------------------------------------------------------


def test_gaussian_intervals():
    found = intervals(ellipse(), "g_x", 0.6827)
    assert found["lower"].dims == ("mass", "interval")
    # q is a parabola in ln g at every mass; sqrt(q) with its sign is linear, so the crossing is exact.
    np.testing.assert_allclose(found["lower"][:, 0], 5e-4 * np.exp(-0.3), rtol=1e-4)
    np.testing.assert_allclose(found["upper"][:, 0], 5e-4 * np.exp(0.3), rtol=1e-4)
    assert not found["open_below"].any()
    one = intervals(ellipse().isel(g_x=60), "mass", 0.9545)
    np.testing.assert_allclose(one["upper"], [30.0 * np.exp(1.0)], rtol=1e-4)
    assert one.attrs["q_threshold"] == pytest.approx(4.0, abs=1e-2)


def test_global_intervals_vanish_far_from_the_best_fit():
    found = intervals(ellipse(), "g_x", 0.6827, relative_to="global")
    empty = np.isnan(found["lower"][:, 0].values)
    np.testing.assert_array_equal(empty, np.abs(np.log(MASS / 30.0)) > 0.5)
    i = int(np.argmin(np.abs(MASS - 40.0)))
    half = 0.3 * np.sqrt(1.0 - (np.log(MASS[i] / 30.0) / 0.5) ** 2)
    np.testing.assert_allclose(found["upper"][i, 0], 5e-4 * np.exp(half), rtol=1e-3)
    assert set(upper_limit(ellipse(), "g_x", relative_to="global")["status"].values.tolist()) == {1, 3}


def counting(background=0.0):
    """Null result of a counting experiment: mu = (g/g0)^2 c(M) + b with n = b; q = 2 (s - b ln(1 + s/b))."""
    signal = (G_X[:, None] / 1e-4) ** 2 / (1.0 + (MASS / 100.0) ** 2)
    logarithm = background * np.log1p(signal / background) if background else 0.0
    return profile(2.0 * (signal - logarithm))


def test_the_limit_of_a_null_result():
    found = upper_limit(counting(), "g_x", tails="two")
    # q = 2 s reaches 2.71 at s = 1.353 without background; s at the lowest g_x of the grid is 0.01, and is the best.
    exact = np.sqrt(1e-8 * 0.5 * threshold(0.90, 1) * (1.0 + (MASS / 100.0) ** 2) + G_X[0] ** 2)
    np.testing.assert_allclose(found["limit"], exact, rtol=2e-3)
    assert (found["status"] == 0).all()
    assert (found["islands"] == 0).all()
    one_sided = upper_limit(counting(), "g_x", 0.95, tails="one")
    np.testing.assert_allclose(one_sided["limit"], found["limit"], rtol=2e-3)  # 1.645^2 = 2.706


def test_islands_above_a_limit_are_reported():
    # An interference: q = 40 (x (x - 2))^2 with x = g/1e-3 has zeros at 0 and at x = 2.
    x = G_X[:, None] / 1e-3 * np.ones(MASS.size)
    found = upper_limit(profile(40.0 * (x * (x - 2.0)) ** 2), "g_x", tails="two")
    root = np.sqrt(threshold(0.90, 1) / 40.0)
    np.testing.assert_allclose(found["limit"], 1e-3 * (1.0 - np.sqrt(1.0 - root)), rtol=5e-3)
    assert (found["islands"] == 1).all()
    np.testing.assert_allclose(found["island_lower"][:, 0], 1e-3 * (1.0 + np.sqrt(1.0 - root)), rtol=5e-3)
    np.testing.assert_allclose(found["island_upper"][:, 0], 1e-3 * (1.0 + np.sqrt(1.0 + root)), rtol=5e-3)


def test_no_limit_on_the_grid_and_a_signal():
    flat = upper_limit(profile(np.zeros((121, 101))), "g_x")
    assert (flat["status"] == 2).all()
    assert flat["limit"].isnull().all()
    signal = upper_limit(ellipse(), "g_x", tails="two")
    assert (signal["status"] == 1).all()
    np.testing.assert_allclose(signal["limit"], 5e-4 * np.exp(0.3 * np.sqrt(threshold(0.9, 1))), rtol=1e-3)
    assert signal.attrs["q_threshold"] == pytest.approx(2.7055, abs=1e-3)
    # One-sided, as published limits are, unless asked: 1.282 standard deviations at 90 %.
    one_sided = upper_limit(ellipse(), "g_x")
    np.testing.assert_allclose(one_sided["limit"], 5e-4 * np.exp(0.3 * 1.2815515655), rtol=1e-3)
    assert one_sided.attrs["q_threshold"] == pytest.approx(1.6424, abs=1e-3)


def test_a_region_narrower_than_the_grid_is_not_lost():
    sharp = ellipse(sigma_g=0.005)
    found = intervals(sharp, "g_x", 0.9545)
    np.testing.assert_allclose(found["upper"][:, 0], 5e-4 * np.exp(0.01), rtol=1e-3)


def test_bad_input_of_limits():
    for arguments, message in [
        (("kappa",), "parameter"),
        (("g_x", 90), "cl"),
    ]:
        with pytest.raises(InvalidArgument, match=message):
            upper_limit(ellipse(), *arguments)
    with pytest.raises(InvalidArgument, match="relative_to"):
        upper_limit(ellipse(), "g_x", relative_to="best")
    with pytest.raises(InvalidArgument, match="tails"):
        upper_limit(ellipse(), "g_x", tails="three")
    with pytest.raises(InvalidArgument, match="one tail"):
        upper_limit(ellipse(), "g_x", 0.4, tails="one")
