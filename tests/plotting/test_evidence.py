"""Pictures of evidences: bars, errors, curves and the bands of Jeffreys' scale are where the numbers are; bad input."""

import matplotlib as mpl
import numpy as np
import pytest

mpl.use("Agg")
import matplotlib.pyplot as plt
from drawn import named_but_not_drawn, segments

from lmtbayes.errors import InvalidArgument
from lmtbayes.plotting.evidence import evidence_bars, prior_sensitivity
from lmtbayes.plotting.style import style


@pytest.fixture(autouse=True)
def _close():
    with style():
        yield
    plt.close("all")


def strength(value):
    """Trotta's words (arXiv:0803.4089, Table 1)."""
    return "inconclusive" if value < 1 else "weak" if value < 2.5 else "moderate" if value < 5 else "strong"


def test_bars_and_errors_are_the_numbers_beside_their_names():
    given = {"a": (-1.3, 0.2), "b": (8.0, 0.5)}
    ax = evidence_bars(given, "c")
    (bars, errors) = ax.containers
    names = [label.get_text() for label in ax.get_yticklabels()]
    for row, (name, (value, error)) in enumerate(given.items()):
        bar, at = bars[row], ax.get_yticks()[names.index(name)]
        assert (bar.get_x() + min(bar.get_width(), 0.0), abs(bar.get_width())) == (min(value, 0.0), abs(value))
        assert bar.get_y() < at < bar.get_y() + bar.get_height()
        np.testing.assert_allclose(
            segments(errors)[0][2 * row : 2 * row + 2], [(value - error, at), (value + error, at)]
        )
    low, high = ax.get_xlim()
    assert low < -8.5
    assert high > 8.5
    assert ax.get_xlabel().endswith("against c")


def test_words_stand_over_their_bands():
    ax = evidence_bars({"a": (-1.3, 0.2), "b": (8.0, 0.5)}, "c")
    words = [(text.get_position()[0], text.get_text()) for text in ax.texts]
    assert {word for _, word in words} == {"inconclusive", "weak", "moderate", "strong"}
    for place, word in words:
        assert strength(abs(place)) == word
    # The darker a band, the stronger: alpha of the shade under every word.
    shades = {}
    for place, word in words:
        under = [
            p for p in ax.patches if p.get_alpha() and p.get_x() <= place <= p.get_x() + p.get_width() and p.zorder == 0
        ]
        shades[word] = max((p.get_alpha() for p in under), default=0.0)
    assert shades["inconclusive"] <= shades["weak"] < shades["moderate"] < shades["strong"]


def test_curves_and_their_errors_are_the_arrays_and_the_unknown_is_left_out():
    edges, values = np.linspace(-5.0, -4.0, 5), np.linspace(0.0, 2.0, 5)
    errors = np.array([0.1, 0.1, 0.2, 0.1, np.inf])
    curves = {"a": (values, errors), "other": (-values, np.full(5, 0.3))}
    ax = prior_sensitivity(edges, curves, "edge", "b")
    first, second = ax.lines[:2]
    np.testing.assert_array_equal(first.get_ydata(), [*values[:-1], np.nan])
    np.testing.assert_array_equal(second.get_ydata(), -values)
    band = ax.collections[0].get_paths()[0].vertices
    for x, y, error in zip(edges[:-1], values[:-1], errors[:-1], strict=True):
        heights = band[np.isclose(band[:, 0], x), 1]
        assert (heights.min(), heights.max()) == (pytest.approx(y - error), pytest.approx(y + error))
    assert band[:, 0].max() < edges[-1]
    assert ax.get_xlim() == (-5.0, -4.0)
    assert ax.get_ylim()[1] > 2.3
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["a", "other"]
    assert not named_but_not_drawn(ax.get_legend(), ax)


def test_one_axes_in_one_axes_out():
    _, ax = plt.subplots()
    assert evidence_bars({"a": (1.0, 0.1)}, "b", ax=ax) is ax


def test_bad_input_is_named():
    with pytest.raises(InvalidArgument, match="at least one model"):
        evidence_bars({}, "b")
    with pytest.raises(InvalidArgument, match="log_bayes_factors"):
        evidence_bars({"a": (np.nan, 0.1)}, "b")
    with pytest.raises(InvalidArgument, match="curves"):
        prior_sensitivity([1.0, 2.0], {"a": ([1.0], [1.0])}, "x", "b")
