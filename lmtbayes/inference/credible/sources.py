"""Posteriors as distributions of one coordinate of the prior, the others integrated or held: whatever gave them.

Every source has quantiles with an error of its own kind. A grid of cells (`GridSource`): what is known of the posterior
between the centres of cells is a guess, so quantiles are found three times, with cells whose density is an exponential
(as the grid has it), with cells that are even, and with weights that are integrals of the exponentials instead of
values at the centre; how far the best one moves, both ways added, is the error. Cells of a cubature
(`CubatureSource`): its bounds. Draws (`DrawSource`): one standard deviation.
"""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, Int
from scipy.optimize import brentq

from lmtbayes.inference.distributions import on_host
from lmtbayes.inference.evidence import reweighting
from lmtbayes.inference.evidence.result import Evidence
from lmtbayes.inference.integration.morton_cells import STEEPEST, part_below
from lmtbayes.inference.integration.posterior_grid import PosteriorGrid
from lmtbayes.inference.priors import Prior

type At = Mapping[str, float]
"""Coordinate of the prior to the quantile, of the source's measure, at which it is held."""

_SLAB = 5e-4
"""Half width, in quantiles, of what stands for one value of a coordinate in a cubature."""
_ROUNDING = 1e-12
_EVEN, _BY_WEIGHT = 129, 257
"""Edges of bins: even in quantiles of the measure, and even in the posterior's."""
_CLOSEST = 1e-7


