"""What is proposed to chains, drawn and evaluated for many steps at once, before the chains take it.

A proposal depends on nothing but the grid: with q the proposal's density and p the posterior's, a chain at x
goes to x' if ln u < [ln p(x') - ln q(x')] - [ln p(x) - ln q(x)], u uniform in (0, 1).
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from lmtbayes._compile import compile_quickly
from lmtbayes.gauge.models import HiddenPhoton
from lmtbayes.inference.coordinates import Space, Tables, log_jacobian
from lmtbayes.inference.devices import Devices, Mapped, side_by_side
from lmtbayes.inference.integration.proposal import Proposal
from lmtbayes.inference.likelihood.evaluation import evaluation
from lmtbayes.inference.likelihood.model import Data, JointModel
from lmtbayes.inference.priors import Prior

_BATCH = 512
"""Positions transformed side by side on a core; cheap, unlike their evaluation."""


class Proposed(NamedTuple):
    """Points proposed to chains: leading axes (steps, chains)."""

    position: Any
    potential: Any
    gradient: Any
    log_weight: Any
    """ln p - ln q."""
    log_uniform: Any
    """ln u of the decision."""


class Potential:
    """Minus ln p in (z, pulls) with its gradient, at many positions, through `evaluation` and the chain rule."""

    def __init__(self, joint: JointModel, prior: Prior, devices: Devices):
        d = len(prior.names)

        def point(position: Array, tables: Tables) -> tuple[HiddenPhoton, Array]:
            space = Space(joint, prior, tables)
            unit, pulls = space.split(position)
            return space.photon(unit), pulls

        def chain_rule(found: tuple[Array, Array, HiddenPhoton, Array], tables: Tables) -> tuple[Array, Array]:
            position, value, by_photon, by_pulls = found
            space, z = Space(joint, prior, tables), position[:d]
            # Volume and, where u are not the prior's quantiles, prior over measure.
            log_volume, slope = jax.value_and_grad(lambda z: log_jacobian(z) + space.log_ratio(jax.nn.sigmoid(z)))(z)
            (by_z,) = jax.vjp(lambda z: space.photon(jax.nn.sigmoid(z)), z)[1](by_photon)
            return -value - log_volume, -jnp.concatenate([by_z + slope, by_pulls])

        self._evaluate = evaluation(joint, devices)
        batch_size = side_by_side(devices, _BATCH)
        self._point = Mapped(point, devices, batch_size)
        self._chain_rule = Mapped(chain_rule, devices, batch_size)

    def __call__(self, positions: np.ndarray, data: Data, tables: Tables) -> tuple[np.ndarray, np.ndarray]:
        """Potential (positions,) and gradient (positions, parameters)."""
        found = self._evaluate(self._point(positions, tables), data)
        return self._chain_rule((positions, found.log_likelihood, found.by_photon, found.by_pulls), tables)


class Proposals:
    """Draws `Proposed` for `steps` steps of `chains` chains."""

    def __init__(
        self, joint: JointModel, prior: Prior, potential: Potential, steps: int, chains: int, devices: Devices
    ):
        space = Space(joint, prior)  # positions and their volume are the same in every measure's cube

        def draw(number: Array, key: Array, proposal: Proposal) -> tuple[Array, Array, Array]:
            draw_key, decision_key = jax.random.split(jax.random.fold_in(key, number))
            position = space.join(*proposal.sample(draw_key))
            log_density = proposal.log_prob(*space.split(position)) + log_jacobian(position[: space.dimensions])
            return position, log_density, jnp.log(jax.random.uniform(decision_key))

        self._draw = compile_quickly(jax.vmap(draw, in_axes=(0, None, None)))
        self._device = devices[0]
        self._potential = potential
        self._shape = (steps, chains)

    def __call__(self, key: Array, first: int, proposal: Proposal, data: Data, tables: Tables) -> Proposed:
        """Proposals of steps `first`, `first` + 1, ...; those of a step do not depend on where a call begins."""
        steps, chains = self._shape
        numbers = first * chains + np.arange(steps * chains)
        arguments = jax.device_put((numbers, key, proposal), self._device)
        position, log_density, log_uniform = (np.asarray(x) for x in self._draw(*arguments))
        potential, gradient = self._potential(position, data, tables)
        proposed = Proposed(position, potential, gradient, -potential - log_density, log_uniform)
        return jax.tree.map(lambda x: x.reshape(*self._shape, *x.shape[1:]), proposed)
