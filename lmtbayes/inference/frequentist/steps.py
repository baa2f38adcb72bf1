"""Newton steps of ln L in the boson's coordinates and the pulls, of many points at once.

Rates come from two functions that a fit has compiled already: `expansion` (Jacobian of the counts in the pulls) and
`evaluation` (ln L with its gradient). Derivatives of the gradient in the few coordinates of the boson are differences
of it; a step is algebra, and compiled in seconds however many experiments there are.
"""

from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Bool, Float

from lmtbayes.gauge.models import HiddenPhoton
from lmtbayes.inference.devices import Devices, Mapped
from lmtbayes.inference.frequentist.step_algebra import left, newton, photon_of
from lmtbayes.inference.likelihood.evaluation import evaluation
from lmtbayes.inference.likelihood.model import Data, JointModel
from lmtbayes.inference.nuisances.laplace_at_many import laplace_at_many

NAMES = ("g_x", "mass", "eps_x", "kappa")
"""Coordinates of the boson, in the order of `Steps`."""
_DIFFERENCE = 1e-4
"""Of a logarithm, over which a gradient's derivative is a difference: to 1e-4 of itself, and far above rounding."""
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
        self._photons = Mapped(lambda x: photon_of(joint, names, x), devices, block)
        self._step = Mapped(newton(joint, names), devices, block)
        self._left = Mapped(left(joint, names), devices, block)

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


def rows_of[T](columns: T, which: Any) -> T:
    """Take rows of a tree of arrays."""
    chosen: T = jax.tree.map(lambda x: x[which], columns)
    return chosen
