"""Search of a box of boson parameters, in batches on all devices: scan rows of points, then climb from the peaks.

A row has one value of the outer parameter (the mass, where that is not profiled), so that what depends on it alone is
computed once; in a cell, that is at one value of the outer and of the inner parameter, the free ones are scanned, the
nuisances optimised at every point with linearised counts. Climbs are made in stages of a few Newton steps, since a
batch waits for its slowest; between stages what has converged or cannot win any more is taken out.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from lmtbayes.inference.devices import Devices, Mapped, resolve_batch_size, side_by_side
from lmtbayes.inference.frequentist.box import peaks, photon_at, scan
from lmtbayes.inference.frequentist.maximise import linearised_conditional, maximise_joint, regularised
from lmtbayes.inference.likelihood.joint import JointLikelihood
from lmtbayes.inference.likelihood.model import Data, JointModel
from lmtbayes.inference.nuisances.newton import Maximum

SCAN_STEPS = 1
"""Newton steps on the nuisances at each point of a scan: a second one finds no other peaks (compared)."""
_STAGES, _STEPS = 32, 2
_GAIN_TOLERANCE = 10.0
"""A climb is given up when so many times the gain of its last stage would not take it to the best of its cell."""
_NAMES = ("g_x", "mass", "eps_x", "kappa")
CLIMBS, CLIMBS_ACCELERATED = 64, 64
"""Climbs side by side on a core, and how many times as many on an accelerator."""
_POINTS = 1024
"""Points of a scan side by side on a CPU, whose cache then holds their Jacobians."""


@dataclass(frozen=True)
class Plan:
    """How cells are scanned; hashable, what a scan is compiled for. `Plan.of` chooses the batches."""

    outer: str
    inner: str | None
    free: tuple[str, ...]
    points: int
    """Of each free parameter."""
    starts: int
    """Maxima kept in each cell."""
    piece: int
    """Inner values side by side."""
    rows: int
    """Outer values side by side."""
    devices: Devices
    climbs: int | None = None
    """Climbs side by side; None: what suits the devices."""

    @classmethod
    def of(
        cls,
        outer: tuple[str, int],
        inner: tuple[str | None, int],
        free: tuple[str, ...],
        points: int,
        starts: int,
        batch_size: int | None,
        devices: Devices,
    ) -> "Plan":
        """Plan a scan of so many outer and inner values, `batch_size` cells at a time (None: as suits the device)."""
        cells = max(side_by_side(devices, _POINTS) // points ** len(free), 1) if batch_size is None else batch_size
        pieces = -(-inner[1] // min(cells, inner[1]))
        piece = -(-inner[1] // pieces)
        rows = max(min(cells // piece, outer[1]), 1)
        return cls(outer[0], inner[0], free, points, starts, piece, rows, devices, batch_size)


class ScanResult:
    """What a scan found, leading axes (outer, inner, start): the highest maxima of each cell, the highest first."""

    def __init__(self, z: np.ndarray, log_likelihood: np.ndarray, promising: np.ndarray):
        self.z = z
        """Free parameters and pulls."""
        self.log_likelihood = log_likelihood
        """Ln L there."""
        self.promising = promising
        """Whether it may be the highest in its cell; always where it is the first."""


def scan_cells(
    like: JointLikelihood,
    plan: Plan,
    outer_x: np.ndarray,
    inner_x: np.ndarray,
    limits: Mapping[str, tuple[float, float]],
    bar: str | None = None,
) -> ScanResult:
    """Scan the free parameters, between `limits`, in the cells of all values of `outer_x` and `inner_x`."""
    pieces = -(-inner_x.size // plan.piece)
    # The last piece is filled up: one shape, one compilation.
    padded = inner_x[np.minimum(np.arange(pieces * plan.piece), inner_x.size - 1)].reshape(pieces, plan.piece)
    items = (np.repeat(outer_x, pieces), np.tile(padded, (outer_x.size, 1)))
    axes = {name: np.linspace(*limits[name], plan.points) for name in plan.free}
    run = like.compiled(_scans, plan)
    z, log_likelihood, promising = (
        x.reshape(outer_x.size, pieces * plan.piece, *x.shape[2:])[:, : inner_x.size]
        for x in run(items, axes, like.data, bar=bar)
    )
    return ScanResult(z[..., :-1], log_likelihood, promising)


def starts_of_scan(
    joint: JointModel, fixed: Mapping[str, Array], axes: Mapping[str, Array], starts: int, data: Data
) -> tuple[Float[Array, "starts free_and_pulls"], Float[Array, " starts"], Bool[Array, " starts"]]:
    """Scan the product of axes, the nuisances optimised at every point; to be traced.

    Returns
    -------
    z, log_likelihood, promising
        Of the highest maxima: coordinates of the axes, in their order, and pulls; ln L; and as `peaks` says.
    """

    def at(point: dict[str, Array]) -> tuple[Array, Array]:
        return linearised_conditional(joint, photon_at(joint.model, {**fixed, **point}), data, SCAN_STEPS)

    if axes:
        values, pulls = scan(at, axes)
        index, log_likelihood, promising = peaks(values, starts)
        begin = jnp.stack([axis[index[:, i]] for i, axis in enumerate(axes.values())], axis=-1)
        begin_pulls = pulls[tuple(index.T)]
    else:
        value, pulls = at({})
        log_likelihood, promising = value[None], jnp.ones(1, dtype=bool)
        begin, begin_pulls = jnp.zeros((1, 0)), pulls[None]
    begin_pulls = jax.vmap(
        lambda b, p: regularised(joint, photon_at(joint.model, {**fixed, **dict(zip(axes, b, strict=True))}), p, data)
    )(begin, begin_pulls)
    return jnp.concatenate([begin, begin_pulls], axis=-1), log_likelihood, promising


def _scans(joint: JointModel, plan: Plan) -> Mapped:
    return Mapped(_scan(joint, plan), plan.devices, plan.rows)


def _scan(joint: JointModel, plan: Plan) -> Callable[..., Any]:
    def cell(x: dict[str, Array], axes: Mapping[str, Array], data: Data) -> tuple[Array, Array, Array]:
        z, log_likelihood, promising = starts_of_scan(joint, x, axes, plan.starts, data)
        # Arrays of size zero are refused by lax.map: a column that is dropped again.
        z = jnp.concatenate([z, jnp.zeros((z.shape[0], 1))], axis=-1)
        # The highest one always: a cell whose every point failed is told by its status.
        return z, log_likelihood, promising.at[0].set(True)

    def row(item: tuple[Array, Array], axes: Mapping[str, Array], data: Data) -> tuple[Array, Array, Array]:
        outer_x, inner_x = item
        axes = {name: axes[name] for name in plan.free}  # jax sorts a dict's keys; the columns of `z` follow `free`

        def one(value: Array) -> tuple[Array, Array, Array]:
            return cell({plan.outer: outer_x} | ({plan.inner: value} if plan.inner else {}), axes, data)

        return jax.vmap(one)(inner_x)

    return row


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
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Climb ln L from every start `z` (free parameters and pulls), the other parameters held at `fixed`.

    Returns
    -------
    z, value, converged
        Where each climb ended, ln L there, and whether that is a maximum. A climb that is lower than another one of the
        same `cell`, and hardly rises any more, is given up and has not converged.
    """
    names = tuple(name for name in _NAMES if name in fixed or name in free)
    start, low, high = _in_boxes(names, fixed, free, z, limits)
    # What is fixed is in a box without width: climbs of cells and of the best fit are then one function to compile.
    columns = [names.index(name) for name in free] + list(range(len(names), start.shape[1]))
    batch_size = resolve_batch_size(batch_size, devices, CLIMBS, CLIMBS_ACCELERATED)
    run = like.compiled(_newton_stages, names, batch_size, devices)
    value, converged = np.full(len(z), -np.inf), np.zeros(len(z), dtype=bool)
    best = np.full(cell.max() + 1, -np.inf)
    left = np.arange(len(z))
    for stage in range(_STAGES):
        label = None if bar is None else f"{bar}, climb {stage + 1}"
        start[left], log_likelihood, converged[left] = run((start[left], low[left], high[left]), like.data, bar=label)
        log_likelihood = np.nan_to_num(log_likelihood, nan=-np.inf)
        gain = np.where(np.isfinite(value[left]), log_likelihood - np.maximum(value[left], -1e300), np.inf)
        value[left] = log_likelihood
        np.maximum.at(best, cell[left], log_likelihood)
        with np.errstate(invalid="ignore"):  # a start at -inf that stays there is not a number, and given up
            left = left[~converged[left] & (log_likelihood + _GAIN_TOLERANCE * gain >= best[cell[left]])]
        if not left.size:
            break
    return start[:, columns], value, converged


