"""Neutrinos of pions and muons that decay at rest: Eq. 31 of arXiv:2104.03297 and its averages in closed form.

pi+ -> mu+ nu_mu gives a line, mu+ -> e+ nu_e nubar_mu two Michel spectra that end at m_mu/2. NumPy: nothing here
depends on a parameter of a fit.
"""

import functools
from types import MappingProxyType

import numpy as np
from jaxtyping import ArrayLike, Float

from lmtbayes import _checks
from lmtbayes.constants import MUON_MASS, PION_MASS
from lmtbayes.sources.kinematic import averaged_kinematic_factor

NEUTRINOS = MappingProxyType({"nu_e": "e", "nu_mu": "mu", "nubar_mu": "mu"})
"""The three kinds, one of each per pi+, with their flavour."""
LINE_ENERGY = (PION_MASS**2 - MUON_MASS**2) / (2.0 * PION_MASS)
"""Energy of the prompt nu_mu, 29.792 MeV."""
END_POINT = 0.5 * MUON_MASS
"""Highest energy of nu_e and nubar_mu, 52.829 MeV."""

# Eq. 31, nubar_mu: dN/dE = 64 E^2/m_mu^3 (3/4 - E/m_mu); nu_e: 192 E^2/m_mu^3 (1/2 - E/m_mu). In w = 2 E/m_mu on
# [0, 1] these are dN/dw = sum_n c_n w^n.
_MICHEL = {"nubar_mu": {2: 6.0, 3: -4.0}, "nu_e": {2: 12.0, 3: -12.0}}


def inverse_moment(neutrino: str, minimum_energy: ArrayLike, order: int) -> Float[np.ndarray, "..."]:
    """Integral of the spectrum over E^order above a minimum energy, in closed form.

    Parameters
    ----------
    neutrino
        "nu_e", "nu_mu" or "nubar_mu".
    minimum_energy
        [MeV], >= 0, any shape.
    order
        0, 1 or 2: the powers of 1/E_nu in the cross section of Eq. 33.

    Returns
    -------
    moment
        [MeV^-order], shape of `minimum_energy`; zero where the minimum lies above the end point.

    Raises
    ------
    InvalidArgument
        Another neutrino or order.
    """
    _checks.one_of("neutrino", neutrino, NEUTRINOS)
    _checks.one_of("order", order, (0, 1, 2))
    minimum = np.asarray(minimum_energy, dtype=float)
    if neutrino == "nu_mu":
        return np.where(minimum <= LINE_ENERGY, LINE_ENERGY**-order, 0.0)
    w = np.minimum(minimum / END_POINT, 1.0)
    terms = ((c / (n + 1 - order), n + 1 - order) for n, c in _MICHEL[neutrino].items())
    return np.asarray(sum(c * (1.0 - w**power) for c, power in terms) / END_POINT**order)


def kinematic_average(
    neutrino: str,
    recoil_energy: ArrayLike,
    nuclear_mass: ArrayLike,
    minimum_energy: ArrayLike,
    energy_correction: bool = False,
) -> Float[np.ndarray, "..."]:
    """Spectrum times 1 - M_N E_R/(2 E_nu^2) [- E_R/E_nu], integrated over E_nu above the minimum energy.

    Without the correction and with u = sqrt(2 M_N E_R)/m_mu: 1 - 4u^2 + 4u^3 - u^4 (nubar_mu),
    1 - 6u^2 + 8u^3 - 3u^4 (nu_e), 1 - E_R M_N/(2 E_line^2) (nu_mu).

    Parameters
    ----------
    neutrino
        "nu_e", "nu_mu" or "nubar_mu".
    recoil_energy, nuclear_mass
        [MeV]; they broadcast.
    minimum_energy
        The neutrino energy [MeV] at which the factor vanishes.
    energy_correction
        Keep the term -E_R/E_nu.

    Returns
    -------
    average
        Dimensionless, in [0, 1].

    Raises
    ------
    InvalidArgument
        Another neutrino.
    """
    moment = functools.partial(inverse_moment, neutrino, minimum_energy)
    return averaged_kinematic_factor(moment, recoil_energy, nuclear_mass, energy_correction)


def fluence(protons: float, neutrinos_per_proton: float, baseline_m: float) -> float:
    """Neutrinos of each kind per cm^2 at a distance from the target, r N_POT/(4 pi L^2)."""
    return protons * neutrinos_per_proton / (4.0 * np.pi * (100.0 * baseline_m) ** 2)
