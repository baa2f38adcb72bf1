"""Climbs of ln L in the boson's coordinates and the pulls, many side by side, strung together by the host.

Rates come from two functions that a fit has compiled already: `expansion` (Jacobian of the counts in the pulls) and
`evaluation` (ln L with its gradient, and counts). Derivatives of the gradient in the few coordinates of the boson are
differences of it; a step is algebra, and compiled in a second. Between steps what has converged, or cannot win any
more, is taken out.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from lmtbayes.gauge.models import HiddenPhoton
from lmtbayes.inference.devices import Devices, Mapped
from lmtbayes.inference.frequentist.box import photon_at
from lmtbayes.inference.likelihood.evaluation import evaluation
from lmtbayes.inference.likelihood.joint import JointLikelihood
from lmtbayes.inference.likelihood.model import Data, JointModel
from lmtbayes.inference.nuisances.expansion import Expansion, gradient_and_precision
from lmtbayes.inference.nuisances.laplace_at_many import laplace_at_many
from lmtbayes.inference.nuisances.newton import DROWNED, SMALLEST_CURVATURE, STEP_SIZES, TOLERANCE

MAX_STEPS = 64
_GAIN_TOLERANCE, _BETWEEN = 10.0, 2
"""A climb is given up when so many times the gain of so many last steps would not take it to the best of its cell."""
_DIFFERENCE = 1e-4
"""Of a logarithm, over which a gradient's derivative is a difference: to 1e-4 of itself, and far above rounding."""
_ENOUGH = 0.25
"""Of the gain expected of a whole step, that makes shorter ones needless."""
_NAMES = ("g_x", "mass", "eps_x", "kappa")
_FLAT = 1e-11
"""Of derivatives of ln L: a box ten times as wide has less to gain than the tolerance."""
_LONGEST = 2.0
"""Of a logarithm, that a step goes at most."""
_DAMPING = np.array([1e-4, 1e-3, 1e-2, 0.1, 1.0, 10.0])
"""Of the largest curvature, that is added to all of them for steps to try where the whole one does not gain."""
_CHUNK = 4
"""Blocks whose expansions the host holds at a time."""


class Place(NamedTuple):
    """What `evaluation` tells of a point, leading axis of climbs."""

    value: Float[np.ndarray, " climbs"]
    """ln L; -inf where that is no number."""
    by_photon: Float[np.ndarray, "climbs 3"]
    by_pulls: Float[np.ndarray, "climbs nuisances"]


