"""Scan of a box of boson parameters, in batches on all devices: where to climb from (`climb`).

A row has one value of the outer parameter (the mass, where that is not profiled), so that what depends on it alone is
computed once; in a cell, that is at one value of the outer and of the inner parameter, the free ones are scanned, the
nuisances optimised at every point with linearised counts.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from lmtbayes.inference.devices import Devices, Mapped, side_by_side
from lmtbayes.inference.frequentist.box import peaks, photon_at, scan
from lmtbayes.inference.frequentist.maximise import linearised_conditional, regularised
from lmtbayes.inference.likelihood.joint import JointLikelihood
from lmtbayes.inference.likelihood.model import Data, JointModel

SCAN_STEPS = 1
"""Newton steps on the nuisances at each point of a scan: a second one finds no other peaks (compared)."""
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
        """Free parameters and pulls, these at the optimum of linearised counts (`climb_cells(linearised=True)`)."""
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
    z, log_likelihood, promising = _highest_of_scan(joint, fixed, axes, starts, data)
    begin, pulls = z[:, : len(axes)], z[:, len(axes) :]
    pulls = jax.vmap(
        lambda b, p: regularised(joint, photon_at(joint.model, {**fixed, **dict(zip(axes, b, strict=True))}), p, data)
    )(begin, pulls)
    return jnp.concatenate([begin, pulls], axis=-1), log_likelihood, promising


def _highest_of_scan(
    joint: JointModel, fixed: Mapping[str, Array], axes: Mapping[str, Array], starts: int, data: Data
) -> tuple[Float[Array, "starts free_and_pulls"], Float[Array, " starts"], Bool[Array, " starts"]]:
    """The same with the pulls of linearised counts, which may lie where rates mean nothing."""

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
    return jnp.concatenate([begin, begin_pulls], axis=-1), log_likelihood, promising


def _scans(joint: JointModel, plan: Plan) -> Mapped:
    return Mapped(_scan(joint, plan), plan.devices, plan.rows)


def _scan(joint: JointModel, plan: Plan) -> Callable[..., Any]:
    def cell(x: dict[str, Array], axes: Mapping[str, Array], data: Data) -> tuple[Array, Array, Array]:
        z, log_likelihood, promising = _highest_of_scan(joint, x, axes, plan.starts, data)
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
