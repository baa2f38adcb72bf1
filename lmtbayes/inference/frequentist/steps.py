"""Newton steps of ln L in the boson's coordinates and the pulls, of many points at once.

Rates come from two functions that a fit has compiled already: `expansion` (Jacobian of the counts in the pulls) and
`evaluation` (ln L with its gradient). Derivatives of the gradient in the few coordinates of the boson are differences
of it; a step is algebra, and compiled in seconds however many experiments there are.
"""

import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from lmtbayes.gauge.models import HiddenPhoton
from lmtbayes.inference.devices import Devices, Mapped
from lmtbayes.inference.frequentist.box import photon_at
from lmtbayes.inference.likelihood.evaluation import evaluation
from lmtbayes.inference.likelihood.model import Data, JointModel
from lmtbayes.inference.nuisances.expansion import Expansion, gradient_and_precision
from lmtbayes.inference.nuisances.laplace_at_many import laplace_at_many
from lmtbayes.inference.nuisances.newton import SMALLEST_CURVATURE, STEP_SIZES

NAMES = ("g_x", "mass", "eps_x", "kappa")
"""Coordinates of the boson, in the order of `Steps`."""
_DIFFERENCE = 1e-4
"""Of a logarithm, over which a gradient's derivative is a difference: to 1e-4 of itself, and far above rounding."""
_FLAT = 1e-11
"""Of derivatives of ln L: a box ten times as wide has less to gain than the tolerance."""
_SIZES = (*STEP_SIZES, 0.004)
"""Parts of Newton's step that are tried, the whole one first."""
_LONGEST = 2.0
"""Of a logarithm, that a step goes at most."""
_DAMPING = np.array([1e-4, 1e-3, 1e-2, 0.1, 1.0, 10.0])
"""Of the largest curvature, that is added to all of them for steps to try where the whole one does not gain."""
_NEAR = 0.1
"""Of ln L, that a step gains at most for the curvature to be the same at its end."""
_PARTS = np.array([1.0, 0.5, 0.2, 0.0])
"""Of the way to the pulls of linearised counts."""
_CHUNK = 4
"""Blocks of which the host holds all that was evaluated at a time."""


class Place(NamedTuple):
    """What `evaluation` tells of a point, leading axis of climbs."""

    value: Float[np.ndarray, " climbs"]
    """ln L; -inf where that is no number."""
    by_photon: Float[np.ndarray, "climbs 3"]
    by_pulls: Float[np.ndarray, "climbs nuisances"]


class Trials(NamedTuple):
    """What `Steps` proposes for every climb, leading axis of climbs."""

    points: Float[np.ndarray, "climbs sizes n"]
    """To try, the whole step first."""
    gain: Float[np.ndarray, " climbs"]
    """Expected of Newton's step."""
    expected: Float[np.ndarray, " climbs"]
    """Of the whole one that is tried, which is shorter where that goes far."""
    is_maximum: Bool[np.ndarray, " climbs"]
    """Whether ln L bends down in all directions."""
    whole: Place
    """At the end of the whole step."""
    left: Float[np.ndarray, " climbs"]
    """To gain there, by the slope there and the curvature here; infinite where that is no longer the same."""


class _Curved(NamedTuple):
    """Minus the second derivatives of ln L at a point, taken apart; leading axis of climbs."""

    of_boson: Array
    """Inverse of the Schur complement of the pulls; zero for coordinates that the box holds."""
    follow: Array
    """By which the pulls' optimum follows the boson."""
    factor: Array
    """Lower, Cholesky's, of the pulls alone."""


