"""Nuisances at a given photon: their conditional optimum, the profiled ln L there, and the Laplace integral over them.

With H the Hessian of ln L in the n pulls at its maximum,

    ln int d^n(pull) L = ln L_max + (n/2) ln(2 pi) - (1/2) ln det(-H),

exact where ln L is quadratic in the pulls, as for the linear pull of Eq. 34 of arXiv:2104.03297. A constraint that is a
sum of Gaussians (the octants of theta_23) is optimised and integrated one Gaussian at a time.
"""

import itertools
from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from lmtbayes.experiments.nuisance import Nuisance
from lmtbayes.gauge.models import HiddenPhoton
from lmtbayes.inference.likelihood import Data, JointLikelihood
from lmtbayes.inference.newton import derivatives, maximise, newton_step

MAX_STEPS = 20

type Density = Callable[[Float[Array, " nuisances"]], Float[Array, ""]]


class Conditional(eqx.Module):
    """What the nuisances do at one photon.

    Every field but `converged` may be differentiated twice in the photon: the pulls follow the implicit function
    theorem, so that the first derivative of `log_likelihood` is that of the envelope theorem.
    """

    pulls: Float[Array, " nuisances"]
    """Where ln L is largest."""
    log_likelihood: Float[Array, ""]
    """ln L there: the profiled log-likelihood."""
    log_integral: Float[Array, ""]
    """ln of the integral of L over the pulls, by Laplace; equal to `log_likelihood` without nuisances."""
    precision: Float[Array, "nuisances nuisances"]
    """-d^2 ln L/d pulls^2 at the optimum; its inverse is the covariance of the pulls at this photon."""
    converged: Bool[Array, ""]
    """Whether a maximum was found; where not, trust neither the profile nor the integral."""


def conditional(
    like: JointLikelihood,
    photon: HiddenPhoton,
    data: Data | None = None,
    start: Float[Array, " nuisances"] | None = None,
    max_steps: int = MAX_STEPS,
) -> Conditional:
    """Optimise the nuisances at one photon and integrate over them.

    Damped Newton steps with the exact Hessian, one step where ln L is quadratic in the pulls. Written for a single
    photon and to be traced: put it under `jax.vmap` or `jax.lax.map(..., batch_size=)`, and hand `data` over as an
    argument of the jitted function.

    Parameters
    ----------
    like, photon
        One photon.
    data
        By default the likelihood's own.
    start
        Pulls to start from; central by default. Where a constraint is a sum of Gaussians, that nuisance starts at the
        mean of each.
    max_steps
        Cap on the Newton steps; three or four are usual.
    """
    data = like.data if data is None else data

    def density(p: HiddenPhoton, pulls: Float[Array, " nuisances"]) -> Float[Array, ""]:
        return like.log_density(p, pulls, data)

    first = like.central_pulls if start is None else jnp.asarray(start, dtype=float)
    fixed = jax.tree.map(jax.lax.stop_gradient, photon)
    chosen = choices(like.nuisances)
    if len(chosen) == 1:
        pulls, _, converged = maximise(lambda x: density(fixed, x), first, max_steps)
        pulls = _implicit(density, photon, pulls, converged)
        return _laplace(lambda x: density(photon, x), pulls, converged)

    def one_piece(means: Array, sigmas: Array, log_weights: Array) -> Conditional:
        is_sum = jnp.isfinite(sigmas)

        def piece(p: HiddenPhoton, pulls: Float[Array, " nuisances"]) -> Float[Array, ""]:
            total = density(p, pulls)
            for i, nuisance in enumerate(like.nuisances):
                if nuisance.constraint.pieces:
                    gaussian = jax.scipy.stats.norm.logpdf(pulls[i], means[i], sigmas[i])
                    total += log_weights[i] + gaussian - nuisance.constraint.distribution().log_prob(pulls[i])
            return total

        begin = jnp.where(is_sum, means, first)
        pulls, _, converged = maximise(lambda x: piece(fixed, x), begin, max_steps)
        pulls = _implicit(piece, photon, pulls, converged)
        return _laplace(lambda x: piece(photon, x), pulls, converged)

    pieces = jax.vmap(one_piece)(*(jnp.array(column) for column in zip(*chosen, strict=True)))
    # The maximum of the sum lies near that of one of its pieces.
    heights = jax.vmap(lambda x: density(fixed, x))(jax.lax.stop_gradient(pieces.pulls))
    begin = jax.lax.stop_gradient(pieces.pulls)[jnp.argmax(heights)]
    pulls, _, converged = maximise(lambda x: density(fixed, x), begin, max_steps)
    best = _laplace(lambda x: density(photon, x), _implicit(density, photon, pulls, converged), converged)
    return Conditional(
        pulls=best.pulls,
        log_likelihood=best.log_likelihood,
        log_integral=jax.scipy.special.logsumexp(pieces.log_integral),
        precision=best.precision,
        converged=best.converged & jnp.all(pieces.converged),
    )


def profiled_log_likelihood(like: JointLikelihood, photon: HiddenPhoton, data: Data | None = None) -> Float[Array, ""]:
    """Profiled ln L of one photon with the nuisances at their conditional optimum."""
    return conditional(like, photon, data).log_likelihood


def marginal_log_likelihood(like: JointLikelihood, photon: HiddenPhoton, data: Data | None = None) -> Float[Array, ""]:
    """Log of the likelihood of one photon integrated over the nuisances, by Laplace."""
    return conditional(like, photon, data).log_integral


def choices(nuisances: tuple[Nuisance, ...]) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Every choice of one Gaussian for each constraint that is a sum: means, sigmas (else inf), log weights."""
    plain = ((1.0, 0.0, np.inf),)
    rows = itertools.product(*(nuisance.constraint.pieces or plain for nuisance in nuisances))
    tables = (np.array(row, dtype=float).reshape(len(nuisances), 3) for row in rows)
    return [(table[:, 1], table[:, 2], np.log(table[:, 0])) for table in tables]


def _implicit(
    density: Callable[[HiddenPhoton, Array], Array], photon: HiddenPhoton, pulls: Array, converged: Array
) -> Array:
    """One more Newton step: a no-op in value, and with a constant Hessian the derivative d pulls/d photon."""
    if pulls.shape[-1] == 0:
        return pulls
    fixed = jax.tree.map(jax.lax.stop_gradient, photon)
    _, _, precision = derivatives(lambda x: density(fixed, x), pulls)
    gradient = jax.grad(density, argnums=1)(photon, pulls)
    step, _ = newton_step(precision, jnp.where(converged, gradient, 0.0))
    return pulls + step


def _laplace(density: Density, pulls: Array, converged: Array) -> Conditional:
    if pulls.shape[-1] == 0:
        value = density(pulls)
        return Conditional(pulls, value, value, jnp.zeros((0, 0)), converged)
    value, _, precision = derivatives(density, pulls)
    # Not a maximum: a harmless matrix keeps the gradient finite; `converged` says that the integral means nothing.
    safe = jnp.where(converged, precision, jnp.eye(pulls.shape[-1]))
    half_log_det = jnp.sum(jnp.log(jnp.diagonal(jnp.linalg.cholesky(safe))))
    log_integral = value + 0.5 * pulls.shape[-1] * jnp.log(2.0 * jnp.pi) - half_log_det
    return Conditional(pulls, value, log_integral, precision, converged)
