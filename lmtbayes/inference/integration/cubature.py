"""Adaptive tensor Gauss-Legendre cubature of exp(f) on the unit cube, in log space: ln Z and a weighted posterior.

Every cell carries a 3-node rule; a 5-node rule is added where the 3-node values cannot vouch for the cell, and a cell
whose two rules disagree is halved along the directions in which the integrand is not a low polynomial. The error of a
cell is the difference of its rules or, for a cell with 3 nodes only, how much the integrand can vary in it: a bound
that is conservative, since it is the error of the lower rule while the value is the higher one's. Wide cells at whose
faces narrower neighbours see more than they do are halved as well (`faces`), so that a ridge is followed to its end.
"""

import dataclasses
import functools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy import ndimage
from scipy.special import logsumexp

from lmtbayes import _checks
from lmtbayes.inference.integration.cell_worker import NARROWEST, LogIntegrand, Worker
from lmtbayes.inference.integration.faces import overlooked
from lmtbayes.inference.integration.gauss_cells import GaussCells
from lmtbayes.inference.integration.gauss_legendre import HIGH, LOW

type ModeFinder = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray, np.ndarray]]

START_CELLS = {1: 64, 2: 16, 3: 16, 4: 8}
"""Start cells along each direction, by dimension."""
_STARTS = 24
_ROUNDING = 1e-12


@dataclass(frozen=True, eq=False)
class Cubature:
    """ln of the integral of exp(f) over the unit cube, and the cells that gave it.

    Parameters
    ----------
    log_z, log_z_error
        The integral and the bound of its error.
    converged, status
        Whether the bound met the tolerance, and what happened, in words.
    evaluations
        Of f.
    cells
        Final cells with their node values.
    modes
        Optima that were found and refined, in the unit cube, (modes, dim).
    """

    log_z: float
    log_z_error: float
    converged: bool
    status: str
    evaluations: int
    cells: GaussCells
    modes: Float[np.ndarray, "modes dim"]

    @property
    def highest(self) -> float:
        """Largest f at any node."""
        return float(max(self.cells.low_values.max(), self.cells.high_values[self.cells.both].max(initial=-np.inf)))

    @functools.cached_property
    def nodes(self) -> tuple[Float[np.ndarray, "nodes dim"], Float[np.ndarray, " nodes"]]:
        """Nodes of all cells and ln of their weights under exp(f)/Z, which sum to 1: a quadrature of the posterior."""
        points, log_weights = [], []
        for which, used, values in self.cells.by_rule():
            cells = self.cells.take(which)
            points.append(cells.nodes(used.order).reshape(-1, cells.dim))
            log_weights.append((values + used.log_weights + cells.log_volume[:, None]).ravel())
        weights = np.concatenate(log_weights)
        return np.concatenate(points), weights - logsumexp(weights)

    def log_integral(self, low: np.ndarray, high: np.ndarray) -> tuple[float, float]:
        """Integral over a smaller box, without new evaluations of f.

        A cell that an edge cuts is integrated through its interpolating polynomial, so the result is as smooth in the
        edges as f is; the interpolation error counts in the bound.

        Parameters
        ----------
        low, high
            Edges in the unit cube, (dim,).

        Returns
        -------
        log_integral, error
            ln of the integral, and the bound of its error.
        """
        begin = np.clip((np.asarray(low) - self.cells.low) / self.cells.width, 0.0, 1.0)
        end = np.clip((np.asarray(high) - self.cells.low) / self.cells.width, 0.0, 1.0)
        inside = (end > begin).all(1)
        if not inside.any():
            return -np.inf, np.inf
        cells, begin, end = self.cells.take(inside), begin[inside], end[inside]
        values, errors = cells.integrals()
        shift = values.max()
        values, errors = np.exp(values - shift), np.exp(errors - shift)
        cut = ((begin > 0.0) | (end < 1.0)).any(1)
        for chosen, used, log_values in cells.by_rule(np.flatnonzero(cut)):
            node_values = np.exp(log_values + cells.log_volume[chosen, None] - shift)
            full, truncated = (used.partial_integral(node_values, begin[chosen], end[chosen], drop) for drop in (0, 1))
            share = (end[chosen] - begin[chosen]).prod(1)
            values[chosen] = full
            errors[chosen] = np.abs(full - truncated) + share * errors[chosen]
        total = values.sum()
        if not total > 0.0:
            return -np.inf, np.inf
        return float(np.log(total) + shift), float(_log_error(errors.sum(), total))

    def reweighted(self, log_ratio: LogIntegrand) -> "Cubature":
        """Integral of exp(f + log_ratio) with the same cells; `log_ratio` (nodes, dim) -> (nodes,) must be smooth."""
        cells = self.cells
        low_values = cells.low_values + log_ratio(cells.nodes(LOW).reshape(-1, cells.dim)).reshape(len(cells), -1)
        high_values = cells.high_values.copy()
        some = cells.take(cells.both)
        if len(some):
            high_values[cells.both] += log_ratio(some.nodes(HIGH).reshape(-1, cells.dim)).reshape(len(some), -1)
        changed = GaussCells(cells.low, cells.width, low_values, high_values)
        log_z, log_z_error = _total(changed)
        return dataclasses.replace(self, log_z=log_z, log_z_error=log_z_error, cells=changed)


