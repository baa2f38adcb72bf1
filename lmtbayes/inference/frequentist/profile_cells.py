"""The cells of a profile: climbs from a scan, from the cells on both sides, and from a neighbour that has found more.

Of a dense grid some lines of each direction are scanned, and the others begin from the cells beside them (`lines`).
What a neighbour has found, taken as it is, cannot be above a cell's own maximum. Where it is, the climbs of that cell
ended on a lower one, and it climbs once more from there.
"""

import functools
from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float, Int

from lmtbayes.inference.frequentist.axes import value_of
from lmtbayes.inference.frequentist.box import Box, logarithm
from lmtbayes.inference.frequentist.climb import FORBIDDEN, climb_cells, least_best, value_at
from lmtbayes.inference.frequentist.lines import (
    Beside,
    Lines,
    on_one_branch,
    scanned_lines,
    starts_between,
    with_lines,
)
from lmtbayes.inference.frequentist.profile_table import EDGE, ProfileCells
from lmtbayes.inference.frequentist.scan import Plan, scan_cells
from lmtbayes.inference.likelihood.joint import JointLikelihood

_HIGHER = 1e-6
"""Of ln L: by how much a neighbour's end is above a cell's own for that to climb once more."""
_ROUNDS = 16
"""Of climbs from neighbours: each takes what is found one cell further."""
_SIDES = ((0, 1), (0, -1), (1, 1), (1, -1))


