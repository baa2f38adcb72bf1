"""log_likelihood_at: ln L at very many photons, as many at a time as the devices have memory for.

central: ln L(photon, central nuisances); profiled: its maximum over the nuisances; marginalised: ln of its integral
over them, by Laplace's method: the number that the grid, the evidence and its correction use too (`laplace_at_many`).
"""

import functools
import math
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array
from tqdm.auto import tqdm

from lmtbayes import _checks
from lmtbayes.errors import ConvergenceWarning
from lmtbayes.gauge.models import HiddenPhoton, check_mixing
from lmtbayes.gauge.photon import check_photon
from lmtbayes.inference import devices as local
from lmtbayes.inference.devices import Devices, Mapped
from lmtbayes.inference.likelihood.joint import JointLikelihood, check_likelihood
from lmtbayes.inference.likelihood.model import Data, JointModel
from lmtbayes.inference.nuisances.conditional import conditional
from lmtbayes.inference.nuisances.laplace_at_many import laplace_at_many

NUISANCES = ("central", "profiled", "marginalised")
_BATCH, _BATCHES = 1024, 16
"""Photons side by side on a core, and batches a device does without the host: a call of one batch of a fast likelihood
would be mostly the call."""


def log_likelihood_at(
    like: JointLikelihood,
    photon: HiddenPhoton,
    *,
    nuisances: str = "central",
    batch_size: int | None = None,
    devices: Sequence[Any] | None = None,
    out: np.ndarray | None = None,
    converged: np.ndarray | None = None,
    progress: bool = False,
) -> np.ndarray:
    """Evaluate the log-likelihood at any number of photons in bounded memory.

    On a device there are never more than 32 `batch_size` photons and the intermediate arrays of `batch_size` of them.
    Axes that broadcast, as `HiddenPhoton(g[:, None, None], m[:, None], e)`, are never written out: a grid of 1e8 points
    takes the 0.8 GB of its result, and with `out` on disk (`numpy.memmap`) not even those.

    Parameters
    ----------
    like
        The likelihood and its data.
    photon
        An array of photons of any shape.
    nuisances
        "central"; "profiled": at their conditional optimum for each photon, to 1e-9 in ln L; "marginalised":
        integrated by Laplace's method, which is exact where ln L is quadratic in the pulls. Elsewhere it is off by what
        the third and fourth derivatives leave: below 0.01 for counts of ten and more, 0.012 for an efficiency known to
        a factor of two and no event seen, 0.1 for the eighteen nuisances of COHERENT's two data sets.
    batch_size
        Photons a device evaluates side by side. By default 1024 on a CPU and 65,536 on an accelerator, where
        marginalised 256 and 8192.
    devices
        Devices of jax over which the photons are dealt out; by default all of this machine. The numbers are those of
        one device to rounding.
    out
        Array of float64 and of the photons' shape to write into.
    converged
        Array of bool and of the photons' shape to write into: whether the optimum of the nuisances was found.
    progress
        Show a bar.

    Returns
    -------
    log_likelihood
        Shape of `photon`; `out` where that was given. Where no optimum of the nuisances was found it is a lower bound.

    Raises
    ------
    InvalidArgument
        A bad option; an `out` or `converged` of another shape or type; photons whose eps_x is not that of the
        likelihood's model, or whose masses are out of range.

    Warns
    -----
    ConvergenceWarning
        Some of the optima were not found, and no `converged` was given to tell which.
    UnitsWarning
        Masses below 1 MeV, which look like GeV, or so high that they look like keV.

    References
    ----------
    Marginalised, with n pulls and H the Hessian of -ln L at their optimum: ln L + (n/2) ln(2 pi) - (1/2) ln det H; L.
    Tierney, J. B. Kadane, J. Am. Stat. Assoc. 81 (1986) 82.
    """
    _checks.one_of("nuisances", nuisances, NUISANCES)
    if batch_size is not None:
        _checks.whole("batch_size", batch_size)
    check_likelihood(like)
    check_photon(photon)
    check_mixing(like.model, photon)
    _checks.masses("photon.mass", photon.mass, [e.mass_range for e in like.experiments])
    used = local.resolve_devices(devices)
    shape = photon.shape
    values, found = _to_write("out", out, shape, np.float64), _to_write("converged", converged, shape, np.bool_)
    axes = shape or (1,)
    fields = [_own_axes(np.asarray(x, dtype=float), len(axes)) for x in (photon.g_x, photon.mass, photon.eps_x)]
    bar = "points" if progress else None
    flat, status = values.reshape(-1), found.reshape(-1)
    blocks = _marginalised if nuisances == "marginalised" else _mapped
    for where, (value, is_found) in blocks(like, nuisances, used, batch_size, fields, axes, bar):
        flat[where], status[where] = value, is_found
    if converged is None and not status.all():
        lost = np.count_nonzero(~status)
        warnings.warn(
            f"at {lost} of {status.size} photons the optimum of the nuisances was not found; the values there are "
            "lower bounds (`converged=` takes an array that tells which)",
            ConvergenceWarning,
            stacklevel=2,
        )
    return values


