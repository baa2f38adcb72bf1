"""Polynomial interpolation of what is smooth, as a static matrix."""

import numpy as np
from jaxtyping import Float


def chebyshev_nodes(low: float, high: float, count: int) -> Float[np.ndarray, " count"]:
    """Zeros of the Chebyshev polynomial of that degree, moved to an interval."""
    return 0.5 * (low + high) + 0.5 * (high - low) * np.cos(np.pi * (np.arange(count) + 0.5) / count)


def lagrange_matrix(x: Float[np.ndarray, " points"], nodes: Float[np.ndarray, " nodes"]) -> np.ndarray:
    """Lagrange polynomials of the nodes at many points: (nodes, points)."""
    rows = []
    for j, node in enumerate(nodes):
        others = np.delete(nodes, j)
        rows.append(np.prod((x[:, None] - others) / (node - others), axis=1))
    return np.stack(rows)


def piecewise_lagrange(
    x: Float[np.ndarray, " points"], edges: Float[np.ndarray, " edges"], count: int
) -> tuple[Float[np.ndarray, " nodes"], Float[np.ndarray, "nodes points"]]:
    """Gauss-Legendre nodes on each panel, and their Lagrange polynomials at many points, zero on other panels."""
    middle, half = 0.5 * (edges[1:] + edges[:-1]), 0.5 * np.diff(edges)
    nodes = middle[:, None] + half[:, None] * np.polynomial.legendre.leggauss(count)[0]
    panel = np.clip(np.searchsorted(edges, x, side="right") - 1, 0, half.size - 1)
    basis = np.zeros((half.size, count, x.size))
    for i in range(half.size):
        basis[i][:, panel == i] = lagrange_matrix(x[panel == i], nodes[i])
    return nodes.ravel(), basis.reshape(-1, x.size)
