"""Evidence by cubature: adaptive quadrature over the boson, the nuisances integrated at every point by Laplace.

Exactly where ln L is quadratic in the nuisances, else checked and corrected by importance sampling.
"""

import math
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

from lmtbayes.errors import NotFinite
from lmtbayes.gauge.models import HiddenPhoton
from lmtbayes.inference.coordinates import Space
from lmtbayes.inference.devices import resolve_devices
from lmtbayes.inference.evidence.result import Evidence
from lmtbayes.inference.evidence.settings import set_positive, set_whole
from lmtbayes.inference.integration import missed_peaks
from lmtbayes.inference.integration.cubature import integrate
from lmtbayes.inference.integration.modes import find_modes
from lmtbayes.inference.integration.working_measure import survey
from lmtbayes.inference.likelihood.evaluation import evaluation
from lmtbayes.inference.likelihood.joint import JointLikelihood
from lmtbayes.inference.nuisances.laplace import LaplaceFit
from lmtbayes.inference.nuisances.laplace_at_many import laplace_at_many
from lmtbayes.inference.nuisances.laplace_check import laplace_check
from lmtbayes.inference.priors import Prior

_STEP = 32
"""Photons between two looks at how well the correction is known."""
_START_CELLS = {2: 16, 3: 10}


@dataclass(frozen=True, kw_only=True)
class Cubature:
    """The evidence by adaptive cubature over the boson, with Laplace's integral over the nuisances at every point.

    Parameters
    ----------
    rtol
        Tolerance of ln Z for the integral over the boson's parameters.
    start_cells
        Along each parameter; by default 16 for two parameters and 10 for three.
    max_evaluations
        Give up there.
    batch
        Points handed over at once: memory against speed.
    laplace_photons, laplace_draws
        Draws of the posterior at which the Laplace integral over the nuisances is checked and corrected, and draws of
        the nuisances at each.

    Raises
    ------
    InvalidArgument
        A setting out of range.
    """

    rtol: float = 3e-3
    start_cells: int | None = None
    max_evaluations: int = 20_000_000
    batch: int = 512
    laplace_photons: int = 256
    laplace_draws: int = 512

    def __post_init__(self) -> None:
        set_positive(self, "rtol")
        set_whole(self, max_evaluations=2, batch=2, laplace_photons=2, laplace_draws=2)
        if self.start_cells is not None:
            set_whole(self, start_cells=1)

    def run(self, like: JointLikelihood, prior: Prior, seed: int) -> Evidence:
        """Integrate; see `evidence`."""
        if prior.names:
            return _over_the_boson(like, prior, seed, self)
        return without_boson(like, prior, seed, self)


def _over_the_boson(like: JointLikelihood, prior: Prior, seed: int, settings: Cubature) -> Evidence:
    devices = resolve_devices(None)
    surveyed = survey(like, prior, devices)
    space = Space(like.joint, prior, surveyed.measure)
    known = space.units(surveyed.points) if surveyed.points else np.zeros((0, space.dimensions))

    def log_integrand(unit: np.ndarray) -> np.ndarray:
        return _marginal(like, space.photons(unit, devices))[0] + space.log_ratios(unit, devices)

    try:
        result = integrate(
            log_integrand,
            len(prior.names),
            rtol=settings.rtol,
            start_cells=settings.start_cells or _START_CELLS[len(prior.names)],
            find_modes=lambda starts: find_modes(space, starts, np.asarray(known), like.data, devices),
            max_evaluations=settings.max_evaluations,
            batch=settings.batch,
        )
    except NotFinite as error:
        raise NotFinite(f"{error}, with {prior!r} in the order of its coordinates") from None
    points, log_weights = result.nodes
    nodes = {name: np.asarray(value) for name, value in space.values(jnp.asarray(points)).items()}
    count = min(settings.laplace_photons, settings.batch)
    offset = np.random.default_rng(seed).random()
    position = (np.arange(count) + offset) / count
    chosen = np.searchsorted(np.cumsum(np.exp(log_weights)), position).clip(max=len(points) - 1)
    drawn = space.photons(points[chosen], devices)
    correction, scatter, remark = _laplace(like, drawn, *_marginal(like, drawn), seed, settings)
    unseen = missed_peaks.unseen(result.highest, log_integrand(result.modes) if len(result.modes) else np.zeros(0))
    return Evidence(
        log_z=result.log_z + correction,
        bound=result.log_z_error,
        sigma=scatter,
        error_kind="bound",
        status=unseen + result.status + remark,
        converged=result.converged and math.isfinite(scatter) and not unseen,
        evaluations=result.evaluations,
        log_correction=correction,
        nodes=nodes,
        log_weights=log_weights,
        cubature=result,
        prior=prior,
        measure=surveyed.measure,
    )