class CellClimbs:
    """Climbs in the cells of grids of the same one or two parameters.

    Parameters
    ----------
    like, box, plan
        The likelihood, the ranges of the boson's parameters, and how cells are scanned.
    names
        Of the grid's parameters, in its order; its lines are coordinates of `axes.axis_of`, and the second direction of
        a grid of one parameter has one line, whose coordinate means nothing.
    bar
        Label of a progress bar.
    """

    def __init__(self, like: JointLikelihood, box: Box, plan: Plan, names: Sequence[str], bar: str | None = None):
        self.like, self.box, self.plan = like, box, plan
        self._names, self._bar = tuple(names), bar

    def of_grid(self, lines: Lines) -> ProfileCells:
        """Climb in every cell of a grid."""
        chosen = [scanned_lines(line) for line in lines]
        scanned = (lines[0][chosen[0]], lines[1][chosen[1]])
        between = [np.delete(line, which) for line, which in zip(lines, chosen, strict=True)]
        return self.with_lines(scanned, self._scanned(scanned), between)[1]

    def with_lines(self, lines: Lines, cells: ProfileCells, fresh: Sequence[np.ndarray]) -> tuple[Lines, ProfileCells]:
        """Add lines to a grid: climbs in their cells begin from the cells on both sides."""
        lines, cells = with_lines(lines, cells, fresh, self._between)
        self._raise_from_neighbours(lines, cells)
        return lines, cells

    def _scanned(self, lines: Lines) -> ProfileCells:
        plan, coordinates = self.plan, self._coordinates(lines)
        found = scan_cells(
            self.like,
            plan,
            coordinates[plan.outer],
            coordinates[plan.inner] if plan.inner else np.zeros(1),
            self.box.limits,
            self._bar and f"{self._bar}, scan",
        )
        z, promising = found.z, found.promising
        if plan.outer != self._names[0]:
            z, promising = z.swapaxes(0, 1), promising.swapaxes(0, 1)
        return self._climbed(lines, z, promising, linearised=True)

    def _between(self, lines: Lines, beside: Beside) -> ProfileCells:
        below, above = self._ends(beside.below), self._ends(beside.above)
        is_higher = functools.partial(self._is_higher_between, lines)
        starts = starts_between(below, above, beside.part, len(self.plan.free), is_higher)
        promising = np.isfinite(starts).all(axis=-1)
        promising[..., 0] |= ~promising.any(axis=-1)  # a cell whose every start failed is told by its status
        return self._climbed(lines, starts, promising, linearised=False)

    def _is_higher_between(
        self,
        lines: Lines,
        below: Float[np.ndarray, "first second n"],
        above: Float[np.ndarray, "first second n"],
        between: Float[np.ndarray, "first second n"],
        which: Bool[np.ndarray, "first second"],
    ) -> Bool[np.ndarray, "first second"]:
        # One at an edge of its range and one that is not are two maxima.
        which = which & (self._at_edge(below) == self._at_edge(above)).all(axis=-1)
        at = np.argwhere(which)
        one, other, value = (self._value(lines, at, z[which]) for z in (below, above, between))
        found = np.zeros_like(which)
        found[which] = value > np.maximum(one, other)
        return found

    def _at_edge(self, ends: Float[np.ndarray, "first second n"]) -> Bool[np.ndarray, "first second free"]:
        limits = np.array([self.box.limits[name] for name in self.plan.free]).reshape(-1, 2)
        free = ends[..., : len(limits)]
        return (free - limits[:, 0] < EDGE) | (limits[:, 1] - free < EDGE)

    def _climbed(
        self,
        lines: Lines,
        starts: Float[np.ndarray, "first second starts n"],
        promising: Bool[np.ndarray, "first second starts"],
        *,
        linearised: bool,
    ) -> ProfileCells:
        cells = ProfileCells(promising.shape[:2], len(self.box.names), len(self.like.nuisances))
        self._run(lines, cells, np.argwhere(promising)[:, :2], starts[promising], linearised=linearised)
        return cells

    def _run(
        self,
        lines: Lines,
        cells: ProfileCells,
        at: Int[np.ndarray, "climbs 2"],
        starts: Float[np.ndarray, "climbs n"],
        *,
        linearised: bool,
    ) -> None:
        """Climb from starts, free parameters and pulls, in the cells `at`, several in some; enter where they end."""
        box, plan = self.box, self.plan
        fixed = self._fixed(lines, at)
        number = at[:, 0] * lines[1].size + at[:, 1]
        z, value, converged = climb_cells(
            self.like,
            fixed,
            plan.free,
            starts,
            number,
            box.limits,
            plan.batch_size,
            plan.devices,
            self._bar,
            linearised=linearised,
            groups=self._groups(at),
        )
        columns = [z[:, plan.free.index(name)] if name in plan.free else fixed[name] for name in box.names]
        order = cells.fill((at[:, 0], at[:, 1]), np.stack(columns, axis=-1), z[:, len(plan.free) :], value)
        cells.converged[at[order, 0], at[order, 1]] = converged[order]

    def _raise_from_neighbours(self, lines: Lines, cells: ProfileCells) -> None:
        """Climb once more in the cells that end below what a neighbour has found."""
        changed = np.ones(cells.value.shape, dtype=bool)
        for _ in range(_ROUNDS):
            at, starts = self._higher(lines, cells, changed)
            if not len(at):
                return
            where = tuple(at.T)
            cells.second[where] = np.concatenate([cells.x[where], cells.pulls[where]], axis=-1)
            self._run(lines, cells, at, starts, linearised=False)
            changed = np.zeros_like(changed)
            changed[where] = True

    def _higher(
        self, lines: Lines, cells: ProfileCells, changed: Bool[np.ndarray, "first second"]
    ) -> tuple[Int[np.ndarray, "cells 2"], Float[np.ndarray, "cells n"]]:
        """Cells that a changed neighbour's end is higher in, and the highest of such ends."""
        plan, ends = self.plan, self._ends(cells)[0]
        best, chosen, is_higher = cells.value + _HIGHER, ends.copy(), np.zeros_like(changed)
        allowed = cells.value > self._least_best(cells) - FORBIDDEN
        for axis, side in _SIDES:
            # A neighbour across the edge is the cell on the edge itself, which is never higher than it is.
            index = np.clip(np.arange(changed.shape[axis]) + side, 0, changed.shape[axis] - 1)
            start = np.take(ends, index, axis=axis)
            # Of the same maximum a cell's own end is the best.
            same = cells.converged & on_one_branch(ends, start, len(plan.free))
            news = np.take(changed, index, axis=axis) & (allowed | np.take(allowed, index, axis=axis))
            at = np.argwhere(news & ~same & np.isfinite(start).all(axis=-1))
            rows = tuple(at.T)
            value = self._value(lines, at, start[rows])
            higher = (value > best[rows]) & (value > self._least_best(cells)[rows] - FORBIDDEN)
            where = tuple(at[higher].T)
            best[where], chosen[where], is_higher[where] = value[higher], start[where], True
        return np.argwhere(is_higher), chosen[is_higher]

    def _least_best(self, cells: ProfileCells) -> Float[np.ndarray, "first second"]:
        """Ln L of the best cell of each one's slices, the lower of the two."""
        at = np.indices(cells.value.shape).reshape(2, -1).T
        return least_best(cells.value.ravel(), self._groups(at)).reshape(cells.value.shape)

    def _groups(self, at: Int[np.ndarray, "cells 2"]) -> Int[np.ndarray, "cells kinds"]:
        """What cells are compared with each other: those of a slice, in both directions of a plane; all of a line."""
        return at if len(self._names) > 1 else np.zeros_like(at[:, :1])

    def _value(
        self, lines: Lines, at: Int[np.ndarray, "points 2"], z: Float[np.ndarray, "points n"]
    ) -> Float[np.ndarray, " points"]:
        plan = self.plan
        return value_at(self.like, self._fixed(lines, at), plan.free, z, plan.batch_size, plan.devices)

    def _coordinates(self, lines: Lines) -> dict[str, np.ndarray]:
        """Coordinates in the box, by name."""
        return {name: logarithm(name, value_of(name, line)) for name, line in zip(self._names, lines, strict=False)}

    def _fixed(self, lines: Lines, at: Int[np.ndarray, "climbs 2"]) -> dict[str, np.ndarray]:
        coordinates = self._coordinates(lines)
        return {name: coordinates[name][at[:, axis]] for axis, name in enumerate(self._names)}

    def _ends(self, cells: ProfileCells) -> tuple[np.ndarray, np.ndarray]:
        """Free parameters and pulls at the two highest maxima of cells; not numbers where there is one."""
        names, size = self.box.names, cells.second.shape[-1]
        columns = [names.index(name) for name in self.plan.free] + list(range(len(names), size))
        return np.concatenate([cells.x, cells.pulls], axis=-1)[..., columns], cells.second[..., columns]
