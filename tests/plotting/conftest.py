"""Axes to draw on, closed afterwards."""

import matplotlib as mpl
import pytest

mpl.use("Agg")
import matplotlib.pyplot as plt


@pytest.fixture
def axis():
    figure, found = plt.subplots()
    yield found
    plt.close(figure)
