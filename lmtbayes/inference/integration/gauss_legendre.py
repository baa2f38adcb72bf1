"""Tensor Gauss-Legendre rules on the unit cube, with what one cell's nodes tell beyond its integral."""

import functools
import itertools
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from numpy.polynomial import legendre

LOW, HIGH = 3, 5
"""Nodes along each direction of the rule that every cell has, and of the one that vouches for it."""


@dataclass(frozen=True, eq=False)
class Rule:
    """A tensor rule of `order` nodes along each of `dim` directions of [0, 1].

    Parameters
    ----------
    order, dim
        Nodes along a direction; directions.
    nodes
        Tensor nodes, (order^dim, dim), the last direction running fastest.
    log_weights
        Logarithms of their weights, which sum to 1.
    line
        Nodes along one direction, (order,).
    line_weights
        Their weights, which sum to 1.
    """

    order: int
    dim: int
    nodes: np.ndarray
    log_weights: np.ndarray
    line: np.ndarray
    line_weights: np.ndarray

    @functools.cached_property
    def coefficients(self) -> Float[np.ndarray, "degrees nodes"]:
        """Matrix from values along a line to coefficients of Legendre polynomials of 2x - 1: the interpolant."""
        basis = legendre.legvander(2.0 * self.line - 1.0, self.order - 1)
        return (2.0 * np.arange(self.order)[:, None] + 1.0) * (basis * self.line_weights[:, None]).T

    @functools.cached_property
    def to_lattice(self) -> Float[np.ndarray, "lattice nodes"]:
        """Matrix from node values to those of the interpolant on the lattice {0, 1/4, 1/2, 3/4, 1}^dim."""
        points = np.linspace(-1.0, 1.0, 5)
        one = legendre.legvander(points, self.order - 1) @ self.coefficients
        return functools.reduce(np.kron, [one] * self.dim)

    def partial_weights(
        self, low: Float[np.ndarray, " cells"], high: Float[np.ndarray, " cells"], drop: int = 0
    ) -> Float[np.ndarray, "cells nodes"]:
        """Weights that integrate the interpolant along a line from `low` to `high`, both in [0, 1].

        `drop` leaves that many of the highest Legendre coefficients out: what changes then is the interpolation error.
        """
        antiderivatives = np.zeros((self.order - drop, self.order + 1))
        for degree in range(self.order - drop):
            unit = np.zeros(self.order)
            unit[degree] = 1.0
            primitive = legendre.legint(unit) / 2.0
            antiderivatives[degree, : primitive.size] = primitive
        spans = (
            legendre.legvander(2.0 * high - 1.0, self.order) - legendre.legvander(2.0 * low - 1.0, self.order)
        ) @ antiderivatives.T
        return spans @ self.coefficients[: self.order - drop]

    def partial_integral(
        self,
        values: Float[np.ndarray, "cells nodes"],
        low: Float[np.ndarray, "cells dim"],
        high: Float[np.ndarray, "cells dim"],
        drop: int = 0,
    ) -> Float[np.ndarray, " cells"]:
        """Integral of the interpolant over the part of each cell from `low` to `high`, as in `partial_weights`."""
        return self._contracted(
            values, [self.partial_weights(low[:, axis], high[:, axis], drop) for axis in range(self.dim)]
        )

    def interpolated(
        self, values: Float[np.ndarray, "cells nodes"], point: Float[np.ndarray, "cells dim"]
    ) -> Float[np.ndarray, " cells"]:
        """Interpolant of `values` at one point of each cell, in [0, 1]^dim."""
        basis = [legendre.legvander(2.0 * point[:, axis] - 1.0, self.order - 1) for axis in range(self.dim)]
        return self._contracted(values, [powers @ self.coefficients for powers in basis])

    def _contracted(self, values: np.ndarray, weights: list[np.ndarray]) -> np.ndarray:
        """Sum over the nodes, each cell with weights of its own along every direction."""
        for along in weights:
            values = np.einsum("cn,cnr->cr", along, values.reshape(len(values), self.order, -1))
        return values[:, 0]

    def roughness(self, values: Float[np.ndarray, "cells nodes"]) -> Float[np.ndarray, "cells dim"]:
        """Size of the two highest Legendre coefficients along each direction, averaged over the others."""
        shaped = values.reshape(len(values), *(self.order,) * self.dim)
        found = np.empty((len(values), self.dim))
        for axis in range(self.dim):
            along = np.moveaxis(shaped, axis + 1, -1) @ self.coefficients[-2:].T
            size = np.abs(along).sum(-1).reshape(len(values), -1)
            others = np.exp(rule(self.order, self.dim - 1).log_weights) if self.dim > 1 else np.ones(1)
            found[:, axis] = size @ others
        return found


@functools.cache
def rule(order: int, dim: int) -> Rule:
    """Return the tensor rule of `order` nodes along each of `dim` directions."""
    x, w = legendre.leggauss(order)
    line, line_weights = (x + 1.0) / 2.0, w / 2.0
    nodes = np.array(list(itertools.product(line, repeat=dim)))
    log_weights = np.log(np.array(list(itertools.product(line_weights, repeat=dim)))).sum(-1)
    return Rule(order, dim, nodes, log_weights, line, line_weights)


def split(
    low: Float[np.ndarray, "cells dim"], width: Float[np.ndarray, "cells dim"], halve: Bool[np.ndarray, "cells dim"]
) -> tuple[Float[np.ndarray, "children dim"], Float[np.ndarray, "children dim"]]:
    """Halve each cell along the directions marked for it."""
    for axis in range(low.shape[1]):
        cut = halve[:, axis]
        if not cut.any():
            continue
        width = width.copy()
        width[cut, axis] /= 2.0
        upper = low[cut].copy()
        upper[:, axis] += width[cut, axis]
        low, width, halve = (np.concatenate(pair) for pair in ((low, upper), (width, width[cut]), (halve, halve[cut])))
    return low, width
