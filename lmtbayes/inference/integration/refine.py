"""posterior_grid: split cells where the posterior is, and around every peak found by climbing.

A cell's value is ln int d(pulls) L at its centre, the nuisances integrated by Laplace (`laplace_at_many`).
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from scipy.special import logsumexp

from lmtbayes import _checks
from lmtbayes.inference import devices as local
from lmtbayes.inference.coordinates import Space, space_of
from lmtbayes.inference.identity.fingerprint import fingerprint
from lmtbayes.inference.integration.modes import Peaks, levenberg_marquardt
from lmtbayes.inference.integration.morton_cells import MortonCells
from lmtbayes.inference.integration.posterior_grid import CAPACITY, PosteriorGrid
from lmtbayes.inference.integration.working_measure import ROOT_LEVEL, evaluate, starts, survey
from lmtbayes.inference.likelihood.joint import JointLikelihood
from lmtbayes.inference.likelihood.model import Data
from lmtbayes.inference.priors import Prior

type Values = tuple[np.ndarray, ...]
"""Of every cell: ln p at its centre, and whatever else is kept of it."""
type Evaluated = Callable[[np.ndarray], Values]
"""Values at points of the cube."""

TOLERANCE = {2: 0.04, 3: 0.3}
DEEPEST = 14
_BLOCK = 512
"""Cells a call of the compiled function takes on a core."""
_LOWEST = 30.0
"""Peaks lower than the highest density by more than this in ln are not resolved."""


def posterior_grid(
    like: JointLikelihood,
    prior: Prior,
    *,
    tolerance: float | None = None,
    capacity: int | None = None,
    progress: Callable[[int, float], None] | None = None,
    devices: Sequence[Any] | None = None,
) -> PosteriorGrid:
    """Evaluate the posterior on an adaptive grid.

    The last grid of a likelihood and its `with_data` copies is kept, and returned where nothing has changed.

    Parameters
    ----------
    like, prior
        Of one model; 2 or 3 coordinates.
    tolerance
        Estimated relative error of the total at which refinement stops: a sum of absolute errors of cells, twenty times
        the true one where that was known. By default 0.04 in two coordinates, 0.3 in three.
    capacity
        Most cells; by default 16384 in two coordinates, 65536 in three.
    progress
        Called with the number of cells and the estimated error after every round.
    devices
        Devices of jax over which the cells are dealt out; by default all of this machine. The numbers are those of one
        device to rounding.
    """
    space = space_of(like, prior)
    tolerance = TOLERANCE[space.dimensions] if tolerance is None else tolerance
    _checks.positive("tolerance", tolerance)
    limit = CAPACITY[space.dimensions] if capacity is None else capacity
    if limit < 2 ** (space.dimensions * ROOT_LEVEL[space.dimensions] + 1):
        raise _checks.invalid("capacity", capacity, "at least twice the number of cells of the coarsest grid")
    used = local.resolve_devices(devices)
    key = (prior, fingerprint(like.data), float(tolerance), limit, used)
    grid = like.joint.last(_refined, key)
    if grid is None:
        grid = _refined(like, prior, used, tolerance, limit, progress)
        for array in (grid.log_density, grid.pulls, grid.factor):
            array.flags.writeable = False
        like.joint.keep(_refined, key, grid)
    elif progress is not None:
        progress(len(grid.cells), grid.error)
    return grid


def is_resolved(grid: PosteriorGrid) -> bool:
    """Whether a grid came to its default tolerance before it ran out of cells.

    One that did not may propose no tails where it has them: whatever is made of its proposals alone is then too narrow,
    and their weights do not show it.
    """
    return grid.error <= TOLERANCE[len(grid.prior.names)]


def _refined(
    like: JointLikelihood,
    prior: Prior,
    devices: local.Devices,
    tolerance: float,
    limit: int,
    progress: Callable[[int, float], None] | None,
) -> PosteriorGrid:
    surveyed = survey(like, prior, devices)
    space = Space(like.joint, prior, surveyed.measure)
    evaluated = _Evaluator(space, like.data, devices)
    if surveyed.cells is None or surveyed.peaks is None:
        cells = MortonCells.uniform(space.dimensions, ROOT_LEVEL[space.dimensions])
        values = evaluated(cells.centre)
        known = space.units(surveyed.points) if len(surveyed.points) else np.zeros((0, space.dimensions))
        begin = np.concatenate([cells.centre[starts(cells, values[0])], known.reshape(-1, space.dimensions)])
        peaks = levenberg_marquardt(space, begin, like.data, devices)
    else:
        cells, values, peaks = surveyed.cells, surveyed.values, surveyed.peaks
        evaluated.count += len(cells)
    if not np.isfinite(values[0]).any():
        raise _checks.invalid("like", like, "finite somewhere in the prior")

    cells, values = resolve_peaks(cells, values, peaks, evaluated)
    block = local.side_by_side(devices, _BLOCK)
    cells, values, error = split_until(cells, values, evaluated, tolerance, limit, progress, block)
    top = evaluate(space, peaks.unit, like.data, devices)[0]
    missed = float(np.max(np.where(np.isfinite(top), top, -np.inf)) - np.max(values[0]))
    return PosteriorGrid(
        prior,
        surveyed.measure,
        like.constraints,
        cells,
        values[0],
        values[1],
        values[2],
        error,
        evaluated.count,
        missed,
    )


class _Evaluator:
    """Density, pulls and the factor of their precision at points of the cube, counted."""

    def __init__(self, space: Space, data: Data, devices: local.Devices):
        self.space = space
        self.data = data
        self.devices = devices
        self.count = 0

    def __call__(self, units: np.ndarray) -> tuple[np.ndarray, ...]:
        self.count += len(units)
        return evaluate(self.space, units, self.data, self.devices)


def resolve_peaks(cells: MortonCells, values: Values, peaks: Peaks, evaluated: Evaluated) -> tuple[MortonCells, Values]:
    """Split the cells of all peaks that may hold anything down to cells that resolve the peak."""
    highest = max(np.max(values[0]), np.max(peaks.log_likelihood))
    for unit, log_likelihood, finest in zip(peaks.unit, peaks.log_likelihood, peaks.finest, strict=True):
        if log_likelihood < highest - _LOWEST:
            continue
        while True:
            home = cells.locate(unit[None])
            if cells.width[home[0]] <= 1.5 * finest or cells.level[home[0]] >= DEEPEST:
                break
            cells, values = _split(cells, values, home, evaluated)
    return cells, values


def split_until(
    cells: MortonCells,
    values: Values,
    evaluated: Evaluated,
    tolerance: float,
    limit: int,
    progress: Callable[[int, float], None] | None,
    block: int,
) -> tuple[MortonCells, Values, float]:
    """Split the cells of the largest errors until those of all together are within `tolerance` or there is no room.

    Parameters
    ----------
    block
        Cells that a call of the compiled function takes: no fewer are split at a time where they matter.

    Returns
    -------
    cells, values, error
        Estimated relative error of the total.
    """
    while True:
        log_error = _log_errors(cells, values[0])
        error = float(np.exp(logsumexp(log_error) - logsumexp(values[0] + cells.log_volume)))
        if progress is not None:
            progress(len(cells), error)
        room = (limit - len(cells)) // (2**cells.dimensions - 1)
        order = np.argsort(-log_error, kind="stable")
        order = order[np.isfinite(log_error[order]) & (cells.level[order] < DEEPEST)]
        if error < tolerance or room == 0 or len(order) == 0:
            return cells, values, error
        share = np.cumsum(np.exp(log_error[order] - log_error[order[0]]))
        half, most = np.searchsorted(share, share[-1] * np.array([0.5, 0.999])) + 1
        number = max(int(half), min(int(most), max(block >> cells.dimensions, len(cells) // 32)))
        cells, values = _split(cells, values, order[: min(number, room)], evaluated)


def _split(cells: MortonCells, values: Values, chosen: np.ndarray, evaluated: Evaluated) -> tuple[MortonCells, Values]:
    finer, origin = cells.split(chosen)
    new = origin < 0
    found = evaluated(finer.centre[new])
    merged = []
    for old, fresh in zip(values, found, strict=True):
        column = old[origin]
        column[new] = fresh
        merged.append(column)
    return finer, tuple(merged)


def _log_errors(cells: MortonCells, log_density: np.ndarray) -> np.ndarray:
    """Estimated error of every cell's weight, ln.

    A cell across which ln p changes by s, judged by its neighbours, is wrong by about 1 - exp(-s^2/8) of what it may
    hold: its own weight, or the geometric mean with a higher neighbour; beside a smaller neighbour at least that
    neighbour's weight, since a ridge may go on unseen.
    """
    i, j, _ = cells.neighbours()
    finite = np.where(np.isfinite(log_density), log_density, -1e30)
    log_volume = cells.log_volume
    spread = np.abs(finite[i] - finite[j])
    log_fraction = np.log(-np.expm1(-(np.minimum(spread, 1e3) ** 2) / 8.0) + 1e-300)
    result = np.full(len(cells), -np.inf)
    for a, b in ((i, j), (j, i)):
        held = log_volume[a] + np.maximum(finite[a], 0.5 * (finite[a] + finite[b]))
        smaller = cells.level[b] > cells.level[a]
        held = np.where(smaller, np.maximum(held, log_volume[b] + finite[b]), held)
        np.maximum.at(result, a, held + log_fraction)
    return result
