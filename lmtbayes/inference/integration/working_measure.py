"""The measure in whose quantiles a posterior is integrated and drawn from, found by a survey and climbs.

In the prior's quantiles a mode five widths of the prior away from its bulk is a needle at 1e-7, and so is a posterior
a thousand times narrower than its prior: no tree of cells starts to split for it. So the cube is surveyed first, in
coordinates that reach from the prior's bulk over the whole range where data may put a boson; every peak is climbed; and
a coordinate in which one of them has no width gets another measure: a part of the prior, a part of that wide range
and humps about the peaks. Where every peak has width in the prior's quantiles, they are kept.
"""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
from jaxtyping import Float
from scipy.special import logsumexp

from lmtbayes import _checks
from lmtbayes.inference.coordinates import Space
from lmtbayes.inference.devices import Devices
from lmtbayes.inference.distributions.signed import SignedLogUniform
from lmtbayes.inference.distributions.support import support_edges
from lmtbayes.inference.distributions.tabulated import Component, Even, Hump, Mirror, Own, tabulated
from lmtbayes.inference.identity.fingerprint import fingerprint
from lmtbayes.inference.integration.modes import STARTS, Peaks, levenberg_marquardt
from lmtbayes.inference.integration.morton_cells import MortonCells
from lmtbayes.inference.likelihood.joint import JointLikelihood
from lmtbayes.inference.likelihood.model import Data
from lmtbayes.inference.nuisances.laplace_at_many import laplace_at_many
from lmtbayes.inference.priors import Prior
from lmtbayes.parameters import default_masses, default_range

ROOT_LEVEL = {2: 6, 3: 4}
"""Every cell of this level is looked at: 64 x 64, 16 x 16 x 16."""
_FLAT = dist.Uniform, SignedLogUniform
"""Priors that are even over where data may put a boson: surveyed in their own quantiles."""
_NARROWEST = 0.002
"""Least standard deviation of a peak in quantiles of the prior with which those are kept."""
_WIDE_ENOUGH = 0.03
"""The same for the other coordinates, where one of them is narrower than that."""
_NEGLIGIBLE = 20.0
"""Peaks whose part of the evidence is smaller than the largest by this in ln are left out."""
_MOST = 8
"""Most peaks that shape a measure."""
_WIDE = 4.0
"""Scale of the wider of the two humps of a peak, in units of the narrower one's."""


class Survey(NamedTuple):
    """What is known of a posterior before it is integrated."""

    measure: Prior
    """Whose quantiles to work in: the prior itself where that is fine."""
    cells: MortonCells | None
    """Cells of the root level in its quantiles, and, of each, ln integral over the pulls, pulls, Cholesky factor; None
    where the survey was made in other coordinates."""
    values: tuple[np.ndarray, ...]
    peaks: Peaks | None
    """Ends of the climbs, in quantiles of the measure; None as well."""
    points: dict[str, Float[np.ndarray, " peaks"]]
    """The peaks that count, in coordinates of the prior."""
    log_likelihood: Float[np.ndarray, " peaks"]
    """Ln L there, the pulls at their optimum."""

    def log_densities(self, space: Space, devices: Devices) -> Float[np.ndarray, " peaks"]:
        """Ln of the posterior density in (u, pulls) at the peaks, up to ln Z; u is the cube of `space`."""
        if not self.log_likelihood.size:
            return self.log_likelihood
        return self.log_likelihood + space.log_ratios(space.units(self.points), devices)


def survey(like: JointLikelihood, prior: Prior, devices: Devices) -> Survey:
    """Find the peaks of a posterior, and the measure in whose quantiles they have width.

    The last one of a likelihood and its `with_data` copies is kept.
    """
    key = (prior, fingerprint(like.data), devices)
    kept = like.joint.last(_survey, key)
    return like.joint.keep(_survey, key, _survey(like, prior, devices)) if kept is None else kept


