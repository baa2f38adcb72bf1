"""A density over (u, pulls) made from a posterior grid, that JAX can draw from and evaluate: where chains jump to."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from lmtbayes.inference.integration.morton_cells import integer, morton_code
from lmtbayes.inference.likelihood.constraints import Constraints

INFLATED = 2.0
"""Variance of the wider Gaussian of the pulls, in units of Laplace's. In a dozen dimensions or more a much wider one
would never be where the posterior is."""


class Proposal(eqx.Module):
    """Mixture over cells: u even in its cell, pulls Gaussian about the cell's optimum; a part from the prior itself."""

    code: Int[Array, " capacity"]
    log_density: Float[Array, " capacity"]
    cumulative: Float[Array, " capacity"]
    low: Float[Array, "capacity coordinates"]
    width: Float[Array, " capacity"]
    pulls: Float[Array, "capacity nuisances"]
    factor: Float[Array, "capacity nuisances nuisances"]
    """Of the pulls' precision: lower, Cholesky's."""
    spread: Constraints = eqx.field(static=True)
    tilt: Float[Array, "capacity nuisances coordinates"] | None = None
    """Change of the pulls' optimum across a cell; None: the same all over it."""
    from_prior: float = 0.05
    """Part of u drawn evenly over the cube."""
    from_constraints: float = 0.2
    """Part of the pulls drawn from their constraints."""
    widened: float = 0.0
    """Part of the pulls drawn from the cell's Gaussian with `INFLATED` times its variance: defends weights against
    tails that are wider than Laplace's."""

    def sample(self, key: Array) -> tuple[Float[Array, " coordinates"], Float[Array, " nuisances"]]:
        """Draw one point."""
        uniform_key, pull_key, spread_key = jax.random.split(key, 3)
        # All in one go: every call of a generator is compiled by itself.
        numbers = jax.random.uniform(uniform_key, (3 + self.low.shape[1],))
        level, from_prior, from_constraints, unit = numbers[0], numbers[1], numbers[2], numbers[3:]
        cell = jnp.searchsorted(self.cumulative, level, side="right")
        inside = self.low[cell] + unit * self.width[cell]
        unit = jnp.where(from_prior < self.from_prior, unit, inside)
        cell = self.cell(unit)
        if not self.pulls.shape[1]:
            return unit, self.pulls[cell]
        normal = jax.random.normal(pull_key, self.pulls.shape[1:])
        step = jax.scipy.linalg.solve_triangular(self.factor[cell].T, normal, lower=False)
        wide = self.spread.sample(spread_key)
        step = step * jnp.where(from_constraints < self.from_constraints + self.widened, INFLATED**0.5, 1.0)
        return unit, jnp.where(from_constraints < self.from_constraints, wide, self._optimum(cell, unit) + step)

    def log_prob(self, unit: Float[Array, " coordinates"], pulls: Float[Array, " nuisances"]) -> Float[Array, ""]:
        """Ln of the density in (u, pulls)."""
        cell = self.cell(unit)
        log_unit = jnp.logaddexp(jnp.log1p(-self.from_prior) + self.log_density[cell], jnp.log(self.from_prior))
        if not self.pulls.shape[1]:
            return log_unit
        factor = self.factor[cell]
        whitened = factor.T @ (pulls - self._optimum(cell, unit))
        log_peak = jnp.sum(jnp.log(jnp.diagonal(factor)) - 0.5 * jnp.log(2.0 * jnp.pi))
        narrow, inflated = (
            log_peak - 0.5 * jnp.sum(whitened**2 / variance + jnp.log(variance)) for variance in (1.0, INFLATED)
        )
        wide = jnp.sum(self.spread.log_prob(pulls))
        parts = jnp.array([1.0 - self.from_constraints - self.widened, self.widened, self.from_constraints])
        return log_unit + jax.scipy.special.logsumexp(jnp.array([narrow, inflated, wide]), b=parts)

    def _optimum(self, cell: Array, unit: Array) -> Array:
        if self.tilt is None:
            return self.pulls[cell]
        return self.pulls[cell] + self.tilt[cell] @ ((unit - self.low[cell]) / self.width[cell] - 0.5)

    def cell(self, unit: Float[Array, " coordinates"]) -> Int[Array, ""]:
        """Index of the cell of one point."""
        return jnp.searchsorted(self.code, morton_code(integer(unit)), side="right") - 1
