"""f at the nodes of an adaptive cubature's cells: evaluated in batches of one size and counted, cells halved."""

from collections.abc import Callable

import numpy as np

from lmtbayes.errors import NotFinite
from lmtbayes.inference.integration.gauss_legendre import HIGH, LOW, rule, split
from lmtbayes.inference.integration.quadrature_cells import Cells

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

    def new_cells(self, low: np.ndarray, width: np.ndarray) -> Cells:
        """Cells with the values of the lower rule."""
        points = low[:, None] + width[:, None] * rule(LOW, self.dim).nodes
        return Cells(low, width, self.values(points), np.full((len(low), HIGH**self.dim), np.nan))

    def refine(self, cells: Cells, check: np.ndarray, halve: np.ndarray) -> Cells:
        """Add the higher rule to some cells and halve others."""
        high_values = cells.high_values
        if len(check):
            high_values = high_values.copy()
            high_values[check] = self.values(cells.take(check).nodes(HIGH))
        kept = np.ones(len(cells), dtype=bool)
        kept[halve] = False
        result = Cells(cells.low, cells.width, cells.low_values, high_values).take(kept)
        if len(halve):
            some = cells.take(halve)
            top = some.high_values.max(1, keepdims=True)
            rough = rule(HIGH, self.dim).roughness(np.exp(some.high_values - top))
            low, width = split(some.low, some.width, rough >= 0.3 * rough.max(1, keepdims=True))
            result = result.joined(self.new_cells(low, width))
        return result

    def halve(self, cells: Cells, which: np.ndarray, directions: np.ndarray) -> Cells:
        """Halve some cells along the directions marked for each."""
        kept = np.ones(len(cells), dtype=bool)
        kept[which] = False
        return cells.take(kept).joined(self.new_cells(*split(cells.low[which], cells.width[which], directions)))

    def refine_boxes(self, cells: Cells, box_low: np.ndarray, box_high: np.ndarray) -> Cells:
        """Halve every cell that touches a box, until it is no wider than the box."""
        low, width = cells.low, cells.width
        untouched = np.ones(len(cells), dtype=bool)
        new_low, new_width = [np.zeros((0, self.dim))], [np.zeros((0, self.dim))]
        size = np.maximum(box_high - box_low, NARROWEST)
        while len(low):
            touched = ((low[:, None] < box_high) & (low[:, None] + width[:, None] > box_low)).all(-1)
            too_wide = (width[:, None] > size) & touched[:, :, None]
            halve = too_wide.any(1)
            cut = halve.any(1)
            if len(new_low) == 1:
                untouched = ~cut
            new_low.append(low[~cut] if len(new_low) > 1 else low[:0])
            new_width.append(width[~cut] if len(new_width) > 1 else width[:0])
            low, width = split(low[cut], width[cut], halve[cut])
        fresh_low, fresh_width = np.concatenate(new_low), np.concatenate(new_width)
        if not len(fresh_low):
            return cells
        return cells.take(untouched).joined(self.new_cells(fresh_low, fresh_width))
