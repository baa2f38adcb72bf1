"""PosteriorGrid: the posterior on cells of a unit cube, its marginals, modes, evidence, starts for chains.

p(u) ~ p/w int d(pulls) L(u, pulls) at the centres of a tree of cells (`morton_cells`), u being the quantiles of a
working measure w (`working_measure`), the prior p itself wherever that serves; `refine.posterior_grid` makes it.
"""

import functools
from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int
from scipy.special import logsumexp

from lmtbayes import _checks
from lmtbayes.inference.integration.morton_cells import STEEPEST, MortonCells
from lmtbayes.inference.integration.proposal import Proposal
from lmtbayes.inference.likelihood.constraints import Constraints
from lmtbayes.inference.priors import Prior

CAPACITY = {2: 2**14, 3: 2**16}
"""Most cells."""
_ROOM = 2**24
"""Numbers in the matrices of a proposal's cells, which has room for as many cells: most grids are then of one shape,
compiled for once. With sixty nuisances a cell's are 30 kB."""
_FARTHEST = 1.0
"""Of a pull, whose constraint is of unit size, that its optimum moves across a cell."""
HIGHEST_DENSITY = 0.99
"""Regions of this posterior probability that do not touch are modes of their own."""


@dataclass(frozen=True, eq=False)
class Mode:
    """One connected region of the posterior's highest-density region."""

    weight: float
    """Posterior probability; the weights of all modes add up to one."""
    peak: dict[str, float]
    """Coordinates of its densest cell."""
    low: dict[str, float]
    high: dict[str, float]
    """Extent in every coordinate."""


