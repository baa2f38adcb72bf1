"""Optima of the pulls that two expansions have not found: the climbs of `conditional`, strung together by the host.

Rates come from functions that are compiled already, `expansion` and `evaluation`; to compile climbs as one function
would take as long as all else that a grid needs.
"""

import jax
import numpy as np
from jaxtyping import Array, Float, Int

from lmtbayes.gauge.models import HiddenPhoton
from lmtbayes.inference.devices import Blocked, Devices, Mapped
from lmtbayes.inference.likelihood.constraints import Components
from lmtbayes.inference.likelihood.evaluation import evaluation
from lmtbayes.inference.likelihood.model import Data, JointModel
from lmtbayes.inference.nuisances.conditional import alone, trials_from
from lmtbayes.inference.nuisances.expansion import Expansion
from lmtbayes.inference.nuisances.newton import DROWNED

NEAR = 1e-3
"""Gain in ln L still expected at which a climb ends: what is left is smaller than the error of Laplace's integral."""
MAX_STEPS = 100
_BEGINS = 8
"""Points side by side where every nuisance is tried alone, as each of these is a problem of its own."""


class Climbing:
    """Climbs from many points; the data are arguments.

    Parameters
    ----------
    joint, devices, batch_size
        As of `LaplaceAtMany`.
    expansion
        ((photons, pulls), data) to `Expansion`, compiled or to be compiled for others.
    """

    def __init__(self, joint: JointModel, devices: Devices, batch_size: int, expansion: Blocked):
        def begins(item: tuple[Components, Array, Expansion], data: Data) -> Array:
            component, start, expanded = item
            return alone(joint, joint.constraints.of_component(component), start, expanded, data)

        def trials(item: tuple[Components, Array, Expansion], data: Data) -> tuple[Array, Array, Array]:
            component, pulls, expanded = item
            return trials_from(joint, joint.constraints.of_component(component), pulls, expanded, data)

        def exchange(item: tuple[Components, Array]) -> Array:
            component, pulls = item
            return joint.constraints.of_component(component)(pulls).sum() - joint.log_constraint(pulls)

        self._joint, self._expansion = joint, expansion
        self._begins = Mapped(begins, devices, min(batch_size, _BEGINS))
        self._trials = Mapped(trials, devices, batch_size)
        self._exchange = Mapped(exchange, devices, batch_size)

    def __call__(
        self,
        photons: HiddenPhoton,
        components: Components,
        starts: Float[np.ndarray, "points nuisances"],
        data: Data,
    ) -> Float[np.ndarray, "points nuisances"]:
        """Return the higher end of two climbs: from `starts`, and from the best that one nuisance alone does."""
        number = len(starts)
        candidates = self._begins((components, starts, self._expansion((photons, starts), data)), data)
        _, other = self._highest(photons, components, candidates, data)
        # Both climbs of all points at once.
        twice = np.tile(np.arange(number), 2)
        starts = np.concatenate([starts, other])
        values, pulls = self._climbed(_rows(photons, twice), _rows(components, twice), starts, data)
        first = values[:number] >= values[number:]
        return np.where(first[:, None], pulls[:number], pulls[number:])

    def _climbed(
        self, photons: HiddenPhoton, components: Components, pulls: np.ndarray, data: Data
    ) -> tuple[np.ndarray, np.ndarray]:
        pulls, values, left = pulls.copy(), np.full(len(pulls), -np.inf), np.arange(len(pulls))
        for _ in range(MAX_STEPS):
            photon, component = _rows(photons, left), _rows(components, left)
            expanded = self._expansion((photon, pulls[left]), data)
            trials, gain, is_maximum = self._trials((component, pulls[left], expanded), data)
            best, pulls[left] = self._highest(photon, component, trials, data)
            gained = best - values[left]
            values[left] = best
            # The first step has nothing to be compared with; no step gains where the last gains drown in rounding.
            drowned = (gained <= 0.0) & (gain < DROWNED)
            left = left[~(is_maximum & ((gain < NEAR) | drowned)) & np.isfinite(best)]
            if not left.size:
                break
        return values, pulls

    def _highest(
        self, photons: HiddenPhoton, components: Components, trials: Float[np.ndarray, "points trials n"], data: Data
    ) -> tuple[np.ndarray, np.ndarray]:
        """Ln L and pulls of the best trial at every point."""
        number, several, size = trials.shape
        of_point, rows = np.repeat(np.arange(number), several), trials.reshape(-1, size)
        found = evaluation(self._joint)((_rows(photons, of_point), rows), data).log_likelihood
        found = found + self._exchange((_rows(components, of_point), rows))
        found = np.where(np.isfinite(found), found, -np.inf).reshape(number, several)
        chosen = np.arange(number), found.argmax(axis=1)
        return found[chosen], trials[chosen]


def _rows[T](columns: T, which: Int[np.ndarray, " rows"]) -> T:
    chosen: T = jax.tree.map(lambda x: x[which], columns)
    return chosen
