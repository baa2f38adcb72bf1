"""Coordinates in which profiles are spread, and the thresholds of q that many events give."""

import numpy as np
from scipy.special import gammaincinv


def threshold(level: float, dof: int) -> float:
    """Value of q at a confidence level: Q with P(chi^2 < Q) = level for `dof` degrees of freedom (Wilks' theorem)."""
    return 2.0 * float(gammaincinv(dof / 2.0, level))


def axis_of(name: str, values: np.ndarray) -> np.ndarray:
    """Coordinate that runs evenly along a log-spaced grid and increases with it."""
    return np.asarray(-np.log(-values) if name == "eps_x" and np.all(values < 0.0) else np.log(values))


def value_of(name: str, coordinate: np.ndarray) -> np.ndarray:
    """Inverse of `axis_of`."""
    if name != "eps_x":
        return np.exp(coordinate)
    # |eps_x| < 1: a negative one has a positive coordinate.
    return np.where(coordinate > 0.0, -np.exp(-np.abs(coordinate)), np.exp(-np.abs(coordinate)))
