"""Toy experiments for frequentist statements: is q = -2 ln lambda chi^2 distributed at a point, how good is a fit.

Near g_x -> 0 the mixing and the mass lose their meaning and q piles up at zero: thresholds of 2.30 and 2.71 are then
too large. Toys say by how much.
"""

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from lmtbayes import _checks
from lmtbayes.gauge.models import GaugeModel, HiddenPhoton, check_mixing
from lmtbayes.gauge.photon import check_photon
from lmtbayes.inference import devices as local
from lmtbayes.inference.devices import Mapped
from lmtbayes.inference.frequentist.box import Box, photon_at, physical, scan_size
from lmtbayes.inference.frequentist.contours import threshold
from lmtbayes.inference.frequentist.maximise import maximise_joint, regularised
from lmtbayes.inference.frequentist.scan import starts_of_scan
from lmtbayes.inference.likelihood.joint import JointLikelihood, check_likelihood
from lmtbayes.inference.likelihood.model import Data, JointModel
from lmtbayes.inference.likelihood.toys import draw
from lmtbayes.inference.nuisances.conditional import conditional
from lmtbayes.inference.nuisances.newton import Maximum, highest
from lmtbayes.parameters import default_masses

_POINTS = {"g_x": 16, "mass": 12, "kappa": 10, "eps_x": 10}
_STARTS = 4
_STEPS = 40


@dataclass(frozen=True, eq=False)
class Toys:
    """Fits of toy data drawn at one point; made by `toy_test_statistics`."""

    q: Float[np.ndarray, " toys"]
    """2 [ln L(global best fit) - ln L(truth, nuisances fitted)], >= 0."""
    deviance: Float[np.ndarray, " toys"]
    """At each toy's best fit: the distribution that a goodness of fit compares with."""
    converged: np.ndarray

    def quantile(self, cl: float) -> float:
        """Value of q that contains the truth with probability `cl`, in place of the chi^2 quantile."""
        return float(np.quantile(self.q, cl))

    def coverage(self, cl: float, dof: int) -> tuple[float, float]:
        """Part of the toys whose region of nominal level `cl` holds the truth, and its binomial error."""
        inside = float(np.mean(self.q < threshold(cl, dof)))
        return inside, float(np.sqrt(max(inside * (1.0 - inside), 1.0 / self.q.size) / self.q.size))

    def p_value(self, deviance: float) -> float:
        """Part of the toys that fit no better than an observed deviance."""
        return float(np.mean(self.deviance >= deviance))


def toy_test_statistics(
    like: JointLikelihood,
    photon: HiddenPhoton,
    size: int = 200,
    *,
    seed: int = 0,
    bounds: Mapping[str, Sequence[float]] | None = None,
    nuisances: str = "drawn",
    first: int = 0,
    batch_size: int = 16,
    devices: Sequence[Any] | None = None,
    progress: bool = False,
) -> Toys:
    """Draw toys at a point and fit each of them.

    The statistic of a toy is q = 2 [max over boson and nuisances of ln L - max over nuisances of ln L(truth)], whose
    distribution is that of chi^2 with as many degrees of freedom as the boson has parameters only where many events are
    expected and the parameters mean something. The `Toys.quantile` of a level is the threshold that holds at the truth,
    as in the construction of Feldman and Cousins.

    Parameters
    ----------
    like
        Its experiments are simulated; its data are not used.
    photon
        The truth.
    size
        Number of toys.
    seed
        Equal seeds give equal toys; a toy depends on the seed and on its own number, not on how many there are.
    bounds
        Range of each parameter in the fits, as for `profile_likelihood`.
    nuisances
        "drawn": true nuisances from their constraints, toy by toy, as a constraint's own measurement fluctuates;
        "central": always central, which makes q too small.
    first
        Number of the first toy: 1000 toys, and then 1000 more with `first=1000`, are the 2000 of one call.
    batch_size
        Toys at a time on each device.
    devices
        Devices of jax over which the toys are dealt out; by default all of this machine. The numbers are those of one
        device to rounding.
    progress
        Show a bar.

    Raises
    ------
    InvalidArgument
        More than one photon, or one whose eps_x the fitted model's mixing rule does not give; a bad option or range.

    References
    ----------
    G. J. Feldman, R. D. Cousins, Phys. Rev. D 57 (1998) 3873, arXiv:physics/9711021; nuisances drawn from their
    constraints: R. D. Cousins, V. L. Highland, Nucl. Instrum. Meth. A 320 (1992) 331.
    """
    check_likelihood(like)
    check_photon(photon)
    _checks.whole("size", size)
    _checks.whole("seed", seed, 0)
    _checks.whole("first", first, 0)
    _checks.whole("batch_size", batch_size)
    _checks.one_of("nuisances", nuisances, ("drawn", "central"))
    if photon.shape != ():
        raise _checks.invalid("photon", photon.shape, "a single photon, of shape ()")
    check_mixing(like.model, photon)
    box = Box.of(like.model, bounds, experiments=like.experiments)
    used = local.resolve_devices(devices)
    run = like.compiled(_fits, box.names, nuisances == "drawn", batch_size, used)
    numbers = np.arange(first, first + size, dtype=np.uint32)
    # Negative by rounding where the best fit is the truth.
    q, deviance, converged = run(
        numbers, jax.random.key(seed), photon, box.low, box.high, bar="toys" if progress else None
    )
    return Toys(np.maximum(q, 0.0), deviance, converged)


