"""Scan of a box of boson parameters, by the host: where to climb from (`climb`).

In a cell, that is at one value of the outer and of the inner parameter, the free ones are scanned, the nuisances
optimised at every point with linearised counts. The rates are those that a fit has compiled for its grid
(`laplace_at_many`): a scan brings nothing of its own to compile.
"""

import functools
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

_POINTS = 1 << 12
"""Points that the host holds at a time, and after which a progress bar moves."""


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
    order = [(plan.outer, plan.inner, *plan.free).index(name) for name in names]
    axes = [np.linspace(*limits[name], scan_size(name, plan.points, *limits[name])) for name in plan.free]
    shape = tuple(axis.size for axis in axes)
    points = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, len(axes)) if axes else np.zeros((1, 0))
    cells = outer_x.size * inner_x.size

    def boson(cell: np.ndarray, free: np.ndarray) -> np.ndarray:
        i, j = np.divmod(cell, inner_x.size)
        return np.concatenate([np.stack([outer_x[i], inner_x[j]], axis=-1), free], axis=-1)[:, order]

    found = []
    together = min(max(_POINTS // len(points), 1), cells)
    for begin in tqdm(range(0, cells, together), desc=bar, disable=None if bar else True):
        # The last ones are filled up: one shape.
        cell = np.minimum(np.arange(begin, begin + together), cells - 1)
        x = boson(np.repeat(cell, len(points)), np.tile(points, (together, 1)))
        values, _ = steps.linearised(x, like.data, likeliest=True)
        found.append([np.asarray(part) for part in _peaks(values.reshape(together, *shape), plan.starts)])
    index, _, promising = (np.concatenate(column)[:cells] for column in zip(*found, strict=True))
    # The highest one always: a cell whose every point failed is told by its status.
    promising = promising | (np.arange(promising.shape[1]) == 0)
    where = np.ravel_multi_index(tuple(np.moveaxis(index, -1, 0)), shape) if axes else index.sum(axis=-1)
    free = points[where[promising]]
    values, pulls = steps.linearised(boson(np.nonzero(promising)[0], free), like.data)
    z = np.full((*promising.shape, free.shape[1] + pulls.shape[1]), np.nan)
    value = np.full(promising.shape, -np.inf)
    z[promising], value[promising] = np.concatenate([free, pulls], axis=1), values
    return ScanResult(*(x.reshape(outer_x.size, inner_x.size, *x.shape[1:]) for x in (z, value, promising)))


@functools.partial(jax.jit, static_argnums=1)
def _peaks(values: jax.Array, starts: int) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Peaks of many cells, as `box.peaks` of each; a cell without free parameters is one."""
    if values.ndim == 1:
        return jnp.zeros((values.size, 1, 0), int), values[:, None], jnp.ones((values.size, 1), bool)
    return jax.vmap(lambda cell: peaks(cell, starts))(values)
