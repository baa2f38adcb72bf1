"""Draws of a proposal and what they weigh: the compiled function of independence chains, and of the choice of them.

It holds ln L without its gradient, and follows nothing but a number: a draw is the same whatever else is drawn.
"""

import dataclasses
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array

from lmtbayes.inference.coordinates import Space, Tables
from lmtbayes.inference.devices import Devices, Mapped, side_by_side
from lmtbayes.inference.integration.proposal import Proposal
from lmtbayes.inference.likelihood.model import Data, JointModel
from lmtbayes.inference.priors import Prior

_BATCH = 256
"""Draws weighed side by side on a core."""
_WIDENED, _FROM_CONSTRAINTS = 0.3, 0.1
"""Parts of the pulls drawn from wider Gaussians than Laplace's, and from their constraints."""


class Weighed(NamedTuple):
    """Draws of a proposal, as NumPy arrays with a leading axis."""

    unit: Any
    pulls: Any
    log_weight: Any
    """ln p - ln q, posterior over proposal; not a number where ln L is none."""
    log_uniform: Any
    """ln u of a decision, u uniform in (0, 1)."""


def defended(proposal: Proposal) -> Proposal:
    """Return a proposal whose weights have light tails, at the price of a few draws in ten."""
    return dataclasses.replace(proposal, widened=_WIDENED, from_constraints=_FROM_CONSTRAINTS)


def weighing(joint: JointModel, prior: Prior, devices: Devices) -> Mapped:
    """Return the function (numbers, key, proposal, data, tables) -> `Weighed`, compiled once for a likelihood."""
    return joint.compiled(_weighing, prior, devices)


def _weighing(joint: JointModel, prior: Prior, devices: Devices) -> Mapped:
    def one(number: Array, key: Array, proposal: Proposal, data: Data, tables: Tables) -> Weighed:
        draw_key, decision_key = jax.random.split(jax.random.fold_in(key, number))
        unit, pulls = proposal.sample(draw_key)
        value = Space(joint, prior, tables).log_likelihood(unit, pulls, data)
        log_uniform = jnp.log(jax.random.uniform(decision_key))
        return Weighed(unit, pulls, value - proposal.log_prob(unit, pulls), log_uniform)

    return Mapped(one, devices, side_by_side(devices, _BATCH))
