"""Experiments at other thresholds and exposures as arguments of one compiled function: rates, and significance there.

A threshold changes an experiment's arrays, an exposure multiplies its counts: neither its structure nor its term. So
whatever is compiled takes the arrays (`stacked`), and thousands of settings compile nothing anew; the arrays may be
differentiated too. The Asimov value of the discovery statistic,

    q0 = 2 [ln L(n; s + b, central nuisances) - max over nuisances of ln L(n; b, nuisances)],    n = s + b,

is the square of the median significance where many events are expected (arXiv:1007.1727, Eq. 12 and Sec. 3).
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from lmtbayes.experiments.base import Experiment
from lmtbayes.gauge.models import GaugeModel, HiddenPhoton
from lmtbayes.inference.likelihood.model import JointModel
from lmtbayes.inference.nuisances.conditional import conditional


def in_groups(
    experiments: Sequence[Experiment], solve: Callable[[Sequence[Experiment]], np.ndarray]
) -> list[np.ndarray]:
    """Solve for every experiment: those with arrays of the same shapes at once, compiled once."""
    groups: dict[tuple[tuple[int, ...], ...], list[int]] = {}
    for index, exp in enumerate(experiments):
        groups.setdefault(tuple(np.shape(leaf) for leaf in jax.tree.leaves(exp)), []).append(index)
    results: dict[int, np.ndarray] = {}
    for members in groups.values():
        results.update(zip(members, solve([experiments[i] for i in members]), strict=True))
    return [results[index] for index in range(len(experiments))]


def stacked(members: Sequence[Experiment]) -> tuple[Any, list[np.ndarray]]:
    """Structure of experiments that differ in numbers alone, and their arrays with a leading axis of members.

    `jax.tree.unflatten(structure, arrays)` of one member is that experiment, also where the arrays are traced.
    """
    rows = zip(*(jax.tree.leaves(member) for member in members), strict=True)
    return jax.tree.structure(members[0]), [np.stack(leaves) for leaves in rows]


def without_boson(photon: HiddenPhoton) -> HiddenPhoton:
    """Return the Standard Model in place of photon(s), of the same shape and masses."""
    return HiddenPhoton(0.0 * photon.g_x, photon.mass, 0.0 * photon.eps_x)


def total_rates(
    members: Sequence[Experiment], model: GaugeModel, photons: HiddenPhoton
) -> Float[np.ndarray, "members photons 2"]:
    """All events, with the boson and without, of every member and photon."""
    structure, arrays = stacked(members)

    def one(*leaves: Array) -> Float[Array, "photons 2"]:
        exp = jax.tree.unflatten(structure, leaves)
        both = exp.expected_counts(model, photons), exp.expected_counts(model, without_boson(photons))
        return jnp.stack([jnp.sum(counts, axis=-1) for counts in both], axis=-1)

    return np.asarray(jax.jit(jax.vmap(one))(*arrays))


class AtExposure(Experiment):
    """An experiment of unit exposure, run for `exposure` of them: its counts go with the exposure, its term stays."""

    unit: Experiment
    exposure: Float[Array, ""]

    @classmethod
    def of(cls, unit: Experiment, active: tuple[str, ...], exposure: Float[Array, ""]) -> "AtExposure":
        """Run `unit` for so long, with the named nuisances free."""
        return cls(unit.description, unit.binning, unit.term, unit.declared, active, None, unit, exposure)

    def _signal(
        self, model: GaugeModel, photon: HiddenPhoton, values: Mapping[str, Float[Array, ""]]
    ) -> Float[Array, " bins"]:
        return self.exposure * self.unit._signal(model, photon, values)

    def _background(self, values: Mapping[str, Float[Array, ""]]) -> Float[Array, " bins"]:
        return self.exposure * self.unit._background(values)


def discovery_statistic(
    unit: Experiment, model: GaugeModel, photon: HiddenPhoton, active: tuple[str, ...], exposure: Float[Array, ""]
) -> tuple[Float[Array, ""], Bool[Array, ""]]:
    """q0 of the Standard Model on Asimov data of a boson; to be traced in the photon, the exposure and `unit`'s arrays.

    Parameters
    ----------
    unit
        The experiment at unit exposure.
    model, photon
        The truth.
    active
        Names of the nuisances that are profiled.
    exposure
        In units of that of `unit`.

    Returns
    -------
    q0, more
        q0 is 0 where the fit of the Standard Model has not converged: what was not fitted excludes nothing. `more` is
        whether there are more events than without a boson.
    """
    joint = JointModel([AtExposure.of(unit, active, exposure)], model)
    central, without = joint.central_pulls, without_boson(photon)
    data = joint.counts(photon, central)
    best = conditional(joint, without, data)
    statistic = 2.0 * (joint.log_density(photon, central, data) - best.value)
    more = jnp.sum(data[unit.name]) > jnp.sum(joint.counts(without, central)[unit.name])
    return jnp.where(best.converged, statistic, 0.0), more