def integrate(
    log_integrand: LogIntegrand,
    dim: int,
    rtol: float = 1e-3,
    start_cells: int | None = None,
    find_modes: ModeFinder | None = None,
    max_evaluations: int = 20_000_000,
    batch: int = 4096,
) -> Cubature:
    """Integrate exp(f) over the unit cube.

    Parameters
    ----------
    log_integrand
        f: (batch, dim) -> (batch,), always called with `batch` points, so a jitted function compiles once. -inf is
        allowed.
    dim
        1 to 4.
    rtol
        Tolerance of ln Z.
    start_cells
        Along each direction; `START_CELLS` by default. A mode that is narrower than about a fifth of a cell in all
        directions, and that `find_modes` does not find, may be missed.
    find_modes
        From start points in the cube (24, dim) to optima of f and the boxes (low, high) around them, (modes, dim) each;
        cells there are halved until they are no wider than the box.
    max_evaluations
        Give up there; the status says so.
    batch
        Points a call.

    Raises
    ------
    InvalidArgument
        A setting out of range.
    NotFinite
        f is NaN or +inf somewhere; the message has the point.
    """
    _checks.one_of("dim", dim, START_CELLS)
    _checks.positive("rtol", rtol)
    start_cells = START_CELLS[dim] if start_cells is None else start_cells
    for name, setting in (("start_cells", start_cells), ("max_evaluations", max_evaluations), ("batch", batch)):
        _checks.whole(name, setting)
    work = Worker(log_integrand, dim, batch)

    edges = np.arange(start_cells) / start_cells
    low = np.stack(np.meshgrid(*[edges] * dim, indexing="ij"), -1).reshape(-1, dim)
    cells = work.new_cells(low, np.full_like(low, 1.0 / start_cells))
    modes = np.zeros((0, dim))
    if find_modes is not None:
        modes, box_low, box_high = find_modes(_start_points(cells, start_cells))
        cells = work.refine_boxes(cells, box_low, box_high)

    rounds, stopped = 0, ""
    while True:
        values, errors = cells.integrals()
        log_z, log_z_error = _total(cells)
        if log_z_error <= rtol:
            index, part, wide = overlooked(cells)
            if part.sum() <= rtol / 3.0 or work.evaluations >= max_evaluations:
                if part.sum() > rtol / 3.0:
                    log_z_error += float(part.sum())
                    stopped = f"the limit of {max_evaluations} evaluations"
                break
            order = np.argsort(-part)
            worst = order[: 1 + np.searchsorted(np.cumsum(part[order]), part.sum() - rtol / 6.0)]
            cells = work.halve(cells, index[worst], wide[worst])
            continue
        if work.evaluations >= max_evaluations:
            stopped = f"the limit of {max_evaluations} evaluations"
            break
        # The smallest set of cells whose removal would leave a third of the tolerance.
        order = np.argsort(errors)
        log_rest = np.logaddexp.accumulate(errors[order]) - logsumexp(values)
        worst = order[log_rest > np.log(rtol / 3.0)]
        room = (max_evaluations - work.evaluations) // HIGH**dim + 1
        worst = worst[::-1][:room]
        checked, cells_left = worst[~cells.both[worst]], worst[cells.both[worst]]
        too_narrow = (cells.width[cells_left] <= NARROWEST).any(1)
        if len(checked) == 0 and too_narrow.all():
            stopped = "cells too narrow to halve (is the integrand discontinuous?)"
            break
        rounds += 1
        cells = work.refine(cells, checked, cells_left[~too_narrow])
    found = f"{len(modes)} optima refined" if find_modes is not None else "optima not searched"
    if stopped:
        status = f"not converged: stopped at {stopped} with error bound {log_z_error:.1e} above rtol {rtol:g}; {found}"
    else:
        status = f"converged: error bound {log_z_error:.1e} within rtol {rtol:g}, {len(cells)} cells, {found}"
    return Cubature(log_z, log_z_error, not stopped, status, work.evaluations, cells, modes)


def _start_points(cells: GaussCells, start_cells: int) -> Float[np.ndarray, "starts dim"]:
    """The best node of the cells that are higher than their neighbours, highest first, filled up by other cells."""
    best = cells.low_values.max(1)
    grid = best.reshape((start_cells,) * cells.dim)
    neighbourhood = ndimage.maximum_filter(grid, size=3, mode="nearest").ravel()
    order = np.lexsort((-best, best < neighbourhood))
    order = np.resize(order, _STARTS)
    nodes = cells.take(order).nodes(LOW)
    return nodes[np.arange(_STARTS), cells.low_values[order].argmax(1)]


def _total(cells: GaussCells) -> tuple[float, float]:
    values, errors = cells.integrals()
    log_z = logsumexp(values)
    # From one on an error bounds nothing.
    return float(log_z), float(_log_error(np.exp(min(logsumexp(errors) - log_z, 0.0)), 1.0))


def _log_error(error: float, value: float) -> float:
    """Error of ln(value): the wider side, infinite where the value may be zero; never below rounding."""
    return max(-np.log1p(-error / value), _ROUNDING) if error < value else np.inf
