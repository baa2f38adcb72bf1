"""The band of expected limits: what is drawn is what was given; bad input."""

import matplotlib as mpl

mpl.use("Agg")
import numpy as np
import pytest
from drawn import named_but_not_drawn, segments

from lmtbayes.errors import InvalidArgument
from lmtbayes.plotting.brazil import brazil_band

MASS = np.array([1.0, 10.0, 100.0])
BAND = 1e-4 * np.array([0.7, 0.8, 1.0, 1.3, 1.7]) * np.array([[1.0], [2.0], [4.0]])


def test_the_bands_are_those_that_were_given(axis):
    limit = np.array([1.1e-4, 1.8e-4, np.nan])
    brazil_band(axis, MASS, limit, BAND, label="toy")
    wide, narrow = (area.get_paths()[0].vertices for area in axis.collections)
    for vertices, low, high in ((wide, 0, 4), (narrow, 1, 3)):
        assert {tuple(point) for point in vertices} >= set(zip(MASS, BAND[:, low], strict=True))
        assert {tuple(point) for point in vertices} >= set(zip(MASS, BAND[:, high], strict=True))
    lines = {line.get_label(): line.get_ydata() for line in axis.lines}
    np.testing.assert_array_equal(lines["toy, expected"], BAND[:, 2])
    np.testing.assert_array_equal(lines["toy, observed"], limit)
    assert not named_but_not_drawn(axis.legend(), axis)


def test_a_band_that_ends_beyond_the_search_goes_on_to_the_top(axis):
    beyond = BAND.copy()
    beyond[-1, 3:] = np.nan
    axis.set(xscale="log", yscale="log", ylim=(1e-5, 1e-2))
    brazil_band(axis, MASS, BAND[:, 2], beyond)
    for area, low in zip(axis.collections, (0, 1), strict=True):
        vertices = {tuple(point) for point in area.get_paths()[0].vertices}
        assert (MASS[-1], BAND[-1, low]) in vertices
        assert max(y for x, y in vertices if x == MASS[-1]) > 1e-2
    assert axis.get_ylim() == (1e-5, 1e-2)


def test_errors_are_bars(axis):
    brazil_band(axis, MASS, BAND[:, 2], BAND, error=0.1 * BAND[:, 2])
    ((bars,),) = (segments(container) for container in axis.containers)
    np.testing.assert_allclose([y for _, y in bars], np.outer(BAND[:, 2], [0.9, 1.1]).ravel())


def test_bad_input(axis):
    with pytest.raises(InvalidArgument, match="`mass` must be a strictly increasing"):
        brazil_band(axis, MASS[::-1], BAND[:, 2], BAND)
    with pytest.raises(InvalidArgument, match="`mass` must be finite and positive"):
        brazil_band(axis, MASS - 1.0, BAND[:, 2], BAND)
