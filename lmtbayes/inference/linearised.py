"""The Laplace integral over the nuisances from Jacobians of the rates: far cheaper than `conditional`.

With mu the expected counts, J = d mu/d(pulls) and w = -d^2 ln p/d mu^2 of every bin, the curvature of ln L in the
pulls is H = J^T w J - sum_bins (d ln p/d mu) d^2 mu/d(pulls)^2 + that of the constraints; of the second term only the
diagonal is kept, so that mixed second derivatives of the rates are left out. One Jacobian at the start gives a problem
that is linear in the nuisances' values (exponentials of the pulls, where a constraint is log-normal), which is solved
to the end; a second one at its solution gives value, slope g and H there, and
ln int = ln L + g H^-1 g/2 + (n/2) ln(2 pi) - (1/2) ln det H.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from lmtbayes.experiments.base import Experiment
from lmtbayes.gauge.models import HiddenPhoton
from lmtbayes.inference.conditional import Conditional, _choices
from lmtbayes.inference.likelihood import Data, JointLikelihood
from lmtbayes.inference.newton import SMALLEST_CURVATURE, STEP_SIZES, slope_and_bend

_STEPS = 5
_FAR = 0.5
"""Gain in ln L still expected of the last step above which the optimum does not count as found, nor the gain."""


def score_and_weight(
    terms: Callable[[Float[Array, " terms"]], Float[Array, " terms"]], x: Float[Array, " terms"]
) -> tuple[Float[Array, " terms"], Float[Array, " terms"]]:
    """First and minus second derivative of terms of which each depends on its own entry of `x` alone."""
    score, curvature = slope_and_bend(terms, x)
    return score, jnp.maximum(-curvature, 0.0)


def values_of(like: JointLikelihood, pulls: Float[Array, " nuisances"]) -> tuple[Array, Array, Array]:
    """Physical values of the nuisances, with their first and second derivatives in the pulls."""

    def values(x: Array) -> Array:
        return jnp.stack([n.constraint.value(pull) for n, pull in zip(like.nuisances, x, strict=True)])

    slope, bend = slope_and_bend(values, pulls)
    # A value that no longer moves counts as linear.
    moves = slope != 0.0
    return values(pulls), jnp.where(moves, slope, 1.0), jnp.where(moves, bend, 0.0)


def _spread(
    block: Float[Array, "... local"], columns: Int[np.ndarray, " local"], size: int
) -> Float[Array, "... parameters"]:
    """Put the last axis at `columns` of a longer one, zeros elsewhere."""
    origin = np.full(size, columns.size)
    origin[columns] = np.arange(columns.size)
    return jnp.concatenate([block, jnp.zeros((*block.shape[:-1], 1))], axis=-1)[..., origin]


class Bins:
    """The bins of all experiments in a row, and derivatives of their counts in coordinates of the boson and all pulls.

    An experiment is differentiated in the pulls that it knows: with a dozen of them a third of the work, and less.
    """

    def __init__(self, like: JointLikelihood, data: Data):
        self.like = like
        self.data = data
        names = like.nuisance_names
        self.own = [np.array([names.index(n.name) for n in e.nuisances], dtype=int) for e in like.experiments]

    def jacobian(
        self,
        photon: Callable[[Array], HiddenPhoton],
        x: Float[Array, " coordinates"],
        pulls: Float[Array, " nuisances"],
    ) -> tuple[Float[Array, "bins parameters"], Float[Array, " bins"]]:
        """Derivatives of the counts in (x, pulls), and the counts, of the boson `photon(x)`."""
        slopes, counts = [], []
        for e, own in zip(self.like.experiments, self.own, strict=True):
            columns = np.concatenate([np.arange(x.size), x.size + own])
            block, c = jax.jacfwd(lambda y, e=e: (self._counts(e, photon, x.size, y),) * 2, has_aux=True)(
                jnp.concatenate([x, pulls])[columns]
            )
            slopes.append(_spread(block, columns, x.size + pulls.size))
            counts.append(c)
        return jnp.concatenate(slopes), jnp.concatenate(counts)

    def curvature(
        self, photon: HiddenPhoton, pulls: Float[Array, " nuisances"], score: Float[Array, " bins"]
    ) -> Float[Array, " nuisances"]:
        """Second derivative of score @ counts in each pull."""
        total, begin = jnp.zeros(pulls.size), 0
        for e, own in zip(self.like.experiments, self.own, strict=True):

            def along(direction: Array, e: Experiment = e, own: np.ndarray = own) -> Array:
                def slope(y: Array) -> Array:
                    return jax.jvp(lambda z: self._counts(e, lambda _: photon, 0, z), (y,), (direction,))[1]

                return jax.jvp(slope, (pulls[own],), (direction,))[1]

            if own.size:
                bent = jax.vmap(along)(jnp.eye(own.size)) @ score[begin : begin + e.n_bins]
                total += _spread(bent, own, pulls.size)
            begin += e.n_bins
        return total

    def _counts(
        self, e: Experiment, photon: Callable[[Array], HiddenPhoton], free: int, y: Float[Array, " local"]
    ) -> Float[Array, " _bins"]:
        """Counts of one experiment at the boson's coordinates and the experiment's own pulls."""
        return self.like.counts_of(e)(photon(y[:free]), [y[free + i] for i in range(len(e.nuisances))])

    def log_prob(self, counts: Float[Array, " bins"]) -> Float[Array, " bins"]:
        """Log-likelihood of every bin."""
        names, sizes = zip(*((e.name, e.n_bins) for e in self.like.experiments), strict=True)
        own = dict(zip(names, jnp.split(counts, np.cumsum(sizes)[:-1]), strict=True))
        return jnp.concatenate(list(self.like.terms(own, self.data).values()))

    def score_and_weight(self, counts: Float[Array, " bins"]) -> tuple[Float[Array, " bins"], Float[Array, " bins"]]:
        """First and minus second derivative of every bin's log-likelihood in its own expectation."""
        return score_and_weight(self.log_prob, counts)


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
            plain = like.constraints.log_prob(pulls)
            return jnp.where(is_sum, jnp.where(is_sum, log_weights, 0.0) + gaussian, plain)

        def slope_and_precision(
            pulls: Array, counts: Array, slopes: Array, bend: float | Array = 0.0
        ) -> tuple[Array, Array]:
            score, weight = bins.score_and_weight(counts)
            pull, stiffness = score_and_weight(constraint, pulls)
            own = jnp.maximum(stiffness - bend * (score @ slopes), SMALLEST_CURVATURE)
            return slopes.T @ score + pull, (slopes.T * weight) @ slopes + jnp.diag(own)

        sizes = jnp.array((0.0, *STEP_SIZES))

        def solve(start: Array, _: None) -> tuple[Array, tuple[Array, Array, Array]]:
            """Jacobian at `start`, and the optimum of the problem linear in the nuisances' values from there."""
            slopes, counts = bins.jacobian(lambda _: photon, jnp.zeros(0), start)
            values, per_pull = values_of(like, start)[:2]

            def stretched(pulls: Array) -> Array:
                return counts + slopes @ ((values_of(like, pulls)[0] - values) / per_pull)

            def climb(pulls: Array, _: None) -> tuple[Array, None]:
                slope, bend = values_of(like, pulls)[1:]
                gradient, precision = slope_and_precision(
                    pulls, stretched(pulls), slopes * (slope / per_pull), bend / slope
                )
                trials = pulls + sizes[:, None] * jax.scipy.linalg.solve(precision, gradient, assume_a="pos")
                heights = jax.vmap(lambda x: jnp.sum(bins.log_prob(stretched(x))) + jnp.sum(constraint(x)))(trials)
                return trials[jnp.argmax(jnp.where(jnp.isfinite(heights), heights, -jnp.inf))], None

            pulls, _ = jax.lax.scan(climb, start, None, length=_STEPS)
            return pulls, (start, counts, slopes)

        # A loop, so that the rates are compiled once.
        start = jnp.where(is_sum, centre, like.central_pulls)
        _, looked = jax.lax.scan(solve, start, None, length=2)
        pulls, counts, slopes = jax.tree.map(lambda x: x[-1], looked)
        gradient, precision = slope_and_precision(pulls, counts, slopes)
        score, _ = bins.score_and_weight(counts)
        bent = precision - jnp.diag(bins.curvature(photon, pulls, score))
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
