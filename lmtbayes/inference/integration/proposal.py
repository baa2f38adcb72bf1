"""A density over (u, pulls) made from a posterior grid, that JAX can draw from and evaluate: where chains jump to.

What a cell and Laplace's normal distribution leave out makes weights, posterior over proposal, heavy: of all published
data, with 62 nuisances, draws of a proposal that knows how the density rises across a cell, how the pulls' optimum
moves there and how a log-normal nuisance bends are worth four times as many as those of one that does not.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from lmtbayes.inference.integration.bent import bent, straightened
from lmtbayes.inference.integration.morton_cells import integer, morton_code
from lmtbayes.inference.likelihood.constraints import Constraints

INFLATED = 2.0
"""Variance of the wider Gaussian of the pulls, in units of Laplace's. In a dozen dimensions or more a much wider one
would never be where the posterior is."""
_FLAT = 1e-6
"""Of ln p across a cell: nothing is lost if it is even."""


class Proposal(eqx.Module):
    """Mixture over cells: u by the slope in its cell, pulls about the cell's optimum; a part from the prior itself."""

    code: Int[Array, " capacity"]
    log_density: Float[Array, " capacity"]
    cumulative: Float[Array, " capacity"]
    low: Float[Array, "capacity coordinates"]
    width: Float[Array, " capacity"]
    slope: Float[Array, "capacity coordinates"]
    """Change of ln p across a cell; its weight is spread over it as exp(slope t), t from 0 to 1 across the cell."""
    pulls: Float[Array, "capacity nuisances"]
    factor: Float[Array, "capacity nuisances nuisances"]
    """Of the pulls' precision: lower, Cholesky's."""
    tilt: Float[Array, "capacity nuisances coordinates"]
    """Change of the pulls' optimum across a cell."""
    spread: Constraints = eqx.field(static=True)
    bends: Float[Array, " nuisances"] | None = None
    """Change of ln(dvalue/dpull) with each pull; None: all values are straight lines."""
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
        inside = self.low[cell] + _across(unit, self.slope[cell]) * self.width[cell]
        unit = jnp.where(from_prior < self.from_prior, unit, inside)
        cell = self.cell(unit)
        if not self.pulls.shape[1]:
            return unit, self.pulls[cell]
        normal = jax.random.normal(pull_key, self.pulls.shape[1:])
        step = jax.scipy.linalg.solve_triangular(self.factor[cell].T, normal, lower=False)
        wide = self.spread.sample(spread_key)
        step = step * jnp.where(from_constraints < self.from_constraints + self.widened, INFLATED**0.5, 1.0)
        if self.bends is not None:
            step = bent(step, self._bends_at(cell, self.bends))
        return unit, jnp.where(from_constraints < self.from_constraints, wide, self._optimum(cell, unit) + step)

    def log_prob(self, unit: Float[Array, " coordinates"], pulls: Float[Array, " nuisances"]) -> Float[Array, ""]:
        """Ln of the density in (u, pulls)."""
        cell = self.cell(unit)
        inside = self.log_density[cell] + _log_density_across(self._across(cell, unit), self.slope[cell])
        log_unit = jnp.logaddexp(jnp.log1p(-self.from_prior) + inside, jnp.log(self.from_prior))
        if not self.pulls.shape[1]:
            return log_unit
        factor = self.factor[cell]
        step, log_jacobian = pulls - self._optimum(cell, unit), jnp.zeros(())
        if self.bends is not None:
            step, log_jacobian = straightened(step, self._bends_at(cell, self.bends))
        whitened = factor.T @ step
        log_peak = log_jacobian + jnp.sum(jnp.log(jnp.diagonal(factor)) - 0.5 * jnp.log(2.0 * jnp.pi))
        narrow, inflated = (
            log_peak - 0.5 * jnp.sum(whitened**2 / variance + jnp.log(variance)) for variance in (1.0, INFLATED)
        )
        wide = jnp.sum(self.spread.log_prob(pulls))
        parts = jnp.array([1.0 - self.from_constraints - self.widened, self.widened, self.from_constraints])
        return log_unit + jax.scipy.special.logsumexp(jnp.array([narrow, inflated, wide]), b=parts)

    def _optimum(self, cell: Array, unit: Array) -> Array:
        return self.pulls[cell] + self.tilt[cell] @ (self._across(cell, unit) - 0.5)

    def _bends_at(self, cell: Array, bends: Array) -> Array:
        """Of what is a parabola at the cell's optimum: data are one in the value, a standard normal in the pull."""
        precision = jnp.sum(self.factor[cell] ** 2, axis=1)
        return bends * jnp.maximum(1.0 - 1.0 / precision, 0.0)

    def _across(self, cell: Array, unit: Array) -> Array:
        return (unit - self.low[cell]) / self.width[cell]

    def cell(self, unit: Float[Array, " coordinates"]) -> Int[Array, ""]:
        """Index of the cell of one point."""
        return jnp.searchsorted(self.code, morton_code(integer(unit)), side="right") - 1


def _across(even: Float[Array, " coordinates"], slope: Float[Array, " coordinates"]) -> Float[Array, " coordinates"]:
    """Draws of exp(slope t), t in (0, 1), made of even ones."""
    is_flat = jnp.abs(slope) < _FLAT
    steep = jnp.where(is_flat, 1.0, slope)
    return jnp.where(is_flat, even, jnp.log1p(even * jnp.expm1(steep)) / steep)


def _log_density_across(t: Float[Array, " coordinates"], slope: Float[Array, " coordinates"]) -> Float[Array, ""]:
    """Ln of the density of `_across`, of all coordinates together."""
    is_flat = jnp.abs(slope) < _FLAT
    steep = jnp.where(is_flat, 1.0, slope)
    return jnp.sum(jnp.where(is_flat, 0.0, steep * t - jnp.log(jnp.expm1(steep) / steep)))