type _Fields = list[np.ndarray]
type _Blocks = Iterator[tuple[slice, tuple[np.ndarray, np.ndarray]]]


def _own_axes(field: np.ndarray, dimensions: int) -> np.ndarray:
    """A parameter with all axes of the photons, those of length one that it does not depend on."""
    return field.reshape((1,) * (dimensions - field.ndim) + field.shape)


@functools.partial(jax.jit, static_argnums=2)
def _taken(indices: Array, fields: list[Array], shape: tuple[int, ...]) -> tuple[Array, Array, Array]:
    """Parameters of photons by their number in an array of this shape, on the devices where the indices are."""
    where = jnp.unravel_index(indices, shape)
    g_x, mass, eps_x = (
        x[tuple(axis if length > 1 else 0 for axis, length in zip(where, x.shape, strict=True))] for x in fields
    )
    together = jnp.broadcast_arrays(g_x, mass, eps_x, indices)
    return together[0], together[1], together[2]


def _to_write(argument: str, given: np.ndarray | None, shape: tuple[int, ...], dtype: type) -> np.ndarray:
    if given is None:
        return np.empty(shape, dtype)
    if given.shape != shape or given.dtype != dtype or not given.flags.c_contiguous:
        kind = np.dtype(dtype).name
        raise _checks.invalid(
            argument, f"{given.dtype}{given.shape}", f"a C-ordered array of {kind} and of shape {shape}"
        )
    return given


def _mapped(
    like: JointLikelihood,
    nuisances: str,
    used: Devices,
    batch_size: int | None,
    fields: _Fields,
    shape: tuple[int, ...],
    bar: str | None,
) -> _Blocks:
    """Values and whether they are an optimum, block by block."""
    run = like.compiled(_points, nuisances, local.resolve_batch_size(batch_size, used, _BATCH), used)
    there = run.on_all(fields)

    def take(indices: np.ndarray) -> tuple[Array, Array, Array]:
        return _taken(run.dealt_out(indices), there, shape)

    yield from run.blocks(math.prod(shape), take, like.data, bar=bar)


def _marginalised(
    like: JointLikelihood,
    nuisances: str,  # noqa: ARG001 - one signature for both
    used: Devices,
    batch_size: int | None,
    fields: _Fields,
    shape: tuple[int, ...],
    bar: str | None,
) -> _Blocks:
    """Integrals and whether they are about an optimum, block by block."""
    run, count = laplace_at_many(like.joint, used, batch_size), math.prod(shape)
    size = run.expansion.block * _BATCHES
    fields = [np.broadcast_to(x, shape) for x in fields]
    for begin in tqdm(range(0, count, size), desc=bar, disable=None if bar else True):
        where = slice(begin, min(begin + size, count))
        at = np.unravel_index(np.arange(where.start, where.stop), shape)
        yield where, run.integrals(HiddenPhoton(*(x[at] for x in fields)), like.data)


def _points(joint: JointModel, nuisances: str, batch_size: int, devices: Devices) -> Mapped:
    return Mapped(_one(joint, nuisances), devices, batch_size, _BATCHES)


def _one(joint: JointModel, nuisances: str) -> Callable[..., tuple[Array, Array]]:
    def one(x: tuple[Array, Array, Array], data: Data) -> tuple[Array, Array]:
        photon = HiddenPhoton(*x)
        if nuisances == "central":
            value = joint.log_density(photon, joint.central_pulls, data)
            return value, jnp.ones_like(value, dtype=bool)
        best = conditional(joint, photon, data)
        return best.value, best.converged

    return one
