"""The kinematic factor of coherent scattering, averaged over a spectrum of neutrinos by its inverse moments."""

from collections.abc import Callable

import numpy as np
from jaxtyping import ArrayLike, Float


def averaged_kinematic_factor(
    inverse_moment: Callable[[int], Float[np.ndarray, "..."]],
    recoil_energy: ArrayLike,
    nuclear_mass: ArrayLike,
    energy_correction: bool,
) -> Float[np.ndarray, "..."]:
    """Spectrum times 1 - M_N E_R/(2 E_nu^2) [- E_R/E_nu], integrated over the energies that can make the recoil.

    Parameters
    ----------
    inverse_moment
        Order to the integral of the spectrum over E_nu^order [MeV^-order] above the minimum energy of each recoil.
    recoil_energy, nuclear_mass
        [MeV]; they broadcast with the moments.
    energy_correction
        Keep the term -E_R/E_nu.
    """
    recoil = np.asarray(recoil_energy, dtype=float)
    average = inverse_moment(0) - 0.5 * np.asarray(nuclear_mass) * recoil * inverse_moment(2)
    if energy_correction:
        average = average - recoil * inverse_moment(1)
    return np.asarray(np.maximum(average, 0.0))
