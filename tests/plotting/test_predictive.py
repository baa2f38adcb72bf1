"""Posterior-predictive spectra: the ratio is that of what is above it, and the axis ends where events end."""

import matplotlib as mpl
import numpy as np
import pytest

mpl.use("Agg")
import matplotlib.pyplot as plt

from lmtbayes.errors import InvalidArgument
from lmtbayes.plotting.predictive import predictive_spectrum

EDGES = np.array([0.0, 1.0, 2.0, 4.0, 8.0])


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


def drawn(observed, expected, **options):
    figure, (axis, ratio) = plt.subplots(2, 1, sharex=True)
    draws = np.random.default_rng(0).normal(1.0, 0.05, (500, 1)) * np.asarray(expected)
    predictive_spectrum(axis, EDGES, np.asarray(observed), draws, ratio=ratio, xlabel="energy", **options)
    figure.canvas.draw()
    return axis, ratio, np.median(draws, axis=0)


def data(axis):
    (container,) = axis.containers
    return container.lines[0].get_xydata()


def test_the_ratio_is_data_over_the_median():
    observed = np.array([40.0, 35.0, 12.0, 3.0])
    axis, ratio, median = drawn(observed, [42.0, 30.0, 14.0, 2.0])
    np.testing.assert_allclose(data(axis)[:, 1], observed)
    np.testing.assert_allclose(data(ratio), np.column_stack([[0.5, 1.5, 3.0, 6.0], observed / median]))
    low, high = ratio.get_ylim()
    assert low < (observed / median).min() < (observed / median).max() < high
    assert (axis.get_xlabel(), ratio.get_xlabel()) == ("", "energy")


def test_the_axis_ends_where_events_end():
    axis, _, _ = drawn([9.0, 4.0, 0.0, 0.0], [8.0, 5.0, 0.3, 0.01])
    assert axis.get_xlim() == (0.0, 2.0)
    axis, _, _ = drawn([9.0, 4.0, 0.0, 1.0], [8.0, 5.0, 0.3, 0.01])  # an event there is one to be seen
    assert axis.get_xlim() == (0.0, 8.0)
    axis, ratio, _ = drawn([9.0, 4.0, 3.0, 1.0], [8.0, 5.0, 3.0, 1.0], end=5.0)
    assert axis.get_xlim() == ratio.get_xlim() == (0.0, 5.0)
    np.testing.assert_allclose(data(axis)[-1], [4.5, 1.0])  # in the middle of what is shown of its bin


def test_nothing_expected_and_nothing_seen_is_drawn_without_a_word():
    axis, ratio, _ = drawn([0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0])
    assert axis.get_xlim() == (0.0, 1.0)
    assert np.isnan(data(ratio)[:, 1]).all()


def test_counts_that_fall_a_thousandfold_have_a_logarithmic_axis():
    assert drawn([4000.0, 1800.0, 200.0, 4.0], [4100.0, 1700.0, 210.0, 4.0])[0].get_yscale() == "log"
    assert drawn([400.0, 180.0, 20.0, 4.0], [410.0, 170.0, 21.0, 4.0])[0].get_yscale() == "linear"


def test_shapes_that_do_not_fit():
    with pytest.raises(InvalidArgument, match="`observed` must"):
        predictive_spectrum(plt.figure().add_subplot(), EDGES, np.ones(3), np.ones((5, 4)))
