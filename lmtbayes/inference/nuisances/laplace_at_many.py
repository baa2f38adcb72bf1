"""ln int d(pulls) L of many photons at once: the nuisances optimised and integrated over, from two expansions.

Three compiled functions that the host strings together, so that the rates with their derivatives, most of what there is
to compile, are compiled once for a likelihood: for grids, cubature and climbs to peaks alike.
"""

import jax
import numpy as np
from jaxtyping import Array
from scipy import special

from lmtbayes.gauge.models import HiddenPhoton
from lmtbayes.inference.devices import Blocked, Column, Devices, Mapped, resolve_batch_size
from lmtbayes.inference.likelihood.constraints import Components
from lmtbayes.inference.likelihood.model import Data, JointModel
from lmtbayes.inference.nuisances.climbing import Climbing
from lmtbayes.inference.nuisances.expansion import Expansion, expansions
from lmtbayes.inference.nuisances.laplace import STEPS, LaplaceFit, laplace, optimal_pulls

RANKING_STEPS = 3
"""Of Newton, of a scan: with two some points rank below others that are lower, and climbs end on a lower maximum; five
find no more than three (compared)."""
_BATCH, _ACCELERATED = 256, 32
"""Points evaluated side by side on a core, and times as many on an accelerator: bounds the memory."""


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

    def __init__(self, joint: JointModel, devices: Devices, batch_size: int):
        def solve(item: tuple[Components, Array, Expansion], data: Data, steps: Array) -> tuple[Array, Array]:
            component, start, expanded = item
            constraint = joint.constraints.of_component(component)
            return optimal_pulls(joint, constraint, start, expanded.counts, expanded.jacobian, data, steps)

        def integrate(item: tuple[Components, Array, Expansion], data: Data) -> LaplaceFit:  # noqa: ARG001
            component, pulls, expanded = item
            return laplace(joint.constraints.of_component(component), pulls, expanded)

        components = joint.constraints.components()
        self._components = jax.tree.map(np.asarray, components)
        self._starts = np.asarray(joint.constraints.start_of(components))
        self.expansion = expansions(joint, devices, batch_size)
        """((photons, pulls), data) to `Expansion`, leading axis of points."""
        self._solve = Mapped(solve, devices, batch_size)
        self._steps = self._solve.on_all(np.asarray(STEPS))
        self._integrate = Mapped(integrate, devices, batch_size)
        self._climb = Climbing(joint, devices, batch_size, self.expansion)
        self._evaluate = Blocked(self._block, devices, self.expansion.block)
        self._integrals = Blocked(self._block_of_integrals, devices, self.expansion.block)
        self._linearised = Blocked(self._block_of_linearised, devices, self.expansion.block)

    def __call__(self, photons: HiddenPhoton, data: Data) -> LaplaceFit:
        """Evaluate photons of one leading axis, to a few 1e-3 in ln L; an integral that does not exist is -inf."""
        number, (_, size) = len(photons.mass), self._starts.shape
        if size == 0:
            value, none = self._at_no_nuisance(photons, data), np.zeros((number, 0, 0))
            return LaplaceFit(none.reshape(number, 0), value, value, none, np.isfinite(value))
        # One row a photon, one column a component.
        found = _by_photon(self._evaluate(self._rows(photons), data), number)
        log_likelihoods, parts = (
            np.where(np.isfinite(x), x, -np.inf) for x in (found.log_likelihood, found.log_integral)
        )
        chosen = np.arange(number), log_likelihoods.argmax(axis=1)
        best: LaplaceFit = jax.tree.map(lambda x: x[chosen], found)
        log_integral = special.logsumexp(parts, axis=1)
        nowhere = ~np.isfinite(log_integral)
        best.pulls[nowhere], best.factor[nowhere] = self._starts[0], np.eye(size)
        return best._replace(log_integral=log_integral)

    def integrals(self, photons: HiddenPhoton, data: Data) -> tuple[np.ndarray, np.ndarray]:
        """Log-integrals of photons of one leading axis, and whether each is about an optimum; matrices stay on devices.

        What two expansions have not brought to its optimum, far from all that the data allow, is climbed there and
        expanded once more.
        """
        number = len(photons.mass)
        if self._starts.shape[1] == 0:
            value = self._at_no_nuisance(photons, data)
            return value, np.isfinite(value)
        rows = self._rows(photons)
        found = self._integrals(rows, data)
        lost = ~found[2]
        if lost.any():
            photons, components, starts = jax.tree.map(lambda x: x[lost], rows)
            pulls = self._climb(photons, components, starts, data)
            there = self._integrate((components, pulls, self.expansion((photons, pulls), data)), data)
            for column, better in zip(found, (there.log_likelihood, there.log_integral, there.converged), strict=True):
                column[lost] = better
        values, parts, converged = _by_photon(found, number)
        chosen = np.arange(number), np.where(np.isfinite(values), values, -np.inf).argmax(axis=1)
        return special.logsumexp(np.where(np.isfinite(parts), parts, -np.inf), axis=1), converged[chosen]

    def linearised(
        self, photons: HiddenPhoton, data: Data, *, likeliest: bool = False
    ) -> tuple[np.ndarray, np.ndarray]:
        """Profiled ln L of photons, and the pulls there, with counts that are linear in the nuisances' values.

        One expansion a point and choice of Gaussians, where constraints are sums of them: for scans that rank points,
        which take the `likeliest` choice and fewer steps of Newton.
        """
        number, (_, size) = len(photons.mass), self._starts.shape
        if size == 0:
            return self._at_no_nuisance(photons, data), np.zeros((number, 0))
        components = [int(self._components.log_weight.sum(axis=1).argmax())] if likeliest else slice(None)
        steps = np.asarray(RANKING_STEPS if likeliest else STEPS)
        pulls, value = _by_photon(self._linearised(self._rows(photons, components), data, steps), number)
        chosen = np.arange(number), np.where(np.isfinite(value), value, -np.inf).argmax(axis=1)
        return value[chosen], pulls[chosen]

    def _at_no_nuisance(self, photons: HiddenPhoton, data: Data) -> np.ndarray:
        value = self.expansion((photons, np.zeros((len(photons.mass), 0))), data).log_likelihood
        return np.where(np.isfinite(value), value, -np.inf)

    def _rows(
        self, photons: HiddenPhoton, which: slice | list[int] = slice(None)
    ) -> tuple[HiddenPhoton, Components, np.ndarray]:
        """Every photon with every component of the constraints, or some of them, and where its pulls start."""
        components, starts = jax.tree.map(lambda x: x[which], (self._components, self._starts))
        number, repeats = len(photons.mass), len(starts)
        photons = jax.tree.map(lambda x: np.repeat(x, repeats, axis=0), photons)
        components = jax.tree.map(lambda x: np.tile(x, (number, 1)), components)
        return photons, components, np.tile(starts, (number, 1))

    def _block(
        self, items: tuple[HiddenPhoton, Components, Column], shared: tuple[dict[str, Column]], count: Column
    ) -> LaplaceFit:
        photons, components, _ = items
        pulls = self._block_of_linearised(items, (*shared, self._steps), count)[0]
        second = self.expansion.run((photons, pulls), shared, count)
        found: LaplaceFit = self._integrate.run((components, pulls, second), shared, count)
        return found

    def _block_of_linearised(
        self, items: tuple[HiddenPhoton, Components, Column], shared: tuple[dict[str, Column], Column], count: Column
    ) -> tuple[Array, Array]:
        photons, components, starts = items
        expanded = self.expansion.run((photons, starts), shared[:1], count)
        solved: tuple[Array, Array] = self._solve.run((components, starts, expanded), shared, count)
        return solved

    def _block_of_integrals(
        self, items: tuple[HiddenPhoton, Components, Column], shared: tuple[dict[str, Column]], count: Column
    ) -> tuple[Array, Array, Array]:
        found = self._block(items, shared, count)
        return found.log_likelihood, found.log_integral, found.converged


def _by_photon[T](columns: T, number: int) -> T:
    return jax.tree.map(lambda x: x.reshape(number, -1, *x.shape[1:]), columns)


def laplace_at_many(joint: JointModel, devices: Devices, batch_size: int | None = None) -> LaplaceAtMany:
    """Return the marginal likelihoods of a likelihood, compiled once."""
    return joint.compiled(LaplaceAtMany, devices, resolve_batch_size(batch_size, devices, _BATCH, _ACCELERATED))