class Steps:
    """Newton steps of ln L at many points; the data are arguments.

    Parameters
    ----------
    joint
        Of which ln L is climbed.
    names
        The boson's coordinates, which come first in z; the pulls follow. What is fixed is in a box without width, so
        that climbs of cells and of the best fit are one thing.
    devices, batch_size
        As of `laplace_at_many`.
    """

    def __init__(self, joint: JointModel, names: tuple[str, ...], devices: Devices, batch_size: int | None):
        self._joint, self._names = joint, names
        self._many = laplace_at_many(joint, devices, batch_size)
        self._expansion = self._many.expansion
        self._evaluation = evaluation(joint, devices)
        block = self._expansion.block // len(devices)
        self._photons = Mapped(lambda x: _photon(joint, names, x), devices, block)
        self._step = Mapped(_step(joint, names), devices, block)
        self._left = Mapped(_left(joint, names), devices, block)

    def place(self, z: Float[np.ndarray, "points n"], data: Data) -> Place:
        """Evaluate points."""
        parts = [self._evaluated(z[:0], data)[0], *(self._evaluated(z[own], data)[0] for own in self._chunks(len(z)))]
        return Place(*map(np.concatenate, zip(*parts, strict=True)))

    def regularised(self, z: Float[np.ndarray, "climbs n"], data: Data) -> Float[np.ndarray, "climbs n"]:
        """Points with the pulls, or the part of the way to them from central ones, where ln L is highest."""
        boson, central = len(self._names), np.asarray(self._joint.central_pulls)
        parts = np.repeat(z[:, None], len(_PARTS), axis=1)
        parts[..., boson:] = central + _PARTS[:, None] * (parts[..., boson:] - central)
        value = self.place(parts.reshape(-1, z.shape[1]), data).value.reshape(len(z), len(_PARTS))
        return parts[np.arange(len(z)), value.argmax(axis=1)]

    def linearised(
        self, x: Float[np.ndarray, "points boson"], data: Data, *, likeliest: bool = False
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return ln L and pulls at points of the boson, as `LaplaceAtMany.linearised`."""
        return self._many.linearised(self._photons_at(x), data, likeliest=likeliest)

    def trials(
        self,
        z: Float[np.ndarray, "climbs n"],
        low: Float[np.ndarray, "climbs boson"],
        high: Float[np.ndarray, "climbs boson"],
        here: Place,
        free: list[int],
        data: Data,
        bar: str | None = None,
    ) -> Trials:
        """Propose points for every climb."""
        parts = [
            self._part(z[own], low[own], high[own], rows_of(here, own), free, data, bar) for own in self._chunks(len(z))
        ]
        found: Trials = jax.tree.map(lambda *columns: np.concatenate(columns), *parts)
        return found

    def _part(
        self,
        z: np.ndarray,
        low: np.ndarray,
        high: np.ndarray,
        here: Place,
        free: list[int],
        data: Data,
        bar: str | None,
    ) -> Trials:
        number, boson = len(z), len(self._names)
        expanded = self._expansion((self._photons_at(z), z[:, boson:]), data, bar=bar)
        # Towards the inside of the box.
        moves = np.zeros((number, boson))
        moves[:, free] = np.where(z[:, free] + _DIFFERENCE > high[:, free], -_DIFFERENCE, _DIFFERENCE)
        near = np.repeat(z[:, None], len(free), axis=1)
        near[:, np.arange(len(free)), free] += moves[:, free]
        place, counts = self._evaluated(near.reshape(-1, z.shape[1]), data)
        beside = tuple(np.zeros((number, boson, x.shape[1])) for x in (place.by_photon, place.by_pulls, counts))
        for whole, found in zip(beside, (place.by_photon, place.by_pulls, counts), strict=True):
            whole[:, free] = found.reshape(number, len(free), found.shape[1])
        points, gain, expected, is_maximum, held, curved = self._step(
            (z, low, high, here, moves, beside, expanded), data
        )
        ends = points[:, 0]
        there, _ = self._evaluated(ends, data)
        left = self._left((ends, low, high, there, held, curved))
        return Trials(points, gain, expected, is_maximum, there, np.where(is_maximum & (gain < _NEAR), left, np.inf))

    def _evaluated(self, z: np.ndarray, data: Data) -> tuple[Place, Float[np.ndarray, "points bins"]]:
        boson, experiments = len(self._names), self._joint.experiments
        if not len(z):
            none = Place(np.zeros(0), np.zeros((0, 3)), np.zeros((0, z.shape[1] - boson)))
            return none, np.zeros((0, sum(e.n_bins for e in experiments)))
        found = self._evaluation((self._photons_at(z), z[:, boson:]), data)
        value = np.where(np.isfinite(found.log_likelihood), found.log_likelihood, -np.inf)
        by = np.stack([found.by_photon.g_x, found.by_photon.mass, found.by_photon.eps_x], axis=1)
        return Place(value, by, found.by_pulls), np.concatenate([found.counts[e.name] for e in experiments], axis=1)

    def _chunks(self, number: int) -> list[slice]:
        size = _CHUNK * self._expansion.block
        return [slice(begin, begin + size) for begin in range(0, number, size)]

    def _photons_at(self, z: np.ndarray) -> HiddenPhoton:
        photons: HiddenPhoton = self._photons(z[:, : len(self._names)])
        return photons


def _photon(joint: JointModel, names: tuple[str, ...], x: Float[Array, " boson"]) -> HiddenPhoton:
    return photon_at(joint.model, {name: x[i] for i, name in enumerate(names)})


def _slope_in_boson(
    joint: JointModel, names: tuple[str, ...], x: Float[Array, " boson"], by_photon: Float[Array, "3"]
) -> Float[Array, " boson"]:
    def photon(y: Array) -> Array:
        at = _photon(joint, names, y)
        return jnp.stack([at.g_x, at.mass, at.eps_x])

    slope: Array = jax.vjp(photon, x)[1](by_photon)[0]
    return slope


def _held(
    x: Float[Array, " boson"], slope: Float[Array, " boson"], low: Float[Array, " boson"], high: Float[Array, " boson"]
) -> Bool[Array, " boson"]:
    """Whether the box holds a coordinate: it has no width, or ln L rises beyond its edge."""
    return ((x <= low) & (slope < 0.0)) | ((x >= high) & (slope > 0.0)) | (low >= high)


def _left(joint: JointModel, names: tuple[str, ...]) -> Any:
    """What a Newton step of a known curvature would gain at one point, to be traced."""
    size = len(names)

    def one(item: tuple[Any, ...]) -> Array:
        z, low, high, there, held, curved = item
        slope = _slope_in_boson(joint, names, z[:size], there.by_photon)
        let_go = held & ~_held(z[:size], slope, low, high) & (jnp.abs(slope) > _FLAT)
        along = slope + curved.follow.T @ there.by_pulls
        left = 0.5 * along @ curved.of_boson @ along
        if joint.nuisances:
            alone = jax.scipy.linalg.solve_triangular(curved.factor, there.by_pulls, lower=True)
            left = left + 0.5 * alone @ alone
        return jnp.where(jnp.any(let_go) | ~jnp.isfinite(left), jnp.inf, left)

    return one


def _step(joint: JointModel, names: tuple[str, ...]) -> Any:
    """Newton's step at one point, to be traced.

    The pulls' block of the precision is always positive definite (`gradient_and_precision`); of its Schur complement,
    as small as the boson has coordinates, eigenvalues are made positive, so that a step climbs from anywhere.
    """
    size, slope_in_boson = len(names), functools.partial(_slope_in_boson, joint, names)

    def one(item: tuple[Any, ...], data: Data) -> tuple[Any, ...]:  # noqa: ARG001
        z, low, high, here, moves, (by_photon, by_pulls, counts), expanded = item
        x, pulls = z[:size], z[size:]
        gradient = slope_in_boson(x, here.by_photon)
        held = _held(x, gradient, low, high)
        # 0 for what has not moved.
        rate = jnp.where(held, 0.0, 1.0 / jnp.where(moves == 0.0, jnp.inf, moves))[:, None]
        second = _finite((jax.vmap(slope_in_boson)(x + jnp.diag(moves), by_photon) - gradient) * rate)
        mixed = _finite((by_pulls - here.by_pulls) * rate)
        # What ln L does not depend on, as a mixing where nothing couples, is at its maximum anywhere.
        most = jnp.maximum(jnp.abs(jnp.diagonal(second)), jnp.max(jnp.abs(mixed), axis=1, initial=0.0))
        held = held | (jnp.maximum(most, jnp.abs(gradient)) < _FLAT)
        slopes = _finite((counts - expanded.counts) * rate)
        # The pulls' block lacks mixed second derivatives of the rates; beside it, those of boson and pulls may be as
        # well left out as kept, where they make a maximum of what is none or the other way round.
        linear = -jax.vmap(expanded.jacobian.back)(slopes * expanded.fisher_weight)
        both = jnp.where(held[:, None], 0.0, jnp.stack([mixed, linear]))
        second, gradient = jnp.where(held | held[:, None], 0.0, second), jnp.where(held, 0.0, gradient)
        of_pulls, precision = _of_pulls(joint, pulls, expanded)
        solved = jnp.concatenate([of_pulls[:, None], *both.transpose(0, 2, 1)], axis=1)
        factor = precision
        if joint.nuisances:
            factor = jnp.linalg.cholesky(precision)
            solved = jax.scipy.linalg.cho_solve((factor, True), solved)
        alone, follow = solved[:, 0], jnp.stack([solved[:, 1 : 1 + size], solved[:, 1 + size :]])
        schur = jnp.diag(1.0 * held) - 0.5 * (second + second.T) - both @ follow
        lowest = jnp.linalg.eigvalsh(schur)[:, 0]
        # The whole one where that bends down, or nothing does.
        chosen = jnp.where((lowest[0] <= 0.0) & (lowest[1] > 0.0), 1, 0)
        mixed, follow = both[chosen], follow[chosen]
        eigenvalues, axes = jnp.linalg.eigh(schur[chosen])
        along = axes.T @ (gradient + mixed @ alone)
        is_maximum = jnp.all(eigenvalues > 0.0)
        sizes = jnp.where(eigenvalues > 0.0, eigenvalues, jnp.maximum(-eigenvalues, SMALLEST_CURVATURE))
        # Shorter by turning towards the slope, as it is where the parabola is not to be trusted.
        damping = jnp.concatenate([jnp.zeros(1), _DAMPING * jnp.max(sizes)])
        of_boson = (along / (sizes + damping[:, None])) @ axes.T
        gain = 0.5 * (of_boson[0] @ gradient + (alone + follow @ of_boson[0]) @ of_pulls)
        of_boson = of_boson * jnp.minimum(1.0, _LONGEST / jnp.max(jnp.abs(of_boson), axis=1, keepdims=True))
        steps = jnp.concatenate([of_boson, alone + of_boson @ follow.T], axis=1)
        expected = 0.5 * steps[0] @ jnp.concatenate([gradient, of_pulls])
        steps = jnp.concatenate([jnp.array(_SIZES)[:, None] * steps[0], steps[1:]])
        trials = z + steps
        trials = trials.at[:, :size].set(jnp.clip(trials[:, :size], low, high))
        of_boson_alone = jnp.where(held | held[:, None], 0.0, (axes / sizes) @ axes.T)
        return trials, gain, expected, is_maximum, held, _Curved(of_boson_alone, follow, factor)

    return one


def _of_pulls(
    joint: JointModel, pulls: Float[Array, " nuisances"], expanded: Expansion
) -> tuple[Float[Array, " nuisances"], Float[Array, "nuisances nuisances"]]:
    if not joint.nuisances:
        return jnp.zeros(0), jnp.zeros((0, 0))
    return gradient_and_precision(joint.constraints.log_prob, pulls, expanded)


def _finite(x: Array) -> Array:
    """A difference to a point without a likelihood tells nothing."""
    return jnp.where(jnp.isfinite(x), x, 0.0)


def rows_of[T](columns: T, which: Any) -> T:
    """Take rows of a tree of arrays."""
    chosen: T = jax.tree.map(lambda x: x[which], columns)
    return chosen
