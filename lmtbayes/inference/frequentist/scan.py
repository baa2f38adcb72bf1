"""Scan of a box of boson parameters, by the host: where to climb from (`climb`).

In a cell, that is at one value of the outer and of the inner parameter, the free ones are scanned, the nuisances
optimised at every point with linearised counts. The rates are those that a fit has compiled for its grid
(`laplace_at_many`): a scan brings nothing of its own to compile.
"""

import functools
import math
from collections.abc import Mapping
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from tqdm.auto import tqdm

from lmtbayes.inference.devices import Devices
from lmtbayes.inference.frequentist.box import peaks, scan_size
from lmtbayes.inference.frequentist.steps import NAMES, Steps
from lmtbayes.inference.likelihood.joint import JointLikelihood

_POINTS = 1 << 15
"""Points whose pulls the host holds at a time."""


@dataclass(frozen=True)
class Plan:
    """How cells are scanned, and what they are climbed with."""

    outer: str
    inner: str | None
    free: tuple[str, ...]
    points: int
    """Of each free parameter."""
    starts: int
    """Maxima kept in each cell."""
    devices: Devices
    batch_size: int | None = None
    """Points side by side on each device; None: what suits it."""


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
    names = tuple(name for name in NAMES if name in (plan.outer, plan.inner, *plan.free))
    steps = like.compiled(Steps, names, plan.devices, plan.batch_size)
    axes = [np.linspace(*limits[name], scan_size(name, plan.points, *limits[name])) for name in plan.free]
    shape = tuple(axis.size for axis in axes)
    points = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, len(axes)) if axes else np.zeros((1, 0))
    order = [(plan.outer, plan.inner, *plan.free).index(name) for name in names]
    cells = outer_x.size * inner_x.size
    together = min(max(_POINTS // math.prod(shape), 1), cells)
    parts = []
    for begin in tqdm(range(0, cells, together), desc=bar, disable=None if bar else True):
        # The last ones are filled up: one shape.
        i, j = np.divmod(np.minimum(np.arange(begin, begin + together), cells - 1), inner_x.size)
        fixed = np.stack([outer_x[i], inner_x[j]], axis=-1)
        both = np.concatenate([np.repeat(fixed, len(points), axis=0), np.tile(points, (together, 1))], axis=1)
        values, pulls = steps.linearised(both[:, order], like.data)
        index, value, promising = map(np.asarray, _peaks(values.reshape(together, *shape), plan.starts))
        where = np.ravel_multi_index(tuple(np.moveaxis(index, -1, 0)), shape) if axes else index.sum(axis=-1)
        own = np.take_along_axis(pulls.reshape(together, len(points), -1), where[..., None], axis=1)
        parts.append((np.concatenate([points[where], own], axis=-1), value, promising))
    z, value, promising = (
        np.concatenate(column)[:cells].reshape(outer_x.size, inner_x.size, *column[0].shape[1:])
        for column in zip(*parts, strict=True)
    )
    # The highest one always: a cell whose every point failed is told by its status.
    return ScanResult(z, value, promising | (np.arange(promising.shape[-1]) == 0))


@functools.partial(jax.jit, static_argnums=1)
def _peaks(values: jax.Array, starts: int) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Peaks of many cells, as `box.peaks` of each; a cell without free parameters is one."""
    if values.ndim == 1:
        return jnp.zeros((values.size, 1, 0), int), values[:, None], jnp.ones((values.size, 1), bool)
    return jax.vmap(lambda cell: peaks(cell, starts))(values)
