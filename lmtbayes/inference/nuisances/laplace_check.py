"""How good Laplace's integral over the nuisances was, by importance sampling at draws of the posterior; the correction.

At a photon let r be the integral of L over the pulls divided by its Laplace value. Then Z = Z_Laplace <r>, the mean
being over the posterior of the photon that Laplace gives: a few hundred draws tell the error of ln Z, and mend it.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array

from lmtbayes._compile import compile_large
from lmtbayes.gauge.models import HiddenPhoton
from lmtbayes.inference.likelihood.constraints import Components
from lmtbayes.inference.likelihood.model import Data, JointModel
from lmtbayes.inference.nuisances.laplace import LaplaceFit
from lmtbayes.inference.nuisances.newton import first_and_second_derivative

_INFLATED = 1.7
"""Variance of the wide half of the proposal, in units of Laplace's: covers tails that Laplace underestimates. Measured:
larger values scatter more with a dozen nuisances."""


def importance_ratios(joint: JointModel, draws: int) -> Callable[..., Array]:
    """Return the jitted check: (keys (n,), photons (n,), (ln integral, `LaplaceFit`) of each, data) -> r (n,).

    The integral of L in r is estimated from `draws` of the pulls at each photon, with the Laplace density as control
    variate, so that r is 1 without scatter where ln L is quadratic.
    """
    n = len(joint.nuisances)
    components = joint.constraints.components()

    def one(key: Array, photon: HiddenPhoton, reference: Array, best: LaplaceFit, data: Data) -> Array:
        precision = jnp.where(best.converged, best.factor @ best.factor.T, jnp.eye(n))
        means, lowers, log_shares = _normals(joint, components, best.pulls, precision)

        def log_normals(x: Array, variance: float) -> Array:
            def log_normal(mean: Array, lower: Array) -> Array:
                scaled = lower.T @ (x - mean)
                log_det = jnp.sum(jnp.log(jnp.diagonal(lower)))
                return -0.5 * jnp.dot(scaled, scaled) / variance + log_det - 0.5 * n * jnp.log(2 * jnp.pi * variance)

            return jax.scipy.special.logsumexp(jax.vmap(log_normal)(means, lowers) + log_shares)

        def ratio(key: Array, wide: Array) -> Array:
            choice, noise = jax.random.split(key)
            which = jax.random.categorical(choice, log_shares)
            step = jax.scipy.linalg.solve_triangular(lowers[which].T, jax.random.normal(noise, (n,)), lower=False)
            x = means[which] + jnp.where(wide, jnp.sqrt(_INFLATED), 1.0) * step
            narrow = log_normals(x, 1.0)
            log_proposal = jnp.logaddexp(narrow, log_normals(x, _INFLATED)) - jnp.log(2.0)
            log_target = joint.log_density(photon, x, data) - reference
            return jnp.exp(log_target - log_proposal) - jnp.exp(narrow - log_proposal)

        excess = jax.vmap(ratio)(jax.random.split(key, draws), jnp.arange(draws) % 2 == 0)
        return 1.0 + jnp.mean(excess)

    def all_photons(keys: Array, photons: HiddenPhoton, marginals: tuple[Array, LaplaceFit], data: Data) -> Array:
        # One photon's draws at a time already fill the machine's vectors.
        return jax.lax.map(lambda x: one(x[0], x[1], x[2][0], x[2][1], data), (keys, photons, marginals), batch_size=16)

    return compile_large(all_photons)


def _normals(joint: JointModel, components: Components, best: Array, precision: Array) -> tuple[Array, Array, Array]:
    """Normal approximations, one for each choice of the constraints' Gaussians: means, Cholesky factors, log shares.

    Reached from the best optimum by one Newton step, in which the constraint is exchanged for the one Gaussian.
    """
    number = len(components.mean)
    if number == 1:
        return best[None], jnp.linalg.cholesky(precision)[None], jnp.zeros(1)
    first, second = first_and_second_derivative(joint.constraints.log_prob, best)
    is_sum = components.is_sum[0]
    slope = -jnp.where(is_sum, first, 0.0)
    without = precision + jnp.diag(jnp.where(is_sum, second, 0.0))

    def normal(component: Components) -> tuple[Array, Array, Array]:
        mean, sigma, log_weight = component
        inverse = jnp.where(is_sum, 1.0 / jnp.where(is_sum, sigma, 1.0) ** 2, 0.0)
        offset = jnp.where(is_sum, best - jnp.where(is_sum, mean, 0.0), 0.0)
        matrix = without + jnp.diag(inverse)
        lower = jnp.linalg.cholesky(matrix)
        ok = jnp.all(jnp.isfinite(lower))
        lower = jnp.where(ok, lower, jnp.eye(len(best)))
        gradient = slope - inverse * offset
        step = jnp.where(ok, jax.scipy.linalg.cho_solve((lower, True), gradient), 0.0)
        log_share = (
            jnp.sum(log_weight + 0.5 * jnp.where(is_sum, jnp.log(jnp.where(is_sum, inverse, 1.0)), 0.0))
            - 0.5 * jnp.sum(inverse * offset**2)
            + 0.5 * jnp.dot(step, gradient)
            - jnp.sum(jnp.log(jnp.diagonal(lower)))
        )
        return best + step, lower, log_share

    means, lowers, log_shares = jax.vmap(normal)(components)
    # No component is left without draws, however small the quadratic estimate of its share.
    shares = 0.9 * jax.nn.softmax(log_shares) + 0.1 / number
    return means, lowers, jnp.log(shares)
