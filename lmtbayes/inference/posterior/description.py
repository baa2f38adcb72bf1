"""What follows from a draw: physical parameters, ln L by bin, predicted data, log priors."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from lmtbayes._compile import compile_quickly
from lmtbayes.gauge.models import HiddenPhoton
from lmtbayes.inference.coordinates import Space, Tables
from lmtbayes.inference.devices import Mapped
from lmtbayes.inference.likelihood.evaluation import evaluation
from lmtbayes.inference.likelihood.model import Data, JointModel
from lmtbayes.inference.likelihood.toys import draw_many
from lmtbayes.inference.priors import Prior

PRIOR_DRAWS = 1000
_BLOCK = 1000
"""Draws described in one call."""


def prior_positions(space: Space, rng: np.random.Generator) -> Float[np.ndarray, "1 draw parameters"]:
    """Draws of the prior and of the constraints, as the positions of one chain."""
    prior_draws = space.joint.compiled(_prior_draws, space.prior)
    unit, pulls = (np.asarray(x) for x in prior_draws(_key(rng), space.tables))
    return np.asarray(space.join(unit, pulls))[None]


def _prior_draws(joint: JointModel, prior: Prior) -> Any:
    return compile_quickly(lambda key, tables: Space(joint, prior, tables).draw_prior(key, PRIOR_DRAWS))


def describe(
    space: Space, data: Data, position: Float[np.ndarray, "chain draw parameters"], rng: np.random.Generator
) -> dict[str, Any]:
    """Everything that follows from a draw."""
    described = space.joint.compiled(_descriptions, space.prior)
    *point, parameters, log_prior = described(position.reshape(-1, space.size), space.tables)
    evaluated = evaluation(space.joint)(tuple(point), data)
    found = {
        "parameters": parameters,
        "pointwise": evaluated.terms,
        "predictive": draw_many(space.joint.experiments, evaluated.counts, rng),
        "total": evaluated.log_likelihood,
        "lp": evaluated.log_likelihood + sum(log_prior[name] for name in space.prior.names),
        "log_prior": log_prior,
    }
    return jax.tree.map(lambda x: x.reshape(*position.shape[:-1], *x.shape[1:]), found)


def _descriptions(joint: JointModel, prior: Prior) -> Mapped:
    def one(position: Array, tables: Tables) -> tuple[HiddenPhoton, Array, dict[str, Array], dict[str, Array]]:
        space = Space(joint, prior, tables)
        unit, pulls = space.split(position)
        photon = space.photon(unit)
        parameters = {**_physical(space, photon), **joint.nuisance_values(pulls)}
        constraints = dict(zip(joint.nuisance_names, joint.constraints.log_prob(pulls), strict=True))
        return photon, pulls, parameters, {**prior.log_probs(prior.values(photon)), **constraints}

    return Mapped(one, tuple(jax.local_devices()[:1]), _BLOCK)


def _key(rng: np.random.Generator) -> Array:
    """Key of jax from NumPy's generator: splitting keys would be functions to compile."""
    return jax.random.key(int(rng.integers(2**63)))


def _physical(space: Space, photon: HiddenPhoton) -> dict[str, Array]:
    result = {
        "g_x": photon.g_x,
        "mass": photon.mass,
        "eps_x": photon.eps_x,
        "log10_g_x": jnp.log10(photon.g_x),
        "log10_mass": jnp.log10(photon.mass),
    }
    if space.joint.model.mixing == "free":
        kappa = space.joint.model.mixing_sign * photon.eps_x / photon.g_x
        # A prior on kappa itself may be of both signs; its logarithm is then no variable.
        result |= {"kappa": kappa} if "kappa" in space.prior.names else {"log10_kappa": jnp.log10(kappa)}
    return result
