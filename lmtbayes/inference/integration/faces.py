"""What the cells of a cubature overlook: a ridge that ends at the face of a wide cell, between whose nodes it goes on.

Beside a cell that was refined the integrand is known at the common face; where the wide neighbour has seen nothing as
high, what the face shows is neither in the neighbour's integral nor in the estimate of its error.
"""

import functools
import itertools

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.special import logsumexp

from lmtbayes.inference.integration.gauss_cells import FLOOR, GaussCells
from lmtbayes.inference.integration.gauss_legendre import LOW, rule

_SMALL = 1e-6
"""Cells with less than this part of the integral are not looked at."""


def overlooked(
    cells: GaussCells,
) -> tuple[Int[np.ndarray, " found"], Float[np.ndarray, " found"], Bool[np.ndarray, "found dim"]]:
    """Wide cells at whose faces a narrower neighbour of weight sees more than they do.

    Returns
    -------
    index
        Of the wide cells.
    part
        Of the whole integral, that their neighbours see at the faces and they do not, were it to reach into them as
        far as the neighbour is deep.
    wide
        Directions in which the cell is wider than such a neighbour.
    """
    dim = cells.dim
    values = cells.integrals()[0]
    total = logsumexp(values)
    heavy = np.flatnonzero(values > total + np.log(_SMALL))
    line, weights = rule(LOW, 1).line, rule(LOW, 1).line_weights
    others = np.array(list(itertools.product(line, repeat=dim - 1)))
    shares = functools.reduce(np.multiply.outer, [weights] * (dim - 1), np.ones(())).ravel()
    missing, wide = np.zeros(len(cells)), np.zeros((len(cells), dim), dtype=bool)
    for axis in range(dim):
        for side in (0.0, 1.0):
            inner = np.insert(others, axis, side, axis=1)
            cell, point = np.repeat(heavy, len(inner)), np.tile(inner, (len(heavy), 1))
            share = np.tile(shares, len(heavy))
            beyond = cells.low[cell] + point * cells.width[cell]
            beyond[:, axis] += (2.0 * side - 1.0) * 1e-3 * cells.width[cell, axis]
            inside = ((beyond >= 0.0) & (beyond < 1.0)).all(1)
            cell, point, share, beyond = cell[inside], point[inside], share[inside], beyond[inside]
            other = _locate(cells, beyond)
            coarse = (other >= 0) & (cells.width[other] > 2.1 * cells.width[cell]).any(1)
            cell, point, share, beyond, other = (x[coarse] for x in (cell, point, share, beyond, other))
            if not len(cell):
                continue
            own = _interpolated(cells, cell, point)
            theirs = _highest(cells, other)
            # No more than the highest node of the cell that sees it: an interpolant may shoot up at the edge.
            seen = np.minimum(own, np.nanmax(cells.low_values[cell], axis=1)) + cells.log_volume[cell] - total
            unseen = np.exp(seen) * share * np.maximum(-np.expm1(np.minimum(theirs - own, 0.0)), 0.0)
            np.add.at(missing, other, unseen)
            noted = unseen > 0.0
            np.logical_or.at(wide, other[noted], cells.width[other[noted]] > 1.1 * cells.width[cell[noted]])
    index = np.flatnonzero(missing > 0.0)
    return index, missing[index], wide[index]


def _locate(cells: GaussCells, points: np.ndarray) -> np.ndarray:
    """Index of the cell of every point; -1 where rounding hides it."""
    found = np.full(len(points), -1)
    widths, kind = np.unique(cells.width, axis=0, return_inverse=True)
    for k, width in enumerate(widths):
        own = np.flatnonzero(kind.ravel() == k)
        codes = _hashed(np.round(cells.low[own] / width))
        order = np.argsort(codes)
        wanted = _hashed(np.floor(points / width * (1.0 + 1e-15)))
        place = np.minimum(np.searchsorted(codes[order], wanted), len(own) - 1)
        candidate = own[order[place]]
        home = (codes[order[place]] == wanted) & (
            (points >= cells.low[candidate]) & (points <= cells.low[candidate] + cells.width[candidate])
        ).all(1)
        found[home] = candidate[home]
    return found


def _hashed(corner: np.ndarray) -> np.ndarray:
    factors = np.array(
        [0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0xD6E8FEB86659FD93], dtype=np.uint64
    )
    with np.errstate(over="ignore"):
        return (corner.astype(np.int64).astype(np.uint64) * factors[: corner.shape[1]]).sum(1)


def _highest(cells: GaussCells, which: np.ndarray) -> np.ndarray:
    """Largest ln f that each chosen cell knows of: at its nodes and where its error is judged."""
    index, back = np.unique(which, return_inverse=True)
    some = cells.take(index)
    floor = cells.low_values.max() - FLOOR
    lattice = (np.maximum(some.low_values, floor) @ rule(LOW, cells.dim).to_lattice.T).max(1)
    found = np.maximum(np.where(some.both, some.high_values.max(1), lattice), some.low_values.max(1))
    return found[back.ravel()]


def _interpolated(cells: GaussCells, which: np.ndarray, point: np.ndarray) -> np.ndarray:
    """Interpolant of ln f of each chosen cell at a point of its own, in [0, 1]^dim."""
    result = np.empty(len(which))
    floor = cells.low_values.max() - FLOOR
    some = cells.take(which)
    for chosen, used, values in some.by_rule():
        result[chosen] = used.interpolated(np.maximum(values, floor), point[chosen])
    return result