@runtime_checkable
class Source(Protocol):
    """A posterior, as limits and intervals read it."""

    method: str
    error_kind: str
    moves_add: bool
    """Whether the others differ from the best in independent ways; else they are its two sides."""

    def units(
        self, name: str, probabilities: Float[np.ndarray, " levels"], at: At
    ) -> Float[np.ndarray, "variants levels"]:
        """Where a coordinate has each probability below it: the best places, then others as good; NaN where none has.

        In quantiles of the measure, or what else `values` takes.
        """
        ...

    def values(self, name: str, units: Float[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
        """Values of a coordinate at what `units` gives."""
        ...


class _Measured:
    """What is common to posteriors on the unit cube of a measure."""

    prior: Prior
    measure: Prior

    def values(self, name: str, units: Float[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
        """See `Source`."""
        return on_host.quantiles(name, self.measure.distributions[name], units)

    def held(self, name: str, values: Float[np.ndarray, " values"]) -> Float[np.ndarray, " values"]:
        """Quantiles of the measure at values of a coordinate."""
        return on_host.probabilities(name, self.measure.distributions[name], values)


class GridSource(_Measured):
    """The posterior on a tree of cells."""

    method = "posterior grid"
    error_kind = "estimate"
    moves_add = True
    variants = ("tilted", "even", "integrated")

    def __init__(self, grid: PosteriorGrid):
        self.grid = grid
        self.prior, self.measure = grid.prior, grid.measure
        self.slopes = np.clip(grid.gradients, -STEEPEST, STEEPEST)

    def line(self, name: str, at: At, variant: str = "tilted") -> Callable[[np.ndarray], np.ndarray] | None:
        """Posterior probability below quantiles of the measure in one coordinate; None where there is none at all."""
        weight, chosen = self.weights_at(at, variant)
        if not weight.size:
            return None
        cells, axis = self.grid.cells, self.prior.names.index(name)
        part = dataclasses.replace(cells, corner=cells.corner[chosen], level=cells.level[chosen])
        tilt = None if variant == "even" else self.slopes[chosen, axis]
        return lambda units: part.cumulative(weight, axis, units, tilt)

    def weights_at(self, at: At, variant: str) -> tuple[Float[np.ndarray, " chosen"], Int[np.ndarray, " chosen"]]:
        """Probabilities of the cells at held coordinates, one in all, and their indices; empty where all vanish."""
        cells = self.grid.cells
        log_weight = self.log_weights(variant)
        inside = np.ones(len(cells), dtype=bool)
        for held, unit in at.items():
            axis = self.prior.names.index(held)
            across = np.clip((min(unit, 1.0 - _ROUNDING) - cells.low[:, axis]) / cells.width, -1.0, 2.0)
            inside &= (across >= 0.0) & (across < 1.0)
            slope = np.zeros(len(cells)) if variant == "even" else self.slopes[:, axis]
            log_weight = log_weight + log_tilt(slope, across) - np.log(cells.width)
        chosen = np.flatnonzero(inside & np.isfinite(log_weight))
        weight = np.exp(log_weight[chosen] - np.max(log_weight[chosen], initial=-np.inf))
        return weight / weight.sum(), chosen

    def shares(
        self, name: str, edges: Float[np.ndarray, " edges"], chosen: Int[np.ndarray, " chosen"], variant: str
    ) -> Float[np.ndarray, "chosen bins"]:
        """Part of each chosen cell that lies between quantiles of the measure."""
        axis, cells = self.prior.names.index(name), self.grid.cells
        across = (edges - cells.low[chosen, axis, None]) / cells.width[chosen, None]
        return np.diff(part_below(across, None if variant == "even" else self.slopes[chosen, axis]), axis=1)

    def edges(self, line: Callable[[np.ndarray], np.ndarray]) -> Float[np.ndarray, " edges"]:
        """Quantiles of the measure that divide it, and the posterior, into bins as even as can be."""
        even = np.linspace(0.0, 1.0, _EVEN)
        below = line(even)
        rising = np.diff(below, prepend=-1.0) > 0.0
        tails = 10.0 ** np.arange(-6.0, -2.0)
        wanted = np.concatenate([np.linspace(0.0, 1.0, _BY_WEIGHT), tails, 1.0 - tails])
        edges = np.unique(np.concatenate([even, np.interp(wanted, below[rising], even[rising])]))
        return edges[np.diff(edges, prepend=-1.0) > _CLOSEST]

    def log_weights(self, variant: str) -> Float[np.ndarray, " cells"]:
        """Ln of the cells' weights: of values at centres, or of exponentials integrated."""
        weight = self.grid.log_density + self.grid.cells.log_volume
        if variant == "integrated":
            half = np.maximum(np.abs(0.5 * self.slopes), 1e-6)
            weight = weight + np.log(np.sinh(half) / half).sum(axis=1)
        return np.asarray(weight)

    def units(
        self, name: str, probabilities: Float[np.ndarray, " levels"], at: At
    ) -> Float[np.ndarray, "variants levels"]:
        """See `Source`."""
        return np.array([_inverted(self.line(name, at, variant), probabilities) for variant in self.variants])


class CubatureSource(_Measured):
    """The posterior by the cells of a cubature, under the prior of its evidence or another one inside of that."""

    method = "cubature"
    error_kind = "bound"
    moves_add = False

    def __init__(self, evidence: Evidence, prior: Prior | None = None):
        assert evidence.cubature is not None
        self.prior = evidence.prior if prior is None else prior
        self.measure = evidence.measure or evidence.prior
        self.cubature, self.low, self.high = reweighting.cells_under(
            evidence.cubature, self.measure, evidence.prior, self.prior
        )

    def line(self, name: str, at: At) -> Callable[[np.ndarray], np.ndarray] | None:
        """Posterior probability below quantiles of the measure in one coordinate; None where there is none at all."""
        found = self._bounded(name, at)
        return None if found is None else lambda units: np.array([found(unit)[0] for unit in units])

    def _bounded(self, name: str, at: At) -> Callable[[float], tuple[float, float]] | None:
        """Posterior probability below a quantile, and the bound of its error."""
        axis = self.prior.names.index(name)
        low, high = self.low.copy(), self.high.copy()
        for held, unit in at.items():
            k = self.prior.names.index(held)
            low[k] = np.clip(unit - _SLAB, self.low[k], self.high[k] - _SLAB)
            high[k] = np.clip(unit + _SLAB, self.low[k] + _SLAB, self.high[k])
        cells = self.cubature.cells
        near = ((cells.low < high) & (cells.low + cells.width > low)).all(axis=1)
        part = dataclasses.replace(self.cubature, cells=cells.take(near))
        whole, _ = part.log_integral(low, high)
        if not np.isfinite(whole):
            return None

        def below(unit: float) -> tuple[float, float]:
            if not low[axis] < unit < high[axis]:
                return float(unit >= high[axis]), 0.0
            middle_high, middle_low = high.copy(), low.copy()
            middle_high[axis] = middle_low[axis] = unit
            (log_left, left), (log_right, right) = (
                part.log_integral(low, middle_high),
                part.log_integral(middle_low, high),
            )
            share = np.exp(log_left - np.logaddexp(log_left, log_right)) if np.isfinite(log_left) else 0.0
            return float(share), float(min(share * (1.0 - share) * (left + right), 1.0)) if 0.0 < share < 1.0 else 0.0

        return below

    def units(
        self, name: str, probabilities: Float[np.ndarray, " levels"], at: At
    ) -> Float[np.ndarray, "variants levels"]:
        """See `Source`."""
        bounded = self._bounded(name, at)
        if bounded is None:
            return np.full((3, len(probabilities)), np.nan)
        line = lambda units: np.array([bounded(unit)[0] for unit in units])  # noqa: E731
        best = _inverted(line, probabilities)
        off = np.array([bounded(unit)[1] for unit in best])
        others = [_inverted(line, np.clip(probabilities + side * off, 1e-9, 1.0 - 1e-9)) for side in (-1.0, 1.0)]
        return np.array([best, *others])


class DrawSource:
    """Draws, equally probable or weighted."""

    error_kind = "one sigma"
    moves_add = False

    def __init__(
        self,
        draws: Mapping[str, np.ndarray],
        weights: Float[np.ndarray, " draws"] | None,
        effective: float | Callable[[str, float], float],
        method: str,
    ):
        self.draws = draws
        self.weights = weights
        self.effective = effective
        self.method = method

    def units(
        self,
        name: str,
        probabilities: Float[np.ndarray, " levels"],
        at: At,  # noqa: ARG002 - nothing can be held
    ) -> Float[np.ndarray, "variants levels"]:
        """See `Source`."""
        values = np.ravel(self.draws[name])
        # From p by its standard deviation to either side.
        size = [self.effective(name, p) if callable(self.effective) else self.effective for p in probabilities]
        scatter = np.sqrt(probabilities * (1.0 - probabilities) / np.array(size))
        wanted = np.clip(probabilities + np.array([[0.0], [-1.0], [1.0]]) * scatter, 0.0, 1.0)
        if self.weights is None:
            return np.quantile(values, wanted)
        order = np.argsort(values, kind="stable")
        weight = self.weights[order] / self.weights.sum()
        return np.interp(wanted, np.cumsum(weight) - 0.5 * weight, values[order])

    def values(self, name: str, units: Float[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:  # noqa: ARG002 - are values
        """See `Source`."""
        return units


def log_tilt(slope: np.ndarray, across: np.ndarray) -> np.ndarray:
    """Ln of the density, over an even one, at a part of the way across a cell in which it is an exponential."""
    half = np.maximum(np.abs(0.5 * slope), 1e-6)
    return slope * (across - 0.5) - np.log(np.sinh(half) / half)


def _inverted(line: Callable[[np.ndarray], np.ndarray] | None, probabilities: np.ndarray) -> np.ndarray:
    """Quantiles of the measure at which a line has each probability."""
    if line is None:
        return np.full(len(probabilities), np.nan)

    def root(probability: float) -> float:
        found = brentq(lambda unit: float(line(np.array([unit]))[0]) - probability, 0.0, 1.0, xtol=_ROUNDING)
        return float(found)

    return np.array([root(float(p)) for p in probabilities])
