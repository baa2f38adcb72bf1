"""The Laplace integral over the nuisances from Jacobians of the rates: far cheaper than `conditional`.

With mu the expected counts, J = d mu/d(pulls) and w = -d^2 ln p/d mu^2 of every bin, the curvature of ln L in the
pulls is H = J^T w J - sum_bins (d ln p/d mu) d^2 mu/d(pulls)^2 + that of the constraints; of the second term only the
diagonal is kept, so that mixed second derivatives of the rates are left out. One Jacobian at the start gives a linear
problem, which is solved to the end; a second one at its solution gives value, slope g and H there, and
ln int = ln L + g H^-1 g/2 + (n/2) ln(2 pi) - (1/2) ln det H.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from lmtbayes.experiments.base import Experiment
from lmtbayes.gauge.models import HiddenPhoton
from lmtbayes.inference.conditional import Conditional, _choices
from lmtbayes.inference.likelihood import Data, JointLikelihood

_STEPS = 5
_STEP_SIZES = (1.0, 0.4, 0.1, 0.02)
_SMALLEST_CURVATURE = 1e-3
_FAR = 0.5
"""Gain in ln L still expected of the last step above which the optimum does not count as found, nor the gain."""


def score_and_weight(
    terms: Callable[[Float[Array, " terms"]], Float[Array, " terms"]], x: Float[Array, " terms"]
) -> tuple[Float[Array, " terms"], Float[Array, " terms"]]:
    """First and minus second derivative of terms of which each depends on its own entry of `x` alone."""
    ones = jnp.ones_like(x)
    score, curvature = jax.jvp(lambda y: jax.jvp(terms, (y,), (ones,))[1], (x,), (ones,))
    return score, jnp.maximum(-curvature, 0.0)


class Bins:
    """The bins of all experiments in a row."""

    def __init__(self, like: JointLikelihood, data: Data):
        self.like = like
        self.data = data

    def counts(self, photon: HiddenPhoton, pulls: Float[Array, " nuisances"]) -> Float[Array, " bins"]:
        """Expected counts."""
        expected = self.like.expected_counts(photon, self.like.nuisance_values(pulls))
        return jnp.concatenate([expected[e.name] for e in self.like.experiments])

    def jacobian(self, photon: HiddenPhoton, pulls: Float[Array, " nuisances"]) -> Float[Array, "bins nuisances"]:
        """First derivatives of the counts in the pulls."""
        return self._by_experiment(photon, pulls, jax.jacfwd)

    def curvatures(self, photon: HiddenPhoton, pulls: Float[Array, " nuisances"]) -> Float[Array, "bins nuisances"]:
        """Second derivative of the counts in each pull alone."""
        return self._by_experiment(photon, pulls, _second_derivatives)

    def _by_experiment(self, photon: HiddenPhoton, pulls: Array, differentiate: Callable[..., Any]) -> Array:
        """Rows of zeros but for an experiment's own nuisances: most of many experiments' nuisances are not shared."""
        names, rows = self.like.nuisance_names, []
        for e in self.like.experiments:
            own = [names.index(n.name) for n in e.nuisances]

            def counts(x: Array, e: Experiment = e) -> Array:
                values = {n.name: n.constraint.value(x[i]) for i, n in enumerate(e.nuisances)}
                return e.expected_counts(self.like.model, photon, values)

            row = jnp.zeros((e.n_bins, len(names)))
            rows.append(row.at[:, own].set(differentiate(counts)(pulls[jnp.array(own)])) if own else row)
        return jnp.concatenate(rows)

    def log_prob(self, counts: Float[Array, " bins"]) -> Float[Array, " bins"]:
        """Log-likelihood of every bin."""
        parts, begin = [], 0
        for e in self.like.experiments:
            parts.append(e.term.log_prob(counts[begin : begin + e.n_bins], self.data[e.name]))
            begin += e.n_bins
        return jnp.concatenate(parts)

    def score_and_weight(self, counts: Float[Array, " bins"]) -> tuple[Float[Array, " bins"], Float[Array, " bins"]]:
        """First and minus second derivative of every bin's log-likelihood in its own expectation."""
        return score_and_weight(self.log_prob, counts)


def _second_derivatives(counts: Callable[[Array], Array]) -> Callable[[Array], Array]:
    def at(x: Array) -> Array:
        def along(direction: Array) -> Array:
            def slope(y: Array) -> Array:
                return jax.jvp(counts, (y,), (direction,))[1]

            return jax.jvp(slope, (x,), (direction,))[1]

        return jax.vmap(along, out_axes=-1)(jnp.eye(x.size))

    return at


