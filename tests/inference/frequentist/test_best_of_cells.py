"""The best fit of a profile: no scan of its own where the cells are one; the same end either way."""

import jax.numpy as jnp
import numpy as np
import pytest
from profile_toys import FIXED, toy

import lmtbayes as lmt
from lmtbayes.experiments.terms import Gaussian
from lmtbayes.inference.frequentist import best_of_cells
from lmtbayes.inference.frequentist.best_of_cells import is_scan
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
    of = {name: np.log(x) for name, x in lines(40).items()}
    assert is_scan(box, of)
    assert not is_scan(box, {name: np.log(x) for name, x in lines(20).items()})
    assert not is_scan(box, {**of, "g_x": of["g_x"][:-3]})  # does not reach the end
    assert not is_scan(box, {**of, "mass": np.delete(of["mass"], [10, 11])})  # has a hole
    assert is_scan(box, {**of, "mass": np.sort(np.append(of["mass"], 1.234))})  # closer is closer


@pytest.mark.parametrize("number", [40, 5])
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
