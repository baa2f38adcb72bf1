"""The best fit of a profile: no scan of its own where the cells are one; the same end either way."""

import jax.numpy as jnp
import numpy as np
import pytest
from profile_toys import FIXED, toy

import lmtbayes as lmt
from lmtbayes.experiments.terms import Gaussian
from lmtbayes.inference.frequentist import best_of_cells
from lmtbayes.inference.frequentist.best_of_cells import lines_beyond
from lmtbayes.inference.frequentist.box import Box

BOUNDS = {"g_x": (1e-5, 1e-2), "mass": (1.0, 1000.0)}
TRUTH = (3e-4, 40.0)


@pytest.fixture(scope="module")
def like():
    """Two numbers that are ln g_x and ln mass, to a twentieth: one maximum, between all lines."""
    experiment = toy(lambda g, m, e, values: jnp.stack([jnp.log(g), jnp.log(m)]), Gaussian([0.05, 0.05]), 2)
    return lmt.JointLikelihood([experiment], FIXED, {"toy": np.log(TRUTH)}, check=False)


def lines(number):
    return {name: np.geomspace(*BOUNDS[name], number) for name in ("mass", "g_x")}


def test_what_is_a_scan():
    box = Box.of(FIXED, BOUNDS)
    of = {name: np.log(x) for name, x in lines(38).items()}
    assert lines_beyond(box, of) == {}
    assert lines_beyond(box, {name: np.log(x) for name, x in lines(20).items()}) is None
    for number in (40, 100):  # not all of these are scanned, but all climbed
        assert lines_beyond(box, {name: np.log(x) for name, x in lines(number).items()}) == {}
    assert lines_beyond(box, {**of, "mass": np.delete(of["mass"], [10, 11])}) is None  # has a hole
    assert lines_beyond(box, {**of, "mass": np.sort(np.append(of["mass"], 1.234))}) == {}  # closer is closer
    assert lines_beyond(box, {**of, "mass": of["mass"][:-1]}) == {}  # one step from the end


def test_what_a_grid_lacks_of_a_scan():
    """In one direction: with these lines it reaches as far, and no two are farther apart."""
    box = Box.of(FIXED, BOUNDS)
    of = {name: np.log(x) for name, x in lines(38).items()}
    for part in (slice(None, -10), slice(7, None), slice(7, -10)):
        short = of["mass"][part]
        found = lines_beyond(box, {**of, "mass": short})
        assert list(found) == ["mass"]
        both = np.sort(np.concatenate([short, found["mass"]]))
        assert lines_beyond(box, {**of, "mass": both}) == {}
        assert not ((found["mass"] >= short[0]) & (found["mass"] <= short[-1])).any()
    assert lines_beyond(box, {"mass": of["mass"][:-9], "g_x": of["g_x"][:-9]}) is None


@pytest.mark.parametrize("edges", [(1.0, 20.0), (100.0, 1000.0), (60.0, 300.0)])
def test_a_maximum_beside_the_grid_is_found(like, monkeypatch, edges):
    asked = []
    real = best_of_cells.search_box
    monkeypatch.setattr(best_of_cells, "search_box", lambda *given: asked.append(given[3]) or real(*given))
    grid = {"mass": np.geomspace(*edges, 24), "g_x": lines(38)["g_x"]}
    profile = lmt.profile_likelihood(like, grid, bounds=BOUNDS, progress=False)
    assert len(asked) == 1
    assert 0 < asked[0]["mass"].size < 24
    best = [profile.attrs[f"best_{name}"] for name in ("g_x", "mass")]
    np.testing.assert_allclose(np.log(best), np.log(TRUTH), atol=2e-4)


@pytest.mark.parametrize("number", [38, 40, 5])
def test_the_maximum_between_the_lines_is_found_with_one_scan_or_two(like, monkeypatch, number):
    calls = []
    real = best_of_cells.search_box
    monkeypatch.setattr(best_of_cells, "search_box", lambda *given: calls.append(1) or real(*given))
    profile = lmt.profile_likelihood(like, lines(number), bounds=BOUNDS, progress=False)
    assert bool(calls) == (number == 5)
    best = [profile.attrs[f"best_{name}"] for name in ("g_x", "mass")]
    # A climb ends where 1e-6 in ln L is left: a thousandth of 0.05.
    np.testing.assert_allclose(np.log(best), np.log(TRUTH), atol=2e-4)
    assert float(profile["q"].min()) >= -1e-9


def test_more_than_the_few_highest_cells_are_climbed(like, monkeypatch):
    """Beside any of these may be what is narrower than the lines are apart: of all published data there is one."""
    starts = []
    real = best_of_cells.climb_box
    monkeypatch.setattr(best_of_cells, "climb_box", lambda *given: starts.append(given[3]) or real(*given))
    lmt.profile_likelihood(like, lines(38), bounds=BOUNDS, progress=False)
    (tried,) = starts
    assert len(np.unique(tried[:, :2].round(9), axis=0)) >= 32