def toy_q(*arguments: Any, **options: Any) -> Toys:
    """Return `toy_test_statistics`, whose name it was until 0.3; it goes with the next release."""
    warnings.warn("toy_q is toy_test_statistics now", DeprecationWarning, stacklevel=2)
    return toy_test_statistics(*arguments, **options)


def _fits(joint: JointModel, names: tuple[str, ...], drawn: bool, batch_size: int, devices: local.Devices) -> Mapped:
    return Mapped(_one(joint, names, drawn), devices, batch_size)


def _one(joint: JointModel, names: tuple[str, ...], drawn: bool) -> Callable[..., Any]:
    def one(number: Array, seed: Array, photon: HiddenPhoton, low: Array, high: Array) -> tuple[Array, Array, Array]:
        key_of_pulls, *keys = jax.random.split(jax.random.fold_in(seed, number), 1 + len(joint.experiments))
        pulls = joint.constraints.sample(key_of_pulls, apart=True) if drawn else joint.central_pulls
        data = draw(joint, keys, photon, pulls)
        at_truth = conditional(joint, photon, data)
        # The truth is a start of its own: q is then never below zero by more than rounding.
        x = _coordinates(joint.model, names, photon)
        x = jnp.clip(jnp.where(jnp.isfinite(x), x, low), low, high)
        best = _fit(joint, names, low, high, jnp.concatenate([x, at_truth.point]), data)
        value = jnp.maximum(best.value, at_truth.value)
        deviance = 2.0 * (joint.saturated_log_likelihood(data) - value)
        return 2.0 * (value - at_truth.value), deviance, best.converged & at_truth.converged

    return one


def _fit(
    joint: JointModel, names: tuple[str, ...], low: Array, high: Array, extra: Float[Array, " n"], data: Data
) -> Maximum:
    """Scan the box, climb from its highest peaks and from a start of one's own: `best_fit` as one traced function."""

    def photon(x: Sequence[Array]) -> HiddenPhoton:
        return photon_at(joint.model, dict(zip(names, x, strict=True)))

    size = len(names)
    # As many points as suit the default box: the edges of this one are traced.
    masses = np.log(default_masses(e.mass_range for e in joint.experiments))
    sizes = {name: scan_size(name, _POINTS[name], *masses) for name in names}
    axes = {name: jnp.linspace(low[i], high[i], sizes[name]) for i, name in enumerate(names)}
    starts, _, _ = starts_of_scan(joint, {}, axes, _STARTS, data)
    own = jnp.concatenate([extra[:size], regularised(joint, photon(tuple(extra[:size])), extra[size:], data)])
    edges = jnp.full(extra.size - size, jnp.inf)
    box = (jnp.concatenate([low, -edges]), jnp.concatenate([high, edges]))
    ends = jax.vmap(lambda z: maximise_joint(joint, photon, z, size, data, _STEPS, box))(jnp.stack([*starts, own]))
    return highest(ends, ends.value)


def _coordinates(model: GaugeModel, names: tuple[str, ...], photon: HiddenPhoton) -> Float[Array, " parameters"]:
    values = physical(model, photon.g_x, photon.mass, photon.eps_x)
    return jnp.stack([jnp.log(jnp.abs(values[name])) for name in names])
