"""ln B against a setting and over toys; intervals by step: what is drawn is what was given."""

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import pytest
from drawn import named_but_not_drawn

from lmtbayes.errors import InvalidArgument
from lmtbayes.plotting.bayes_factor import bayes_factor_lines, toy_histograms
from lmtbayes.plotting.intervals import interval_panels


def test_lines_hold_the_values_and_the_bands_the_words():
    _, axes = plt.subplots()
    lines = {"a": np.array([0.5, 40.0]), "b": np.array([-0.2, 3.0])}
    bayes_factor_lines(axes, np.array([10.0, 100.0]), lines, "exposure")
    drawn = {line.get_label(): line.get_xydata() for line in axes.lines}
    np.testing.assert_array_equal(drawn["a"], [[10.0, 0.5], [100.0, 40.0]])
    np.testing.assert_array_equal(drawn["b"], [[10.0, -0.2], [100.0, 3.0]])
    low, high = axes.get_ylim()
    assert low < -0.2
    assert high > 40.0
    # Trotta, arXiv:0803.4089, Table 1: below 1 inconclusive, from 5 strong; where the words stand is what they say.
    heights = {text.get_text(): text.get_position()[1] for text in axes.texts}
    assert abs(heights["inconclusive"]) < 1.0
    assert heights["strong"] > 5.0
    (shade,) = axes.patches
    assert (shade.get_y(), shade.get_y() + shade.get_height()) == (-1.0, 1.0)
    assert any(set(line.get_ydata()) == {5.0} for line in axes.lines)
    assert [
        (tick, label.get_text()) for tick, label in zip(axes.get_xticks(), axes.get_xticklabels(), strict=True)
    ] == [
        (10.0, "10"),
        (100.0, "100"),
    ]
    plt.close("all")


def test_histograms_count_every_toy():
    rng = np.random.default_rng(1)
    toys = {"first": rng.normal(5.0, 1.0, 200), "second": rng.normal(-3.0, 1.0, 100)}
    _, axes = plt.subplots()
    toy_histograms(axes, toys, {"first": 5.0, "second": -3.0}, "ln B", bins=10)
    filled = [container for container in axes.containers if len(container) == 10]
    for container, values in zip(filled, toys.values(), strict=True):
        edges = [*(bar.get_x() for bar in container), container[-1].get_x() + container[-1].get_width()]
        np.testing.assert_array_equal(
            [bar.get_height() for bar in container], np.histogram(values, edges + np.array([0.0] * 10 + [1e-9]))[0]
        )
        assert sum(bar.get_height() for bar in container) == len(values)
    dashed = {
        line.get_xdata()[0]: line.get_color()
        for line in axes.lines
        if line.get_linestyle() == "--" and len(line.get_xdata())
    }
    assert set(dashed) == {5.0, -3.0}
    # The Asimov line of a truth has the colour of its histogram.
    for container, at in zip(filled, (5.0, -3.0), strict=True):
        assert mpl.colors.to_rgb(container[0].get_facecolor()) == mpl.colors.to_rgb(dashed[at])
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["first", "second", "Asimov data"]
    plt.close("all")


def test_bars_are_the_intervals():
    figure, axes = plt.subplots(1, 1, layout="constrained")
    intervals = {"g": {"BP1": {"prior": (-5.0, -3.5, -2.0), "NA64": (-3.4, -3.3, -3.2)}}}
    interval_panels([axes], intervals, {"g": {"BP1": -3.3}}, {"g": "log g"})
    bars = [(bar.get_x(), bar.get_x() + bar.get_width()) for bar in axes.patches]
    np.testing.assert_allclose(bars, [(-5.0, -2.0), (-3.4, -3.2)])
    assert {text.get_text() for text in figure.legends[0].get_texts()} == {"prior", "NA64", "truth"}
    assert not named_but_not_drawn(figure.legends[0], axes)
    medians, truths = axes.lines[:-2], axes.lines[-2]
    assert [line.get_xdata()[0] for line in medians] == [-3.3]
    assert set(truths.get_xdata()) == {-3.3}
    assert axes.get_xlabel() == "log g"
    with pytest.raises(InvalidArgument, match="one for each of the 1 parameters"):
        interval_panels([axes, axes], intervals, {"g": {"BP1": -3.3}}, {"g": "log g"})
    plt.close("all")
