"""Fits of toys: q at a tested point of data drawn at a truth, for every statistic that profiles and limits are made of.

    q = 2 [max of ln L over what the reference leaves free - max over what the tested point leaves free]  >= 0

The tested point holds some of the boson's parameters, all of them or those of a profile's grid; the others, and the
nuisances, are fitted. The reference is the best fit in the whole box (contours), or the best value of one held
parameter, zero included, the other held ones as tested (limits at each mass). One program serves all truths.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from lmtbayes.gauge.models import GaugeModel, HiddenPhoton
from lmtbayes.inference.devices import Devices, Mapped
from lmtbayes.inference.frequentist.box import Box, photon_at, physical, scan_size
from lmtbayes.inference.frequentist.maximise import maximise_joint, regularised
from lmtbayes.inference.frequentist.traced_scan import starts_of_scan
from lmtbayes.inference.frequentist.zero_coupling import LOG_ZERO
from lmtbayes.inference.likelihood.joint import JointLikelihood
from lmtbayes.inference.likelihood.model import Data, JointModel
from lmtbayes.inference.likelihood.remeasured import Remeasured, measurable
from lmtbayes.inference.likelihood.toys import draw
from lmtbayes.inference.nuisances.conditional import conditional
from lmtbayes.inference.nuisances.newton import Maximum, highest
from lmtbayes.parameters import default_masses

NUISANCES = ("drawn", "central", "profiled")
"""What the true nuisances of a toy are: drawn from their constraints; central; or given, their constraints measured
anew in each toy."""
TOYS, TOYS_ACCELERATED = 16, 8
"""Toys side by side on a core, and how many times as many on an accelerator: each scans thousands of points."""
_POINTS = {"g_x": 16, "mass": 12, "kappa": 10, "eps_x": 10}
_STARTS = 4
_STEPS = 40
_FLAT = 5e-7
"""Of ln L: a coupling that is no better than none by more is none (`crossings.lowest`)."""


@dataclass(frozen=True)
class Statistic:
    """Which q it is; hashable, what fits are compiled for."""

    names: tuple[str, ...]
    """Parameters of the box."""
    held: tuple[str, ...]
    """Those that the tested point gives; the others are fitted."""
    parameter: str | None = None
    """Relative to the best value of this one of the held ones, zero included; None: to the best fit in the box."""

    @property
    def free(self) -> tuple[str, ...]:
        """Fitted where the tested point is held."""
        return tuple(name for name in self.names if name not in self.held)

    @property
    def free_in_reference(self) -> tuple[str, ...]:
        """Fitted in the reference."""
        return tuple(n for n in self.names if n not in self.held or self.parameter in (None, n))


class Truths(NamedTuple):
    """Where toys are drawn and tested, one entry a toy along the leading axis; NumPy arrays."""

    seed: np.ndarray
    """Data of a key of jax, (toys, 2)."""
    number: np.ndarray
    """Of the toy: it draws from `fold_in(seed, number)`."""
    photon: HiddenPhoton
    """The truth."""
    pulls: Float[np.ndarray, "toys nuisances"]
    """True ones, where nuisances are "profiled"."""
    tested: HiddenPhoton
    """Its held parameters are tested; those that are fitted are where a climb begins."""


class ToyFits(NamedTuple):
    """What came out, one entry a toy."""

    q: Float[np.ndarray, " toys"]
    deviance: Float[np.ndarray, " toys"]
    """At the reference."""
    converged: Bool[np.ndarray, " toys"]
    best: Float[np.ndarray, "toys parameters"]
    """Where the reference is, in the parameters' own units; 0 where no coupling at all is best."""


class Conditional(NamedTuple):
    """Best fits of one data set with the held parameters of several points."""

    photon: HiddenPhoton
    pulls: Float[np.ndarray, "points nuisances"]
    log_likelihood: Float[np.ndarray, " points"]
    converged: Bool[np.ndarray, " points"]


def truths(
    photon: HiddenPhoton, pulls: np.ndarray, numbers: np.ndarray, seed: np.ndarray, tested: HiddenPhoton | None = None
) -> Truths:
    """Toys of these numbers at one truth (scalars), tested there or at another point."""
    size = len(numbers)

    def repeated(value: Any) -> np.ndarray:
        array = np.asarray(value)
        return np.broadcast_to(array, (size, *array.shape))

    photons = [jax.tree.map(repeated, one) for one in (photon, photon if tested is None else tested)]
    return Truths(repeated(seed), np.asarray(numbers, np.uint32), photons[0], repeated(pulls), photons[1])


