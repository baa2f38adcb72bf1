"""Evidence by importance sampling from the posterior's grid: cheap where chains have made the grid already.

The grid's own density q over (u, pulls) (`proposal`: cells for the boson, Laplace's normal distributions for the pulls,
a part from the whole cube and the constraints so that nothing is left out) is drawn from, and Z is the mean of L/q,
times prior over working measure where u are not the prior's quantiles. Whatever the grid or Laplace's approximation
missed costs variance, which is measured, and not truth; a part of the pulls is drawn from wider Gaussians, so that
tails wider than Laplace's do not hide in a few heavy weights. Whether they do is told by the shape k of the generalised
Pareto distribution of the largest weights (arXiv:1507.02646): above 0.7 their scatter says nothing about the error.
What is hardly ever drawn has no weight to show: walks from the draws look for it (`walks`).
"""

import dataclasses
from dataclasses import dataclass

import jax
import numpy as np
from scipy import special
from scipy.special import logsumexp

from lmtbayes.inference.coordinates import Space
from lmtbayes.inference.devices import resolve_devices
from lmtbayes.inference.evidence.laplace_cubature import Cubature, without_boson
from lmtbayes.inference.evidence.result import Evidence
from lmtbayes.inference.evidence.settings import set_positive, set_whole
from lmtbayes.inference.integration import missed_peaks
from lmtbayes.inference.integration.pareto import HEAVY, pareto_shape, tail_of_weights
from lmtbayes.inference.integration.posterior_grid import PosteriorGrid
from lmtbayes.inference.integration.refine import is_resolved, posterior_grid
from lmtbayes.inference.integration.walks import EVALUATIONS, OUTSIDE, part_outside, resampled
from lmtbayes.inference.integration.weighing import Weighed, defended, weighing
from lmtbayes.inference.likelihood.joint import JointLikelihood
from lmtbayes.inference.priors import Prior

_BLOCK = 4096
_EFFECTIVE = 400.0
"""Least effective number of draws for which a mean and its error mean anything."""


@dataclass(frozen=True, kw_only=True)
class Importance:
    """The evidence by importance sampling from the posterior's grid.

    Parameters
    ----------
    rtol
        Standard deviation of ln Z at which to stop, after as many draws again: the error is then seven tenths of this.
    max_draws
        Give up there; the status says so. Where there is no boson four are drawn at least.

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
        draws = min(Cubature.laplace_draws, max(self.max_draws // 32, 2))
        photons = max(self.max_draws // draws, 2)
        settings = Cubature(laplace_photons=photons, laplace_draws=draws, batch=photons)
        found = without_boson(like, prior, seed, settings, enough=self.rtol)
        if self.max_draws >= _EFFECTIVE or not like.nuisances:
            return found
        few = f"; not converged: {self.max_draws} draws are too few for their scatter to tell the error"
        return dataclasses.replace(found, converged=False, status=found.status + few)


class _Sum:
    """Draws so far, ln of their weights, and what those say of their mean."""

    def __init__(self) -> None:
        self.positions: list[np.ndarray] = []
        self.log_weights = np.zeros(0)
        self.undefined = 0
        self.error, self.effective = np.inf, 0.0

    def add(self, drawn: Weighed) -> None:
        """One block of draws; where ln L is not a number they count as nothing."""
        self.positions.append(drawn.position)
        self.undefined += int(drawn.undefined.sum())
        self.log_weights = np.concatenate([self.log_weights, drawn.log_weight])
        weights = np.exp(self.log_weights - self.log_weights.max())
        self.effective = weights.sum() ** 2 / (weights**2).sum()
        self.error = float(weights.std() / weights.mean() / np.sqrt(weights.size))


def _weighted(like: JointLikelihood, prior: Prior, seed: int, settings: Importance) -> Evidence:
    grid = posterior_grid(like, prior)
    space, proposal, devices = Space(like.joint, prior, grid.measure), defended(grid.proposal), resolve_devices(None)

    draw = weighing(like.joint, prior, devices).drawn
    found, key, shape, enough, until = _Sum(), jax.random.key(seed), np.inf, False, 0
    while (size := found.log_weights.size) < settings.max_draws and not (enough and shape <= HEAVY and size >= until):
        found.add(draw(size + np.arange(_BLOCK), key, proposal, like.data, space.tables))
        enough = bool(found.error <= settings.rtol and found.effective >= _EFFECTIVE)
        shape = pareto_shape(found.log_weights) if enough else np.inf
        if enough and shape <= HEAVY and not until:
            # Draws among which no heavy weight is yet look better than they are: as many again, whatever they say.
            until = 2 * found.log_weights.size
    log_weights = found.log_weights
    total = logsumexp(log_weights)
    unseen = missed_peaks.unseen(0.0, np.array([grid.missed]))
    shape = pareto_shape(log_weights)
    position = np.concatenate(found.positions)
    draws = position[resampled(log_weights, seed)]
    outside = part_outside(space, like.data, proposal, draws, log_weights.max(), (seed, 3), devices)
    failed = _failed(grid, outside, enough, shape, settings)
    return Evidence(
        log_z=float(total - np.log(log_weights.size)),
        sigma=found.error,
        error_kind="one sigma",
        status=(
            f"{unseen}{f'not converged: {failed}' if failed else 'converged'}: {found.effective:.0f} effective draws "
            f"of {log_weights.size} from a grid of {len(grid.cells)} cells, {tail_of_weights(shape)}"
            + (f"; {found.undefined} draws where ln L is not a number count as nothing" if found.undefined else "")
        ),
        converged=not failed and not unseen,
        evaluations=grid.evaluations + log_weights.size + EVALUATIONS,
        log_correction=float(total - np.log(log_weights.size) - grid.log_evidence),
        nodes={name: np.asarray(x) for name, x in space.values(special.expit(position[:, : space.dimensions])).items()},
        log_weights=log_weights - total,
        prior=prior,
        measure=grid.measure,
    )


def _failed(grid: PosteriorGrid, outside: float, enough: bool, shape: float, settings: Importance) -> str:
    """Why the mean of the weights, or its error, is not to be believed; nothing where it is."""
    if not is_resolved(grid):
        return "the grid ran out of cells, and may propose no tails"
    if outside > OUTSIDE:
        return f"{outside:.1%} of the walks from the draws end in tails that are not proposed"
    if not enough:
        return f"stopped at {settings.max_draws} draws"
    if not shape <= HEAVY:
        return (
            f"stopped at {settings.max_draws} draws, a few of which weigh too much for their scatter to tell the error"
        )
    return ""