def _survey(like: JointLikelihood, prior: Prior, devices: Devices) -> Survey:
    _check_masses(like, prior)
    heavy = default_masses(e.mass_range for e in like.experiments)
    rough = _rough(prior, heavy)
    space = Space(like.joint, prior, rough)
    cells = MortonCells.uniform(space.dimensions, ROOT_LEVEL[space.dimensions])
    values = evaluate(space, cells.centre, like.data, devices)
    peaks = levenberg_marquardt(space, cells.centre[starts(cells, values[0])], like.data, devices)
    chosen = _peaks_that_count(space, cells, values[0], peaks, like.data, devices)
    points, widths = _in_coordinates(space, peaks, chosen)
    log_likelihood = peaks.log_likelihood[chosen] - space.log_ratios(peaks.unit[chosen], devices)
    measure = _measure(prior, points, widths, heavy)
    if measure is prior and space.plain:
        return Survey(prior, cells, values, peaks, points, log_likelihood)
    return Survey(measure, None, (), None, points, log_likelihood)


def _check_masses(like: JointLikelihood, prior: Prior) -> None:
    """Warn of masses that look like keV to these experiments; of those that do to any, the prior has warned."""
    name = next((name for name in prior.names if name.endswith("mass")), None)
    if name is None or not np.isfinite(edges := np.array(support_edges(prior.distributions[name]))).all():
        return
    masses = 10.0**edges if name.startswith("log10_") else edges
    if masses[0] >= 1.0 and masses[1] <= _checks.HEAVIEST_CURVE:
        _checks.masses(f"distributions[{name!r}]", masses, [e.mass_range for e in like.experiments])


def evaluate(space: Space, units: np.ndarray, data: Data, devices: Devices) -> tuple[np.ndarray, ...]:
    """Ln of the posterior density in u, the pulls integrated; their optimum and the factor of their precision."""
    found = laplace_at_many(space.joint, devices)(space.photons(units, devices), data)
    if space.plain:
        return found.log_integral, found.pulls, found.factor
    return found.log_integral + space.log_ratios(units, devices), found.pulls, found.factor


def starts(cells: MortonCells, log_density: np.ndarray) -> np.ndarray:
    """Indices of the highest cells that no neighbour tops."""
    i, j, _ = cells.neighbours()
    topped = np.zeros(len(cells), dtype=bool)
    topped[i[log_density[i] < log_density[j]]] = True
    topped[j[log_density[j] < log_density[i]]] = True
    return np.argsort(-np.where(topped, -np.inf, log_density), kind="stable")[:STARTS]


def _rough(prior: Prior, masses: tuple[float, float]) -> Prior:
    """Measure of the survey: flat priors as they are; to any other one half is added that is even over a wide range.

    `masses` are those in which these experiments may put a boson [MeV].
    """
    distributions = dict(prior.distributions)
    for name, own in prior.distributions.items():
        if not isinstance(own, _FLAT):
            low, high = prior.reach(name)
            distributions[name] = tabulated([(0.5, Own(own, low, high)), *_range(prior, name, masses, 0.5)], low, high)
    if all(distributions[name] is own for name, own in prior.distributions.items()):
        return prior
    return Prior(prior.model, distributions)


def _range(prior: Prior, name: str, masses: tuple[float, float], weight: float) -> list[tuple[float, Component]]:
    """Where data may put a boson: the default prior's range, inside the prior's support; even in the logarithm.

    Weighed, and of both signs where a mixing has them.
    """
    low, high = prior.reach(name)
    physical = masses if name.endswith("mass") else default_range(name.removeprefix("log10_"))
    log = not name.startswith("log10_")
    begin, end = physical if log else np.log10(physical)
    sides: list[Component] = []
    if max(begin, low) < min(end, high):
        sides.append(Even(float(max(begin, low)), float(min(end, high)), log))
    if log and begin < min(end, -low):
        sides.append(Mirror(Even(float(begin), float(min(end, -low)), log)))
    if not sides:  # the prior lies wholly elsewhere
        begin, end = (float(x) for x in np.asarray(prior.quantiles(name, jnp.array([1e-3, 1.0 - 1e-3]))))
        sides = [Even(begin, end, log and begin > 0.0)]
    return [(weight / len(sides), side) for side in sides]


