"""The one compiled evaluation of a likelihood: ln L, its gradient and the expected counts, of many points at once.

It is by far the largest thing that is compiled for a likelihood, so that whatever needs a part of it takes the whole:
the check at construction, Asimov data, the chains' proposals, the description of draws.
"""

from typing import NamedTuple

import jax
from jaxtyping import Array, Float

from lmtbayes.gauge.models import HiddenPhoton
from lmtbayes.inference.devices import Devices, Mapped, side_by_side
from lmtbayes.inference.likelihood.model import Data, JointModel

_BATCH = 64
"""Points evaluated side by side on a core."""


class Evaluated(NamedTuple):
    """What is known of one point, or, with a leading axis, of many: then NumPy arrays."""

    log_likelihood: Float[Array, ""]
    by_photon: HiddenPhoton
    """Derivatives of ln L in g_x, mass and eps_x."""
    by_pulls: Float[Array, " nuisances"]
    counts: Data
    terms: Data
    """Log-likelihood of every bin of every experiment."""


def evaluation(joint: JointModel, devices: Devices | None = None) -> Mapped:
    """Return the function ((photons, pulls), data) -> `Evaluated` of leading axis, compiled once for a likelihood.

    Parameters
    ----------
    joint
        Experiments and nuisances; the data are an argument of what is returned.
    devices
        By default one: results are then the same bit for bit on machines with one device and with many.
    """
    return joint.compiled(_evaluation, _one_device() if devices is None else devices)


def is_evaluated(joint: JointModel) -> bool:
    """Whether `evaluation` on one device is compiled already."""
    return joint.has_compiled(_evaluation, _one_device())


def _one_device() -> Devices:
    return tuple(jax.local_devices()[:1])


def _evaluation(joint: JointModel, devices: Devices) -> Mapped:
    def one(point: tuple[HiddenPhoton, Array], data: Data) -> Evaluated:
        def with_parts(photon: HiddenPhoton, pulls: Array) -> tuple[Array, tuple[Data, Data]]:
            counts = joint.counts(photon, pulls)
            terms = joint.terms(counts, data)
            return joint.total(terms, pulls), (counts, terms)

        (value, parts), slopes = jax.value_and_grad(with_parts, argnums=(0, 1), has_aux=True)(*point)
        return Evaluated(value, *slopes, *parts)

    return Mapped(one, devices, side_by_side(devices, _BATCH))
