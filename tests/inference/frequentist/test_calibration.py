"""Calibrations made by hand: critical values, what lies between truths, and the regions and limits that follow."""

import dataclasses

import numpy as np
import pytest
import xarray
from scipy import optimize, stats

from lmtbayes.errors import InvalidArgument, ResolutionWarning
from lmtbayes.inference.frequentist import order_statistics
from lmtbayes.inference.frequentist.axes import threshold
from lmtbayes.inference.frequentist.calibration import Calibration
from lmtbayes.inference.frequentist.contours import contours
from lmtbayes.inference.frequentist.limits import intervals, upper_limit
from lmtbayes.inference.frequentist.truth_mesh import Mesh

G_X, MASS = np.geomspace(1e-5, 1e-2, 91), np.geomspace(1.0, 1000.0, 81)
ABOUT = {"experiments": "toy", "model": "Lmu-Ltau", "mixing": "0.5", "ranges": "all"}


def plane(function, relative_to="global", toys=4000, masses=4, couplings=5, spread=0.0):
    """A calibration whose critical value of any level p is function(g_x, mass) p: q of the toys is even up to it."""
    g_x, mass = np.geomspace(1e-5, 1e-2, couplings), np.geomspace(1.0, 1000.0, masses)
    truths = np.stack([x.ravel() for x in np.meshgrid(g_x, mass, indexing="ij")], axis=-1)
    parts = (np.arange(toys) + 0.5) / toys
    q = function(*truths.T)[:, None] * parts
    return Calibration(
        names=("g_x", "mass"),
        truths=truths,
        q=q,
        above=np.broadcast_to(np.arange(toys) % 2 == 0, q.shape),
        converged=np.broadcast_to(np.arange(toys) > 0, q.shape),
        nuisances="profiled",
        relative_to=relative_to,
        parameter="g_x" if relative_to == "slice" else None,
        levels=(0.6827, 0.9545),
        seed=3,
        resolved=True,
        about=ABOUT,
    )


def profile(q, g_x=G_X, mass=MASS, **variables):
    coords = {"g_x": ("g_x", g_x, {"units": "1"}), "mass": ("mass", mass, {"units": "MeV"})}
    attrs = {"best_g_x": 5e-4, "best_mass": 30.0, "best_eps_x": -1e-5, "best_log_likelihood": 0.0}
    return xarray.Dataset({"q": (("g_x", "mass"), q), **variables}, coords, ABOUT | {"mixing": 0.5} | attrs)


# -- critical values --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("level", [0.6827, 0.9545])
def test_the_interval_of_order_statistics_holds_the_quantile_in_two_of_three_samples(level):
    samples = np.random.default_rng(4).chisquare(2, (800, 300))
    found = order_statistics.critical(samples, level)
    holds = np.mean((found.low <= threshold(level, 2)) & (threshold(level, 2) <= found.high))
    # Ranks are whole, so that it is more than 68 %, here by up to 10 %; three binomial errors of 800 are 5 %.
    assert 0.63 < holds < 0.83
    # The asymptotic error of a quantile: sqrt(p (1 - p)/n)/density.
    error = np.sqrt(level * (1.0 - level) / 300) / stats.chi2.pdf(threshold(level, 2), 2)
    assert error < np.mean(found.error) < 1.25 * error
    # Half a step above the quantile, in a density that falls.
    assert np.mean(found.value) == pytest.approx(threshold(level, 2), abs=0.3 * error)


def test_the_threshold_of_whole_numbers_of_events_lies_between_two_of_them():
    # q is 0, 1 or 4 with 60, 32 and 8 %: 90 % are accepted up to 1, whatever rounding does to a fit.
    q = np.repeat([0.0, 1.0, 4.0], [600, 320, 80]) + 1e-8 * np.random.default_rng(1).random(1000)
    found = order_statistics.critical(q, 0.9)
    assert found == pytest.approx((2.5, 2.5, 2.5), abs=1e-6)
    assert order_statistics.critical(q, 0.5).value == pytest.approx(0.5, abs=1e-6)
    assert order_statistics.critical(q, 0.95).value == pytest.approx(4.04, abs=1e-3)  # all that there are
    with pytest.raises(InvalidArgument, match=r"`size` must be larger for a level of 99\.9 %"):
        order_statistics.critical(q, 0.999)


