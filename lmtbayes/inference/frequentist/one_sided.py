"""The statistic of an upper limit on g_x at one mass, of observed, Asimov and toy data alike.

    q~(g) = 2 [max over 0 <= g' <= g of ln L(g') - ln L(g)],    mixing (where free) and nuisances profiled in both

Where ln L has one maximum in the coupling this is q~_mu of G. Cowan et al., Eur. Phys. J. C 71 (2011) 1554,
arXiv:1007.1727, Eq. 16: zero where the best coupling is above g, relative to no boson where the data have fewer events
than no boson predicts. Where interference makes a second maximum it is relative to what is below g, so that an allowed
island above does not shield the couplings under it.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from lmtbayes.gauge.models import HiddenPhoton
from lmtbayes.inference.devices import Devices, Mapped
from lmtbayes.inference.frequentist.box import peaks, photon_at, scan
from lmtbayes.inference.frequentist.maximise import linearised_conditional, maximise_joint, regularised
from lmtbayes.inference.frequentist.toy_fits import true_pulls
from lmtbayes.inference.frequentist.traced_scan import SCAN_STEPS
from lmtbayes.inference.frequentist.zero_coupling import LOG_ZERO
from lmtbayes.inference.likelihood.model import Data, JointModel
from lmtbayes.inference.likelihood.remeasured import Remeasured
from lmtbayes.inference.likelihood.toys import draw
from lmtbayes.inference.nuisances.newton import Maximum, highest

TIE = 1e-6
"""Difference of q below which two toys are the same: counts are whole, and climbs end to 1e-9."""
_COUPLINGS, _MIXINGS = 16, 10
"""Points of the scan below the tested coupling, and of the mixing."""
_BELOW, _TESTED = 3, 2
"""Maxima climbed from."""
_STEPS = 40


class OneSided(NamedTuple):
    """The statistic at one mass and coupling."""

    q: Float[Array, ""]
    tested: Float[Array, " n"]
    """Logarithms of g_x and, where it is free, of kappa, and pulls, where ln L at the tested coupling is highest."""
    no_boson: Float[Array, " n"]
    """The same without a boson."""
    log_likelihood_of_none: Float[Array, ""]
    converged: Bool[Array, ""]


def one_sided(
    joint: JointModel,
    names: tuple[str, ...],
    x_mass: Float[Array, ""],
    x_g: Float[Array, ""],
    low: Float[Array, " parameters"],
    high: Float[Array, " parameters"],
    data: Data,
) -> OneSided:
    """Evaluate q~; to be traced.

    Parameters
    ----------
    joint, data
        Of the likelihood.
    names
        "g_x" and, where the mixing is profiled, "kappa".
    x_mass, x_g
        Logarithms of the mass [MeV] and of the tested coupling.
    low, high
        Range of the logarithm of each parameter; g_x is searched from `low` to the tested one, and at zero.
    """

    def photon(x: Sequence[Array]) -> HiddenPhoton:
        return photon_at(joint.model, {"mass": x_mass, **dict(zip(names, x, strict=True))})

    def at(x: dict[str, Array]) -> tuple[Array, Array]:
        return linearised_conditional(joint, photon([x[name] for name in names]), data, SCAN_STEPS)

    couplings = jnp.concatenate([jnp.array([LOG_ZERO]), jnp.linspace(jnp.minimum(low[0], x_g), x_g, _COUPLINGS)])
    axes = {"g_x": couplings}
    axes |= {name: jnp.linspace(low[i], high[i], _MIXINGS) for i, name in enumerate(names) if i}
    values, pulls = scan(at, axes)
    parts = [(peaks(values, _BELOW)[0], low[0], x_g)]
    for row, count, held in ((_COUPLINGS, _TESTED, x_g), (0, 1, jnp.array(LOG_ZERO))):
        parts.append((_in_row(values, row, count), held, held))
    index = jnp.concatenate([part for part, _, _ in parts])
    points = jnp.stack([axis[index[:, i]] for i, axis in enumerate(axes.values())], axis=-1)
    floor, roof = (jnp.concatenate([jnp.full(len(p[0]), p[side]) for p in parts]) for side in (1, 2))
    points = points.at[:, 0].set(jnp.clip(points[:, 0], jnp.minimum(floor, roof), roof))

    def climb(point: Array, pull: Array, floor: Array, roof: Array) -> Maximum:
        start = jnp.concatenate([point, regularised(joint, photon(tuple(point)), pull, data)])
        edges = jnp.full(pull.size, jnp.inf)
        box = jnp.concatenate([low.at[0].set(floor), -edges]), jnp.concatenate([high.at[0].set(roof), edges])
        return maximise_joint(joint, photon, start, len(names), data, _STEPS, box)

    points, value, converged = jax.vmap(climb)(points, pulls[tuple(index.T)], jnp.minimum(floor, roof), roof)
    ends = Maximum(points, value, converged)
    best = highest(ends, value)
    own = slice(_BELOW, len(value) - 1)
    tested = highest(jax.tree.map(lambda x: x[own], ends), value[own])
    q = jnp.maximum(2.0 * (best.value - tested.value), 0.0)
    return OneSided(q, tested.point, points[-1], value[-1], best.converged & tested.converged)


def _in_row(values: Float[Array, "couplings ..."], row: int, count: int) -> Int[Array, "starts axes"]:
    """Places of the highest maxima at one coupling."""
    if values.ndim == 1:
        return jnp.array([[row]])
    index = peaks(values[row], count)[0]
    return jnp.concatenate([jnp.full((len(index), 1), row), index], axis=-1)


def cells(joint: JointModel, names: tuple[str, ...], devices: Devices, batch_size: int) -> Mapped:
    """Return ((x_mass, x_g), low, high, data, found) -> `OneSided`, the constraints being about the pulls `found`."""

    def one(item: tuple[Array, Array], low: Array, high: Array, data: Data, found: Array) -> OneSided:
        return one_sided(Remeasured(joint, found), names, *item, low, high, data)

    return Mapped(one, devices, batch_size)


class Truth(NamedTuple):
    """What a toy is drawn at, and the mass and coupling that it is to test."""

    number: Int[Array, ""]
    photon: HiddenPhoton
    pulls: Float[Array, " nuisances"]
    """True ones, where nuisances are "profiled"."""
    x_mass: Float[Array, ""]
    x_g: Float[Array, ""]


def toy_cells(joint: JointModel, names: tuple[str, ...], nuisances: str, devices: Devices, batch_size: int) -> Mapped:
    """Return (`Truth`, seed, low, high) -> (q~, converged) of toys, drawn as those of `toy_test_statistics`."""
    return Mapped(_toy(joint, names, nuisances), devices, batch_size)


def _toy(joint: JointModel, names: tuple[str, ...], nuisances: str) -> Callable[..., tuple[Array, Array]]:
    def one(truth: Truth, seed: Array, low: Array, high: Array) -> tuple[Array, Array]:
        key, *keys = jax.random.split(jax.random.fold_in(seed, truth.number), 1 + len(joint.experiments))
        pulls, measured = true_pulls(joint, nuisances, truth.pulls, key)
        data = draw(joint, keys, truth.photon, pulls)
        again = Remeasured(joint, measured) if nuisances == "profiled" else joint
        found = one_sided(again, names, truth.x_mass, truth.x_g, low, high, data)
        return found.q, found.converged

    return one
