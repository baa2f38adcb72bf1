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

from lmtbayes import _checks
from lmtbayes.errors import InvalidArgument
from lmtbayes.inference.coordinates import Space
from lmtbayes.inference.likelihood.data import Data
from lmtbayes.inference.likelihood.joint import JointLikelihood, check_likelihood
from lmtbayes.inference.priors import Prior

type NormalLikelihood = Callable[[Float[Array, " dim"], Data], Float[Array, ""]]
"""(z, data) -> ln L, the prior of z being a standard normal."""


def check_models(like: JointLikelihood, prior: Prior) -> None:
    """Require a prior of the likelihood's own model.

    Raises
    ------
    InvalidArgument
        It is of another model; no likelihood, or no prior.
    """
    check_likelihood(like)
    if not isinstance(prior, Prior):
        raise _checks.invalid("prior", type(prior).__name__, "a Prior (lmtbayes.priors)")
    if prior.model != like.model:
        raise InvalidArgument(f"`prior` must be of the likelihood's model {like.model}; got one of {prior.model}")


def log_likelihood(like: JointLikelihood, prior: Prior, measure: Prior) -> NormalLikelihood:
    """Return ln L over (physical parameters, pulls) in standard-normal coordinates."""
    physical = len(prior.names)
    space = Space(like, prior, measure) if physical else None
    scales = _scales(like)

    def evaluate(z: Float[Array, " dim"], data: Data) -> Float[Array, ""]:
        unit = ndtr(z[:physical])
        photon = prior.photon({}) if space is None else space.photon(unit)
        reference = z[physical:]
        pulls = scales[:, 0] + scales[:, 1] * reference  # as in `pulls_of`
        log_reference = jnp.sum(jax.scipy.stats.norm.logpdf(reference) - np.log(scales[:, 1]))
        value = like.log_density(photon, pulls, data) - log_reference
        if space is not None:
            value = value + space.log_ratio(unit)
        # A point that the likelihood excludes outright must stay comparable with its neighbours.
        return jnp.nan_to_num(value, nan=-1e30, neginf=-1e30, posinf=-1e30)

    return evaluate


def pulls_of(like: JointLikelihood, reference: Float[np.ndarray, "points nuisances"]) -> np.ndarray:
    """Pulls at standard-normal coordinates."""
    scales = _scales(like)
    return scales[:, 0] + scales[:, 1] * reference


def _scales(like: JointLikelihood) -> np.ndarray:
    return np.array([_mean_and_sigma(n.constraint.pieces) for n in like.nuisances]).reshape(-1, 2)


def _mean_and_sigma(pieces: tuple[tuple[float, float, float], ...]) -> tuple[float, float]:
    if not pieces:
        return 0.0, 1.0
    weights, means, sigmas = np.array(pieces).T
    mean = weights @ means
    return float(mean), float(np.sqrt(weights @ (sigmas**2 + (means - mean) ** 2)))
