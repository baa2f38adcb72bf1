"""How good Laplace's integral over the nuisances was, by importance sampling at draws of the posterior; the correction.

At a photon let r be the integral of L over the pulls divided by its Laplace value. Then Z = Z_Laplace <r>, the mean
being over the posterior of the photon that Laplace gives: a few hundred draws tell the error of ln Z, and mend it.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from lmtbayes.gauge.models import HiddenPhoton
from lmtbayes.inference.devices import Devices, Mapped, side_by_side
from lmtbayes.inference.likelihood.constraints import Components
from lmtbayes.inference.likelihood.evaluation import log_likelihoods
from lmtbayes.inference.likelihood.model import Data, JointModel
from lmtbayes.inference.nuisances.laplace import LaplaceFit
from lmtbayes.inference.nuisances.newton import first_and_second_derivative

_INFLATED = 1.7
"""Variance of the wide half of the proposal, in units of Laplace's: covers tails that Laplace underestimates. Measured:
larger values scatter more with a dozen nuisances."""
_BATCH = 4
"""Photons side by side on a core, each with all its draws."""
_TOGETHER = 1 << 16
"""Draws that the host holds at a time."""


class _Drawn(NamedTuple):
    """Draws of the pulls at a photon, and ln of what they are of: leading axis of draws."""

    pulls: Array
    log_proposal: Array
    log_normal: Array
    """Of Laplace's approximation alone."""


class LaplaceCheck:
    """The integral over the pulls divided by its Laplace value, at many photons; the data are an argument.

    Rates come from a function that proposals are weighed with: drawing alone is compiled here.

    Parameters
    ----------
    joint, devices
        As of `LaplaceAtMany`.
    draws
        Of the pulls, at each photon.
    """

    def __init__(self, joint: JointModel, devices: Devices, draws: int):
        components = joint.constraints.components()
        self._draws = draws
        self._values = log_likelihoods(joint, devices)

        def drawn(item: tuple[Array, LaplaceFit]) -> _Drawn:
            key, best = item
            return _drawn(joint, components, jax.random.wrap_key_data(key), best, draws)

        self._drawn = Mapped(drawn, devices, side_by_side(devices, _BATCH))

    def __call__(
        self, keys: Array, photons: HiddenPhoton, reference: Float[np.ndarray, " photons"], best: LaplaceFit, data: Data
    ) -> Float[np.ndarray, " photons"]:
        """Ratios at photons of leading axis: with a key for each, Laplace's ln of the integral and what it is of.

        The integral is estimated with the Laplace density as control variate, so that the ratio is 1 without scatter
        where ln L is quadratic.
        """
        numbers = np.asarray(jax.random.key_data(keys))
        step = max(_TOGETHER // self._draws, 1)
        parts = []
        for begin in range(0, len(reference), step):
            own = slice(begin, begin + step)
            few = jax.tree.map(lambda x, own=own: x[own], (numbers, photons, reference, best))
            parts.append(self._some(few, data))
        return np.concatenate(parts)

    def _some(self, few: tuple[np.ndarray, HiddenPhoton, np.ndarray, LaplaceFit], data: Data) -> np.ndarray:
        keys, photons, reference, best = few
        found = self._drawn((keys, best))
        rows = jax.tree.map(lambda x: np.repeat(x, self._draws, axis=0), photons)
        pulls = found.pulls.reshape(-1, found.pulls.shape[-1])
        values = self._values((rows, pulls), data).reshape(-1, self._draws)
        target = values - reference[:, None]
        with np.errstate(over="ignore", invalid="ignore"):  # what is no number makes a ratio that is none
            excess = np.exp(target - found.log_proposal) - np.exp(found.log_normal - found.log_proposal)
        ratios: np.ndarray = 1.0 + excess.mean(axis=1)
        return ratios


def laplace_check(joint: JointModel, devices: Devices, draws: int) -> LaplaceCheck:
    """Return the check of a likelihood, compiled once."""
    return joint.compiled(LaplaceCheck, devices, draws)


def _drawn(joint: JointModel, components: Components, key: Array, best: LaplaceFit, draws: int) -> _Drawn:
    n = len(joint.nuisances)
    precision = jnp.where(best.converged, best.factor @ best.factor.T, jnp.eye(n))
    means, lowers, log_shares = _normals(joint, components, best.pulls, precision)

    def log_normals(x: Array, variance: float) -> Array:
        def log_normal(mean: Array, lower: Array) -> Array:
            scaled = lower.T @ (x - mean)
            log_det = jnp.sum(jnp.log(jnp.diagonal(lower)))
            return -0.5 * jnp.dot(scaled, scaled) / variance + log_det - 0.5 * n * jnp.log(2 * jnp.pi * variance)

        return jax.scipy.special.logsumexp(jax.vmap(log_normal)(means, lowers) + log_shares)

    def draw(key: Array, wide: Array) -> _Drawn:
        choice, noise = jax.random.split(key)
        which = jax.random.categorical(choice, log_shares)
        step = jax.scipy.linalg.solve_triangular(lowers[which].T, jax.random.normal(noise, (n,)), lower=False)
        x = means[which] + jnp.where(wide, jnp.sqrt(_INFLATED), 1.0) * step
        narrow = log_normals(x, 1.0)
        return _Drawn(x, jnp.logaddexp(narrow, log_normals(x, _INFLATED)) - jnp.log(2.0), narrow)

    found: _Drawn = jax.vmap(draw)(jax.random.split(key, draws), jnp.arange(draws) % 2 == 0)
    return found


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