def fit_toys(
    like: JointLikelihood,
    statistic: Statistic,
    nuisances: str,
    box: Box,
    toys: Truths,
    batch_size: int,
    devices: Devices,
    bar: str | None = None,
) -> ToyFits:
    """Draw and fit toys; the data of `like` are not used.

    Parameters
    ----------
    like, statistic, toys
        Experiments; q; truths and tested points.
    nuisances
        One of `NUISANCES`.
    box
        Ranges of all parameters.
    batch_size
        Toys at a time on each device.
    devices
        Of `devices.resolve_devices`.
    bar
        Label of a progress bar.
    """
    run = like.compiled(_fits, statistic, nuisances, batch_size, devices)
    q, deviance, converged, x, at_zero = run(toys, box.low, box.high, bar=bar)
    best = np.exp(x)
    if "eps_x" in statistic.names:
        best[:, statistic.names.index("eps_x")] *= like.model.mixing_sign
    if statistic.parameter is not None:
        best[at_zero, statistic.names.index(statistic.parameter)] = 0.0
    # Negative by rounding where the best fit is the tested point.
    return ToyFits(np.maximum(q, 0.0), deviance, converged, best)


def fit_held(
    like: JointLikelihood, statistic: Statistic, box: Box, tested: HiddenPhoton, batch_size: int, devices: Devices
) -> Conditional:
    """Fit the likelihood's own data with the held parameters of several points (arrays of one axis)."""
    run = like.compiled(_held_fits, statistic, batch_size, devices)
    photon, found = run(jax.tree.map(np.asarray, tested), box.low, box.high, like.data)
    return Conditional(photon, found.point, found.value, found.converged)


def _held_fits(joint: JointModel, statistic: Statistic, batch_size: int, devices: Devices) -> Mapped:
    def one(tested: HiddenPhoton, low: Array, high: Array, data: Data) -> tuple[HiddenPhoton, Maximum]:
        x, found = _at_tested(joint, statistic, tested, low, high, data)
        photon = tested if not statistic.free else photon_at(joint.model, dict(zip(statistic.names, x, strict=True)))
        return photon, found

    return Mapped(one, devices, batch_size)


def _fits(joint: JointModel, statistic: Statistic, nuisances: str, batch_size: int, devices: Devices) -> Mapped:
    return Mapped(_one(joint, statistic, nuisances), devices, batch_size)


def _one(joint: JointModel, statistic: Statistic, nuisances: str) -> Callable[..., Any]:
    def one(toy: Truths, low: Array, high: Array) -> tuple[Array, ...]:
        seed = jax.random.wrap_key_data(jnp.asarray(toy.seed))
        key, *keys = jax.random.split(jax.random.fold_in(seed, toy.number), 1 + len(joint.experiments))
        pulls, found = true_pulls(joint, nuisances, jnp.asarray(toy.pulls), key)
        data = draw(joint, keys, toy.photon, pulls)
        again = Remeasured(joint, found) if nuisances == "profiled" else joint
        x, at_tested = _at_tested(again, statistic, toy.tested, low, high, data)
        best, reference = _reference(again, statistic, x, at_tested, low, high, data)
        value, at_zero = reference.value, jnp.array(False)
        if statistic.parameter is not None:
            without = _without(again, statistic, x, low, high, data)
            at_zero = without >= value - _FLAT
            value = jnp.maximum(value, without)
        deviance = 2.0 * (again.saturated_log_likelihood(data) - value)
        converged = reference.converged & at_tested.converged
        return 2.0 * (value - at_tested.value), deviance, converged, best, at_zero

    return one


def true_pulls(joint: JointModel, how: str, given: Array, key: Array) -> tuple[Array, Array]:
    """True pulls of a toy, and what the measurements behind their constraints find."""
    if how == "central":
        return joint.central_pulls, jnp.zeros_like(given)
    drawn = joint.constraints.sample(key, apart=True)
    if how == "drawn":
        return drawn, jnp.zeros_like(given)
    again = measurable(joint)
    return jnp.where(again, given, drawn), jnp.where(again, given + drawn, 0.0)


