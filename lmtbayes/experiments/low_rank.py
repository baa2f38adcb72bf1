"""A static matrix that many vectors are multiplied with, in the fewest operations that its rank asks for."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.custom_derivatives import SymbolicZero
from jaxtyping import Array, Float

_WORTH = 0.75
"""Two factors are kept where they have at most so many numbers, relative to the matrix."""


class Weights(eqx.Module):
    """Rows that a rate combines linearly: one matrix, or two factors of it.

    Parameters
    ----------
    left
        (rows, rank), or None.
    right
        (rank, entries); without `left` (rows, entries).
    """

    left: np.ndarray | None
    right: np.ndarray

    @classmethod
    def of(cls, matrix: Float[np.ndarray, "rows entries"], tolerance: float = 1e-12) -> "Weights":
        """Factor a matrix where that is worth it.

        Parameters
        ----------
        matrix
            Neither traced nor huge.
        tolerance
            Of what is left out, in the norm of each column (an entry of the result, whatever its size).
        """
        norm = np.linalg.norm(matrix, axis=0)
        scale = np.where(norm > 0.0, norm, 1.0)
        left, value, right = np.linalg.svd(matrix / scale, full_matrices=False)
        # What is left out of any column is at most the root of the sum of squares of the values left out.
        left_out = np.sqrt(np.cumsum(value[::-1] ** 2))[::-1]
        rank = int(np.sum(left_out > tolerance))
        if rank * sum(matrix.shape) > _WORTH * matrix.size:
            return cls(None, matrix)
        return cls(left[:, :rank] * value[:rank], right[:rank] * scale)

    def combined(self, coefficients: Float[Array, " rows"]) -> Float[Array, " entries"]:
        """Sum of the rows times their coefficients."""
        return self._of_rows(coefficients) @ self.right

    def between(self, coefficients: Float[Array, " rows"], factors: Float[Array, " entries"]) -> Float[Array, ""]:
        """Sum of the entries of `combined` times their factors; a slope in either meets one factor of the matrix."""
        return self._of_rows(coefficients) @ (self.right @ factors)

    def by_bin(
        self, coefficients: Float[Array, " rows"], factors: Float[Array, " entries"], bins: int
    ) -> Float[Array, " bins"]:
        """Sum over the entries of each bin of `combined` times their factors.

        Slopes in coefficients alone, of which a likelihood needs many, share the sum over the entries; all others share
        that over the rows.
        """

        def added(entries: Array) -> Array:
            return jnp.sum(entries.reshape(bins, -1), axis=1)

        @jax.custom_jvp
        def total(coefficients: Array, factors: Array) -> Array:
            return added(self.combined(coefficients) * factors)

        def slope(primals: tuple[Any, ...], tangents: tuple[Any, ...]) -> tuple[Array, Array]:
            (rows, factors), (rows_change, factors_change) = primals, tangents
            if isinstance(factors_change, SymbolicZero):
                return total(rows, factors), self._in_bins(factors, bins) @ self._of_rows(rows_change)
            found = added(self.combined(rows) * factors_change)
            if not isinstance(rows_change, SymbolicZero):
                found = found + added(self.combined(rows_change) * factors)
            return total(rows, factors), found

        total.defjvp(slope, symbolic_zeros=True)
        return total(coefficients, factors)

    def _of_rows(self, coefficients: Float[Array, " rows"]) -> Float[Array, " rank"]:
        return coefficients if self.left is None else coefficients @ self.left

    def _in_bins(self, factors: Float[Array, " entries"], bins: int) -> Float[Array, "bins rank"]:
        """Sum over the entries of each bin of every row of the right factor."""
        right = self.right.reshape(len(self.right), bins, -1)
        # One matrix a bin, the layout in which XLA multiplies them fastest.
        return jnp.einsum("bmk,bm->bk", jnp.asarray(right.transpose(1, 2, 0)), factors.reshape(bins, -1))

    @property
    def size(self) -> int:
        """Numbers that are multiplied with something in each call."""
        return sum(int(np.size(leaf)) for leaf in jax.tree.leaves(self))
