"""Evidence by samplers of the boson's parameters and the pulls together: tempered SMC, nested sampling."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from scipy.special import logsumexp

from lmtbayes.inference import full_coordinates
from lmtbayes.inference.coordinates import Space
from lmtbayes.inference.devices import resolve_devices
from lmtbayes.inference.evidence import nested, smc
from lmtbayes.inference.integration import heights
from lmtbayes.inference.integration.working_measure import survey
from lmtbayes.inference.likelihood.evaluation import evaluation
from lmtbayes.inference.likelihood.joint import JointLikelihood
from lmtbayes.inference.likelihood.model import JointModel
from lmtbayes.inference.priors import Prior


def by_smc(like: JointLikelihood, prior: Prior, seed: int, settings: smc.SmcSettings) -> dict[str, Any]:
    """Return the fields of an `Evidence` that the method fills."""
    measure = _measure(like, prior)
    run = like.compiled(_smc_run, prior, measure, settings)
    keys = jax.random.split(jax.random.key(seed), settings.replicas)
    result = smc.summarise(run(keys, like.data), settings)
    log_weights = np.full(len(result.particles), -np.log(len(result.particles)))
    return _sampled(like, prior, measure, result, result.particles, log_weights)


def _smc_run(joint: JointModel, prior: Prior, measure: Prior, settings: smc.SmcSettings) -> Callable[..., Any]:
    dim = len(prior.names) + len(joint.nuisances)
    return smc.build(full_coordinates.log_likelihood(joint, prior, measure), dim, settings)


def _jitted(joint: JointModel, prior: Prior, measure: Prior) -> Callable[..., Any]:
    return jax.jit(full_coordinates.log_likelihood(joint, prior, measure))


def by_nested(like: JointLikelihood, prior: Prior, seed: int, settings: nested.NestedSettings) -> dict[str, Any]:
    """Return the fields of an `Evidence` that the method fills."""
    measure = _measure(like, prior)
    log_likelihood = like.compiled(_jitted, prior, measure)
    dim = len(prior.names) + len(like.nuisances)
    result = nested.run(lambda z: float(log_likelihood(z, like.data)), dim, seed, settings)
    return _sampled(like, prior, measure, result, result.samples, result.log_weights)


def _measure(like: JointLikelihood, prior: Prior) -> Prior:
    return survey(like, prior, resolve_devices(None)).measure if prior.names else prior


def _sampled(
    like: JointLikelihood,
    prior: Prior,
    measure: Prior,
    result: smc.SmcResult | nested.NestedResult,
    z: np.ndarray,
    log_weights: np.ndarray,
) -> dict[str, Any]:
    nodes, unseen = {}, ""
    if prior.names:
        devices = resolve_devices(None)
        space = Space(like.joint, prior, measure)
        unit = np.asarray(jax.scipy.special.ndtr(z[:, : space.dimensions]))
        nodes = {name: np.asarray(value) for name, value in space.values(jnp.asarray(unit)).items()}
        pulls = full_coordinates.pulls_of(like.joint, z[:, space.dimensions :])
        density = evaluation(like.joint)((space.photons(unit, devices), pulls), like.data).log_likelihood
        density = density + space.log_ratios(unit, devices)
        effective = float(np.exp(-logsumexp(2.0 * log_weights)))
        unseen = heights.unseen(
            float(np.nanmax(density)),
            survey(like, prior, devices).heights(space, devices),
            heights.by_chance(space.size, effective),
        )
    return {
        "log_z": result.log_z,
        "bound": 0.0,
        "sigma": result.log_z_error,
        "error_kind": "one sigma",
        "status": unseen + result.status,
        "converged": result.converged and not unseen,
        "evaluations": result.evaluations,
        "log_correction": 0.0,
        "nodes": nodes,
        "log_weights": log_weights,
        "cubature": None,
        "measure": measure,
    }
