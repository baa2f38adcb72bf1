"""What samplers of boson and pulls together share: their ln L, and draws turned into an `Evidence`.

Both, `smc` and `nested`, sample in coordinates whose prior is a standard normal (`full_coordinates`).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float
from scipy.special import logsumexp

from lmtbayes.inference import full_coordinates
from lmtbayes.inference.coordinates import Space
from lmtbayes.inference.devices import resolve_devices
from lmtbayes.inference.evidence.result import Evidence
from lmtbayes.inference.integration import missed_peaks
from lmtbayes.inference.integration.working_measure import survey
from lmtbayes.inference.likelihood.evaluation import evaluation
from lmtbayes.inference.likelihood.joint import JointLikelihood
from lmtbayes.inference.likelihood.model import JointModel
from lmtbayes.inference.priors import Prior


@dataclass(frozen=True, eq=False)
class Sampled:
    """What a sampler found.

    Parameters
    ----------
    log_z, log_z_error
        Its estimate, and one standard deviation of it.
    converged, status
        Whether all is well, in words.
    evaluations
        Of the likelihood.
    positions, log_weights
        Draws of the posterior in standard-normal coordinates, and ln of weights that sum to 1.
    """

    log_z: float
    log_z_error: float
    converged: bool
    status: str
    evaluations: int
    positions: Float[np.ndarray, "draws dim"]
    log_weights: Float[np.ndarray, " draws"]


def working_measure(like: JointLikelihood, prior: Prior) -> Prior:
    """Whose quantiles to work in."""
    return survey(like, prior, resolve_devices(None)).measure if prior.names else prior


def log_likelihood(joint: JointModel, prior: Prior) -> Callable[..., Any]:
    """Return the jitted ln L of standard-normal coordinates, data and the measure's tables."""
    return jax.jit(full_coordinates.log_likelihood(joint, prior))


def to_evidence(like: JointLikelihood, prior: Prior, measure: Prior, found: Sampled) -> Evidence:
    """Evidence of a sampler's result, its draws in the coordinates of the prior; not converged below a climbed peak."""
    nodes, unseen = {}, ""
    if prior.names:
        devices = resolve_devices(None)
        space = Space(like.joint, prior, measure)
        unit = np.asarray(jax.scipy.special.ndtr(found.positions[:, : space.dimensions]))
        nodes = {name: np.asarray(value) for name, value in space.values(jnp.asarray(unit)).items()}
        pulls = full_coordinates.pulls_of(like.joint, found.positions[:, space.dimensions :])
        density = evaluation(like.joint)((space.photons(unit, devices), pulls), like.data).log_likelihood
        density = density + space.log_ratios(unit, devices)
        effective = float(np.exp(-logsumexp(2.0 * found.log_weights)))
        unseen = missed_peaks.unseen(
            float(np.nanmax(density)),
            survey(like, prior, devices).log_densities(space, devices),
            missed_peaks.by_chance(space.size, effective),
        )
    return Evidence(
        log_z=found.log_z,
        sigma=found.log_z_error,
        error_kind="one sigma",
        status=unseen + found.status,
        converged=found.converged and not unseen,
        evaluations=found.evaluations,
        nodes=nodes,
        log_weights=found.log_weights,
        prior=prior,
        measure=measure,
    )
