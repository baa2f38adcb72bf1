"""Ionisation by nuclear recoils: Lindhard's quenching and a Gaussian resolution, folded once into windows of energy.

How much of a recoil is seen hangs on one number, k. What is folded is a parabola in it, exact at its central value and
one standard deviation to either side: `powers` are what a call multiplies, `Ionisation.response` what it multiplies.
"""

from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float
from scipy.special import ndtr

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

    def kevee(self, recoil_kevnr: ArrayLike, k_scale: float = 1.0) -> Float[np.ndarray, "..."]:
        """Mean measured energy [keVee] of a recoil [keVnr]; `k_scale` multiplies k."""
        recoil = np.asarray(recoil_kevnr, dtype=float)
        reduced = 11.5 * self.protons ** (-7.0 / 3.0) * recoil
        strength = self.k * k_scale * (3.0 * reduced**0.15 + 0.7 * reduced**0.6 + reduced)
        return np.asarray(recoil * strength / (1.0 + strength))

    def kevnr(self, energy_kevee: ArrayLike) -> Float[np.ndarray, "..."]:
        """Recoil energy [keVnr] of a mean measured energy [keVee]: the inverse of `kevee`, to 1e-6."""
        recoil = np.geomspace(1e-4, 1e4, 20_000)
        log_found = np.interp(np.log(np.asarray(energy_kevee, dtype=float)), np.log(self.kevee(recoil)), np.log(recoil))
        return np.asarray(np.exp(log_found))

    def sigma_kevee(self, energy_kevee: ArrayLike) -> Float[np.ndarray, "..."]:
        """Standard deviation [keVee] at a mean measured energy [keVee]."""
        width = self.noise_kevee + self.spread_root_kevee * np.sqrt(np.asarray(energy_kevee, dtype=float))
        return np.asarray(width / FWHM)

    def probability(
        self, edges_kevee: Float[np.ndarray, " edges"], recoil_kevnr: Float[np.ndarray, " nodes"], k_scale: float = 1.0
    ) -> Float[np.ndarray, "bins nodes"]:
        """Probability that a recoil is measured in each bin."""
        mean = self.kevee(recoil_kevnr, k_scale)
        sigma = self.sigma_kevee(mean)
        below = ndtr((np.asarray(edges_kevee)[:, None] - mean) / sigma)
        return np.diff(below, axis=0)

    def response(
        self, edges_kevee: Float[np.ndarray, " edges"], recoil_kevnr: Float[np.ndarray, " nodes"]
    ) -> Float[np.ndarray, "3 bins nodes"]:
        """Coefficients of 1, s and s^2 of `probability`, s the pull of k; the parabola through s = -1, 0, 1."""
        low, middle, high = (
            self.probability(edges_kevee, recoil_kevnr, 1.0 + s * self.k_uncertainty) for s in (-1.0, 0.0, 1.0)
        )
        return np.stack([middle, 0.5 * (high - low), 0.5 * (high + low) - middle])

    def powers(self, k_scale: ArrayLike) -> Float[Array, " 3"]:
        """1, s and s^2 at a factor on k; differentiable."""
        pull = (jnp.asarray(k_scale, dtype=float) - 1.0) / self.k_uncertainty
        return jnp.stack([jnp.ones_like(pull), pull, pull**2])


GERMANIUM_K = 0.157
"""Lindhard's own, 0.133 Z^(2/3) A^(-1/2)."""
GERMANIUM_K_UNCERTAINTY = 0.032
"""0.162 +- 0.004 was measured between 0.4 and 6.3 keVnr (A. Bonhomme et al., arXiv:2202.03754): the difference."""
