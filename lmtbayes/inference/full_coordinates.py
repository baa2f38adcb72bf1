"""Physical parameters and pulls together, in coordinates whose reference is a standard normal: what samplers walk in.

A physical parameter is the quantile, at Phi(z), of its prior or of a working measure (`working_measure`); where it is
not the prior, prior over measure counts as likelihood. A pull z has its constraint as prior; where that is no
standard normal (the octants of theta_23), the ratio of the two densities counts as likelihood, so the evidence is the
same.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import ndtr
from jaxtyping import Array, Float

from lmtbayes.inference.coordinates import Space, Tables
from lmtbayes.inference.likelihood.model import Data, JointModel
from lmtbayes.inference.priors import Prior

type NormalLikelihood = Callable[[Float[Array, " dim"], Data, Tables], Float[Array, ""]]
"""(z, data, tables of the measure) -> ln L, the prior of z being a standard normal."""


def log_likelihood(joint: JointModel, prior: Prior) -> NormalLikelihood:
    """Return ln L over (physical parameters, pulls) in standard-normal coordinates."""
    physical = len(prior.names)
    scales = _scales(joint)

    def evaluate(z: Float[Array, " dim"], data: Data, tables: Tables) -> Float[Array, ""]:
        space = Space(joint, prior, tables) if physical else None
        unit = ndtr(z[:physical])
        photon = prior.photon({}) if space is None else space.photon(unit)
        reference = z[physical:]
        pulls = scales[:, 0] + scales[:, 1] * reference  # as in `pulls_of`
        log_reference = jnp.sum(jax.scipy.stats.norm.logpdf(reference) - np.log(scales[:, 1]))
        value = joint.log_density(photon, pulls, data) - log_reference
        if space is not None:
            value = value + space.log_ratio(unit)
        # A point that the likelihood excludes outright must stay comparable with its neighbours.
        return jnp.nan_to_num(value, nan=-1e30, neginf=-1e30, posinf=-1e30)

    return evaluate


def pulls_of(joint: JointModel, reference: Float[np.ndarray, "points nuisances"]) -> np.ndarray:
    """Pulls at standard-normal coordinates."""
    scales = _scales(joint)
    return scales[:, 0] + scales[:, 1] * reference


def _scales(joint: JointModel) -> np.ndarray:
    return np.stack(joint.constraints.moments(), axis=-1)