@dataclass(frozen=True, eq=False)
class PosteriorGrid:
    """The posterior on a tree of cells.

    Parameters
    ----------
    prior
        Of the boson.
    measure
        Through whose quantiles the cells are in the prior's coordinates; the prior, wherever that serves.
    constraints
        Of the nuisances.
    cells
        The tiling of the unit cube.
    log_density
        ln of the likelihood with the pulls integrated, times prior over measure, at the centres.
    pulls, factor
        Conditional optimum of the pulls, and the lower Cholesky factor of their precision there.
    error
        Estimated relative error of the total, summed over cells without cancellation.
    missed
        By how much, in ln, the density at the highest peak that was climbed exceeds that of any cell.
    """

    prior: Prior
    measure: Prior
    constraints: Constraints
    cells: MortonCells
    log_density: Float[np.ndarray, " cells"]
    pulls: Float[np.ndarray, "cells nuisances"]
    factor: Float[np.ndarray, "cells nuisances nuisances"]
    error: float
    evaluations: int
    missed: float

    @property
    def log_evidence(self) -> float:
        """Ln Z under the prior."""
        return float(logsumexp(self.log_density + self.cells.log_volume))

    @property
    def weights(self) -> Float[np.ndarray, " cells"]:
        """Posterior probability of every cell."""
        return np.exp(self.log_density + self.cells.log_volume - self.log_evidence)

    def marginal(self, name: str, bins: int = 24, coverage: float = 0.998) -> tuple[np.ndarray, np.ndarray]:
        """Marginal of one coordinate of the prior.

        Parameters
        ----------
        name
            One of `prior.names`.
        bins
            Bins of equal width in the coordinate's quantile under the measure, between the central `coverage` of the
            marginal, and two outer bins up to the prior's edges where they are not empty.

        Returns
        -------
        edges, probability
            Edges in the coordinate and the posterior probability between them (adds up to one).
        """
        _checks.one_of("name", name, self.prior.names)
        fine = np.linspace(0.0, 1.0, 129)
        tail = 0.5 * (1.0 - coverage)
        low, high = np.interp([tail, 1.0 - tail], self.cumulative(name, fine), fine)
        edges = np.unique(np.concatenate([[0.0], np.linspace(low, high, bins + 1), [1.0]]))
        probability = np.diff(self.cumulative(name, edges))
        return np.asarray(self.measure.quantiles(name, jnp.asarray(edges))), probability / probability.sum()

    def cumulative(self, name: str, quantiles: Float[np.ndarray, " points"]) -> Float[np.ndarray, " points"]:
        """Posterior probability below quantiles of the measure, in one coordinate."""
        axis = self.prior.names.index(name)
        return self.cells.cumulative(self.weights, axis, quantiles, self.gradients[:, axis])

    @functools.cached_property
    def gradients(self) -> Float[np.ndarray, "cells coordinates"]:
        """Gradient of ln p in units of the cell: its change across every cell."""
        return self.cells.gradients(self.log_density)

    @functools.cached_property
    def tilt(self) -> Float[np.ndarray, "cells nuisances coordinates"]:
        """Change of the pulls' optimum across every cell; what moves farther is another optimum, or none."""
        return np.clip(self.cells.limited_gradients(self.pulls), -_FARTHEST, _FARTHEST)

    def regions(self, probability: float = HIGHEST_DENSITY) -> Int[np.ndarray, " cells"]:
        """Label the connected regions of the highest-density region, the heaviest 0; -1 outside of them.

        Crumbs below 0.2 % in probability belong to no region.
        """
        weights = self.weights
        order = np.argsort(-self.log_density, kind="stable")
        inside = np.zeros(len(order), dtype=bool)
        inside[order[: 1 + np.searchsorted(np.cumsum(weights[order]), probability)]] = True
        labels = self.cells.regions(inside)
        totals = np.bincount(labels[inside], weights=weights[inside])
        rank = np.full(len(totals) + 1, -1)
        heavy = [k for k in np.argsort(-totals) if totals[k] >= 0.002]
        rank[heavy] = np.arange(len(heavy))
        return rank[labels]

    def modes(self, probability: float = HIGHEST_DENSITY) -> tuple[Mode, ...]:
        """Connected regions with their weights, the heaviest first."""
        labels, weights = self.regions(probability), self.weights
        total = weights[labels >= 0].sum()
        modes = []
        for k in range(labels.max() + 1):
            own = np.flatnonzero(labels == k)
            densest = own[np.argmax(self.log_density[own])]
            corners = (
                self.cells.centre[densest],
                self.cells.low[own].min(0),
                (self.cells.low[own] + self.cells.width[own, None]).max(0),
            )
            peak, low, high = (
                {name: float(x) for name, x in self.measure.from_unit_cube(jnp.asarray(corner)).items()}
                for corner in corners
            )
            modes.append(Mode(float(weights[own].sum() / total), peak, low, high))
        return tuple(modes)

    @functools.cached_property
    def proposal(self) -> Proposal:
        """Density over (u, pulls) to draw from and to evaluate in JAX, padded to one of a few numbers of cells."""
        n, log_z = len(self.cells), self.log_evidence
        fitting = _ROOM // max(self.pulls.shape[1] ** 2, 1)
        capacity = max(min(fitting, CAPACITY[self.cells.dimensions]), n)
        capacity = 1 << (capacity - 1).bit_length()

        def padded(array: np.ndarray, fill: float | int) -> Array:
            filled = np.full((capacity, *array.shape[1:]), fill, dtype=array.dtype)
            filled[:n] = array
            return jnp.asarray(filled)

        cumulative, bends = np.cumsum(self.weights), self.constraints.bends
        slope = self.cells.limited_gradients(self.log_density)
        return Proposal(
            code=padded(self.cells.code, np.iinfo(np.int64).max),
            log_density=padded(self.log_density - log_z, -np.inf),
            cumulative=padded(cumulative / cumulative[-1], 1.0),
            low=padded(self.cells.low, 0.0),
            width=padded(self.cells.width, 1.0),
            slope=padded(np.clip(slope, -STEEPEST, STEEPEST), 0.0),
            pulls=padded(self.pulls, 0.0),
            factor=padded(self.factor, 0.0),
            spread=self.constraints,
            bends=jnp.asarray(bends) if bends.any() else None,
            tilt=padded(self.tilt, 0.0),
        )

    def starts(self, number: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """Draw `number` points: u, jittered in its cell, and pulls from the conditional Gaussian.

        Systematic in the cumulative weight, mode by mode: a mode of weight w receives w * number points, rounded.
        """
        rng = np.random.default_rng(seed)
        weights = self.weights
        order = np.lexsort((np.arange(len(weights)), self.regions()))
        cumulative = np.cumsum(weights[order])
        position = (np.arange(number) + rng.random()) / number * cumulative[-1]
        chosen = order[np.minimum(np.searchsorted(cumulative, position), len(order) - 1)]
        unit = self.cells.low[chosen] + rng.random((number, self.cells.dimensions)) * self.cells.width[chosen, None]
        normal = rng.standard_normal((number, self.pulls.shape[1]))
        steps = np.linalg.solve(self.factor[chosen].transpose(0, 2, 1), normal[:, :, None])[:, :, 0]
        inside = (unit - self.cells.low[chosen]) / self.cells.width[chosen, None] - 0.5
        return unit, self.pulls[chosen] + np.einsum("npc,nc->np", self.tilt[chosen], inside) + steps
