"""Evidence by cubature: adaptive quadrature over the boson, the nuisances integrated at every point by Laplace.

Exactly where ln L is quadratic in the nuisances, else checked and corrected by importance sampling.
"""

import math
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from lmtbayes import _checks
from lmtbayes.errors import NotFinite
from lmtbayes.gauge.models import HiddenPhoton
from lmtbayes.inference import laplace_check
from lmtbayes.inference.cubature import integrate
from lmtbayes.inference.devices import resolve
from lmtbayes.inference.evaluation import evaluation
from lmtbayes.inference.likelihood import JointLikelihood
from lmtbayes.inference.linearised import Marginal
from lmtbayes.inference.marginals import marginals
from lmtbayes.inference.optima import boxes_around
from lmtbayes.inference.optimum import climb
from lmtbayes.inference.priors import Prior
from lmtbayes.inference.space import Space

_START_CELLS = {2: 16, 3: 10}


@dataclass(frozen=True)
class CubatureSettings:
    """Settings of `method="cubature"`.

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
    """

    rtol: float = 3e-3
    start_cells: int | None = None
    max_evaluations: int = 20_000_000
    batch: int = 512
    laplace_photons: int = 256
    laplace_draws: int = 512

    def __post_init__(self) -> None:
        _checks.positive("rtol", self.rtol)
        for name in ("max_evaluations", "batch", "laplace_photons", "laplace_draws"):
            value = getattr(self, name)
            if not isinstance(value, int) or value < 2:
                raise _checks.invalid(name, value, "an integer, at least 2")
        if self.start_cells is not None and (not isinstance(self.start_cells, int) or self.start_cells < 1):
            raise _checks.invalid("start_cells", self.start_cells, "a positive integer, or None")


def run(like: JointLikelihood, prior: Prior, seed: int, settings: CubatureSettings) -> dict[str, Any]:
    """Return the fields of an `Evidence` that the method fills."""
    if not prior.names:
        return _without_boson(like, prior, seed, settings)

    def log_integrand(unit: np.ndarray) -> np.ndarray:
        return _marginal(like, prior, unit)[1][0]

    try:
        result = integrate(
            log_integrand,
            len(prior.names),
            rtol=settings.rtol,
            start_cells=settings.start_cells or _START_CELLS[len(prior.names)],
            find_modes=lambda starts: _find_modes(like, prior, starts),
            max_evaluations=settings.max_evaluations,
            batch=settings.batch,
        )
    except NotFinite as error:
        raise NotFinite(f"{error}, with {prior!r} in the order of its coordinates") from None
    points, log_weights = result.nodes
    nodes = {name: np.asarray(value) for name, value in prior.from_unit_cube(jnp.asarray(points)).items()}
    correction, scatter, remark = _laplace(like, prior, points, log_weights, seed, settings)
    return {
        "log_z": result.log_z + correction,
        "log_z_error": result.log_z_error + 2.0 * scatter,
        "status": result.status + remark,
        "converged": result.converged and math.isfinite(scatter),
        "evaluations": result.evaluations,
        "log_correction": correction,
        "nodes": nodes,
        "log_weights": log_weights,
        "cubature": result,
    }


def _without_boson(like: JointLikelihood, prior: Prior, seed: int, settings: CubatureSettings) -> dict[str, Any]:
    """Only the nuisances are left to integrate over."""
    point, log_weights = np.zeros((1, 0)), np.zeros(1)
    _, (log_integral, found) = _marginal(like, prior, point)
    correction, scatter, remark = _laplace(like, prior, point, log_weights, seed, settings)
    return {
        "log_z": float(log_integral[0]) + correction,
        "log_z_error": 2.0 * scatter,
        "status": "no boson to integrate over" + remark,
        "converged": bool(found.converged[0]) and math.isfinite(scatter),
        "evaluations": 1,
        "log_correction": correction,
        "nodes": {},
        "log_weights": log_weights,
        "cubature": None,
    }


def _marginal(
    like: JointLikelihood, prior: Prior, unit: Float[np.ndarray, "points dim"]
) -> tuple[HiddenPhoton, tuple[np.ndarray, Marginal]]:
    """Photons at points of the prior's unit cube; their likelihood integrated over the nuisances, finite everywhere.

    Where no optimum is found, far from anything that the data allow, the higher of two values of ln L stands for it.
    """
    devices = resolve(None)
    photons = Space(like, prior).photons(unit, devices) if prior.names else _no_boson(prior, len(unit))
    found = marginals(like, devices)(photons, like.data)
    value, lost = found.log_integral, ~found.converged
    if lost.any():
        far = jax.tree.map(lambda x: x[lost], photons)
        central = np.tile(np.asarray(like.central_pulls), (int(lost.sum()), 1))
        value[lost] = np.maximum(value[lost], evaluation(like)((far, central), like.data).log_likelihood)
    return photons, (value, found)


def _no_boson(prior: Prior, number: int) -> HiddenPhoton:
    return jax.tree.map(lambda x: np.full(number, x), prior.photon({}))


def _find_modes(
    like: JointLikelihood, prior: Prior, starts: Float[np.ndarray, "starts dim"]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Climb ln L in (z, pulls) from every start; boxes as wide as the narrowest direction of each peak."""
    peaks = climb(Space(like, prior), starts, like.data, resolve(None))
    dim = len(prior.names)
    widths = np.tile(peaks.finest[:, None], (1, dim))
    return boxes_around(peaks.unit, widths, peaks.log_likelihood, np.zeros(dim), np.ones(dim))


def _laplace(
    like: JointLikelihood,
    prior: Prior,
    points: np.ndarray,
    log_weights: np.ndarray,
    seed: int,
    settings: CubatureSettings,
) -> tuple[float, float, str]:
    """Correction of ln Z for what Laplace's integral over the nuisances missed, its standard deviation, a remark."""
    if not like.nuisances:
        return 0.0, 0.0, ""
    count = min(settings.laplace_photons, settings.batch)
    offset = np.random.default_rng(seed).random()
    position = (np.arange(count) + offset) / count
    chosen = np.searchsorted(np.cumsum(np.exp(log_weights)), position).clip(max=len(points) - 1)
    photons, marginal = _marginal(like, prior, points[chosen])
    check = like.compiled(laplace_check.build, settings.laplace_draws)
    ratios = np.asarray(check(jax.random.split(jax.random.key(seed), count), photons, marginal, like.data))
    found = marginal[1].converged
    mean = ratios.mean()
    if not mean > 0.0:
        return 0.0, math.inf, "; the nuisances are far from normal: Laplace's integral could not be corrected"
    scatter = ratios.std(ddof=1) / math.sqrt(count) / mean
    remark = f"; nuisances by Laplace, corrected by {np.log(mean):+.1e} ± {scatter:.0e}"
    if np.abs(ratios - 1.0).max() < 1e-6:
        remark = "; nuisances integrated exactly (ln L is quadratic in them)"
    if not found.all():
        remark += f"; their optimum was not found for {1.0 - found.mean():.1%} of the posterior"
    return float(np.log(mean)), float(scatter), remark