def _peaks_that_count(
    space: Space, cells: MortonCells, log_density: np.ndarray, peaks: Peaks, data: Data, devices: Devices
) -> np.ndarray:
    """Indices of different peaks, the heaviest first, whose share of the evidence may matter."""
    log_integral = evaluate(space, peaks.unit, data, devices)[0]
    # Correlations make it less: an upper bound, for a peak that is a normal density.
    mass = np.where(np.isfinite(log_integral), log_integral, -np.inf) + np.log(peaks.spread).sum(axis=1)
    best = max(mass.max(), logsumexp(log_density + cells.log_volume))
    chosen: list[int] = []
    for k in np.argsort(-mass, kind="stable"):
        apart = [(np.abs(peaks.unit[k] - peaks.unit[c]) > peaks.spread[c]).any() for c in chosen]
        if mass[k] > best - _NEGLIGIBLE and all(apart):
            chosen.append(int(k))
    return np.array(chosen[:_MOST], dtype=int)


def _in_coordinates(
    space: Space, peaks: Peaks, chosen: np.ndarray
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Peaks and their widths in coordinates of the prior."""
    unit, spread = peaks.unit[chosen], peaks.spread[chosen]
    points = {name: np.asarray(x) for name, x in space.values(unit).items()}
    ends = [space.values(np.clip(unit + side * spread, 0.0, 1.0)) for side in (-1.0, 1.0)]
    # From quantile to quantile: about the spread on both sides, one of them where an edge cuts the other.
    inside = np.clip(unit + spread, 0.0, 1.0) - np.clip(unit - spread, 0.0, 1.0)
    scale = spread / np.maximum(inside, 1e-300)
    widths = {
        name: np.maximum(np.asarray(ends[1][name]) - np.asarray(ends[0][name]), 1e-300) * scale[:, i]
        for i, name in enumerate(space.prior.names)
    }
    return points, widths


def _measure(
    prior: Prior, points: dict[str, np.ndarray], widths: dict[str, np.ndarray], masses: tuple[float, float]
) -> Prior:
    """Return the prior, or the prior with other distributions in the coordinates in which a peak has no width."""
    narrow = {name: _quantile_width(prior, name, points[name], widths[name]) for name in prior.names}
    if min(narrow.values()) >= _NARROWEST:
        return prior
    distributions = dict(prior.distributions)
    for name, own in prior.distributions.items():
        # Cells are as wide in one quantile as in the other: a peak has to be, within reason.
        if narrow[name] >= _WIDE_ENOUGH:
            continue
        low, high = prior.reach(name)
        parts: list[tuple[float, Component]] = [(0.3, Own(own, low, high)), *_range(prior, name, masses, 0.1)]
        if isinstance(own, dist.Uniform):
            parts = [(0.4, Even(low, high))]
        share = 0.6 / len(points[name])
        for centre, width in zip(points[name], widths[name], strict=True):
            scale = float(np.clip(width, 1e-9 * (high - low), high - low))
            parts.append((2.0 / 3.0 * share, Hump(float(centre), scale, low, high)))
            parts.append((1.0 / 3.0 * share, Hump(float(centre), _WIDE * scale, low, high)))
        distributions[name] = tabulated(parts, low, high)
    return Prior(prior.model, distributions)


def _quantile_width(prior: Prior, name: str, points: np.ndarray, widths: np.ndarray) -> float:
    """Smallest standard deviation of any peak in quantiles of the prior."""
    own, (low, high) = prior.distributions[name], prior.reach(name)
    if not points.size:
        return np.inf
    ends = np.clip(points + np.array([[-1.0], [1.0]]) * widths, low, high)
    if isinstance(own, dist.Uniform):
        quantiles = (ends - low) / (high - low)
    else:
        quantiles = Own(own, low, high).cdf(ends.ravel()).reshape(ends.shape)
    return float((quantiles[1] - quantiles[0]).min() / 2.0)
