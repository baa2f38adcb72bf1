"""ln B against a setting and over toys; intervals by step: what is drawn is what was given."""

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import pytest

from lmtbayes.errors import InvalidArgument
from lmtbayes.plotting.bayes_factor import bayes_factor_lines, toy_histograms
from lmtbayes.plotting.intervals import interval_panels


def test_lines_hold_the_values_and_the_scale():
    _, axes = plt.subplots()
    lines = {"a": np.array([0.5, 40.0]), "b": np.array([-0.2, 3.0])}
    bayes_factor_lines(axes, np.array([10.0, 100.0]), lines, "exposure")
    drawn = {line.get_label(): line.get_ydata() for line in axes.lines}
    np.testing.assert_array_equal(drawn["a"], [0.5, 40.0])
    np.testing.assert_array_equal(drawn["b"], [-0.2, 3.0])
    assert axes.get_ylim()[1] > 40.0
    assert {text.get_text() for text in axes.texts} == {"strong", "inconclusive"}
    assert [label.get_text() for label in axes.get_xticklabels()] == ["10", "100"]
    plt.close("all")


def test_histograms_count_every_toy():
    rng = np.random.default_rng(1)
    toys = {"first": rng.normal(5.0, 1.0, 200), "second": rng.normal(-3.0, 1.0, 100)}
    _, axes = plt.subplots()
    toy_histograms(axes, toys, {"first": 5.0, "second": -3.0}, "ln B", bins=10)
    areas = [sum(patch.get_height() for patch in container) for container in axes.containers if len(container) == 10]
    assert areas == [200.0, 100.0]
    assert sorted(
        line.get_xdata()[0] for line in axes.lines if line.get_linestyle() == "--" and len(line.get_xdata())
    ) == [
        -3.0,
        5.0,
    ]
    plt.close("all")


def test_bars_are_the_intervals():
    figure, axes = plt.subplots(1, 1, layout="constrained")
    intervals = {"g": {"BP1": {"prior": (-5.0, -3.5, -2.0), "NA64": (-3.4, -3.3, -3.2)}}}
    interval_panels([axes], intervals, {"g": {"BP1": -3.3}}, {"g": "log g"})
    bars = [(bar.get_x(), bar.get_x() + bar.get_width()) for bar in axes.patches]
    np.testing.assert_allclose(bars, [(-5.0, -2.0), (-3.4, -3.2)])
    assert {text.get_text() for text in figure.legends[0].get_texts()} == {"prior", "NA64", "truth"}
    assert axes.get_xlabel() == "log g"
    with pytest.raises(InvalidArgument, match="one for each of the 1 parameters"):
        interval_panels([axes, axes], intervals, {"g": {"BP1": -3.3}}, {"g": "log g"})
    plt.close("all")
