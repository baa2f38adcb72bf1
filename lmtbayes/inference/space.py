"""The coordinates of samplers and grids: the prior's unit cube for the boson, pulls for the nuisances.

u in (0, 1)^d holds the prior's own quantiles, so that the prior is flat in u and a volume of u is a prior probability.
Samplers work in z = ln u/(1 - u), which has no edges; d^d u = prod u (1 - u) d^d z.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from lmtbayes.errors import InvalidArgument
from lmtbayes.gauge.models import HiddenPhoton
from lmtbayes.inference.devices import Devices, Mapped
from lmtbayes.inference.likelihood import Data, JointLikelihood
from lmtbayes.inference.priors import Prior

_EDGE = 1e-14
"""Keeps u away from 0 and 1, where the quantile of an unbounded prior is infinite."""
_BATCH = 512
"""Points turned into photons side by side on each device."""


class Space:
    """One likelihood under one prior, as functions of arrays.

    Parameters
    ----------
    like, prior
        Of the same model.

    Raises
    ------
    InvalidArgument
        No likelihood, no prior, a prior of another model, a prior whose distribution has no quantile function.
    """

    def __init__(self, like: JointLikelihood, prior: Prior):
        if not isinstance(like, JointLikelihood):
            raise InvalidArgument(f"`like` must be a JointLikelihood; got {like!r}")
        if not isinstance(prior, Prior):
            raise InvalidArgument(f"`prior` must be a Prior (lmtbayes.priors); got {prior!r}")
        if prior.model != like.model:
            raise InvalidArgument(f"`prior` must be of the likelihood's model {like.model}; got one of {prior.model}")
        if not prior.names:
            raise InvalidArgument("`prior` must have a parameter to sample; that of no boson has none")
        for name, distribution in prior.distributions.items():
            try:
                distribution.icdf(0.5)
            except (NotImplementedError, ImportError) as error:
                raise InvalidArgument(
                    f"`prior` must have a quantile function (icdf) in every coordinate; {name!r} is a "
                    f"{type(distribution).__name__}, which has none here: {error}"
                ) from None
        self.like = like
        self.prior = prior

    @property
    def dimensions(self) -> int:
        """Number of the prior's coordinates."""
        return len(self.prior.names)

    @property
    def size(self) -> int:
        """Number of coordinates and nuisances together."""
        return self.dimensions + len(self.like.nuisances)

    def photon(self, unit: Float[Array, "... coordinates"]) -> HiddenPhoton:
        """Photon(s) at points of the unit cube."""
        return self.prior.photon(self.prior.from_unit_cube(jnp.clip(unit, _EDGE, 1.0 - _EDGE)))

    def photons(self, units: Float[np.ndarray, "points coordinates"], devices: Devices) -> HiddenPhoton:
        """Photons at points of the unit cube, as NumPy arrays, by a function compiled once for a prior."""
        return self.like.compiled(_photons, self.prior, devices)(units)

    def log_likelihood(
        self, unit: Float[Array, " coordinates"], pulls: Float[Array, " nuisances"], data: Data
    ) -> Float[Array, ""]:
        """Log-likelihood, constraints included: the log posterior density in (u, pulls) up to ln Z."""
        return self.like.log_density(self.photon(unit), pulls, data)

    def potential(self, position: Float[Array, " parameters"], data: Data) -> Float[Array, ""]:
        """Minus the log posterior density in (z, pulls), up to ln Z."""
        unit, pulls = self.split(position)
        return -self.log_likelihood(unit, pulls, data) - log_jacobian(position[: self.dimensions])

    def split(
        self, position: Float[Array, "... parameters"]
    ) -> tuple[Float[Array, "... coordinates"], Float[Array, "... nuisances"]]:
        """(z, pulls) to u and pulls."""
        return jax.nn.sigmoid(position[..., : self.dimensions]), position[..., self.dimensions :]

    def join(
        self, unit: Float[Array | np.ndarray, "... coordinates"], pulls: Float[Array | np.ndarray, "... nuisances"]
    ) -> Any:
        """Inverse of `split`; of NumPy arrays in NumPy, which has nothing to compile."""
        xp: Any = jnp if isinstance(unit, jax.Array) else np
        unit = xp.clip(unit, _EDGE, 1.0 - _EDGE)
        return xp.concatenate([xp.log(unit) - xp.log1p(-unit), pulls], axis=-1)

    def draw_prior(self, key: Array, size: int) -> tuple[Float[Array, "size coordinates"], Float[Array, "size pulls"]]:
        """Draws of the prior and of the nuisances' constraints: u and pulls."""
        unit_key, pull_key = jax.random.split(key)
        unit = jax.random.uniform(unit_key, (size, self.dimensions))
        return unit, self.like.constraints.sample(pull_key, (size,))


def log_jacobian(z: Float[Array, "... coordinates"]) -> Float[Array, "..."]:
    """Ln |du/dz|."""
    return jnp.sum(jax.nn.log_sigmoid(z) + jax.nn.log_sigmoid(-z), axis=-1)


def _photons(like: JointLikelihood, prior: Prior, devices: Devices) -> Mapped:
    return Mapped(Space(like, prior).photon, devices, _BATCH)
