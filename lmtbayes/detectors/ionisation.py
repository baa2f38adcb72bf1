"""Ionisation by nuclear recoils: Lindhard's quenching and a Gaussian resolution, in windows of measured energy.

How much of a recoil is seen hangs on one number, k, which may be traced: near a threshold a spectrum falls so steeply
that no polynomial in k would do.
"""

import math
from dataclasses import dataclass

import numpy as np
from jax.scipy.special import erf
from jaxtyping import Array, ArrayLike, Float
from scipy.special import erf as known_erf

from lmtbayes import _checks

FWHM = 2.0 * np.sqrt(2.0 * np.log(2.0))
"""Full width of a Gaussian at half of its height over its standard deviation."""


@dataclass(frozen=True)
class Ionisation:
    """Energy [keVee] that a detector of one element measures of a recoil, and how well.

    Quenching is Lindhard's: E_ee = Q E_R, Q = k g/(1 + k g), g = 3 e^0.15 + 0.7 e^0.6 + e, e = 11.5 Z^(-7/3) E_R/keV.

    Parameters
    ----------
    protons
        Z.
    k
        Lindhard's k; 0.133 Z^(2/3) A^(-1/2) where his theory holds, 0.157 in germanium.
    k_uncertainty
        Relative.
    noise_kevee
        Full width at half maximum at zero energy [keVee].
    spread_root_kevee
        What is added to it, over the root of the energy [keVee^(1/2)].

    Raises
    ------
    InvalidArgument
        A number out of range.

    References
    ----------
    J. Lindhard et al., Mat. Fys. Medd. Dan. Vid. Selsk. 33 (1963) 10.
    """

    protons: int
    k: float
    k_uncertainty: float
    noise_kevee: float
    spread_root_kevee: float = 0.0

    def __post_init__(self) -> None:
        for name, unit in (("protons", ""), ("k", ""), ("k_uncertainty", ""), ("noise_kevee", "keVee")):
            _checks.scalar(name, getattr(self, name))
            _checks.positive(name, getattr(self, name), unit)
        _checks.non_negative("spread_root_kevee", self.spread_root_kevee, "keVee^(1/2)")

    def kevee(self, recoil_kevnr: ArrayLike, k: ArrayLike | None = None) -> Float[Array | np.ndarray, "..."]:
        """Mean measured energy [keVee] of a recoil [keVnr]; `k` in place of the detector's own, may be traced."""
        xp = _checks.array_library(k)
        recoil = np.asarray(recoil_kevnr, dtype=float)
        reduced = 11.5 * self.protons ** (-7.0 / 3.0) * recoil
        # Pulls of a wide constraint reach below zero, where nothing would be quenched.
        own = self.k if k is None else xp.maximum(k, _LEAST_K)
        strength = own * (3.0 * reduced**0.15 + 0.7 * reduced**0.6 + reduced)
        return xp.asarray(recoil * strength / (1.0 + strength))

    def kevnr(self, energy_kevee: ArrayLike, k: float | None = None) -> Float[np.ndarray, "..."]:
        """Recoil energy [keVnr] of a mean measured energy [keVee]: the inverse of `kevee`, to 1e-6."""
        recoil = np.geomspace(1e-4, 1e4, 20_000)
        measured = np.log(self.kevee(recoil, k))
        log_found = np.interp(np.log(np.asarray(energy_kevee, dtype=float)), measured, np.log(recoil))
        return np.asarray(np.exp(log_found))

    def sigma_kevee(self, energy_kevee: ArrayLike) -> Float[Array | np.ndarray, "..."]:
        """Standard deviation [keVee] at a mean measured energy [keVee]."""
        xp = _checks.array_library(energy_kevee)
        return xp.asarray((self.noise_kevee + self.spread_root_kevee * xp.sqrt(xp.asarray(energy_kevee))) / FWHM)

    def probability(
        self,
        edges_kevee: Float[np.ndarray, " edges"],
        recoil_kevnr: Float[np.ndarray, " nodes"],
        k: ArrayLike | None = None,
    ) -> Float[Array | np.ndarray, "bins nodes"]:
        """Probability that a recoil is measured in each bin; `k` in place of the detector's own, may be traced."""
        xp = _checks.array_library(k)
        mean = self.kevee(recoil_kevnr, k)
        reduced = (np.asarray(edges_kevee)[:, None] - mean) / (math.sqrt(2.0) * self.sigma_kevee(mean))
        # A normal distribution's tail is nowhere needed on its own: half an error function takes a third of its time.
        return 0.5 * xp.diff(known_erf(reduced) if xp is np else erf(reduced), axis=0)


_LEAST_K = 1e-3
GERMANIUM_K = 0.157
"""Lindhard's own, 0.133 Z^(2/3) A^(-1/2)."""
GERMANIUM_K_UNCERTAINTY = 0.032
"""0.162 +- 0.004 was measured between 0.4 and 6.3 keVnr (A. Bonhomme et al., arXiv:2202.03754): the difference."""
