"""Draws of a proposal and what points weigh: compiled once for chains of proposals, evidences by them and their checks.

Drawing holds no likelihood, weighing ln L without its gradient. A draw follows nothing but its number: it is the same
whatever else is drawn.
"""

import dataclasses
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from lmtbayes.gauge.models import HiddenPhoton
from lmtbayes.inference.coordinates import Space, Tables, log_jacobian
from lmtbayes.inference.devices import Devices, Mapped, side_by_side
from lmtbayes.inference.integration.proposal import Proposal
from lmtbayes.inference.likelihood.evaluation import log_likelihoods
from lmtbayes.inference.likelihood.model import Data, JointModel
from lmtbayes.inference.priors import Prior

_BATCH = 256
"""Points drawn or weighed side by side on a core."""
_WIDENED, _FROM_CONSTRAINTS = 0.3, 0.1
"""Parts of the pulls drawn from wider Gaussians than Laplace's, and from their constraints."""


class Weighed(NamedTuple):
    """Draws of a proposal, as NumPy arrays with a leading axis."""

    position: Any
    """(z, pulls)."""
    log_weight: Any
    """ln p - ln q, posterior over proposal; -inf where ln L is not a number."""
    undefined: Any
    """Whether ln L is not a number."""
    log_uniform: Any
    """ln u of a decision, u uniform in (0, 1)."""


def defended(proposal: Proposal) -> Proposal:
    """Return a proposal whose weights have light tails, at the price of a few draws in ten."""
    return dataclasses.replace(proposal, widened=_WIDENED, from_constraints=_FROM_CONSTRAINTS)


class Weighing:
    """Draws of proposals, and weights of points under them; `weighing` makes one for a likelihood."""

    def __init__(self, joint: JointModel, prior: Prior, devices: Devices):
        def draw(number: Array, key: Array, proposal: Proposal) -> tuple[Array, Array]:
            draw_key, decision_key = jax.random.split(jax.random.fold_in(key, number))
            position = Space(joint, prior).join(*proposal.sample(draw_key))
            return position, jnp.log(jax.random.uniform(decision_key))

        def point(position: Array, tables: Tables) -> tuple[HiddenPhoton, Array]:
            space = Space(joint, prior, tables)
            unit, pulls = space.split(position)
            return space.photon(unit), pulls

        def weigh(item: tuple[Array, Array], proposal: Proposal, tables: Tables) -> tuple[Array, Array]:
            position, log_likelihood = item
            space = Space(joint, prior, tables)
            unit, pulls = space.split(position)
            value = log_likelihood + space.log_ratio(unit)
            return value + log_jacobian(position[: space.dimensions]), value - proposal.log_prob(unit, pulls)

        batch_size = side_by_side(devices, _BATCH)
        self._draw, self._point = Mapped(draw, devices, batch_size), Mapped(point, devices, batch_size)
        self._weigh = Mapped(weigh, devices, batch_size)
        self._values = log_likelihoods(joint, devices)

    def drawn(
        self, numbers: Int[np.ndarray, " draws"], key: Array, proposal: Proposal, data: Data, tables: Tables
    ) -> Weighed:
        """Draws of these numbers, with their weights."""
        position, log_uniform = self._draw(numbers, key, proposal)
        log_weight = self._weighed(position, proposal, data, tables)[1]
        return Weighed(position, _finite(log_weight), np.isnan(log_weight), log_uniform)

    def at(
        self, position: Float[np.ndarray, "points parameters"], proposal: Proposal, data: Data, tables: Tables
    ) -> tuple[Float[np.ndarray, " points"], Float[np.ndarray, " points"]]:
        """Ln p in (z, pulls) and ln p - ln q at points; both -inf where ln L is not a number."""
        log_density, log_weight = self._weighed(position, proposal, data, tables)
        return _finite(log_density), _finite(log_weight)

    def _weighed(
        self, position: np.ndarray, proposal: Proposal, data: Data, tables: Tables
    ) -> tuple[np.ndarray, np.ndarray]:
        values = self._values(self._point(position, tables), data)
        found: tuple[np.ndarray, np.ndarray] = self._weigh((position, values), proposal, tables)
        return found


def weighing(joint: JointModel, prior: Prior, devices: Devices) -> Weighing:
    """Return what draws and weighs, compiled once for a likelihood."""
    return joint.compiled(Weighing, prior, devices)


def _finite(logarithm: np.ndarray) -> np.ndarray:
    return np.where(np.isfinite(logarithm), logarithm, -np.inf)