def _in_boxes(
    names: tuple[str, ...],
    fixed: Mapping[str, np.ndarray],
    free: tuple[str, ...],
    z: np.ndarray,
    limits: Mapping[str, tuple[float, float]],
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Starts in all coordinates `names` and the pulls, and the lower and upper ends of the box of each."""
    pulls = z[:, len(free) :]
    starts = {name: z[:, free.index(name)] if name in free else fixed[name] for name in names}
    ends = [
        {name: np.full(len(z), limits[name][side]) if name in free else fixed[name] for name in names}
        for side in (0, 1)
    ]
    columns = ((starts, pulls), (ends[0], np.full_like(pulls, -np.inf)), (ends[1], np.full_like(pulls, np.inf)))
    start, low, high = (np.column_stack([*of_boson.values(), of_pulls]) for of_boson, of_pulls in columns)
    return start, low, high


def _newton_stages(joint: JointModel, names: tuple[str, ...], batch_size: int, devices: Devices) -> Mapped:
    return Mapped(_newton_stage(joint, names), devices, batch_size)


def _newton_stage(joint: JointModel, names: tuple[str, ...]) -> Callable[..., Any]:
    def one(at: tuple[Array, Array, Array], data: Data) -> Maximum:
        start, low, high = at

        def photon(x: Sequence[Array]) -> Any:
            return photon_at(joint.model, dict(zip(names, x, strict=True)))

        return maximise_joint(joint, photon, start, len(names), data, _STEPS, (low, high))

    return one
