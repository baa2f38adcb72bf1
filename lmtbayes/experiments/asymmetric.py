"""A measurement with unequal upper and lower uncertainties, x (+p) (-m): two half Gaussians that meet at the top.

As a function of the expectation mu the likelihood has the width p above the measured x and m below it. As a density of
the measured x, which toys and predictive draws need, it is therefore a split normal around mu with width m above mu and
p below it; both have the one norm sqrt(2/pi)/(p + m).
"""

import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
from jaxtyping import Array, ArrayLike, Float

from lmtbayes import _checks
from lmtbayes.experiments.terms import Term


class SplitNormal(dist.Distribution):
    """Density sqrt(2/pi)/(low + high) exp(-(x - loc)^2/(2 w^2)), w = `low` below loc and `high` above it."""

    arg_constraints = {  # noqa: RUF012 - the interface of numpyro
        "loc": dist.constraints.real,
        "low": dist.constraints.positive,
        "high": dist.constraints.positive,
    }
    support = dist.constraints.real
    reparametrized_params = ["loc", "low", "high"]  # noqa: RUF012

    def __init__(self, loc: ArrayLike, low: ArrayLike, high: ArrayLike, *, validate_args: bool | None = None):
        self.loc, self.low, self.high = jnp.broadcast_arrays(*(jnp.asarray(x, dtype=float) for x in (loc, low, high)))
        super().__init__(batch_shape=self.loc.shape, validate_args=validate_args)

    def sample(self, key: Array, sample_shape: tuple[int, ...] = ()) -> Float[Array, "..."]:
        """Draw: the side by its probability, then a half normal."""
        side, size = jax.random.split(key)
        shape = sample_shape + self.batch_shape
        below = jax.random.uniform(side, shape) < self.low / (self.low + self.high)
        distance = jnp.abs(jax.random.normal(size, shape))
        return self.loc + jnp.where(below, -self.low, self.high) * distance

    def log_prob(self, value: ArrayLike) -> Float[Array, "..."]:
        """Log density."""
        distance = jnp.asarray(value, dtype=float) - self.loc
        width = jnp.where(distance < 0.0, self.low, self.high)
        return 0.5 * jnp.log(2.0 / jnp.pi) - jnp.log(self.low + self.high) - 0.5 * (distance / width) ** 2

    @property
    def mean(self) -> Float[Array, "..."]:
        """Loc + sqrt(2/pi) (high - low)."""
        return self.loc + jnp.sqrt(2.0 / jnp.pi) * (self.high - self.low)

    @property
    def variance(self) -> Float[Array, "..."]:
        """(1 - 2/pi) (high - low)^2 + high low."""
        return (1.0 - 2.0 / jnp.pi) * (self.high - self.low) ** 2 + self.high * self.low


class AsymmetricGaussian(Term):
    """A measurement x (+sigma_plus) (-sigma_minus) in each bin."""

    sigma_plus: np.ndarray
    sigma_minus: np.ndarray

    def __init__(self, sigma_plus: object, sigma_minus: object):
        for name, sigma in (("sigma_plus", sigma_plus), ("sigma_minus", sigma_minus)):
            _checks.positive(name, sigma)
        self.sigma_plus = np.atleast_1d(np.asarray(sigma_plus, dtype=float))
        self.sigma_minus = np.atleast_1d(np.asarray(sigma_minus, dtype=float))

    def distribution(
        self,
        expected: Float[Array, "*batch bins"],
        data: Float[Array, "*batch bins"] | None = None,  # noqa: ARG002 - the widths are the measurement's own
    ) -> dist.Distribution:
        """Split normal of each bin: data below the expectation are sigma_plus away from it, data above sigma_minus."""
        return SplitNormal(expected, low=self.sigma_plus, high=self.sigma_minus, validate_args=False)
