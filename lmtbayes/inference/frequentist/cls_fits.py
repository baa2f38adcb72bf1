"""The fits behind a CLs limit: one-sided statistics of observed, Asimov and toy data at many masses and couplings."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float

from lmtbayes.gauge.models import HiddenPhoton
from lmtbayes.inference.devices import Devices
from lmtbayes.inference.frequentist.box import Box, photon_at
from lmtbayes.inference.frequentist.one_sided import Truth, cells, toy_cells
from lmtbayes.inference.likelihood.evaluation import evaluation
from lmtbayes.inference.likelihood.joint import JointLikelihood
from lmtbayes.inference.likelihood.model import Data


class Statistics(NamedTuple):
    """`OneSided` of many masses and couplings."""

    q: Float[np.ndarray, "masses points"]
    tested: Float[np.ndarray, "masses points n"]
    no_boson: Float[np.ndarray, "masses points n"]
    log_likelihood_of_none: Float[np.ndarray, "masses points"]
    converged: Bool[np.ndarray, "masses points"]


@dataclass(frozen=True, eq=False)
class Fits:
    """What is fitted: a likelihood at several masses."""

    like: JointLikelihood
    box: Box
    x_mass: Float[np.ndarray, " masses"]
    nuisances: str
    devices: Devices
    batch_size: int

    @property
    def names(self) -> tuple[str, ...]:
        """What is searched at a fixed mass, the coupling first."""
        return "g_x", *(name for name in self.box.names if name not in ("g_x", "mass"))

    @property
    def edges(self) -> tuple[np.ndarray, np.ndarray]:
        """Their ranges, in logarithms."""
        low, high = np.array([self.box.limits[name] for name in self.names]).T
        return low, high

    def at(self, x_g: Float[np.ndarray, "masses points"], data: Data, found: np.ndarray, bar: str | None) -> Statistics:
        """Statistics of data at (masses, points), the constraints being about the pulls `found`."""
        run = self.like.compiled(cells, self.names, self.devices, self.batch_size)
        items = np.repeat(self.x_mass, x_g.shape[1]), x_g.ravel()
        flat = run(items, *self.edges, data, found, bar=bar)
        return Statistics(*(x.reshape(*x_g.shape, *x.shape[1:]) for x in flat))

    def photons(self, at: Statistics) -> HiddenPhoton:
        """The bosons at the tested couplings, a free mixing at its best."""
        x = {name: at.tested[..., i].ravel() for i, name in enumerate(self.names)}
        x["mass"] = np.repeat(self.x_mass, at.q.shape[1])
        found = photon_at(self.like.model, {name: jnp.asarray(values) for name, values in x.items()})
        return HiddenPhoton.unchecked(*(np.broadcast_to(field, found.shape) for field in jax.tree.leaves(found)))

    def pulls(self, found: Statistics) -> tuple[np.ndarray, np.ndarray]:
        """Pulls at the tested couplings, and the ones without a boson, which are the same at all masses."""
        size = len(self.names)
        best = np.argmax(found.log_likelihood_of_none)
        of_none = found.no_boson.reshape(-1, found.no_boson.shape[-1])[best, size:]
        return found.tested[..., size:].reshape(found.q.size, -1), of_none

    def counts_of_none(self, pulls: Float[np.ndarray, " nuisances"]) -> Data:
        """Return the data that no boson predicts."""
        one = jax.tree.map(lambda x: np.asarray(x)[None], (HiddenPhoton.none(), pulls))
        found = evaluation(self.like.joint)(one, self.like.data).counts
        return {name: jnp.asarray(x[0]) for name, x in found.items()}

    def toys(
        self,
        x: Float[np.ndarray, "masses points"],
        photons: HiddenPhoton,
        pulls: Float[np.ndarray, "cells nuisances"],
        size: int,
        seed: int,
        bar: str | None,
    ) -> tuple[Float[np.ndarray, "masses points toys"], Bool[np.ndarray, "masses points toys"]]:
        """Statistics of toys at each truth, all with the same random numbers, and whether their fits converged."""
        at_each = photons, pulls, np.repeat(self.x_mass, x.shape[1]), x.ravel()
        toys: Any = jax.tree.map(lambda field: np.repeat(field, size, axis=0), at_each)
        numbers: Any = np.tile(np.arange(size, dtype=np.uint32), x.size)
        truth = Truth(numbers, *toys)
        run = self.like.compiled(toy_cells, self.names, self.nuisances, self.devices, self.batch_size)
        q, converged = run(truth, jax.random.key(seed), *self.edges, bar=bar)
        return q.reshape(*x.shape, size), converged.reshape(*x.shape, size)