def without_boson(like: JointLikelihood, prior: Prior, seed: int, settings: Cubature, enough: float = 0.0) -> Evidence:
    """Only the nuisances are left to integrate over.

    With `enough`, the standard deviation of `_laplace` at which to stop, it has converged if it came to that.
    """
    photons = jax.tree.map(lambda x: np.full(1, x), prior.photon({}))
    log_integral, found = _marginal(like, photons)
    count = min(settings.laplace_photons, settings.batch)
    again, value, best = jax.tree.map(lambda x: np.repeat(x, count, axis=0), (photons, log_integral, found))
    correction, scatter, remark = _laplace(like, again, value, best, seed, settings, enough)
    return Evidence(
        log_z=float(log_integral[0]) + correction,
        sigma=scatter,
        error_kind="bound",
        status="no boson to integrate over" + remark,
        converged=bool(found.converged[0]) and (scatter <= enough if enough else math.isfinite(scatter)),
        evaluations=1,
        log_correction=correction,
        log_weights=np.zeros(1),
        prior=prior,
        measure=prior,
    )


def _marginal(like: JointLikelihood, photons: HiddenPhoton) -> tuple[np.ndarray, LaplaceFit]:
    """Ln of the likelihood of photons integrated over the nuisances, finite everywhere.

    Where no optimum is found, far from anything that the data allow, the higher of two values of ln L stands for it.
    """
    found = laplace_at_many(like.joint, resolve_devices(None))(photons, like.data)
    value, lost = found.log_integral, ~found.converged
    if lost.any():
        far = jax.tree.map(lambda x: x[lost], photons)
        central = np.tile(np.asarray(like.central_pulls), (int(lost.sum()), 1))
        value[lost] = np.maximum(value[lost], evaluation(like.joint)((far, central), like.data).log_likelihood)
    return value, found


def _laplace(
    like: JointLikelihood,
    photons: HiddenPhoton,
    value: np.ndarray,
    best: LaplaceFit,
    seed: int,
    settings: Cubature,
    enough: float = 0.0,
) -> tuple[float, float, str]:
    """Correction of ln Z for what Laplace's integral over the nuisances missed at draws of the posterior.

    Parameters
    ----------
    like, seed, settings
        As of `evidence`.
    photons, value, best
        Draws of the posterior, or one photon again and again, with their `_marginal`.
    enough
        Standard deviation at which to stop, after as many draws again, before all photons were looked at.

    Returns
    -------
    correction, standard deviation, remark
    """
    if not like.nuisances:
        return 0.0, 0.0, ""
    count = len(value)
    check = laplace_check(like.joint, resolve_devices(None), settings.laplace_draws)
    keys = jax.random.split(jax.random.key(seed), count)
    ratios, until = np.zeros(0), count
    step = _STEP if enough else count
    for own in (slice(begin, begin + step) for begin in range(0, count, step)):
        if ratios.size >= until:
            break
        some, integral, fit = jax.tree.map(lambda x, own=own: x[own], (photons, value, best))
        ratios = np.concatenate([ratios, check(keys[own], some, integral, fit, like.data)])
        if until == count and _scatter(ratios) <= enough:
            # Draws among which no heavy weight is yet look better than they are.
            until = min(2 * ratios.size, count)
    mean, scatter = ratios.mean(), _scatter(ratios)
    if not mean > 0.0:
        return 0.0, math.inf, "; the nuisances are far from normal: Laplace's integral could not be corrected"
    remark = f"; nuisances by Laplace, corrected by {np.log(mean):+.1e} ± {scatter:.0e}"
    if scatter > enough > 0.0:
        remark += f", where {ratios.size * settings.laplace_draws} draws were not enough"
    if np.abs(ratios - 1.0).max() < 1e-6:
        remark = "; nuisances integrated exactly (ln L is quadratic in them)"
    if not best.converged.all():
        remark += f"; their optimum was not found for {1.0 - best.converged.mean():.1%} of the posterior"
    return float(np.log(mean)), scatter, remark


def _scatter(ratios: np.ndarray) -> float:
    """Standard deviation of the mean, as a part of it."""
    mean = ratios.mean()
    return float(ratios.std(ddof=1) / math.sqrt(ratios.size) / mean) if mean > 0.0 else math.inf
