"""More lines of a profile's grid where the edges of its regions are, until a region no longer moves when they double.

A grid is a product of two sets of lines. What a level's region needs is judged by `_level_sets.movement`: how far its
edges and its area move if every second line is taken away. New lines halve the distance of those that run through a
region, all of its connected parts alike, so that what is kept is a product still and every cell of it is computed.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from lmtbayes import _level_sets
from lmtbayes._level_sets import TOLERANCE
from lmtbayes.inference.frequentist.lines import Lines
from lmtbayes.inference.frequentist.profile_table import ProfileCells

_FIRST = 8
"""Lines through a region at first; twice as many in each round after it."""
_ROUNDS = 5
_MOST = 128
"""Lines that are added in each direction, at most."""
_BESIDE = 0.15
"""Of a region's extent, that is refined on either side of it."""


@dataclass(frozen=True)
class Refinement:
    """What was done to a grid; made by `refine`."""

    levels: tuple[float, ...]
    rounds: int
    added: tuple[int, int]
    """Lines in each direction."""
    movement: tuple[float, ...]
    """Of each level's region: estimated relative error of its extents and its area, an upper one."""

    @property
    def resolved(self) -> bool:
        """Whether every region is settled."""
        return max(self.movement) < TOLERANCE


def refine(
    lines: Lines,
    cells: ProfileCells,
    add: Callable[[Lines, ProfileCells, Sequence[np.ndarray]], tuple[Lines, ProfileCells]],
    q_of: Callable[[ProfileCells], tuple[Float[np.ndarray, "first second"], tuple[float, float]]],
    levels: Sequence[float],
    thresholds: Sequence[float],
) -> tuple[Lines, ProfileCells, Refinement]:
    """Add lines until the region of every level is settled.

    Parameters
    ----------
    lines
        Coordinates of the grid in each direction, increasing.
    cells
        What is known in every cell of their product.
    add
        Lines, their cells and new lines of each direction to the lines and cells of the finer grid.
    q_of
        Cells to q, and the coordinates of its lowest point, which need not be on the grid.
    levels, thresholds
        Names of the regions, and q at their edges.

    Returns
    -------
    lines, cells, refinement
        `refinement.resolved` is False where the rounds or the lines were not enough.
    """
    started = [line.size for line in lines]
    rounds = 0
    while True:
        q, lowest = q_of(cells)
        first, second = lines
        outlines = [_level_sets.outline(second, first, q, threshold) for threshold in thresholds]
        moves = np.array([_level_sets.movement(second, first, q, threshold)[::-1] for threshold in thresholds])
        if all(line[0] <= at <= line[-1] for line, at in zip(lines, lowest, strict=True)):
            moves[[outline.area == 0.0 for outline in outlines]] = 1.0  # a region between the lines
        if moves.max() < TOLERANCE or rounds == _ROUNDS:
            break
        fresh = [
            _between(lines[axis], _spans(outlines, moves[:, axis], axis, lowest), _FIRST << rounds) for axis in (0, 1)
        ]
        fresh = [_at_most(_MOST - line.size + n, new) for new, line, n in zip(fresh, lines, started, strict=True)]
        rounds += 1
        lines, cells = add(lines, cells, fresh)
    added = (lines[0].size - started[0], lines[1].size - started[1])
    return lines, cells, Refinement(tuple(levels), rounds, added, tuple(moves.max(axis=1).tolist()))


def _spans(
    outlines: Sequence[_level_sets.Outline], moves: np.ndarray, axis: int, lowest: tuple[float, float]
) -> list[tuple[float, float]]:
    """Extents, along an axis, of the parts of all regions that are not settled; the lowest point for one not seen."""
    spans = []
    for outline, move in zip(outlines, moves, strict=True):
        if move >= TOLERANCE:
            corners = [points[:, 1 - axis] for points, _ in outline.polygons]
            spans += [(float(c.min()), float(c.max())) for c in corners] or [(lowest[axis], lowest[axis])]
    return spans


def _at_most(number: int, lines: np.ndarray) -> np.ndarray:
    """Leave out lines evenly where there are too many."""
    return lines if lines.size <= number else lines[np.linspace(0, lines.size - 1, max(number, 0)).astype(int)]


def _between(lines: np.ndarray, spans: Sequence[tuple[float, float]], number: int) -> np.ndarray:
    """New lines: `number` of them through every span, and as dense a little beside it; at least halves its steps."""
    parts = np.ones(lines.size - 1, dtype=int)
    steps = np.diff(lines)
    for low, high in spans:
        pad = _BESIDE * (high - low)
        hit = (lines[1:] >= low - pad) & (lines[:-1] <= high + pad)
        if not hit.any():
            continue
        finest = (high - low) / number or steps[hit].max() / number
        parts[hit] = np.maximum(parts[hit], np.ceil(np.minimum(steps[hit] / finest, number) - 1e-9).astype(int))
        if parts[hit].max() == 1:
            parts[hit] = 2
    pieces = [low + step * np.arange(1, n) / n for low, step, n in zip(lines, steps, parts, strict=False)]
    return np.concatenate([np.zeros(0), *pieces])
