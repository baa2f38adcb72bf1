"""The one compiled evaluation of a likelihood: ln L, its gradient and the expected counts, of many points at once.

It is by far the largest thing that is compiled for a likelihood, so that whatever needs a part of it takes the whole:
the check at construction, Asimov data, the chains' proposals, the description of draws. What needs ln L alone, at very
many points, has `log_likelihoods`.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from lmtbayes.gauge.models import HiddenPhoton
from lmtbayes.inference.devices import Devices, side_by_side
from lmtbayes.inference.likelihood.by_experiment import ByExperiment, Parts, values
from lmtbayes.inference.likelihood.model import Data, JointModel
from lmtbayes.inference.likelihood.places import added
from lmtbayes.inference.likelihood.rates import Reading

_BATCH = 256
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


def evaluation(joint: JointModel, devices: Devices | None = None) -> ByExperiment:
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


def log_likelihoods(joint: JointModel, devices: Devices) -> ByExperiment:
    """Return the function ((photons, pulls), data) -> ln L of leading axis, compiled once for a likelihood."""
    return joint.compiled(_log_likelihoods, devices)


def rows(joint: JointModel, devices: Devices) -> ByExperiment:
    """Return the function ((photons, pulls), data) -> expected counts of all bins, leading axis.

    It shares with `log_likelihoods` all but what joins the parts; the data make no difference.
    """
    return joint.compiled(_rows, devices)


def _one_device() -> Devices:
    return tuple(jax.local_devices()[:1])


class _Own(NamedTuple):
    """One experiment's part of `Evaluated`."""

    counts: Array
    by_photon: HiddenPhoton
    by_values: Array


def _evaluation(joint: JointModel, devices: Devices) -> ByExperiment:
    return ByExperiment(joint, Parts(values, _own, _evaluated), devices, side_by_side(devices, _BATCH))


def _own(rates: Reading, photon: HiddenPhoton, values: Array, data: Array) -> _Own:
    def log_likelihood(photon: HiddenPhoton, values: Array) -> tuple[Array, Array]:
        counts = rates.counts(photon, list(values))
        return jnp.sum(rates.experiment.term.log_prob(counts, data)), counts

    # The value itself is left to what joins the parts, where experiments of one kind are compared in one go.
    slopes, counts = jax.grad(log_likelihood, argnums=(0, 1), has_aux=True)(photon, values)
    return _Own(counts, *slopes)


def _evaluated(joint: JointModel, pulls: Array, values: Array, found: list[_Own], data: Data) -> Evaluated:  # noqa: ARG001
    counts = {e.name: part.counts for e, part in zip(joint.experiments, found, strict=True)}
    terms = joint.terms(counts, data)
    places = tuple(own for _, own in joint.nuisance_places)
    by_values = added(jnp.concatenate([part.by_values for part in found]), places, pulls.size)
    (by_pulls,) = jax.vjp(joint.constraints.values, pulls)[1](by_values)
    by_photon = jax.tree.map(lambda *slopes: sum(slopes[1:], slopes[0]), *(part.by_photon for part in found))
    by_pulls = by_pulls + jax.grad(joint.log_constraint)(pulls)
    return Evaluated(joint.total(terms, pulls), by_photon, by_pulls, counts, terms)


def _log_likelihoods(joint: JointModel, devices: Devices) -> ByExperiment:
    return ByExperiment(joint, Parts(values, _own_counts, _total), devices, side_by_side(devices, _BATCH))


def _rows(joint: JointModel, devices: Devices) -> ByExperiment:
    return ByExperiment(joint, Parts(values, _own_counts, _row), devices, side_by_side(devices, _BATCH))


def _own_counts(rates: Reading, photon: HiddenPhoton, values: Array, data: Array) -> Array:  # noqa: ARG001
    return rates.counts(photon, list(values))


def _total(joint: JointModel, pulls: Array, values: Array, found: list[Array], data: Data) -> Array:  # noqa: ARG001
    counts = {e.name: row for e, row in zip(joint.experiments, found, strict=True)}
    return joint.total(joint.terms(counts, data), pulls)


def _row(joint: JointModel, pulls: Array, values: Array, found: list[Array], data: Data) -> Array:  # noqa: ARG001
    return jnp.concatenate(found)