def _at_tested(
    joint: JointModel, statistic: Statistic, tested: HiddenPhoton, low: Array, high: Array, data: Data
) -> tuple[Array, Maximum]:
    """Coordinates of the box, and the pulls with ln L, where the held parameters are as tested."""
    x = _coordinates(joint.model, statistic.names, tested)
    if not statistic.free:
        found = conditional(joint, tested, data)
        return jnp.clip(jnp.where(jnp.isfinite(x), x, low), low, high), found
    index = [statistic.names.index(name) for name in statistic.free]
    fixed = {name: x[i] for i, name in enumerate(statistic.names) if name in statistic.held}
    found = _search(joint, statistic.names, fixed, low, high, None, data)
    x = x.at[jnp.array(index)].set(found.point[: len(index)])
    return x, Maximum(found.point[len(index) :], found.value, found.converged)


def _reference(
    joint: JointModel, statistic: Statistic, x: Array, at_tested: Maximum, low: Array, high: Array, data: Data
) -> tuple[Array, Maximum]:
    """Coordinates and the maximum of ln L that q is relative to, not lower than at the tested point."""
    free = statistic.free_in_reference
    index = jnp.array([statistic.names.index(name) for name in free])
    fixed = {name: x[i] for i, name in enumerate(statistic.names) if name not in free}
    start = jnp.clip(x, low, high)[index]
    # The tested point is a start of its own: q is then never below zero by more than rounding.
    found = _search(joint, statistic.names, fixed, low, high, jnp.concatenate([start, at_tested.point]), data)
    best = x.at[index].set(found.point[: len(free)])
    better = found.value >= at_tested.value
    best = jnp.where(better, best, x)
    return best, found._replace(value=jnp.maximum(found.value, at_tested.value))


def _without(joint: JointModel, statistic: Statistic, x: Array, low: Array, high: Array, data: Data) -> Array:
    """Ln L as the parameter of the statistic goes to zero, the other held ones as tested."""
    fixed = {name: x[i] for i, name in enumerate(statistic.names) if name in statistic.held}
    fixed[str(statistic.parameter)] = jnp.asarray(LOG_ZERO)
    # A mixing that is a multiple of the coupling goes with it; then neither mass nor mixing means anything.
    nothing_left = not statistic.free or (statistic.parameter == "g_x" and "eps_x" not in statistic.names)
    if not nothing_left:
        return _search(joint, statistic.names, fixed, low, high, None, data).value
    fixed |= {name: low[i] for i, name in enumerate(statistic.names) if name in statistic.free}
    return conditional(joint, photon_at(joint.model, fixed), data).value


def _search(
    joint: JointModel,
    names: tuple[str, ...],
    fixed: Mapping[str, Array],
    low: Array,
    high: Array,
    extra: Float[Array, " n"] | None,
    data: Data,
) -> Maximum:
    """Scan what is not fixed, climb from the highest peaks and from a start of one's own: free coordinates and pulls.

    It is `best_fit`, or a profile's cell, as one traced function.
    """
    free = [i for i, name in enumerate(names) if name not in fixed]
    size = len(free)

    def photon(x: Sequence[Array]) -> HiddenPhoton:
        return photon_at(joint.model, dict(fixed) | {names[i]: value for i, value in zip(free, x, strict=True)})

    # As many points as suit the default box: the edges of this one are traced.
    masses = np.log(default_masses(e.mass_range for e in joint.experiments))
    sizes = {name: scan_size(name, _POINTS[name], *masses) for name in names}
    axes = {names[i]: jnp.linspace(low[i], high[i], sizes[names[i]]) for i in free}
    starts, _, _ = starts_of_scan(joint, fixed, axes, _STARTS, data)
    if extra is not None:
        own = jnp.concatenate([extra[:size], regularised(joint, photon(tuple(extra[:size])), extra[size:], data)])
        starts = jnp.stack([*starts, own])
    edges = jnp.full(starts.shape[1] - size, jnp.inf)
    at = jnp.array(free)
    box = (jnp.concatenate([low[at], -edges]), jnp.concatenate([high[at], edges]))
    ends = jax.vmap(lambda z: maximise_joint(joint, photon, z, size, data, _STEPS, box))(starts)
    return highest(ends, ends.value)


def _coordinates(model: GaugeModel, names: tuple[str, ...], photon: HiddenPhoton) -> Float[Array, " parameters"]:
    values = physical(model, photon.g_x, photon.mass, photon.eps_x)
    return jnp.stack([jnp.log(jnp.abs(values[name])) for name in names])
