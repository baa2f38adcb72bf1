"""Climbs of ln L in the boson's coordinates and the pulls, many side by side, strung together by the host.

They compile no rates (`steps`). Between steps what has converged, or cannot win any more, is taken out.
"""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Bool, Float, Int

from lmtbayes.inference.devices import Devices
from lmtbayes.inference.frequentist.steps import NAMES, Place, Steps, Trials, rows_of
from lmtbayes.inference.likelihood.joint import JointLikelihood
from lmtbayes.inference.likelihood.model import Data
from lmtbayes.inference.nuisances.newton import DROWNED, TOLERANCE

MAX_STEPS = 64
_GAIN_TOLERANCE, _BETWEEN = 10.0, 2
"""A climb is given up when so many times the gain of so many last steps would not take it to the best of its cell."""
_NEAR = 20.0
"""Of ln L below the best of all climbs: what ends farther below is as many times less exact as it is times farther."""
FORBIDDEN = 500.0
"""Of ln L below the best that a climb is compared with: what no data allow is left as it is found."""
_SMALL = 1e-4
"""Part of how far below that is left to gain where a climb that is forbidden has converged."""
_ENOUGH = 0.25
"""Of the gain expected of a whole step, that makes shorter ones needless."""


def climb_cells(
    like: JointLikelihood,
    fixed: Mapping[str, np.ndarray],
    free: tuple[str, ...],
    z: np.ndarray,
    cell: np.ndarray,
    limits: Mapping[str, tuple[float, float]],
    batch_size: int | None,
    devices: Devices,
    bar: str | None = None,
    *,
    linearised: bool = False,
    groups: Int[np.ndarray, "climbs kinds"] | None = None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Climb ln L from every start `z` (free parameters and pulls), the other parameters held at `fixed`.

    Where the pulls are the optimum of `linearised` counts, which may lie where rates mean nothing, a climb begins at a
    part of them if ln L is higher there. With `groups`, labels of each climb, one is compared with the best of each of
    its groups, and cut short where it is `FORBIDDEN` below all of them; without, none is.

    Returns
    -------
    z, value, converged
        Where each climb ended, ln L there, and whether that is a maximum. A climb that is lower than another one of the
        same `cell`, and hardly rises any more, is given up and has not converged; so is one that would stay forbidden
        with all steps that are left. One that is has converged where no more than a ten thousandth of how far it is
        below is expected to be gained.
    """
    names = _names(fixed, free)
    start, low, high = _in_boxes(names, fixed, free, z, limits)
    columns = [names.index(name) for name in free] + list(range(len(names), start.shape[1]))
    steps = like.compiled(Steps, names, devices, batch_size)
    if linearised:
        start = steps.regularised(start, like.data)
    indices = [names.index(name) for name in free]
    value, converged = _climbed(steps, start, low, high, cell, indices, like.data, bar, groups)
    return start[:, columns], value, converged


def value_at(
    like: JointLikelihood,
    fixed: Mapping[str, np.ndarray],
    free: tuple[str, ...],
    z: np.ndarray,
    batch_size: int | None,
    devices: Devices,
) -> Float[np.ndarray, " points"]:
    """Return ln L at points `z` (free parameters and pulls), the other parameters held at `fixed`."""
    names = _names(fixed, free)
    columns = [z[:, free.index(name)] if name in free else fixed[name] for name in names]
    steps = like.compiled(Steps, names, devices, batch_size)
    return steps.place(np.column_stack([*columns, z[:, len(free) :]]), like.data).value


def _climbed(
    steps: Steps,
    z: Float[np.ndarray, "climbs n"],
    low: Float[np.ndarray, "climbs boson"],
    high: Float[np.ndarray, "climbs boson"],
    cell: Int[np.ndarray, " climbs"],
    free: list[int],
    data: Data,
    bar: str | None,
    groups: Int[np.ndarray, "climbs kinds"] | None,
) -> tuple[Float[np.ndarray, " climbs"], Bool[np.ndarray, " climbs"]]:
    """Move the rows of `z` to their maxima; ln L there, and whether it is one."""
    here = steps.place(z, data)
    converged = np.zeros(len(z), dtype=bool)
    best = np.full(cell.max() + 1, -np.inf)
    left = np.flatnonzero(np.isfinite(here.value))
    before = np.full(len(z), -np.inf)
    for count in range(1, MAX_STEPS + 1):
        if not left.size:
            break
        label = None if bar is None else f"{bar}, step {count}"
        trials = steps.trials(z[left], low[left], high[left], rows_of(here, left), free, data, label)
        value = here.value[left]
        tolerance = TOLERANCE * np.maximum(1.0, (here.value.max() - value) / _NEAR) + 1e-14 * np.abs(value)
        below = least_best(here.value, groups)[left] - value
        tolerance = np.where(below > FORBIDDEN, np.maximum(tolerance, _SMALL * below), tolerance)
        found = trials.is_maximum & (trials.gain < tolerance)
        moving = np.flatnonzero(~found)
        new, there, is_whole = _highest(steps, rows_of(trials, moving), value[moving], data)
        rises = there.value > value[moving]
        # Beside large terms the last gains drown in rounding: no step is seen to gain what is expected of it.
        found[moving[~rises]] = (trials.is_maximum & (trials.gain < DROWNED))[moving[~rises]]
        found[moving[rises]] = (is_whole & (trials.left < tolerance)[moving])[rises]
        up = left[moving[rises]]
        z[up] = new[rises]
        for column, other in zip(here, there, strict=True):
            column[up] = other[rises]
        converged[left] = found
        np.maximum.at(best, cell[left], here.value[left])
        left = np.setdiff1d(up, left[found])  # what no trial has raised none will
        if count % _BETWEEN == 0:
            rise = here.value[left] - before[left]
            before[left] = here.value[left]
            ahead = rise * (MAX_STEPS - count) / _BETWEEN
            is_hopeless = here.value[left] + ahead < least_best(here.value, groups)[left] - FORBIDDEN
            left = left[(here.value[left] + _GAIN_TOLERANCE * rise >= best[cell[left]]) & ~is_hopeless]
    return here.value, converged


def least_best(
    value: Float[np.ndarray, " climbs"], groups: Int[np.ndarray, "climbs kinds"] | None
) -> Float[np.ndarray, " climbs"]:
    """Ln L of the best of each group that a climb is in, the least of these; -inf without groups."""
    if groups is None:
        return np.full(value.size, -np.inf)
    found = []
    for group in groups.T:
        best = np.full(group.max(initial=0) + 1, -np.inf)
        np.maximum.at(best, group, value)
        found.append(best[group])
    lowest: np.ndarray = np.min(found, axis=0)
    return lowest


def _highest(
    steps: Steps, trials: Trials, value: Float[np.ndarray, " climbs"], data: Data
) -> tuple[Float[np.ndarray, "climbs n"], Place, Bool[np.ndarray, " climbs"]]:
    """The whole step, or the best of all sizes where that does not gain what is expected of it; whether it is whole."""
    z, there, is_whole = trials.points[:, 0].copy(), trials.whole, np.ones(len(value), dtype=bool)
    short = np.flatnonzero(~(there.value - value >= _ENOUGH * trials.expected))
    if short.size:
        others = trials.points[short, 1:]
        number, sizes, size = others.shape
        tried = steps.place(others.reshape(-1, size), data)
        which = tried.value.reshape(number, sizes).argmax(axis=1)
        rows = np.arange(number) * sizes + which
        better = tried.value[rows] > there.value[short]
        z[short[better]], is_whole[short[better]] = others[np.arange(number), which][better], False
        for column, other in zip(there, tried, strict=True):
            column[short[better]] = other[rows[better]]
    return z, there, is_whole


def _names(fixed: Mapping[str, np.ndarray], free: tuple[str, ...]) -> tuple[str, ...]:
    """Coordinates of the boson, in the order of `Steps`."""
    return tuple(name for name in NAMES if name in fixed or name in free)


def _in_boxes(
    names: tuple[str, ...],
    fixed: Mapping[str, np.ndarray],
    free: tuple[str, ...],
    z: np.ndarray,
    limits: Mapping[str, tuple[float, float]],
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Starts in all coordinates `names` and the pulls, and the lower and upper ends of the box of the coordinates."""
    starts, low, high = (
        np.column_stack([of(name) if name in free else fixed[name] for name in names])
        for of in (
            lambda name: z[:, free.index(name)],
            lambda name: np.full(len(z), limits[name][0]),
            lambda name: np.full(len(z), limits[name][1]),
        )
    )
    return np.concatenate([starts, z[:, len(free) :]], axis=1), low, high
