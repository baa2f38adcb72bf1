"""Lines of a grid: which of a dense one are scanned, and how the lines between begin from the cells on their two sides.

What is profiled moves smoothly from line to line as long as the maximum stays on one branch: between the ends of two
climbs on one branch lies a start from which Newton needs two steps. Where the branches of the two sides differ, both
are starts, so that a line between them may be on either.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from lmtbayes.inference.frequentist.profile_table import ProfileCells

_SCANNED = 19
"""Lines of each direction that are scanned, or a few more, however many a grid has."""
_WIDEST = 0.36
"""Between lines that are scanned, of a logarithm: of the default ranges, which are 6.9 wide, a nineteenth part."""
_CLOSE, _CLOSE_PULLS, _PART_OF_PULLS = 0.3, 0.5, 0.1
"""Of logarithms, of pulls, and of pulls as parts of themselves: ends of cells beside each other that are closer are on
one branch."""
_PERHAPS = 3.0
"""Times that distance, within which they may be: the values of ln L between them decide."""

type Lines = tuple[np.ndarray, np.ndarray]
"""Coordinates of a grid in each direction, increasing."""


class Beside(NamedTuple):
    """The cells on both sides of each new one."""

    below: ProfileCells
    above: ProfileCells
    part: Float[np.ndarray, "#first #second"]
    """Of the way from below to above at which the new lines are; one of the directions has length one."""


def scanned_lines(line: Float[np.ndarray, " lines"]) -> Int[np.ndarray, " scanned"]:
    """Which lines of one direction are scanned: all of a coarse one; of a dense one every k-th, and both edges."""
    for every in range((line.size - 1) // _SCANNED, 1, -1):
        chosen = np.append(np.arange(0, line.size - 1, every), line.size - 1)
        if np.diff(line[chosen]).max() <= _WIDEST:
            return chosen
    return np.arange(line.size)


def with_lines(
    lines: Lines,
    cells: ProfileCells,
    fresh: Sequence[np.ndarray],
    evaluate: Callable[[Lines, Beside], ProfileCells],
) -> tuple[Lines, ProfileCells]:
    """Add lines to a grid, first those of the first direction.

    Parameters
    ----------
    lines, cells
        The grid, and what is known in its cells.
    fresh
        New lines of each direction, inside the grid.
    evaluate
        Lines, the new ones in one direction, and the cells on both sides, to the cells of the lines' product.
    """
    for axis, new in enumerate(fresh):
        if new.size:
            above = np.searchsorted(lines[axis], new)
            low, high = lines[axis][above - 1], lines[axis][above]
            part = np.expand_dims((new - low) / (high - low), 1 - axis)
            beside = Beside(cells.taken(axis, above - 1), cells.taken(axis, above), part)
            found = evaluate((new, lines[1]) if axis == 0 else (lines[0], new), beside)
            together = np.concatenate([lines[axis], new])
            order = np.argsort(together)
            cells = cells.joined(found, axis, order)
            lines = (together[order], lines[1]) if axis == 0 else (lines[0], together[order])
    return lines, cells


def on_one_branch(
    one: Float[np.ndarray, "*cells n"], other: Float[np.ndarray, "*cells n"], free: int, scale: float = 1.0
) -> Bool[np.ndarray, "*cells"]:
    """Whether ends, `free` parameters and then pulls, of cells beside each other are the same maximum, moved a little.

    `scale` times as far as is certain, and the pulls by as many parts of themselves more. False where one is not a
    number.
    """
    apart = np.abs(one - other)
    size = np.minimum(np.abs(one), np.abs(other))[..., free:]
    same_pulls = apart[..., free:] < scale * (_CLOSE_PULLS + _PART_OF_PULLS * size)
    return (apart[..., :free] < scale * _CLOSE).all(axis=-1) & same_pulls.all(axis=-1)


def starts_between(
    below: Sequence[Float[np.ndarray, "first second n"]],
    above: Sequence[Float[np.ndarray, "first second n"]],
    part: Float[np.ndarray, "#first #second"],
    free: int,
    is_higher_between: Callable[[np.ndarray, np.ndarray, np.ndarray, Bool[np.ndarray, "first second"]], np.ndarray],
) -> Float[np.ndarray, "first second starts n"]:
    """Where climbs begin between the two highest ends on each side; not numbers where there is none.

    Parameters
    ----------
    below, above
        Free parameters and pulls of the two ends, the higher first.
    part, free
        As of `Beside`; the number of free parameters.
    is_higher_between
        Ends on both sides, the point between them and a mask of cells, to a mask of those of these cells in which ln L
        is higher at that point than at both ends: no valley lies between them.

    Returns
    -------
    starts
        One for two ends on one branch, linear between them, and each other end as it is.
    """

    def between(one: np.ndarray, other: np.ndarray) -> np.ndarray:
        return one + part[..., None] * (other - one)

    same = [[on_one_branch(a, b, free) for b in above] for a in below]
    perhaps = ~same[0][0] & on_one_branch(below[0], above[0], free, _PERHAPS)
    same[0][0] = same[0][0] | is_higher_between(below[0], above[0], between(below[0], above[0]), perhaps)
    # The highest with the highest where they may be paired, and no end twice.
    straight = same[0][0] | same[1][1]
    pairs = [[same[0][0], same[0][1] & ~straight], [same[1][0] & ~straight, same[1][1]]]
    starts = list(below)
    for i, row in enumerate(pairs):
        for other, paired in zip(above, row, strict=True):
            starts[i] = np.where(paired[..., None], between(below[i], other), starts[i])
    for end, *column in zip(above, *pairs, strict=True):
        starts.append(np.where((column[0] | column[1])[..., None], np.nan, end))
    return np.stack(starts, axis=2)
