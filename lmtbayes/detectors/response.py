"""From true to reconstructed energy (Eq. 37): efficiency at true energy, then Gaussian smearing, folded into a matrix.

Nuclear recoils are smeared in electron-equivalent energy, E_ee = L(E) E with Lindhard's L. NumPy, folded once; JAX
where an argument is traced (a threshold that is scanned or differentiated).
"""

from dataclasses import dataclass
from typing import Any

import jax.scipy.special
import numpy as np
import scipy.special
from jaxtyping import ArrayLike

from lmtbayes import _checks

XENON_PROTONS = 54
LINDHARD_K = 0.1735
"""Lindhard's k of liquid xenon, +- 0.0060 (LUX D-D calibration, arXiv:1608.05381)."""
LINDHARD_K_SIGMA = 0.0060
_ITERATIONS = 40
"""Of E = E_ee/L(E): each takes a factor of three off the error, as L rises more slowly than E^0.3."""


def lindhard(energy_kevnr: ArrayLike, k: ArrayLike = LINDHARD_K, protons: int = XENON_PROTONS) -> Any:
    """Lindhard's factor L = k g/(1 + k g), g = 3 eps^0.15 + 0.7 eps^0.6 + eps, eps = 11.5 Z^(-7/3) E [keVnr].

    References
    ----------
    J. Lindhard et al., Mat. Fys. Medd. Dan. Vid. Selsk. 33 (1963) no. 10; k: arXiv:1608.05381.
    """
    xp = _checks.array_library(energy_kevnr, k)
    reduced = 11.5 * protons ** (-7.0 / 3.0) * xp.asarray(energy_kevnr, dtype=float)
    stopping = xp.asarray(k) * (3.0 * reduced**0.15 + 0.7 * reduced**0.6 + reduced)
    return xp.asarray(stopping / (1.0 + stopping))


def to_kevee(energy_kevnr: ArrayLike, k: ArrayLike = LINDHARD_K) -> Any:
    """Electron-equivalent energy L(E) E [keVee] of a nuclear recoil [keVnr], any shape."""
    xp = _checks.array_library(energy_kevnr, k)
    return xp.asarray(xp.asarray(energy_kevnr, dtype=float) * lindhard(energy_kevnr, k))


def to_kevnr(energy_kevee: ArrayLike, k: ArrayLike = LINDHARD_K) -> Any:
    """Nuclear recoil [keVnr] of an electron-equivalent energy [keVee], > 0, any shape; inverse of `to_kevee`."""
    _checks.positive("energy_kevee", energy_kevee, "keVee")
    target = _checks.array_library(energy_kevee, k).asarray(energy_kevee, dtype=float)
    energy = 5.0 * target
    for _ in range(_ITERATIONS):
        energy = target / lindhard(energy, k)
    return energy


