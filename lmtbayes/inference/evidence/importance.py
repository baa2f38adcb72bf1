"""Evidence by importance sampling from the posterior's grid: cheap where chains have made the grid already.

The grid's own density q over (u, pulls) (`proposal`: cells for the boson, Laplace's normal distributions for the pulls,
a part from the whole cube and the constraints so that nothing is left out) is drawn from, and Z is the mean of L/q,
times prior over working measure where u are not the prior's quantiles. Whatever the grid or Laplace's approximation
missed costs variance, which is measured, and not truth; a part of the pulls is drawn from wider Gaussians, so that
tails wider than Laplace's do not hide in a few heavy weights. Whether they do is told by the shape k of the generalised
Pareto distribution of the largest weights (arXiv:1507.02646): above 0.7 their scatter says nothing about the error.
"""

import dataclasses
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array
from scipy.special import logsumexp

from lmtbayes._compile import compile_large
from lmtbayes.inference.coordinates import Space, Tables
from lmtbayes.inference.evidence.laplace_cubature import Cubature, without_boson
from lmtbayes.inference.evidence.result import Evidence
from lmtbayes.inference.evidence.settings import set_positive, set_whole
from lmtbayes.inference.integration import missed_peaks
from lmtbayes.inference.integration.pareto import HEAVY, pareto_shape
from lmtbayes.inference.integration.proposal import Proposal
from lmtbayes.inference.integration.refine import is_resolved, posterior_grid
from lmtbayes.inference.likelihood.evaluation import evaluation
from lmtbayes.inference.likelihood.joint import JointLikelihood
from lmtbayes.inference.likelihood.model import JointModel
from lmtbayes.inference.priors import Prior

_BLOCK = 4096
_EFFECTIVE = 400.0
"""Least effective number of draws for which a mean and its error mean anything."""
_WIDENED = 0.3
"""Part of the pulls drawn from wider Gaussians than Laplace's."""


@dataclass(frozen=True, kw_only=True)
class Importance:
    """The evidence by importance sampling from the posterior's grid.

    Parameters
    ----------
    rtol
        Standard deviation of ln Z at which to stop.
    max_draws
        Give up there; the status says so.

    Raises
    ------
    InvalidArgument
        A setting out of range.
    """

    rtol: float = 0.01
    max_draws: int = 400_000

    def __post_init__(self) -> None:
        set_positive(self, "rtol")
        set_whole(self, max_draws=1)

    def run(self, like: JointLikelihood, prior: Prior, seed: int) -> Evidence:
        """Integrate; see `evidence`."""
        if prior.names:
            return _weighted(like, prior, seed, self)
        return without_boson(like, prior, seed, Cubature())


class _Sum:
    """Draws so far, ln of their weights, and what those say of their mean."""

    def __init__(self) -> None:
        self.units: list[np.ndarray] = []
        self.log_weights = np.zeros(0)
        self.undefined = 0
        self.error, self.effective = np.inf, 0.0

    def add(self, unit: np.ndarray, log_weights: np.ndarray) -> None:
        """One block of draws; where ln L is not a number they count as nothing."""
        self.units.append(unit)
        self.undefined += int(np.isnan(log_weights).sum())
        finite = np.where(np.isfinite(log_weights), log_weights, -np.inf)
        self.log_weights = np.concatenate([self.log_weights, finite])
        weights = np.exp(self.log_weights - self.log_weights.max())
        self.effective = weights.sum() ** 2 / (weights**2).sum()
        self.error = float(weights.std() / weights.mean() / np.sqrt(weights.size))


def _weighted(like: JointLikelihood, prior: Prior, seed: int, settings: Importance) -> Evidence:
    grid = posterior_grid(like, prior)
    space = Space(like.joint, prior, grid.measure)
    proposal = dataclasses.replace(grid.proposal, widened=_WIDENED)

    draw = like.compiled(_draws, prior)
    value_of = evaluation(like.joint)
    found, key, shape, enough = _Sum(), jax.random.key(seed), np.inf, False
    while found.log_weights.size < settings.max_draws and not (enough and shape <= HEAVY):
        keys = jax.random.split(jax.random.fold_in(key, found.log_weights.size), _BLOCK)
        unit, photons, pulls, log_density = draw(keys, proposal, space.tables)
        values = value_of((photons, pulls), like.data).log_likelihood - np.asarray(log_density)
        found.add(np.asarray(unit), values)
        enough = bool(found.error <= settings.rtol and found.effective >= _EFFECTIVE)
        shape = pareto_shape(found.log_weights) if enough else np.inf
    log_weights = found.log_weights
    total = logsumexp(log_weights)
    unseen = missed_peaks.unseen(0.0, np.array([grid.missed]))
    shape = pareto_shape(log_weights)
    resolved = is_resolved(grid)
    converged = enough and shape <= HEAVY and resolved
    verdict = "converged" if converged else f"not converged: stopped at {settings.max_draws} draws"
    if not resolved:
        verdict = "not converged: the grid ran out of cells, and may propose no tails"
    elif enough and not converged:
        verdict += ", a few of which weigh too much for their scatter to tell the error"
    return Evidence(
        log_z=float(total - np.log(log_weights.size)),
        sigma=found.error,
        error_kind="one sigma",
        status=(
            f"{unseen}{verdict}: {found.effective:.0f} effective draws of {log_weights.size} from a grid of "
            f"{len(grid.cells)} cells, Pareto k of their weights {shape:.2f}"
            + (f"; {found.undefined} draws where ln L is not a number count as nothing" if found.undefined else "")
        ),
        converged=converged and not unseen,
        evaluations=grid.evaluations + log_weights.size,
        log_correction=float(total - np.log(log_weights.size) - grid.log_evidence),
        nodes={name: np.asarray(x) for name, x in space.values(jnp.concatenate(found.units)).items()},
        log_weights=log_weights - total,
        prior=prior,
        measure=grid.measure,
    )


def _draws(joint: JointModel, prior: Prior) -> Any:
    def one(key: Array, proposal: Proposal, tables: Tables) -> tuple[Array, Any, Array, Array]:
        space = Space(joint, prior, tables)
        unit, pulls = proposal.sample(key)
        return unit, space.photon(unit), pulls, proposal.log_prob(unit, pulls) - space.log_ratio(unit)

    return compile_large(jax.vmap(one, in_axes=(0, None, None)))
