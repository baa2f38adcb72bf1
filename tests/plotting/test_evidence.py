import matplotlib.pyplot as plt
import numpy as np
import pytest

from lmtbayes.errors import InvalidArgument
from lmtbayes.plotting.evidence import evidence_bars, prior_sensitivity
from lmtbayes.plotting.style import style


@pytest.fixture(autouse=True)
def _close():
    with style():
        yield
    plt.close("all")


def test_bars_have_the_lengths_and_names_that_were_given():
    ax = evidence_bars({"a": (-1.3, 0.2), "b": (8.0, 0.5)}, "c")
    assert [bar.get_width() for bar in ax.patches if bar.get_width() in (-1.3, 8.0)] == [-1.3, 8.0]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["a", "b"]
    assert "against c" in ax.get_xlabel()
    assert {"inconclusive", "weak", "moderate", "strong"} <= {text.get_text() for text in ax.texts}
    low, high = ax.get_xlim()
    assert low < -8.5
    assert high > 8.5


def test_sensitivity_draws_what_is_known():
    edges = np.linspace(-5.0, -4.0, 5)
    errors = np.array([0.1, 0.1, 0.1, 0.1, np.inf])
    ax = prior_sensitivity(edges, {"a": (np.linspace(0.0, 2.0, 5), errors)}, "edge", "b")
    assert np.isnan(ax.lines[0].get_ydata()[-1])
    assert ax.get_xlim() == (-5.0, -4.0)
    assert ax.get_ylim()[1] > 1.6


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