@dataclass(frozen=True, eq=False)
class Efficiency:
    """Detection efficiency against true energy, moved to a lower threshold where one is asked for.

    Straight lines between the points; zero below the first, constant above the last. With s = threshold/half < 1 the
    curve is eff(E/s) up to plateau s, eff(plateau) between plateau s and plateau, eff(E) above: moved in log E at its
    rise, untouched at its fall.

    Parameters
    ----------
    energy_kev, efficiency
        The published points.
    half_kev, plateau_kev
        Its 50 % point and its first maximum [keV].
    threshold_kev
        Where the 50 % point shall be; None or above `half_kev` leaves the curve as published. May be traced.
    floor_kev
        Nothing is detected below this true energy [keV].
    bends_kev
        Those of the points at which the curve bends; None for all.
    """

    energy_kev: np.ndarray
    efficiency: np.ndarray
    half_kev: float
    plateau_kev: float
    threshold_kev: ArrayLike | None = None
    floor_kev: float = 0.0
    bends_kev: np.ndarray | None = None

    def __post_init__(self) -> None:
        _checks.increasing("energy_kev", self.energy_kev)
        _checks.in_interval("efficiency", self.efficiency, 0.0, 1.0)
        if self.threshold_kev is not None:
            _checks.positive("threshold_kev", self.threshold_kev, "keV")

    @property
    def shift(self) -> Any:
        """Factor s = threshold/half, at most one."""
        if self.threshold_kev is None:
            return 1.0
        return _checks.array_library(self.threshold_kev).minimum(1.0, self.threshold_kev / self.half_kev)

    def __call__(self, energy_kev: ArrayLike) -> Any:
        """Efficiency at true energies [keV], any shape."""
        xp = _checks.array_library(energy_kev, self.threshold_kev)
        energy = xp.asarray(energy_kev, dtype=float)

        def published(at: Any) -> Any:
            return xp.interp(at, self.energy_kev, self.efficiency, left=0.0)

        moved = published(xp.minimum(energy / self.shift, self.plateau_kev))
        value = xp.where(energy < self.plateau_kev, moved, published(energy))
        return xp.where(energy >= self.floor_kev, value, 0.0)

    @property
    def kinks_kev(self) -> np.ndarray:
        """Energies where the curve jumps or bends: a quadrature must stop there."""
        bends = self.energy_kev if self.bends_kev is None else self.bends_kev
        low = self.shift * bends[bends <= self.plateau_kev]
        high = bends[bends >= self.plateau_kev]
        return np.unique([*low, self.shift * self.plateau_kev, self.plateau_kev, *high, self.floor_kev])


@dataclass(frozen=True)
class Resolution:
    """Relative energy resolution sigma/E = r(E) = a/sqrt(E) + b, E in keVee.

    Where a threshold is lowered the curve moves with it, and below it keeps the value that it has there:
    sigma/E = r(max(E + shift, cap)), the cap at the original 50 % point of the efficiency, the shift from the new one
    to it. So it is r(cap) below the new point, and continuous in the energy and in the shift, which may be traced.

    References
    ----------
    arXiv:2104.03297, Sect. 5.
    """

    a: float
    b: float = 0.0
    cap_kevee: float = 0.0
    shift_kevee: ArrayLike = 0.0

    def __call__(self, energy_kevee: ArrayLike) -> Any:
        """sigma/E at an energy [keVee]; dimensionless."""
        xp = _checks.array_library(energy_kevee, self.shift_kevee)
        energy = xp.maximum(xp.asarray(energy_kevee, dtype=float) + self.shift_kevee, self.cap_kevee)
        return xp.asarray(self.a / xp.sqrt(energy) + self.b)


def smearing_matrix(edges_kevee: ArrayLike, mean_kevee: ArrayLike, sigma_kevee: ArrayLike) -> Any:
    """Probability that a Gaussian (mean, sigma) [keVee] of each point falls into each bin.

    Parameters
    ----------
    edges_kevee
        Strictly increasing, (bins + 1,).
    mean_kevee, sigma_kevee
        Of the reconstructed energy at each true energy, shape n.

    Returns
    -------
    matrix
        Shape (bins, *n).
    """
    xp = _checks.array_library(edges_kevee, mean_kevee, sigma_kevee)
    traced = _checks.is_traced(edges_kevee)
    edges: Any = edges_kevee if traced else _checks.increasing("edges_kevee", edges_kevee)
    mean, sigma = xp.asarray(mean_kevee, dtype=float), xp.asarray(sigma_kevee, dtype=float)
    ndtr = scipy.special.ndtr if xp is np else jax.scipy.special.ndtr
    z = (edges.reshape(-1, *(1,) * mean.ndim) - mean) / sigma
    # The smaller of the two tails is differenced, so that far bins keep their digits.
    return xp.where(z[:-1] > 0.0, ndtr(-z[:-1]) - ndtr(-z[1:]), ndtr(z[1:]) - ndtr(z[:-1]))
