"""Picture of evidences: bars, errors and the bands of Jeffreys' scale are where the numbers are; bad input."""

import matplotlib as mpl
import numpy as np
import pytest

mpl.use("Agg")
import matplotlib.pyplot as plt
from drawn import segments

from lmtbayes.errors import InvalidArgument
from lmtbayes.plotting.evidence import evidence_bars
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
    ax = evidence_bars({"a": (-1.3, 0.2), "b": (5.5, 0.5)}, "c")
    words = [(text.get_position()[0], text.get_text()) for text in ax.texts if text.get_gid() == "scale"]
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


def test_a_title_has_its_place_and_no_words_lie_on_others():
    for given in ({"a": (-1.3, 0.2), "b": (5.5, 0.5)}, {"a": (42.0, 0.5), "b": (-0.2, 0.0)}):
        ax = evidence_bars(given, "c")
        ax.set_title("all data")
        ax.figure.canvas.draw()
        boxes = [text.get_window_extent() for text in ax.texts]
        assert not [1 for i, one in enumerate(boxes) for other in boxes[:i] if one.overlaps(other)]
        assert not [box for box in boxes if box.overlaps(ax.title.get_window_extent())]
        frame = ax.get_window_extent()
        assert all(frame.x0 <= box.x0 and box.x1 <= frame.x1 and box.y1 <= frame.y1 for box in boxes)


def test_the_line_at_zero_crosses_no_word():
    ax = evidence_bars({"a": (-0.3, 0.02), "b": (0.2, 0.0)}, "c")
    ax.figure.canvas.draw()
    (zero,) = [lines for lines in ax.collections if np.all(np.concatenate(lines.get_segments())[:, 0] == 0.0)]
    low, high = np.sort(ax.transData.transform(np.concatenate(zero.get_segments()))[:, 1])
    (word,) = [text.get_window_extent() for text in ax.texts if text.get_text() == "inconclusive"]
    assert word.x0 < ax.transData.transform((0.0, 0.0))[0] < word.x1
    assert high < word.y0
    bars = [bar.get_window_extent() for bar in ax.containers[0]]
    assert low < min(bar.y0 for bar in bars)
    assert high > max(bar.y1 for bar in bars)


def test_values_stand_beside_their_bars():
    ax = evidence_bars({"a": (-1.3, 0.2), "b": (5.5, 0.0)}, "c")
    assert [text.get_text() for text in ax.texts if text.get_gid() != "scale"] == ["-1.3 ± 0.2", "+5.5"]


def test_one_axes_in_one_axes_out():
    _, ax = plt.subplots()
    assert evidence_bars({"a": (1.0, 0.1)}, "b", ax=ax) is ax


def test_bad_input_is_named():
    with pytest.raises(InvalidArgument, match="at least one model"):
        evidence_bars({}, "b")
    with pytest.raises(InvalidArgument, match="log_bayes_factors"):
        evidence_bars({"a": (np.nan, 0.1)}, "b")