def test_values_between_truths_are_linear_on_lines_and_planes():
    rng = np.random.default_rng(2)
    points = np.concatenate([np.array([[x, y] for x in (0.0, 1.0, 4.0) for y in (-2.0, 7.0)]), rng.random((9, 2))])
    mesh = Mesh(points)
    wanted = np.column_stack([rng.uniform(0.0, 4.0, 50), rng.uniform(-2.0, 7.0, 50)])
    linear = points @ [[2.0, 0.0], [-1.0, 1.0]] + 3.0
    np.testing.assert_allclose(mesh.at(wanted, linear), wanted @ [[2.0, 0.0], [-1.0, 1.0]] + 3.0, atol=1e-12)
    np.testing.assert_allclose(mesh.at(points, linear), linear, atol=1e-12)
    assert not mesh.holds(np.array([[4.1, 0.0]]))
    line = Mesh(np.array([[1.0, 5.0], [0.0, 5.0], [3.0, 5.0]]))
    assert line.edges().tolist() == [[0, 1], [0, 2]]
    assert line.at(np.array([[2.0, 5.0]]), np.array([[10.0], [0.0], [30.0]])) == pytest.approx(20.0)
    assert Mesh(np.array([[1.0, 2.0]])).edges().shape == (0, 2)


# -- regions and limits -----------------------------------------------------------------------------------------------


def ellipse():
    return profile((np.log(G_X / 5e-4)[:, None] / 0.5) ** 2 + (np.log(MASS / 30.0) / 0.7) ** 2)


def test_calibrated_by_chi2_a_contour_is_the_usual_one():
    usual = threshold(0.6827, 2)
    found = contours(ellipse(), (0.6827,), calibration=plane(lambda g, m: np.full(g.size, usual / 0.6827)))
    plain = contours(ellipse(), (0.6827,))[0.6827]
    assert found[0.6827].area == pytest.approx(plain.area, rel=1e-3)
    assert found[0.6827].q == pytest.approx(usual, rel=1e-3)
    assert "degrees of freedom" not in str(found)
    assert "Feldman-Cousins, nuisances profiled (20 truths, 4000 toys at each)" in str(found)
    assert "by Monte Carlo" in str(found)


def test_a_contour_is_where_q_reaches_the_critical_value_of_that_point():
    def critical(g, m):  # linear in the logarithms, as the interpolation is
        return (6.0 + np.log(g / 1e-3) + 0.3 * np.log(m)) / 0.9

    calibration = plane(critical)
    found = contours(ellipse(), (0.9,), calibration=calibration)[0.9]
    assert found.closed
    (line,) = found.lines
    q = (np.log(line.y / 5e-4) / 0.5) ** 2 + (np.log(line.x / 30.0) / 0.7) ** 2
    np.testing.assert_allclose(np.sqrt(q), np.sqrt(0.9 * critical(line.y, line.x)), rtol=0.02)
    assert found.q_range == pytest.approx((0.9 * critical(line.y, line.x)[[0]].min(), q.max()), rel=0.3)
    # The area goes with c, whose relative error of even q is sqrt(p (1 - p)/n)/p.
    assert found.monte_carlo == pytest.approx(np.sqrt(0.9 * 0.1 / 4000) / 0.9, rel=0.2)


def bounded(sigma=1.0, best=0.0):
    """q of a Gaussian measurement of (g_x/1e-3)^2 that cannot be below zero, relative to the best value there is."""
    u = (G_X / 1e-3) ** 2
    at_best = max(best, 0.0)
    q = ((u - best) ** 2 - (at_best - best) ** 2) / sigma**2
    log_at_zero = -0.5 * (best**2 - (at_best - best) ** 2) / sigma**2
    zero = ("mass", np.full(3, log_at_zero), {})
    return profile(np.repeat(q[:, None], 3, axis=1), mass=MASS[:3], log_likelihood_at_zero_g_x=zero)


@pytest.mark.parametrize("best", [-1.5, 0.0, 1.0, 4.0])
def test_a_calibrated_limit_is_where_q_reaches_the_critical_value(best):
    def critical(g):
        return 2.0 + 0.2 * np.log(g / 1e-5)

    calibration = plane(lambda g, m: critical(g) / 0.9, "slice")
    q = bounded(best=best)
    found = upper_limit(q, "g_x", calibration=calibration)
    at_best = max(best, 0.0)

    def difference(u):
        return (u - best) ** 2 - (at_best - best) ** 2 - critical(1e-3 * np.sqrt(u))

    expected = 1e-3 * np.sqrt(optimize.brentq(difference, at_best + 1e-9, 50.0))
    np.testing.assert_allclose(found["limit"], expected, rtol=2e-3)
    assert np.all(found["status"] == (1 if difference((G_X[0] / 1e-3) ** 2) > 0.0 else 0))
    # dq/dln g = 4 u (u - best), and one error of c is sqrt(p (1 - p)/n)/p of it.
    u = (expected / 1e-3) ** 2
    error = critical(expected) * np.sqrt(0.1 / 0.9 / 4000) / (4.0 * u * (u - best)) * expected
    np.testing.assert_allclose(found["limit_error"], error, rtol=0.25)
    assert found.attrs["calibration"].startswith("Feldman-Cousins, nuisances profiled")
    assert not found["exact"].any()
    both = intervals(q, "g_x", 0.9, calibration=calibration)
    np.testing.assert_allclose(both["upper"].isel(interval=0), found["limit"])
    assert np.isfinite(both["upper_error"]).all()


