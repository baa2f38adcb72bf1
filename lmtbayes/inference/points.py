"""log_likelihood_at: ln L at very many photons, as many at a time as the devices have memory for.

central: ln L(photon, central nuisances); profiled: its maximum over the nuisances; marginalised: ln of its integral
over them (Laplace).
"""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np
from jaxtyping import Array

from lmtbayes import _checks
from lmtbayes.gauge.models import HiddenPhoton, check_mixing, check_photon
from lmtbayes.inference import devices as local
from lmtbayes.inference.conditional import conditional
from lmtbayes.inference.devices import Mapped
from lmtbayes.inference.likelihood import Data, JointLikelihood

NUISANCES = ("central", "profiled", "marginalised")
_BATCHES = 16
"""Batches a device does without the host: a call of one batch of a fast likelihood would be mostly the call."""


def log_likelihood_at(
    like: JointLikelihood,
    photon: HiddenPhoton,
    *,
    nuisances: str = "central",
    batch_size: int = 1024,
    devices: Sequence[Any] | None = None,
    out: np.ndarray | None = None,
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
        "central"; "profiled": at their conditional optimum for each photon; "marginalised": integrated (Laplace).
    batch_size
        Photons a device evaluates side by side.
    devices
        Devices of jax over which the photons are dealt out; by default all of this machine. The numbers are those of
        one device to rounding.
    out
        Array of float64 and of the photons' shape to write into.
    progress
        Show a bar.

    Returns
    -------
    log_likelihood
        Shape of `photon`; `out` where that was given. NaN where the nuisances have no optimum.

    Raises
    ------
    InvalidArgument
        A bad option; an `out` of another shape or type; photons whose eps_x is not that of the likelihood's model, or
        whose masses are out of range.
    """
    _checks.one_of("nuisances", nuisances, NUISANCES)
    _checks.whole("batch_size", batch_size)
    check_photon(photon)
    check_mixing(like.model, photon)
    _checks.masses("photon.mass", photon.mass)
    used = local.resolve(devices)
    shape = photon.shape
    if out is None:
        out = np.empty(shape)
    elif out.shape != shape or out.dtype != np.float64 or not out.flags.c_contiguous:
        raise _checks.invalid("out", f"{out.dtype}{out.shape}", f"a C-ordered array of float64 and of shape {shape}")
    run = like.compiled(_points, nuisances, batch_size, used)
    axes = shape or (1,)
    fields = [np.broadcast_to(np.asarray(x), axes) for x in (photon.g_x, photon.mass, photon.eps_x)]

    def take(indices: np.ndarray) -> tuple[np.ndarray, ...]:
        where = np.unravel_index(indices, axes)
        return tuple(x[where] for x in fields)

    flat = out.reshape(-1)
    for where, found in run.blocks(out.size, take, like.data, bar="points" if progress else None):
        flat[where] = found
    return out


def _points(like: JointLikelihood, nuisances: str, batch_size: int, devices: local.Devices) -> Mapped:
    return Mapped(_one(like, nuisances), devices, batch_size, _BATCHES)


def _one(like: JointLikelihood, nuisances: str) -> Callable[..., Array]:
    def one(x: tuple[Array, Array, Array], data: Data) -> Array:
        photon = HiddenPhoton(*x)
        if nuisances == "central":
            return like.log_density(photon, like.central_pulls, data)
        best = conditional(like, photon, data)
        value = best.log_likelihood if nuisances == "profiled" else best.log_integral
        return jax.numpy.where(best.converged, value, jax.numpy.nan)

    return one
