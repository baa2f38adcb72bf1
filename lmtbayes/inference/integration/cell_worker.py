"""f at the nodes of an adaptive cubature's cells: evaluated in batches of one size and counted, cells halved."""

from collections.abc import Callable

import numpy as np

from lmtbayes.errors import NotFinite
from lmtbayes.inference.integration.gauss_cells import GaussCells
from lmtbayes.inference.integration.gauss_legendre import HIGH, LOW, rule, split

type LogIntegrand = Callable[[np.ndarray], np.ndarray]
NARROWEST = 2.0**-30
"""Width of a cell, or of the box around an optimum, below which nothing is halved."""


class Worker:
    """Evaluates f on cells in batches of one size, and counts."""

    def __init__(self, log_integrand: LogIntegrand, dim: int, batch: int):
        self.log_integrand, self.dim, self.batch, self.evaluations = log_integrand, dim, batch, 0

    def values(self, points: np.ndarray) -> np.ndarray:
        """Values of f at (cells, nodes, dim)."""
        flat = points.reshape(-1, self.dim)
        padded = np.concatenate([flat, np.repeat(flat[-1:], -len(flat) % self.batch, axis=0)])
        chunks = [self.log_integrand(part) for part in padded.reshape(-1, self.batch, self.dim)]
        found = np.concatenate([np.asarray(chunk, dtype=float) for chunk in chunks])[: len(flat)]
        self.evaluations += len(flat)
        wrong = np.isnan(found) | (found == np.inf)
        if wrong.any():
            raise NotFinite(f"the integrand is {found[wrong][0]} at {flat[wrong][0]} of the unit cube")
        return found.reshape(points.shape[:2])

    def new_cells(self, low: np.ndarray, width: np.ndarray) -> GaussCells:
        """Cells with the values of the lower rule."""
        points = low[:, None] + width[:, None] * rule(LOW, self.dim).nodes
        return GaussCells(low, width, self.values(points), np.full((len(low), HIGH**self.dim), np.nan))

    def refine(self, cells: GaussCells, check: np.ndarray, halve: np.ndarray) -> GaussCells:
        """Add the higher rule to some cells and halve others."""
        high_values = cells.high_values
        if len(check):
            high_values = high_values.copy()
            high_values[check] = self.values(cells.take(check).nodes(HIGH))
        cells = GaussCells(cells.low, cells.width, cells.low_values, high_values)
        if not len(halve):
            return cells
        some = cells.take(halve)
        top = some.high_values.max(1, keepdims=True)
        rough = rule(HIGH, self.dim).roughness(np.exp(some.high_values - top))
        return self.halve(cells, halve, rough >= 0.3 * rough.max(1, keepdims=True))

    def halve(self, cells: GaussCells, which: np.ndarray, directions: np.ndarray) -> GaussCells:
        """Halve some cells along the directions marked for each."""
        kept = np.ones(len(cells), dtype=bool)
        kept[which] = False
        return cells.take(kept).joined(self.new_cells(*split(cells.low[which], cells.width[which], directions)))

    def refine_boxes(self, cells: GaussCells, box_low: np.ndarray, box_high: np.ndarray) -> GaussCells:
        """Halve every cell that touches a box, until it is no wider than the box."""
        size = np.maximum(box_high - box_low, NARROWEST)
        cut = self._too_wide(cells.low, cells.width, box_low, box_high, size)
        if not cut.any():
            return cells
        untouched = ~cut.any(1)
        low, width = split(cells.low[~untouched], cells.width[~untouched], cut[~untouched])
        done_low, done_width = [], []
        while len(low):
            cut = self._too_wide(low, width, box_low, box_high, size)
            fine = ~cut.any(1)
            done_low.append(low[fine])
            done_width.append(width[fine])
            low, width = split(low[~fine], width[~fine], cut[~fine])
        return cells.take(untouched).joined(self.new_cells(np.concatenate(done_low), np.concatenate(done_width)))

    @staticmethod
    def _too_wide(
        low: np.ndarray, width: np.ndarray, box_low: np.ndarray, box_high: np.ndarray, size: np.ndarray
    ) -> np.ndarray:
        """Directions in which each cell is wider than a box that it touches, (cells, dim)."""
        touched = ((low[:, None] < box_high) & (low[:, None] + width[:, None] > box_low)).all(-1)
        return ((width[:, None] > size) & touched[:, :, None]).any(1)