def test_errors_count_what_is_not_known_between_truths_and_it_is_said():
    def critical(g, m):
        return np.where(g < 1e-3, 3.0, 4.0) / 0.9

    known = plane(critical, "slice")
    unknown = dataclasses.replace(known, resolved=False)
    between = {"g_x": np.sqrt(10.0**-3.5 * 10.0**-2.75), "mass": 30.0}  # half way from 3 to 4
    for calibration, step in ((known, 0.0), (unknown, 0.5)):
        found = calibration.at(0.9, between)
        assert found.value == pytest.approx(3.5, rel=1e-3)
        monte_carlo = 3.5 * np.sqrt(0.1 / 0.9 / 4000)
        assert found.error == pytest.approx(np.hypot(monte_carlo, step), rel=0.1)
    with pytest.warns(ResolutionWarning, match="upper_limit read critical values between truths"):
        found = upper_limit(bounded(best=1.0), "g_x", calibration=unknown)
    assert (found["limit_error"] > 3.0 * upper_limit(bounded(best=1.0), "g_x", calibration=known)["limit_error"]).all()
    assert "not resolved" in found.attrs["calibration"]


def test_one_tail_never_excludes_what_is_below_the_best():
    found = intervals(
        bounded(best=4.0), "g_x", 0.9, tails="one", calibration=plane(lambda g, m: 0.0 * g + 4.0, "slice")
    )
    assert found["open_below"].isel(interval=0).all()
    u = (found["upper"].isel(interval=0, mass=0).item() / 1e-3) ** 2
    assert (u - 4.0) ** 2 == pytest.approx(3.2, rel=1e-2)


def test_a_level_is_one():
    for level in (1.5, 90.0, float("nan"), 0.0):
        with pytest.raises(InvalidArgument, match="`level` must be between 0 and 1"):
            plane(lambda g, m: g).critical(level)


def test_one_tail_counts_toys_whose_best_value_lies_below():
    calibration = plane(lambda g, m: np.full(g.size, 4.0), "slice")
    # Every second toy has q_mu = 0: 90 % of all are the lower 80 % of the others.
    np.testing.assert_allclose(calibration.critical(0.9, "one").value, 0.8 * 4.0, rtol=1e-3)
    limit = upper_limit(bounded(), "g_x", tails="one", calibration=calibration)["limit"]
    np.testing.assert_allclose(limit, 1e-3 * 3.2**0.25, rtol=2e-3)
    with pytest.raises(InvalidArgument, match="`tails` must be 'two' for a calibration relative to the global"):
        plane(lambda g, m: g).critical(0.9, "one")


# -- files, words, errors ---------------------------------------------------------------------------------------------


def test_a_calibration_survives_a_file(tmp_path):
    before = plane(lambda g, m: 3.0 + np.log(m), "slice", toys=200)
    after = Calibration.from_netcdf(before.to_netcdf(tmp_path / "calibration.nc"))
    for field in dataclasses.fields(Calibration):
        np.testing.assert_equal(getattr(after, field.name), getattr(before, field.name))
    assert str(after) == str(before)
    assert "20 of 4000 fits ended where ln L is flat (no coupling, no mass), or did not converge" in str(after)
    assert "(chi^2: 1)" in str(after)  # one degree of freedom in slices
    dataset = before.to_xarray()
    np.testing.assert_array_equal(dataset["critical"].isel(level=1), before.critical(0.9545).value)
    assert not list(tmp_path.glob("*.tmp"))


def test_what_does_not_fit_is_refused(tmp_path):
    q, good = ellipse(), plane(lambda g, m: np.full(g.size, 3.0))
    calls = {
        "must be of the profile's experiments, other": lambda: contours(
            q.assign_attrs(experiments="other"), calibration=good
        ),
        "must be relative to the best value of slices of g_x": lambda: upper_limit(q, "g_x", calibration=good),
        "must reach as far as the profile; its truths have g_x from 1e-05 to 0.01": lambda: contours(
            q.assign_coords(mass=2.0 * MASS), calibration=good
        ),
        "`method` must be left out where a calibration decides": lambda: upper_limit(
            q, "g_x", method="exact", calibration=good
        ),
        "must be of the profile's likelihood; its experiments have the same names": lambda: contours(
            q.assign_attrs(likelihood="one"), calibration=dataclasses.replace(good, about=ABOUT | {"likelihood": "two"})
        ),
        "must be one of g_x and kappa": lambda: contours(q.rename(mass="kappa"), calibration=good),
        "a file that Calibration.to_netcdf wrote": lambda: Calibration.from_netcdf(tmp_path / "none.nc"),
        "must be what Calibration.to_xarray gives": lambda: Calibration.from_xarray(q),
    }
    for message, call in calls.items():
        with pytest.raises(InvalidArgument, match=message):
            call()
