"""The coordinates of samplers and grids: a unit cube for the boson, pulls for the nuisances.

u in (0, 1)^d holds the quantiles of a working measure w (`measure`): the prior p itself wherever prior and likelihood
both have width in its quantiles, so that the prior is flat in u; else a mixture in which they have, and L p/w is what
is integrated and drawn from. Samplers work in z = ln u/(1 - u), which has no edges; d^d u = prod u (1 - u) d^d z.

A measure follows the data. What is compiled takes its tables as an argument, so that new data compile nothing.
"""

import warnings
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from lmtbayes.errors import InvalidArgument
from lmtbayes.gauge.models import HiddenPhoton
from lmtbayes.inference.devices import Devices, Mapped, side_by_side
from lmtbayes.inference.distributions import on_host
from lmtbayes.inference.distributions.tabulated import Tabulated, cumulative
from lmtbayes.inference.likelihood.joint import JointLikelihood, check_likelihood
from lmtbayes.inference.likelihood.model import Data, JointModel
from lmtbayes.inference.priors import Prior, check_prior_of
from lmtbayes.parameters import ALL

_EDGE = 1e-14
"""Keeps u away from 0 and 1, where the quantile of an unbounded prior is infinite."""
type Tables = dict[str, Tabulated]
"""Coordinates whose quantiles are not the prior's, and what they are instead: a pytree."""
_BATCH = 512
"""Points turned into photons side by side on a core."""


def check_prior(like: JointLikelihood, prior: Prior) -> None:
    """Require a likelihood, and a prior of its own model.

    Raises
    ------
    InvalidArgument
        It is of another model; no likelihood, or no prior.
    """
    check_likelihood(like)
    check_prior_of(prior, like.model, like.experiments)


def space_of(like: JointLikelihood, prior: Prior) -> "Space":
    """Coordinates in the prior's own quantiles, once likelihood and prior belong together.

    Raises
    ------
    InvalidArgument
        As `check_prior`; a prior without parameters.
    """
    check_prior(like, prior)
    if not prior.names:
        raise InvalidArgument("`prior` must have a parameter to sample; that of no boson has none")
    return Space(like.joint, prior)


class Space:
    """Likelihoods of one joint model under one prior, as functions of arrays.

    Parameters
    ----------
    joint, prior
        Of the same model.
    measure
        Whose quantiles the cube holds: a prior of the same coordinates, or only the tables in which it differs, which
        may be traced; by default the prior itself.
    """

    def __init__(self, joint: JointModel, prior: Prior, measure: Prior | Tables | None = None):
        self.joint = joint
        self.prior = prior
        self.tables = tables_of(prior, measure) if isinstance(measure, Prior) else dict(measure or {})

    @property
    def dimensions(self) -> int:
        """Number of the prior's coordinates."""
        return len(self.prior.names)

    @property
    def size(self) -> int:
        """Number of coordinates and nuisances together."""
        return self.dimensions + len(self.joint.nuisances)

    @property
    def plain(self) -> bool:
        """Whether the cube holds the prior's own quantiles, in which the prior is flat."""
        return not self.tables

    def values(self, unit: Float[Array | np.ndarray, "... coordinates"]) -> dict[str, Float[Array, "..."]]:
        """Coordinates of the prior at points of the unit cube, kept where rates are numbers."""
        unit, values = jnp.clip(unit, _EDGE, 1.0 - _EDGE), {}
        for index, name in enumerate(self.prior.names):
            at, table = unit[..., index], self.tables.get(name)
            value = self.prior.quantiles(name, at) if table is None else table.icdf(at)
            values[name] = jnp.clip(value, *ALL[name].reach)
        return values

    def photon(self, unit: Float[Array | np.ndarray, "... coordinates"]) -> HiddenPhoton:
        """Photon(s) at points of the unit cube."""
        return self.prior.photon(self.values(unit))

    def log_ratio(self, unit: Float[Array | np.ndarray, "... coordinates"]) -> Float[Array, "..."]:
        """Ln of the prior's density over the measure's; zero without further ado where they are the same."""
        total = jnp.zeros(jnp.shape(unit)[:-1])
        if self.plain:
            return total
        values = self.values(unit)
        for index, name in enumerate(self.prior.names):
            if name not in self.tables:
                continue
            own = self.prior.distributions[name]
            with warnings.catch_warnings():
                # numpyro warns of a value outside the support, whose density is set to zero here.
                warnings.simplefilter("ignore", UserWarning)
                density = jnp.where(own.support(values[name]), own.log_prob(values[name]), -jnp.inf)
            total = total + density + self.tables[name].log_slope(jnp.clip(unit[..., index], _EDGE, 1.0 - _EDGE))
        return total

    def unit(self, values: Mapping[str, ArrayLike]) -> Float[Array, "... coordinates"]:
        """Points of the unit cube at coordinates of the prior: the inverse of `values`."""
        distributions = self.prior.distributions | self.tables
        return jnp.stack([cumulative(distributions[name], values[name]) for name in self.prior.names], axis=-1)

    def units(self, values: Mapping[str, np.ndarray]) -> Float[np.ndarray, "points coordinates"]:
        """`unit` of NumPy arrays on the host, where tables compile nothing."""
        distributions = self.prior.distributions | self.tables
        columns = [on_host.probabilities(name, distributions[name], values[name]) for name in self.prior.names]
        return np.stack(columns, axis=-1)

    def photons(self, units: Float[np.ndarray, "points coordinates"], devices: Devices) -> HiddenPhoton:
        """Photons at points of the unit cube, as NumPy arrays, by a function compiled once for a prior."""
        return self._at_points(units, devices)[0]

    def log_ratios(self, units: Float[np.ndarray, "points coordinates"], devices: Devices) -> np.ndarray:
        """`log_ratio` at points of the unit cube, as a NumPy array."""
        return np.zeros(len(units)) if self.plain else self._at_points(units, devices)[1]

    def _at_points(self, units: np.ndarray, devices: Devices) -> tuple[HiddenPhoton, np.ndarray]:
        return self.joint.compiled(_photons, self.prior, devices)(units, self.tables)

    def log_likelihood(
        self, unit: Float[Array, " coordinates"], pulls: Float[Array, " nuisances"], data: Data
    ) -> Float[Array, ""]:
        """Log-likelihood, constraints included, times p/w: the log posterior density in (u, pulls) up to ln Z."""
        return self.joint.log_density(self.photon(unit), pulls, data) + self.log_ratio(unit)

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
        if not self.plain:
            unit = self.unit(self.prior.from_unit_cube(unit))
        return unit, self.joint.constraints.sample(pull_key, (size,))


def tables_of(prior: Prior, measure: Prior) -> Tables:
    """Return the tables by which a measure differs from the prior it was made for."""
    return {
        name: table
        for name, table in measure.distributions.items()
        if isinstance(table, Tabulated) and table is not prior.distributions[name]
    }


def _photons(joint: JointModel, prior: Prior, devices: Devices) -> Mapped:
    def one(unit: Array, tables: Tables) -> tuple[HiddenPhoton, Array]:
        space = Space(joint, prior, tables)
        return space.photon(unit), space.log_ratio(unit)

    return Mapped(one, devices, side_by_side(devices, _BATCH))


def log_jacobian(z: Float[Array, "... coordinates"]) -> Float[Array, "..."]:
    """Ln |du/dz|."""
    return jnp.sum(jax.nn.log_sigmoid(z) + jax.nn.log_sigmoid(-z), axis=-1)
