"""Corner and predictive pictures: panels, limits and levels are what was asked for; bad input."""

import matplotlib as mpl
import numpy as np
import pytest

mpl.use("Agg")
import matplotlib.pyplot as plt

from lmtbayes.errors import InvalidArgument
from lmtbayes.plotting.corner import corner
from lmtbayes.plotting.predictive import predictive_spectrum


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


def draws(size=4000):
    rng = np.random.default_rng(1)
    return {"log10_g_x": rng.normal(-3.3, 0.1, size), "log10_mass": rng.normal(1.2, 0.2, size)}


def test_corner_draws_the_lower_triangle_with_the_truth_inside():
    truth = {"log10_g_x": -2.5, "log10_mass": 1.2}
    axes = corner(draws(), prior=draws(), truth=truth, modes=[{"log10_g_x": -3.3, "log10_mass": 1.2}])
    assert axes.shape == (2, 2)
    assert not axes[0, 1].get_visible()
    low, high = axes[1, 0].get_xlim()
    assert low < -2.5 < high
    assert axes[1, 0].get_xlabel() == r"$\log_{10}\, g_x$"


def test_corner_refuses_ragged_samples():
    with pytest.raises(InvalidArgument, match="`samples` must be arrays of one length"):
        corner({"a": np.ones(3), "b": np.ones(4)})


def test_predictive_spectrum():
    _, axis = plt.subplots()
    expected = np.random.default_rng(0).normal(100, 3, (500, 4))
    predictive_spectrum(axis, np.array([1.0, 2, 4, 8, 16]), np.full(4, 98.0), expected, expected + 5, logarithmic=True)
    assert axis.get_xscale() == "log"
    with pytest.raises(InvalidArgument, match="`observed` must be an array of shape"):
        predictive_spectrum(axis, np.array([1.0, 2, 4]), np.ones(3), np.ones((5, 2)))