def climb_cells(
    like: JointLikelihood,
    fixed: Mapping[str, np.ndarray],
    free: tuple[str, ...],
    z: np.ndarray,
    cell: np.ndarray,
    limits: Mapping[str, tuple[float, float]],
    batch_size: int | None,
    devices: Devices,
    bar: str | None = None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Climb ln L from every start `z` (free parameters and pulls), the other parameters held at `fixed`.

    Returns
    -------
    z, value, converged
        Where each climb ended, ln L there, and whether that is a maximum. A climb that is lower than another one of the
        same `cell`, and hardly rises any more, is given up and has not converged.
    """
    names = tuple(name for name in _NAMES if name in fixed or name in free)
    start, low, high = _in_boxes(names, fixed, free, z, limits)
    columns = [names.index(name) for name in free] + list(range(len(names), start.shape[1]))
    steps = like.compiled(Steps, names, devices, batch_size)
    value, converged = _climbed(steps, start, low, high, cell, [names.index(name) for name in free], like.data, bar)
    return start[:, columns], value, converged


def _climbed(
    steps: "Steps",
    z: Float[np.ndarray, "climbs n"],
    low: Float[np.ndarray, "climbs boson"],
    high: Float[np.ndarray, "climbs boson"],
    cell: Int[np.ndarray, " climbs"],
    free: list[int],
    data: Data,
    bar: str | None,
) -> tuple[Float[np.ndarray, " climbs"], Bool[np.ndarray, " climbs"]]:
    """Move the rows of `z` to their maxima; ln L there, and whether it is one."""
    here = steps.place(z, data)
    converged = np.zeros(len(z), dtype=bool)
    best = np.full(cell.max() + 1, -np.inf)
    left = np.flatnonzero(np.isfinite(here.value))
    before = np.full(len(z), -np.inf)
    for count in range(1, MAX_STEPS + 1):
        if not left.size:
            break
        label = None if bar is None else f"{bar}, step {count}"
        trials, gain, expected, is_maximum = steps.trials(
            z[left], low[left], high[left], _rows(here, left), free, data, label
        )
        value = here.value[left]
        found = is_maximum & (gain < TOLERANCE + 1e-14 * np.abs(value))
        moving = np.flatnonzero(~found)
        new, there = _highest(steps, trials[moving], expected[moving], value[moving], data)
        rises = there.value > value[moving]
        # Beside large terms the last gains drown in rounding: no step is seen to gain what is expected of it.
        found[moving[~rises]] = (is_maximum & (gain < DROWNED))[moving[~rises]]
        up = left[moving[rises]]
        z[up] = new[rises]
        for column, other in zip(here, there, strict=True):
            column[up] = other[rises]
        converged[left] = found
        np.maximum.at(best, cell[left], here.value[left])
        left = np.setdiff1d(up, left[found])  # what no trial has raised none will
        if count % _BETWEEN == 0:
            rise = here.value[left] - before[left]
            before[left] = here.value[left]
            left = left[here.value[left] + _GAIN_TOLERANCE * rise >= best[cell[left]]]
    return here.value, converged


def _highest(
    steps: "Steps",
    trials: Float[np.ndarray, "climbs sizes n"],
    expected: Float[np.ndarray, " climbs"],
    value: Float[np.ndarray, " climbs"],
    data: Data,
) -> tuple[Float[np.ndarray, "climbs n"], Place]:
    """The whole step, or the best of all sizes where that does not gain what is expected of it."""
    z = trials[:, 0].copy()
    there = steps.place(z, data)
    short = np.flatnonzero(~(there.value - value >= _ENOUGH * expected))
    if short.size:
        others = trials[short, 1:]
        number, sizes, size = others.shape
        tried = steps.place(others.reshape(-1, size), data)
        which = tried.value.reshape(number, sizes).argmax(axis=1)
        rows = np.arange(number) * sizes + which
        better = tried.value[rows] > there.value[short]
        z[short[better]] = others[np.arange(number), which][better]
        for column, other in zip(there, tried, strict=True):
            column[short[better]] = other[rows[better]]
    return z, there


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
        self._expansion = laplace_at_many(joint, devices, batch_size).expansion
        self._evaluation = evaluation(joint, devices)
        block = self._expansion.block // len(devices)
        self._photons = Mapped(lambda x: _photon(joint, names, x), devices, block)
        self._step = Mapped(_step(joint, names), devices, block)

    def place(self, z: Float[np.ndarray, "points n"], data: Data) -> Place:
        """Evaluate points."""
        boson = len(self._names)
        if not len(z):
            return Place(np.zeros(0), np.zeros((0, 3)), np.zeros((0, z.shape[1] - boson)))
        found = self._evaluation((self._photon_rows(z), z[:, boson:]), data)
        value = np.where(np.isfinite(found.log_likelihood), found.log_likelihood, -np.inf)
        by = found.by_photon
        return Place(value, np.stack([by.g_x, by.mass, by.eps_x], axis=1), np.array(found.by_pulls))

    def trials(
        self,
        z: Float[np.ndarray, "climbs n"],
        low: Float[np.ndarray, "climbs boson"],
        high: Float[np.ndarray, "climbs boson"],
        here: Place,
        free: list[int],
        data: Data,
        bar: str | None = None,
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Propose points for every climb.

        Returns
        -------
        trials, gain, expected, is_maximum
            Points to try, the whole step first; the gain expected of Newton's step, and of the whole one that is tried,
            which is shorter where that goes far; whether ln L bends down in all directions.
        """
        size = _CHUNK * self._expansion.block
        parts = []
        for begin in range(0, len(z), size):
            own = slice(begin, begin + size)
            parts.append(self._part(z[own], low[own], high[own], _rows(here, own), free, data, bar))
        return jax.tree.map(lambda *columns: np.concatenate(columns), *parts)

    def _part(
        self,
        z: np.ndarray,
        low: np.ndarray,
        high: np.ndarray,
        here: Place,
        free: list[int],
        data: Data,
        bar: str | None,
    ) -> Any:
        number, boson = len(z), len(self._names)
        expanded = self._expansion((self._photon_rows(z), z[:, boson:]), data, bar=bar)
        # Towards the inside of the box.
        moves = np.zeros((number, boson))
        moves[:, free] = np.where(z[:, free] + _DIFFERENCE > high[:, free], -_DIFFERENCE, _DIFFERENCE)
        near = np.repeat(z[:, None], len(free), axis=1)
        near[:, np.arange(len(free)), free] += moves[:, free]
        beside = self.place(near.reshape(-1, z.shape[1]), data)
        places = Place(*(np.zeros((number, boson, *x.shape[1:])) for x in beside))
        for place, found in zip(places, beside, strict=True):
            place[:, free] = found.reshape(number, len(free), *found.shape[1:])
        return self._step((z, low, high, here, moves, places, expanded), data)

    def _photon_rows(self, z: np.ndarray) -> HiddenPhoton:
        photons: HiddenPhoton = self._photons(z[:, : len(self._names)])
        return photons


def _photon(joint: JointModel, names: tuple[str, ...], x: Float[Array, " boson"]) -> HiddenPhoton:
    return photon_at(joint.model, {name: x[i] for i, name in enumerate(names)})


def _step(joint: JointModel, names: tuple[str, ...]) -> Any:
    """Newton's step at one point, to be traced.

    The pulls' block of the precision is always positive definite (`gradient_and_precision`); of its Schur complement,
    as small as the boson has coordinates, eigenvalues are made positive, so that a step climbs from anywhere.
    """
    size = len(names)

    def slope_in_boson(x: Float[Array, " boson"], by_photon: Float[Array, "3"]) -> Float[Array, " boson"]:
        def photon(y: Array) -> Array:
            at = _photon(joint, names, y)
            return jnp.stack([at.g_x, at.mass, at.eps_x])

        slope: Array = jax.vjp(photon, x)[1](by_photon)[0]
        return slope

    def one(item: tuple[Any, ...], data: Data) -> tuple[Array, ...]:  # noqa: ARG001
        z, low, high, here, moves, near, expanded = item
        x, pulls = z[:size], z[size:]
        gradient = slope_in_boson(x, here.by_photon)
        held = ((x <= low) & (gradient < 0.0)) | ((x >= high) & (gradient > 0.0)) | (low >= high)
        # 0 for what has not moved.
        rate = jnp.where(held, 0.0, 1.0 / jnp.where(moves == 0.0, jnp.inf, moves))[:, None]
        slopes = jax.vmap(slope_in_boson)(x + jnp.diag(moves), near.by_photon)
        second = _finite((slopes - gradient) * rate)
        mixed = _finite((near.by_pulls - here.by_pulls) * rate)
        # What ln L does not depend on, as a mixing where nothing couples, is at its maximum anywhere.
        most = jnp.maximum(jnp.abs(jnp.diagonal(second)), jnp.max(jnp.abs(mixed), axis=1, initial=0.0))
        held = held | (jnp.maximum(most, jnp.abs(gradient)) < _FLAT)
        second, mixed = jnp.where(held | held[:, None], 0.0, second), jnp.where(held[:, None], 0.0, mixed)
        gradient = jnp.where(held, 0.0, gradient)
        of_pulls, precision = _of_pulls(joint, pulls, expanded)
        solved = _solve(precision, jnp.concatenate([of_pulls[:, None], mixed.T], axis=1))
        alone, follow = solved[:, 0], solved[:, 1:]
        schur = jnp.diag(1.0 * held) - 0.5 * (second + second.T) - mixed @ follow
        eigenvalues, axes = jnp.linalg.eigh(schur)
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
        steps = jnp.concatenate([jnp.array(STEP_SIZES)[:, None] * steps[0], steps[1:]])
        trials = z + steps
        trials = trials.at[:, :size].set(jnp.clip(trials[:, :size], low, high))
        return trials, gain, expected, is_maximum

    return one


def _solve(precision: Float[Array, "n n"], right: Float[Array, "n m"]) -> Float[Array, "n m"]:
    if not right.shape[0]:
        return right
    return jax.scipy.linalg.cho_solve((jnp.linalg.cholesky(precision), True), right)


def _of_pulls(
    joint: JointModel, pulls: Float[Array, " nuisances"], expanded: Expansion
) -> tuple[Float[Array, " nuisances"], Float[Array, "nuisances nuisances"]]:
    if not joint.nuisances:
        return jnp.zeros(0), jnp.zeros((0, 0))
    return gradient_and_precision(joint.constraints.log_prob, pulls, expanded)


def _finite(x: Array) -> Array:
    """A difference to a point without a likelihood tells nothing."""
    return jnp.where(jnp.isfinite(x), x, 0.0)


def _in_boxes(
    names: tuple[str, ...],
    fixed: Mapping[str, np.ndarray],
    free: tuple[str, ...],
    z: np.ndarray,
    limits: Mapping[str, tuple[float, float]],
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Starts in all coordinates `names` and the pulls, and the lower and upper ends of the box of the coordinates."""
    starts, low, high = (
        np.column_stack([of(name) if name in free else fixed[name] for name in names])
        for of in (
            lambda name: z[:, free.index(name)],
            lambda name: np.full(len(z), limits[name][0]),
            lambda name: np.full(len(z), limits[name][1]),
        )
    )
    return np.concatenate([starts, z[:, len(free) :]], axis=1), low, high


def _rows[T](columns: T, which: Any) -> T:
    chosen: T = jax.tree.map(lambda x: x[which], columns)
    return chosen
