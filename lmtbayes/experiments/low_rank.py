"""A static matrix that many vectors are multiplied with, in the fewest operations that its rank asks for."""

import equinox as eqx
import jax
import numpy as np
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
        return (coefficients if self.left is None else coefficients @ self.left) @ self.right

    def between(self, coefficients: Float[Array, " rows"], factors: Float[Array, " entries"]) -> Float[Array, ""]:
        """Sum of the entries of `combined` times their factors; a slope in either meets one factor of the matrix."""
        return (coefficients if self.left is None else coefficients @ self.left) @ (self.right @ factors)

    @property
    def size(self) -> int:
        """Numbers that are multiplied with something in each call."""
        return sum(int(np.size(leaf)) for leaf in jax.tree.leaves(self))
