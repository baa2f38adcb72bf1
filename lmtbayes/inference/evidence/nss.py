"""Evidence by nested slice sampling (blackjax), many points at a time, wherever jax computes.

Yallup, Kroupa and Handley, arXiv:2601.23252. The lowest of the live points are replaced together by points that walk,
by slice sampling along directions of the live points' covariance, from others inside the contour. What the volumes may
have been (Skilling, Bayesian Analysis 1 (2006) 833) says too little of the error, since a walk remembers where it
began: independent runs, side by side, tell it by their scatter.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from scipy.special import logsumexp

from lmtbayes import _checks
from lmtbayes._compile import compile_large
from lmtbayes.inference.coordinates import tables_of
from lmtbayes.inference.evidence import samplers
from lmtbayes.inference.evidence.result import Evidence
from lmtbayes.inference.evidence.samplers import Sampled
from lmtbayes.inference.evidence.settings import set_positive, set_whole
from lmtbayes.inference.full_coordinates import log_likelihood as full_log_likelihood
from lmtbayes.inference.likelihood.joint import JointLikelihood
from lmtbayes.inference.likelihood.model import JointModel
from lmtbayes.inference.priors import Prior

_CHUNK = 10
"""Rounds a call of the compiled function."""
_VOLUMES = 400
"""Simulations of the volumes."""


@dataclass(frozen=True, kw_only=True)
class Nss:
    """The evidence by nested slice sampling, of blackjax.

    Parameters
    ----------
    live
        Live points of each run.
    batch_size
        Points replaced together in all runs, at most half of all live ones: what a device works on side by side. A
        multiple of `replicas`.
    replicas
        Independent runs, side by side; at least 4, since their scatter is the error.
    steps
        Slices from a point to the one that replaces another; by default three a dimension.
    dlogz
        Stop when the live points can add no more than this to ln Z.
    max_rounds
        Of replacements; give up there.

    Raises
    ------
    InvalidArgument
        A setting out of range.
    """

    live: int = 500
    batch_size: int = 400
    replicas: int = 8
    steps: int | None = None
    dlogz: float = 0.001
    max_rounds: int = 5000

    def __post_init__(self) -> None:
        set_whole(self, live=50, batch_size=1, replicas=4, max_rounds=1)
        set_positive(self, "dlogz")
        if self.steps is not None:
            set_whole(self, steps=1)
        if self.batch_size % self.replicas or self.batch_size > self.replicas * (self.live // 2):
            expected = f"a multiple of {self.replicas} replicas, at most half of their {self.live} live points each"
            raise _checks.invalid("batch_size", self.batch_size, expected)

    def run(self, like: JointLikelihood, prior: Prior, seed: int) -> Evidence:
        """Integrate; see `evidence`."""
        measure = samplers.working_measure(like, prior)
        sampler = like.compiled(_sampler, prior, self)
        found = sample(sampler, seed, self, like.data, tables_of(prior, measure))
        return samplers.to_evidence(like, prior, measure, found)


@dataclass(frozen=True)
class Sampler:
    """The steps of a run on one likelihood, the first two compiled; what ln L takes beside coordinates comes last.

    Parameters
    ----------
    start
        Keys of all replicas to the state of their live points, drawn from the prior.
    advance
        (keys, state) to the state `_CHUNK` rounds on, the points replaced, and how many slices came nowhere and how
        often the likelihood was asked.
    weigh
        (key, points) of one replica to ln of their weights, (points, simulations of the volumes).
    """

    start: Callable[..., Any]
    advance: Callable[..., Any]
    weigh: Callable[..., Array]


def _sampler(joint: JointModel, prior: Prior, settings: Nss) -> Sampler:
    dim = len(prior.names) + len(joint.nuisances)
    return make_sampler(full_log_likelihood(joint, prior), dim, settings)


def make_sampler(log_likelihood: Callable[..., Array], dim: int, settings: Nss) -> Sampler:
    """Return the compiled functions of ln L over coordinates whose prior is a standard normal.

    Parameters
    ----------
    log_likelihood
        (coordinates (dim,), *arguments) -> ln L.
    dim, settings
        Number of the coordinates; of the method.
    """
    # A bare import of the package must start fast.
    import blackjax
    from blackjax.ns.base import NSInfo
    from blackjax.ns.utils import log_weights

    def algorithm(arguments: tuple[Any, ...]) -> Any:
        return blackjax.nss(
            lambda z: jnp.sum(jax.scipy.stats.norm.logpdf(z)),
            lambda z: log_likelihood(z, *arguments),
            settings.steps or 3 * dim,
            settings.batch_size // settings.replicas,
        )

    def start(key: Array, *arguments: Any) -> Any:
        return algorithm(arguments).init(jax.random.normal(key, (settings.live, dim)))

    def advance(key: Array, state: Any, *arguments: Any) -> Any:
        def one(state: Any, key: Array) -> Any:
            state, info = algorithm(arguments).step(key, state)
            slices = info.update_info
            asked = jnp.sum(slices.num_expansions + slices.num_shrink + 2)
            return state, (info.particles, jnp.sum(~slices.is_accepted), asked)

        state, (dead, stuck, asked) = jax.lax.scan(one, state, jax.random.split(key, _CHUNK))
        dead = jax.tree.map(lambda x: x.reshape(-1, *x.shape[2:]), dead)
        return state, dead, jnp.sum(stuck), jnp.sum(asked)

    def weigh(key: Array, particles: Any) -> Array:
        return log_weights(key, NSInfo(particles, None), shape=_VOLUMES)

    def replicated(function: Callable[..., Any], of_replica: int) -> Callable[..., Any]:
        def all_(*given: Any) -> Any:
            own, arguments = given[:of_replica], given[of_replica:]
            return jax.vmap(lambda *x: function(*x, *arguments))(*own)

        return compile_large(all_)

    return Sampler(replicated(start, 1), replicated(advance, 2), weigh)


def sample(sampler: Sampler, seed: int, settings: Nss, *arguments: Any) -> Sampled:
    """Run until the live points hold next to nothing, and weigh all points."""
    start_key, weigh_key, key = jax.random.split(jax.random.key(seed), 3)
    state = sampler.start(jax.random.split(start_key, settings.replicas), *arguments)
    dead: list[Any] = []
    rounds, stuck, evaluations, left = 0, 0, settings.replicas * settings.live, np.inf
    while left > settings.dlogz and rounds < settings.max_rounds:
        keys = jax.random.split(jax.random.fold_in(key, rounds), settings.replicas)
        state, new, fails, asked = sampler.advance(keys, state, *arguments)
        dead.append(jax.tree.map(np.asarray, new))
        rounds, stuck, evaluations = rounds + _CHUNK, stuck + int(fails.sum()), evaluations + int(asked.sum())
        # What is left if all of the volume were as good as the best point.
        known = np.asarray(state.integrator.logZ)
        best = np.max(np.asarray(state.particles.loglikelihood), axis=1) + np.asarray(state.integrator.logX)
        left = float(np.max(np.logaddexp(known, best) - known))
    particles = jax.tree.map(lambda *x: np.concatenate(x, axis=1), *dead, jax.tree.map(np.asarray, state.particles))
    keys = jax.random.split(weigh_key, settings.replicas)
    each = [sampler.weigh(key, jax.tree.map(lambda x, k=k: x[k], particles)) for k, key in enumerate(keys)]
    log_weights = np.stack([np.asarray(one) for one in each])
    log_z = logsumexp(log_weights, axis=1)
    error = _error(log_z)
    # Of each point the mean over the simulations, of each replica a share by its Z.
    mean = (logsumexp(log_weights - log_z[:, None], axis=2) + log_z.mean(axis=1)[:, None]).ravel()
    converged = left <= settings.dlogz
    status = "converged" if converged else f"not converged: the live points may still add {left:.2g} to ln Z"
    status += f": {settings.replicas} runs of {settings.live} live points, {settings.batch_size} replaced together, "
    return Sampled(
        log_z=float(log_z.mean()),
        log_z_error=error,
        converged=converged,
        status=f"{status}{rounds} rounds" + (f", {stuck} slices came nowhere" if stuck else ""),
        evaluations=evaluations,
        positions=np.asarray(particles.position).reshape(mean.size, -1),
        log_weights=mean - logsumexp(mean),
    )


def _error(log_z: Float[np.ndarray, "replicas volumes"]) -> float:
    """Of the mean: from the scatter of the replicas, widened for their number, or of the volumes where that is more."""
    number = len(log_z)
    # The variance of Student's t, of what a handful of replicas knows of its scatter.
    scatter = np.var(log_z.mean(axis=1), ddof=1) / number * (number - 1) / (number - 3)
    return float(np.sqrt(max(scatter, np.var(log_z, axis=1).mean() / number)))
