"""A tree of cells that tiles the unit cube: split where it matters, neighbours, point location, marginals, regions.

The leaves are kept in Morton order (the bits of their corner interleaved), in which every cell is one interval: the
cell of a point is found by bisection, in NumPy and in JAX alike.
"""

import functools
from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np
import scipy.sparse
import scipy.sparse.csgraph
from jaxtyping import Array, Float, Int

FINEST = 20
"""Corners are integers in units of 2^-FINEST; three coordinates of 20 bits fit a 64-bit code."""
STEEPEST = 4.0
"""Largest ln of the ratio of a density at two faces of a cell that a finite difference is trusted with."""


@dataclass(frozen=True, eq=False)
class MortonCells:
    """Cells of width 2^-level that tile the unit cube, in Morton order.

    Parameters
    ----------
    corner
        Lower corner, in units of 2^-FINEST.
    level
        Of each cell.
    """

    corner: Int[np.ndarray, "cells coordinates"]
    level: Int[np.ndarray, " cells"]

    @classmethod
    def uniform(cls, dimensions: int, level: int) -> "MortonCells":
        """All cells of one level."""
        axis = np.arange(2**level) << (FINEST - level)
        corner = np.stack(np.meshgrid(*[axis] * dimensions, indexing="ij"), axis=-1).reshape(-1, dimensions)
        corner = corner[np.argsort(morton_code(corner, np))]
        return cls(corner, np.full(len(corner), level))

    def __len__(self) -> int:
        return len(self.level)

    @property
    def dimensions(self) -> int:
        """Number of coordinates."""
        return self.corner.shape[1]

    @functools.cached_property
    def code(self) -> Int[np.ndarray, " cells"]:
        """Morton code of the lower corner, increasing."""
        return np.asarray(morton_code(self.corner, np))

    @property
    def width(self) -> Float[np.ndarray, " cells"]:
        """Edge length."""
        return 2.0 ** -self.level.astype(float)

    @property
    def low(self) -> Float[np.ndarray, "cells coordinates"]:
        """Lower corner in the unit cube."""
        return self.corner / 2.0**FINEST

    @property
    def centre(self) -> Float[np.ndarray, "cells coordinates"]:
        """Centre in the unit cube."""
        return self.low + 0.5 * self.width[:, None]

    @property
    def log_volume(self) -> Float[np.ndarray, " cells"]:
        """Ln of the volume, that is of the probability under the measure whose quantiles the cube holds."""
        return -self.dimensions * np.log(2.0) * self.level

    def locate(self, unit: Float[np.ndarray, "points coordinates"]) -> Int[np.ndarray, " points"]:
        """Index of the cell of every point."""
        return np.searchsorted(self.code, morton_code(integer(unit, np), np), side="right") - 1

    def split(self, chosen: Int[np.ndarray, " chosen"]) -> tuple["MortonCells", Int[np.ndarray, " new"]]:
        """Halve every edge of the chosen cells.

        Returns
        -------
        cells
            The new tiling.
        origin
            For every new cell the index of the old cell it was; -1 for a child, whose parent is no more.
        """
        kept = np.ones(len(self), dtype=bool)
        kept[chosen] = False
        octants = np.stack(np.meshgrid(*[[0, 1]] * self.dimensions, indexing="ij"), -1).reshape(-1, self.dimensions)
        level = self.level[chosen] + 1
        child = self.corner[chosen, None, :] + (octants[None] << (FINEST - level)[:, None, None])
        corner = np.concatenate([self.corner[kept], child.reshape(-1, self.dimensions)])
        levels = np.concatenate([self.level[kept], np.repeat(level, len(octants))])
        origin = np.concatenate([np.flatnonzero(kept), np.full(len(levels) - kept.sum(), -1)])
        order = np.argsort(morton_code(corner, np))
        return MortonCells(corner[order], levels[order]), origin[order]

    def neighbours(self) -> tuple[Int[np.ndarray, " pairs"], Int[np.ndarray, " pairs"], Int[np.ndarray, " pairs"]]:
        """Pairs of cells that share a face, the first of the pair never the larger one, and the axis across it."""
        code = self.code
        size = np.int64(1) << (FINEST - self.level)
        middle = self.corner + (size // 2)[:, None]
        first, second, axes = [], [], []
        for axis in range(self.dimensions):
            for beyond in (self.corner[:, axis] - 1, self.corner[:, axis] + size):
                inside = np.flatnonzero((beyond >= 0) & (beyond < 1 << FINEST))
                point = middle[inside].copy()
                point[:, axis] = beyond[inside]
                found = np.searchsorted(code, morton_code(point, np), side="right") - 1
                # From the larger side only one of several smaller neighbours is seen; they see it themselves.
                seen = self.level[found] <= self.level[inside]
                first.append(inside[seen])
                second.append(found[seen])
                axes.append(np.full(seen.sum(), axis))
        return np.concatenate(first), np.concatenate(second), np.concatenate(axes)

    def gradients(self, values: Float[np.ndarray, "cells ..."]) -> Float[np.ndarray, "cells ... coordinates"]:
        """Gradient of `values` in units of the cell, the change across it: the mean towards its neighbours.

        Neighbours whose value is not finite tell nothing; where none is left the gradient is zero.
        """
        total, number = self._towards_both_sides(values)
        found: np.ndarray = total.sum(axis=-1) / np.maximum(number.sum(axis=-1), 1e-300)
        return found

    def limited_gradients(self, values: Float[np.ndarray, "cells ..."]) -> Float[np.ndarray, "cells ... coordinates"]:
        """`gradients`, but none where the two sides disagree, and nowhere more than twice that of either side.

        Of a step between two cells neither has a slope (B. van Leer, J. Comput. Phys. 23 (1977) 276).
        """
        total, number = self._towards_both_sides(values)
        each = total / np.maximum(number, 1e-300)
        both = (number > 0.0).all(axis=-1)
        mean = total.sum(axis=-1) / np.maximum(number.sum(axis=-1), 1e-300)
        most = np.where(both, 2.0 * np.abs(each).min(axis=-1) * (each[..., 0] * each[..., 1] > 0.0), np.inf)
        return np.clip(mean, -most, most)

    def _towards_both_sides(self, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Sums of the slopes towards lower and upper neighbours, (cells, ..., coordinates, 2), and of their shares."""
        i, j, axis = self.neighbours()
        centre, rows = self.centre, values.reshape(len(self), -1)
        known = np.isfinite(rows[i]) & np.isfinite(rows[j])
        slope = np.subtract(rows[j], rows[i], where=known, out=np.zeros(known.shape))
        distance = centre[j, axis] - centre[i, axis]
        slope /= distance[:, None]
        pair, places = np.arange(i.size), (len(self) * self.dimensions * 2, i.size)
        shares = scipy.sparse.csr_array(places)
        for cell, other, is_above in ((i, j, distance > 0.0), (j, i, distance < 0.0)):
            # Several small neighbours on one side count as one together.
            share = np.where(
                self.level[other] > self.level[cell],
                0.5 ** ((self.dimensions - 1.0) * (self.level[other] - self.level[cell])),
                1.0,
            )
            # Two cells of one size are seen from both: count the pair once.
            share = np.where((self.level[other] == self.level[cell]), 0.5, share)
            place = 2 * (cell * self.dimensions + axis) + is_above
            shares = shares + scipy.sparse.csr_array((share, (place, pair)), shape=places)
        found = []
        for x in (slope, known.astype(float)):
            sums = (shares @ x).reshape(len(self), self.dimensions, 2, -1)
            found.append(np.moveaxis(sums, 3, 1).reshape(*values.shape, self.dimensions, 2))
        return found[0] * self.width.reshape(-1, *(1,) * (values.ndim + 1)), found[1]

    def regions(self, chosen: np.ndarray) -> Int[np.ndarray, " cells"]:
        """Label the connected regions of the chosen cells (a mask): 0, 1, ...; -1 for cells that are not chosen."""
        i, j, _ = self.neighbours()
        both = chosen[i] & chosen[j]
        graph = scipy.sparse.coo_matrix((np.ones(both.sum()), (i[both], j[both])), shape=(len(self), len(self)))
        _, labels = scipy.sparse.csgraph.connected_components(graph, directed=False)
        result = np.full(len(self), -1)
        result[chosen] = np.unique(labels[chosen], return_inverse=True)[1]
        return result

    def cumulative(
        self,
        weights: Float[np.ndarray, " cells"],
        axis: int,
        points: Float[np.ndarray, " points"],
        slope: Float[np.ndarray, " cells"] | None = None,
    ) -> Float[np.ndarray, " points"]:
        """Weight below points of one coordinate.

        A cell's weight is spread over it as exp(slope t), t from 0 to 1 across the cell; evenly without a slope.
        """
        low, width = self.low[:, axis], self.width
        high = low + width
        # Few cells hold a point; of those below it only the sum counts.
        order = np.argsort(high)
        sums = np.concatenate([[0.0], np.cumsum(weights[order])])
        total = sums[np.searchsorted(high[order], points, side="right")]
        for k, point in enumerate(points):
            (cut,) = np.nonzero((low < point) & (point < high))
            tilt = None if slope is None else slope[cut]
            total[k] += weights[cut] @ part_below((point - low[cut]) / width[cut], tilt)
        return total


def part_below(
    across: Float[np.ndarray, "cells ..."], slope: Float[np.ndarray, " cells"] | None
) -> Float[np.ndarray, "cells ..."]:
    """Part of a cell's weight below points on the way across it, 0 to 1: of exp(slope t), or even without a slope."""
    across = np.clip(across, 0.0, 1.0)
    if slope is None:
        return across
    slope = np.clip(slope, -STEEPEST, STEEPEST).reshape(-1, *(1,) * (across.ndim - 1))
    flat = np.abs(slope) < 1e-6
    slope = np.where(flat, 1.0, slope)
    return np.where(flat, across, np.expm1(slope * across) / np.expm1(slope))


def integer(unit: Float[Array, "... coordinates"] | np.ndarray, xp: object = jnp) -> Array | np.ndarray:
    """Corner, in units of 2^-FINEST, of the smallest possible cell around a point."""
    scaled = xp.floor(unit * 2.0**FINEST).astype(xp.int64)  # type: ignore[attr-defined]
    return xp.clip(scaled, 0, (1 << FINEST) - 1)  # type: ignore[attr-defined]


def morton_code(corner: Array | np.ndarray, xp: object = jnp) -> Array | np.ndarray:
    """Interleave the bits of the coordinates (last axis), the first coordinate leading."""
    dimensions = corner.shape[-1]
    code = xp.zeros(corner.shape[:-1], dtype=xp.int64)  # type: ignore[attr-defined]
    for axis in range(dimensions):
        spread = corner[..., axis]
        for shift, mask in _SPREAD[dimensions]:
            spread = (spread | (spread << shift)) & mask
        code = code | (spread << (dimensions - 1 - axis))
    return code


def _spread_masks(dimensions: int) -> tuple[tuple[int, int], ...]:
    """Shifts and masks that put dimensions - 1 zeros between the bits of a 21-bit integer, by halving groups."""
    steps = []
    group = 32
    while group >= 1:
        mask = sum(1 << (bit % group + bit // group * group * dimensions) for bit in range(FINEST + 1))
        steps.append((group * (dimensions - 1), mask & (2**63 - 1)))
        group //= 2
    return tuple(steps)


_SPREAD = {dimensions: _spread_masks(dimensions) for dimensions in (1, 2, 3)}