def linearised(like: JointLikelihood, photon: HiddenPhoton, data: Data | None = None) -> Conditional:
    """Optimise the nuisances at one photon and integrate over them, with two Jacobians of the rates.

    Same fields as `conditional`, which is exact to rounding where this is not: use it where many photons are looked at
    and a few 1e-3 in ln L do not matter. For a single photon, to be traced; not to be differentiated.
    """
    data = like.data if data is None else data
    if not like.nuisances:
        value = like.log_density(photon, like.central_pulls, data)
        return Conditional(like.central_pulls, value, value, jnp.zeros((0, 0)), jnp.isfinite(value))
    size = len(like.nuisances)

    bins = Bins(like, data)

    def piece(means: Array, sigmas: Array, log_weights: Array) -> Conditional:
        is_sum = ~jnp.isnan(means)
        centre, width = jnp.where(is_sum, means, 0.0), jnp.where(is_sum, sigmas, 1.0)

        def constraint(pulls: Array) -> Array:
            gaussian = jax.scipy.stats.norm.logpdf(pulls, centre, width)
            plain = [n.constraint.distribution().log_prob(pulls[i]) for i, n in enumerate(like.nuisances)]
            return jnp.where(is_sum, jnp.where(is_sum, log_weights, 0.0) + gaussian, jnp.stack(plain))

        def slope_and_precision(pulls: Array, counts: Array, slopes: Array) -> tuple[Array, Array]:
            score, weight = bins.score_and_weight(counts)
            pull, stiffness = score_and_weight(constraint, pulls)
            own = jnp.maximum(stiffness, _SMALLEST_CURVATURE)
            return slopes.T @ score + pull, (slopes.T * weight) @ slopes + jnp.diag(own)

        sizes = jnp.array((0.0, *_STEP_SIZES))

        def solve(start: Array, _: None) -> tuple[Array, tuple[Array, Array, Array]]:
            """Jacobian at `start`, and the optimum of the problem that is linear in mu from there."""
            slopes, counts = bins.jacobian(photon, start), bins.counts(photon, start)

            def climb(pulls: Array, _: None) -> tuple[Array, None]:
                here = counts + slopes @ (pulls - start)
                gradient, precision = slope_and_precision(pulls, here, slopes)
                trials = pulls + sizes[:, None] * jnp.linalg.solve(precision, gradient)
                heights = jax.vmap(
                    lambda x: jnp.sum(bins.log_prob(counts + slopes @ (x - start))) + jnp.sum(constraint(x))
                )(trials)
                return trials[jnp.argmax(jnp.where(jnp.isfinite(heights), heights, -jnp.inf))], None

            pulls, _ = jax.lax.scan(climb, start, None, length=_STEPS)
            return pulls, (start, counts, slopes)

        # A loop, so that the rates are compiled once.
        start = jnp.where(is_sum, centre, like.central_pulls)
        _, looked = jax.lax.scan(solve, start, None, length=2)
        pulls, counts, slopes = jax.tree.map(lambda x: x[-1], looked)
        gradient, precision = slope_and_precision(pulls, counts, slopes)
        score, _ = bins.score_and_weight(counts)
        bent = precision - jnp.diag(score @ bins.curvatures(photon, pulls))
        lower, plain = jnp.linalg.cholesky(bent), jnp.linalg.cholesky(precision)
        lower = jnp.where(jnp.all(jnp.isfinite(lower)), lower, plain)
        precision = lower @ lower.T
        step = jax.scipy.linalg.cho_solve((lower, True), gradient)
        gain = 0.5 * jnp.dot(gradient, step)
        found = gain < _FAR
        step = jnp.where(found, step, 0.0)
        value = jnp.sum(bins.log_prob(counts)) + jnp.sum(constraint(pulls)) + jnp.where(found, gain, 0.0)
        log_integral = value + 0.5 * size * jnp.log(2.0 * jnp.pi) - jnp.sum(jnp.log(jnp.diagonal(lower)))
        return Conditional(pulls + step, value, log_integral, precision, jnp.isfinite(log_integral) & found)

    pieces = jax.vmap(piece)(*(jnp.array(column) for column in zip(*_choices(like.nuisances), strict=True)))
    best = jnp.argmax(jnp.where(jnp.isfinite(pieces.log_likelihood), pieces.log_likelihood, -jnp.inf))
    return Conditional(
        pulls=pieces.pulls[best],
        log_likelihood=pieces.log_likelihood[best],
        log_integral=jax.scipy.special.logsumexp(pieces.log_integral),
        precision=pieces.precision[best],
        converged=pieces.converged[best],
    )
