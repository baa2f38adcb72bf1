"""Which lines of a grid are scanned, and where climbs in the cells between them begin."""

import numpy as np
import pytest

import lmtbayes as lmt
from lmtbayes.inference.frequentist.lines import on_one_branch, scanned_lines, starts_between, with_lines
from lmtbayes.inference.frequentist.profile_table import ProfileCells


@pytest.mark.parametrize("size", [1, 2, 7, 20, 38])
def test_all_lines_of_a_coarse_grid_are_scanned(size):
    np.testing.assert_array_equal(scanned_lines(np.linspace(0.0, 1.0, size)), np.arange(size))


@pytest.mark.parametrize("size", [39, 40, 41, 99, 100, 101, 1000])
def test_of_a_dense_grid_every_kth_line_and_both_edges(size):
    chosen = scanned_lines(np.linspace(0.0, 3.0, size))
    assert (chosen[0], chosen[-1]) == (0, size - 1)
    assert 20 <= chosen.size <= 40
    assert len(set(np.diff(chosen)[:-1])) == 1


def test_scanned_lines_are_never_far_apart():
    """In 100 lines over four decades, or a few that are far apart among many that are close."""
    line = np.linspace(0.0, np.log(1e4), 100)
    assert np.diff(line[scanned_lines(line)]).max() < 0.37
    line = np.concatenate([np.linspace(0.0, 0.1, 80), [0.3, 0.6, 0.9]])
    chosen = scanned_lines(line)
    assert np.diff(line[chosen]).max() < 0.37
    np.testing.assert_array_equal(scanned_lines(np.linspace(0.0, 30.0, 80)), np.arange(80))


def cells_of(first, second):
    """Cells whose x tells their place."""
    cells = ProfileCells((first.size, second.size), 2, 0)
    cells.value = 10.0 * first[:, None] + second
    cells.x = np.stack(np.broadcast_arrays(first[:, None], second), axis=-1).astype(float)
    cells.converged[:] = True
    return cells


@pytest.mark.parametrize("shape", [(3, 4), (4, 1)])
def test_new_lines_are_put_between_and_told_how_far(shape):
    first, second = np.array([0.0, 1.0, 3.0, 4.0])[: shape[0]], np.arange(shape[1]) * 2.0
    fresh = [np.array([0.25, 2.0, 2.5]), np.array([0.5]) if shape[1] > 1 else np.zeros(0)]
    asked = []

    def evaluate(lines, beside):
        part = beside.part[..., None]
        between = beside.below.x + part * (beside.above.x - beside.below.x)
        expected = np.stack(np.broadcast_arrays(lines[0][:, None], lines[1]), axis=-1)
        np.testing.assert_allclose(between, expected)
        asked.append(beside.part.shape)
        return cells_of(*lines)

    lines, cells = with_lines((first, second), cells_of(first, second), fresh, evaluate)
    for line, old, new in zip(lines, (first, second), fresh, strict=True):
        np.testing.assert_array_equal(line, np.sort(np.concatenate([old, new])))
    np.testing.assert_array_equal(cells.value, 10.0 * lines[0][:, None] + lines[1])
    assert asked == [(3, 1), (1, 1)][: 1 + (shape[1] > 1)]


NONE = np.full(3, np.nan)


def starts(below, above, part=0.25, is_higher=None):
    """Of one cell, between ends of one free parameter and two pulls."""
    asked = []

    def higher(one, other, between, which):
        asked.append(bool(which[0, 0]))
        return np.full((1, 1), is_higher) & which

    def as_cells(ends):
        return [np.array(end, dtype=float)[None, None] for end in ends]

    found = starts_between(as_cells(below), as_cells(above), np.array([[part]]), 1, higher)[0, 0]
    return found[np.isfinite(found).all(axis=-1)], asked


def test_ends_on_one_branch_are_one_start_between_them():
    found, asked = starts([[1.0, 0.0, 5.0], NONE], [[1.2, 0.4, 5.6], NONE], is_higher=False)
    np.testing.assert_allclose(found, [[1.05, 0.1, 5.15]])
    assert asked == [False]


def test_ends_that_may_be_on_one_branch_are_if_there_is_no_valley_between():
    below, above = [[1.0, 0.0, 5.0], NONE], [[1.5, 1.0, 6.0], NONE]
    found, asked = starts(below, above, is_higher=True)
    np.testing.assert_allclose(found, [[1.125, 0.25, 5.25]])
    assert asked == [True]
    found, _ = starts(below, above, is_higher=False)
    np.testing.assert_allclose(found, [below[0], above[0]])


def test_ends_on_two_branches_are_both_starts():
    for far in ([2.0, 0.0, 5.0], [1.0, 2.0, 5.0]):
        found, asked = starts([[1.0, 0.0, 5.0], NONE], [far, NONE], is_higher=True)
        np.testing.assert_allclose(found, [[1.0, 0.0, 5.0], far])
        assert asked == [False]


ONE, TWO = np.array([1.0, 0.0, 0.0]), np.array([3.0, 1.0, 1.0])


@pytest.mark.parametrize(
    ("below", "above", "expected"),
    [
        ([ONE, TWO], [ONE + 0.2, TWO + 0.1], [ONE + 0.05, TWO + 0.025]),  # both on both sides
        ([ONE, TWO], [TWO + 0.2, ONE + 0.1], [ONE + 0.025, TWO + 0.05]),  # they cross
        ([ONE, TWO], [ONE + 0.2, NONE], [ONE + 0.05, TWO]),  # the second is seen on one side
        ([ONE, NONE], [TWO + 0.2, ONE + 0.1], [ONE + 0.025, TWO + 0.2]),  # the first is the second of the other side
        ([ONE, TWO], [NONE, NONE], [ONE, TWO]),  # every climb of one side failed
        ([NONE, NONE], [NONE, NONE], np.zeros((0, 3))),
    ],
)
def test_second_maxima_are_paired_too(below, above, expected):
    found, _ = starts(below, above, is_higher=False)
    np.testing.assert_allclose(found, expected)


def test_what_is_no_number_is_on_no_branch():
    # Large pulls move further.
    one = np.stack([ONE, ONE, ONE, [1, 20, 0]])
    other = np.stack([NONE, ONE, [1, 2, 0], [1, 22, 0]])
    np.testing.assert_array_equal(on_one_branch(one, other, 1), [False, True, False, True])
    np.testing.assert_array_equal(on_one_branch(other, one, 1, 3.0), [False, True, False, True])


@pytest.mark.slow
def test_a_dense_line_of_published_data_is_that_of_its_parts():
    """These are scanned line by line. A cell between two ends of which one is at an edge may be at the edge too."""
    model = lmt.LMU_LTAU.with_mixing("free")
    like = lmt.JointLikelihood(["muon-g2-2021", "na64mu-2022", "ccfr-trident"], model, "observed")
    g_x = np.geomspace(2e-5, 5e-3, 60)
    whole = lmt.profile_likelihood(like, {"g_x": g_x}, progress=False)["log_likelihood"].values
    parts = [lmt.profile_likelihood(like, {"g_x": part}, progress=False) for part in np.split(g_x, 2)]
    scanned = np.concatenate([part["log_likelihood"].values for part in parts])
    # Climbs end within 1e-9 of a maximum, up to 20 below the best.
    near = scanned > scanned.max() - 20.0
    assert near.sum() > 30
    np.testing.assert_allclose(whole[near], scanned[near], rtol=0.0, atol=1e-6)
