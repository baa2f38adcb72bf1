"""The cells of a profile: climbs from a scan, from the cells on both sides, and from a neighbour that has found more.

What a neighbour has found, taken as it is, cannot be above a cell's own maximum. Where it is, the climbs of that cell
ended on a lower one, and it climbs once more from there.
"""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Bool, Float, Int

from lmtbayes.inference.frequentist.box import Box, logarithm
from lmtbayes.inference.frequentist.climb import climb_cells, value_at
from lmtbayes.inference.frequentist.profile_table import ProfileCells
from lmtbayes.inference.frequentist.scan import Plan, scan_cells
from lmtbayes.inference.likelihood.joint import JointLikelihood

_HIGHER = 1e-6
"""Of ln L: by how much a neighbour's end is above a cell's own for that to climb once more."""
_FORBIDDEN = 500.0
"""Of ln L below the best cell: what no data allow is left as it is found."""
_ROUNDS = 16
"""Of climbs from neighbours: each takes what is found one cell further."""
_SIDES = ((0, 1), (0, -1), (1, 1), (1, -1))


def profile_cells(
    like: JointLikelihood,
    box: Box,
    grid: Mapping[str, np.ndarray],
    plan: Plan,
    bar: str | None = None,
    beside: tuple[ProfileCells, ProfileCells] | None = None,
) -> ProfileCells:
    """Climb in every cell of a grid.

    Parameters
    ----------
    like, box, plan
        The likelihood, the ranges of the boson's parameters, and how cells are scanned.
    grid
        Of one or two parameters.
    bar
        Label of a progress bar.
    beside
        The cells on both sides of each, whose ends are where its climbs begin; without them from its scan's maxima.
    """
    outer_x = logarithm(plan.outer, grid[plan.outer])
    inner_x = logarithm(plan.inner, grid[plan.inner]) if plan.inner else np.zeros(1)
    swap = plan.inner is not None and plan.outer != next(iter(grid))
    if beside is None:
        found = scan_cells(like, plan, outer_x, inner_x, box.limits, bar and f"{bar}, scan")
        starts, promising = found.z, found.promising
    else:
        known = [cells.swapped() if swap else cells for cells in beside]
        starts = np.stack([end for cells in known for end in _ends(cells, box, plan)], axis=2)
        promising = np.isfinite(starts).all(axis=-1)
        promising[..., 0] = True  # a cell whose every start failed is told by its status
    cells = ProfileCells((outer_x.size, inner_x.size), len(box.names), len(like.nuisances))
    climbs = _Climbs(like, box, plan, outer_x, inner_x, cells, bar)
    climbs.run(np.argwhere(promising)[:, :2], starts[promising], linearised=beside is None)
    climbs.from_neighbours()
    return cells.swapped() if swap else cells


class _Climbs:
    """Climbs in cells (outer, inner) of a grid, whose ends are entered there."""

    def __init__(
        self,
        like: JointLikelihood,
        box: Box,
        plan: Plan,
        outer_x: np.ndarray,
        inner_x: np.ndarray,
        cells: ProfileCells,
        bar: str | None,
    ):
        self._like, self._box, self._plan, self._bar = like, box, plan, bar
        self._outer_x, self._inner_x, self._cells = outer_x, inner_x, cells

    def run(self, at: Int[np.ndarray, "climbs 2"], starts: Float[np.ndarray, "climbs n"], *, linearised: bool) -> None:
        """Climb from starts, free parameters and pulls, in the cells `at`, several in some."""
        box, plan, cells = self._box, self._plan, self._cells
        fixed = self._fixed(at)
        number = at[:, 0] * self._inner_x.size + at[:, 1]
        z, value, converged = climb_cells(
            self._like,
            fixed,
            plan.free,
            starts,
            number,
            box.limits,
            plan.batch_size,
            plan.devices,
            self._bar,
            linearised=linearised,
        )
        columns = [z[:, plan.free.index(name)] if name in plan.free else fixed[name] for name in box.names]
        order = cells.fill((at[:, 0], at[:, 1]), np.stack(columns, axis=-1), z[:, len(plan.free) :], value)
        cells.converged[at[order, 0], at[order, 1]] = converged[order]

    def from_neighbours(self) -> None:
        """Climb once more in the cells that end below what a neighbour has found."""
        cells = self._cells
        changed = np.ones(cells.value.shape, dtype=bool)
        for _ in range(_ROUNDS):
            at, starts = self._higher(changed)
            if not len(at):
                return
            where = tuple(at.T)
            cells.second[where] = np.concatenate([cells.x[where], cells.pulls[where]], axis=-1)
            self.run(at, starts, linearised=False)
            changed = np.zeros_like(changed)
            changed[where] = True

    def _higher(
        self, changed: Bool[np.ndarray, "outer inner"]
    ) -> tuple[Int[np.ndarray, "cells 2"], Float[np.ndarray, "cells n"]]:
        """Cells that a changed neighbour's end is higher in, and the highest of such ends."""
        cells, plan = self._cells, self._plan
        ends = _ends(cells, self._box, plan)[0]
        best, chosen, is_higher = cells.value + _HIGHER, ends.copy(), np.zeros_like(changed)
        for axis, side in _SIDES:
            # A neighbour across the edge is the cell on the edge itself, which is never higher than it is.
            index = np.clip(np.arange(changed.shape[axis]) + side, 0, changed.shape[axis] - 1)
            start = np.take(ends, index, axis=axis)
            at = np.argwhere(np.take(changed, index, axis=axis) & np.isfinite(start).all(axis=-1))
            rows = tuple(at.T)
            value = value_at(self._like, self._fixed(at), plan.free, start[rows], plan.batch_size, plan.devices)
            higher = (value > best[rows]) & (value > cells.value.max() - _FORBIDDEN)
            where = tuple(at[higher].T)
            best[where], chosen[where], is_higher[where] = value[higher], start[where], True
        return np.argwhere(is_higher), chosen[is_higher]

    def _fixed(self, at: Int[np.ndarray, "climbs 2"]) -> dict[str, np.ndarray]:
        inner = {self._plan.inner: self._inner_x[at[:, 1]]} if self._plan.inner else {}
        return {self._plan.outer: self._outer_x[at[:, 0]]} | inner


def _ends(cells: ProfileCells, box: Box, plan: Plan) -> list[np.ndarray]:
    """Free parameters and pulls at the two highest maxima of cells; not numbers where there is one."""
    columns = [box.names.index(name) for name in plan.free] + list(range(len(box.names), cells.second.shape[-1]))
    return [both[..., columns] for both in (np.concatenate([cells.x, cells.pulls], axis=-1), cells.second)]
