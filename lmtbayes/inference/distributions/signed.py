"""A distribution of numbers whose sign is not known: log-uniform in the modulus, either sign with probability 1/2."""

import jax
import jax.numpy as jnp
import numpyro.distributions as dist
from jax import Array
from jaxtyping import ArrayLike, Float
from numpyro.distributions import constraints

from lmtbayes import _checks


class SignedLogUniform(dist.Distribution):
    """Density 1/(2 |x| ln(high/low)) for low <= |x| <= high.

    Parameters
    ----------
    low, high
        Of the modulus, positive and increasing.

    Raises
    ------
    InvalidArgument
        Bounds that are not.
    """

    pytree_data_fields = ("low", "high")

    def __init__(self, low: float, high: float, *, validate_args: bool | None = None):
        _checks.positive("low", low)
        _checks.positive("high", high)
        _checks.increasing("(low, high)", (low, high))
        self.low, self.high = float(low), float(high)
        super().__init__(batch_shape=(), event_shape=(), validate_args=validate_args)

    @property
    def support(self) -> constraints.Constraint:
        """The interval that holds both branches; between them the density is zero."""
        return constraints.interval(-self.high, self.high)

    def log_prob(self, value: ArrayLike) -> Float[Array, "..."]:
        """Log density; -inf between the branches and beyond them."""
        modulus = jnp.abs(jnp.asarray(value, dtype=float))
        inside = (modulus >= self.low) & (modulus <= self.high)
        density = -jnp.log(2.0 * jnp.where(inside, modulus, 1.0) * jnp.log(self.high / self.low))
        return jnp.where(inside, density, -jnp.inf)

    def icdf(self, q: ArrayLike) -> Float[Array, "..."]:
        """Quantile: -high at 0, -low just below 1/2, low from 1/2 on, high at 1."""
        q = jnp.asarray(q, dtype=float)
        ratio = self.high / self.low
        return jnp.where(q < 0.5, -self.high * ratio ** (-2.0 * q), self.low * ratio ** (2.0 * q - 1.0))

    def cdf(self, value: ArrayLike) -> Float[Array, "..."]:
        """Inverse of `icdf`, 1/2 between the branches."""
        value = jnp.asarray(value, dtype=float)
        span = 2.0 * jnp.log(self.high / self.low)
        modulus = jnp.clip(jnp.abs(value), self.low, self.high)
        below = jnp.log(self.high / modulus) / span
        return jnp.where(value < 0.0, below, 0.5 + jnp.log(modulus / self.low) / span)

    def sample(self, key: Array, sample_shape: tuple[int, ...] = ()) -> Float[Array, "..."]:
        """Draws."""
        return self.icdf(jax.random.uniform(key, sample_shape))
