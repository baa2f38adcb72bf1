"""Cells of the cubature: boxes of the unit cube with ln f at the nodes of one or two Gauss-Legendre rules.

The error of a cell is the difference of its rules or, with the lower one only, how much f can vary in it.
"""

import functools
import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.special import logsumexp

from lmtbayes.inference.integration.gauss_legendre import HIGH, LOW, Rule, rule

FLOOR = 500.0
"""ln f is cut this far below its largest value before it is extrapolated inside a cell."""


@dataclass(frozen=True, eq=False)
class GaussCells:
    """Boxes of the unit cube with ln f at their nodes; rows of `high_values` that were never needed are NaN."""

    low: Float[np.ndarray, "cells dim"]
    width: Float[np.ndarray, "cells dim"]
    low_values: Float[np.ndarray, "cells low_nodes"]
    high_values: Float[np.ndarray, "cells high_nodes"]

    def __len__(self) -> int:
        return len(self.low)

    @property
    def dim(self) -> int:
        """Number of directions."""
        return self.low.shape[1]

    @functools.cached_property
    def both(self) -> Bool[np.ndarray, " cells"]:
        """Whether the cell has both rules."""
        return ~np.isnan(self.high_values[:, 0])

    @functools.cached_property
    def log_volume(self) -> Float[np.ndarray, " cells"]:
        """Logarithm of the volume."""
        return np.log(self.width).sum(-1)

    def take(self, which: np.ndarray) -> "GaussCells":
        """Cells of a mask or of indices."""
        return GaussCells(self.low[which], self.width[which], self.low_values[which], self.high_values[which])

    def joined(self, other: "GaussCells") -> "GaussCells":
        """These and the others."""
        pairs = ((getattr(self, f), getattr(other, f)) for f in ("low", "width", "low_values", "high_values"))
        return GaussCells(*(np.concatenate(pair) for pair in pairs))

    def nodes(self, order: int) -> Float[np.ndarray, "cells nodes dim"]:
        """Nodes of the rule with that many along each direction."""
        return self.low[:, None] + self.width[:, None] * rule(order, self.dim).nodes

    def by_rule(
        self, which: Int[np.ndarray, " chosen"] | None = None
    ) -> Iterator[tuple[Int[np.ndarray, " some"], Rule, Float[np.ndarray, "some nodes"]]]:
        """Indices of the cells (all, or those chosen) with each rule, the rule, and the values at its nodes."""
        index = np.arange(len(self)) if which is None else which
        for both, order, values in ((True, HIGH, self.high_values), (False, LOW, self.low_values)):
            some = index[self.both[index] == both]
            if some.size:
                yield some, rule(order, self.dim), values[some]

    def node_shares(self) -> tuple[Float[np.ndarray, "nodes dim"], Float[np.ndarray, "nodes dim"]]:
        """Centre and half width of the part of its cell that each node stands for, in the order of `by_rule`.

        Along every direction the parts of a cell are as wide as the nodes' weights, and tile it.
        """
        centres, halves = [], []
        for which, used, _ in self.by_rule():
            edges = np.concatenate([[0.0], np.cumsum(used.line_weights)])
            index = np.array(list(itertools.product(range(used.order), repeat=self.dim)))
            low, high = edges[index], edges[index + 1]
            origin, width = self.low[which, None], self.width[which, None]
            centres.append((origin + 0.5 * (low + high) * width).reshape(-1, self.dim))
            halves.append((0.5 * (high - low) * width).reshape(-1, self.dim))
        return np.concatenate(centres), np.concatenate(halves)

    def integrals(self) -> tuple[Float[np.ndarray, " cells"], Float[np.ndarray, " cells"]]:
        """Logarithms of the integral over each cell and of the bound of its error."""
        low_rule, high_rule = rule(LOW, self.dim), rule(HIGH, self.dim)
        value = logsumexp(self.low_values + low_rule.log_weights, axis=1)
        top = np.max(self.low_values)
        inside = np.maximum(self.low_values, top - FLOOR) @ low_rule.to_lattice.T
        # The interpolant of ln f, which is far smoother than f, at edges and centre of the cell as well as at nodes.
        error = _log_difference(
            np.maximum(inside.max(1), self.low_values.max(1)), np.minimum(inside.min(1), self.low_values.min(1))
        )
        if self.both.any():
            better = logsumexp(self.high_values[self.both] + high_rule.log_weights, axis=1)
            error[self.both] = _log_difference(*_ordered(better, value[self.both]))
            value[self.both] = better
        return value + self.log_volume, error + self.log_volume


def _ordered(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return np.maximum(a, b), np.minimum(a, b)


def _log_difference(larger: np.ndarray, smaller: np.ndarray) -> np.ndarray:
    """ln(exp(larger) - exp(smaller))."""
    with np.errstate(divide="ignore", invalid="ignore"):
        found = larger + np.log(-np.expm1(smaller - larger))
    return np.where(larger > smaller, found, -np.inf)
