"""ln int d(pulls) L of many photons at once: the nuisances optimised and integrated over, from two expansions.

Three compiled functions that the host strings together, so that the rates with their derivatives, most of what there is
to compile, are compiled once for a likelihood: for grids, cubature and climbs to peaks alike.
"""

import jax
import numpy as np
from jaxtyping import Array
from scipy import special

from lmtbayes.gauge.models import HiddenPhoton
from lmtbayes.inference.devices import Blocked, Devices, Mapped
from lmtbayes.inference.likelihood.constraints import Components
from lmtbayes.inference.likelihood.model import Data, JointModel
from lmtbayes.inference.nuisances.conditional import optimum_from
from lmtbayes.inference.nuisances.expansion import Expansion, expansion
from lmtbayes.inference.nuisances.laplace import LaplaceFit, laplace, optimal_pulls

BATCH = 128
"""Points evaluated side by side on each device: bounds the memory."""


class LaplaceAtMany:
    """Marginal likelihoods; the data are arguments, so that others compile nothing.

    Parameters
    ----------
    joint
        Experiments and nuisances.
    devices
        Of `devices.resolve_devices`.
    batch_size
        Points evaluated side by side on each device.
    """

    def __init__(self, joint: JointModel, devices: Devices, batch_size: int = BATCH):
        def expanded(point: tuple[HiddenPhoton, Array], data: Data) -> Expansion:
            return expansion(joint, *point, data)

        def solve(item: tuple[Components, Array, Expansion], data: Data) -> Array:
            component, start, expanded = item
            constraint = joint.constraints.of_component(component)
            return optimal_pulls(joint, constraint, start, expanded.counts, expanded.jacobian, data)[0]

        def integrate(item: tuple[Components, Array, Expansion], data: Data) -> LaplaceFit:  # noqa: ARG001
            component, pulls, expanded = item
            return laplace(joint.constraints.of_component(component), pulls, expanded)

        def optimise(item: tuple[HiddenPhoton, Components, Array], data: Data) -> Array:
            photon, component, start = item
            return optimum_from(joint, joint.constraints.of_component(component), photon, start, data).point

        components = joint.constraints.components()
        self._components = jax.tree.map(np.asarray, components)
        self._starts = np.asarray(joint.constraints.start_of(components))
        self.expansion = Mapped(expanded, devices, batch_size)
        """((photons, pulls), data) to `Expansion`, leading axis of points."""
        self._solve = Mapped(solve, devices, batch_size)
        self._integrate = Mapped(integrate, devices, batch_size)
        self._optimise = Mapped(optimise, devices, batch_size)
        self._evaluate = Blocked(self._block, devices, self.expansion.block)

    def __call__(self, photons: HiddenPhoton, data: Data, finish: bool = False) -> LaplaceFit:
        """Evaluate photons of one leading axis, to a few 1e-3 in ln L; an integral that does not exist is -inf.

        With `finish`, what two expansions have not brought to its optimum, far from all that the data allow, is climbed
        there and expanded once more; the others are what they are without.
        """
        number, (n_components, size) = len(photons.mass), self._starts.shape
        if size == 0:
            value = self.expansion((photons, np.zeros((number, 0))), data).log_likelihood
            finite, none = np.isfinite(value), np.zeros((number, 0, 0))
            value = np.where(finite, value, -np.inf)
            return LaplaceFit(none.reshape(number, 0), value, value, none, finite)
        photons = jax.tree.map(lambda x: np.repeat(x, n_components, axis=0), photons)
        components = jax.tree.map(lambda x: np.tile(x, (number, 1)), self._components)
        rows = photons, components, np.tile(self._starts, (number, 1))
        found = self._evaluate(rows, data)
        lost = ~found.converged
        if finish and lost.any():
            photons, components, starts = jax.tree.map(lambda x: x[lost], rows)
            pulls = self._optimise((photons, components, starts), data)
            there = self._integrate((components, pulls, self.expansion((photons, pulls), data)), data)
            for column, better in zip(found, there, strict=True):
                column[lost] = better
        # One row a photon, one column a component.
        found = jax.tree.map(lambda x: x.reshape(number, n_components, *x.shape[1:]), found)
        log_likelihoods, parts = (
            np.where(np.isfinite(x), x, -np.inf) for x in (found.log_likelihood, found.log_integral)
        )
        chosen = np.arange(number), log_likelihoods.argmax(axis=1)
        best: LaplaceFit = jax.tree.map(lambda x: x[chosen], found)
        log_integral = special.logsumexp(parts, axis=1)
        nowhere = ~np.isfinite(log_integral)
        best.pulls[nowhere], best.factor[nowhere] = self._starts[0], np.eye(size)
        return best._replace(log_integral=log_integral)

    def _block(self, items: tuple[HiddenPhoton, Components, Array], shared: tuple[Data]) -> LaplaceFit:
        photons, components, starts = items
        first = self.expansion.run((photons, starts), shared)
        pulls = self._solve.run((components, starts, first), shared)
        second = self.expansion.run((photons, pulls), shared)
        return self._integrate.run((components, pulls, second), shared)


def laplace_at_many(joint: JointModel, devices: Devices, batch_size: int = BATCH) -> LaplaceAtMany:
    """Return the marginal likelihoods of a likelihood, compiled once."""
    return joint.compiled(LaplaceAtMany, devices, batch_size)
