"""Spectra of solar neutrinos on xenon, free of the boson: events a tonne, a year and a keV for unit amplitudes.

Nuclear (Eq. 33): (G_F^2 M_N/pi) F^2 int dE phi (1 - q^2/4E^2) on each of the nine isotopes, times N^2, N Z and Z^2.
Electron (Eq. 36): (2 G_F^2 m_e/pi) int dE phi {1, (1 - E_R/E)^2, m_e E_R/E^2} times the electrons that are free.
"""

import functools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Array, Float

from lmtbayes._compile import compile_quickly
from lmtbayes.constants import CM2_PER_INVERSE_MEV2, ELECTRON_MASS, MEV_PER_KEV, SECONDS_PER_YEAR
from lmtbayes.detectors.targets import target
from lmtbayes.experiments.solar_moments import SHAPE_8B, moments
from lmtbayes.processes import binding, electron, nucleus
from lmtbayes.processes.form_factors import HELM
from lmtbayes.sources import solar

_UNITS = SECONDS_PER_YEAR * CM2_PER_INVERSE_MEV2 * MEV_PER_KEV
"""Flux [cm^-2 s^-1] x cross section [MeV^-3] to a rate [1/(yr keV)] a particle."""


@dataclass(frozen=True)
class Sun:
    """Which Sun: solar model, 8B spectrum, oscillation parameters (names)."""

    solar_model: str
    spectrum_8b: str
    oscillation: str

    def fluxes(self, columns: tuple[str, ...]) -> np.ndarray:
        """Flux of each column [cm^-2 s^-1]; the shape shift of 8B shares its flux."""
        return np.array([solar.flux("8b" if c == SHAPE_8B else c, self.solar_model) for c in columns])

    def moments(self, columns: tuple[str, ...], minimum_energy: np.ndarray) -> np.ndarray:
        """Moments of the flux [cm^-2 s^-1 MeV^-n] above an energy, see `solar_moments.moments`."""
        value = moments(columns, minimum_energy, self.spectrum_8b, self.oscillation)
        return value * self.fluxes(columns).reshape(-1, *(1,) * (value.ndim - 2))


@functools.cache
def _helm() -> Callable[..., Float[Array, "..."]]:
    """Helm's form factor of (momentum, rms radius), compiled on first use for all isotopes."""
    return compile_quickly(HELM.at_radius)


def nuclear_intensity(
    energy_kev: Float[np.ndarray, " n"], sun: Sun, columns: tuple[str, ...]
) -> tuple[Float[np.ndarray, "isotopes n"], Float[np.ndarray, "columns functions 3 isotopes n"]]:
    """Momentum transfers and rates of coherent scattering on natural xenon.

    Parameters
    ----------
    energy_kev
        True recoil energies [keV].
    sun, columns
        Which Sun, and which sources.

    Returns
    -------
    q2
        2 M_N E_R of each isotope [MeV^2].
    intensity
        [1/(t yr keV)] for unit products n^2, 2 n z, z^2 of the amplitudes per neutron and per proton.
    """
    xenon = target("xenon")
    count = energy_kev.size
    recoil = _padded(energy_kev) * MEV_PER_KEV
    q2, intensity = [], []
    for isotope in xenon.isotopes:
        lowest = np.asarray(nucleus.minimum_neutrino_energy(recoil, isotope.mass, energy_correction=True))
        transfer = 2.0 * isotope.mass * recoil
        above = sun.moments(columns, lowest)
        form_factor = np.asarray(_helm()(np.sqrt(transfer), HELM.rms_radius_fm(isotope.mass_number)))
        unit = float(nucleus.contact_cross_section(isotope.mass)) * form_factor**2
        unit = unit * _UNITS * xenon.atoms_per_tonne * isotope.abundance
        rate = unit * (above[0] - 0.25 * transfer * above[2])
        charges = isotope.neutrons**2, isotope.neutrons * isotope.protons, isotope.protons**2
        q2.append(transfer)
        intensity.append(np.stack([charge * rate for charge in charges], axis=2))
    return np.stack(q2)[..., :count], np.stack(intensity, axis=3)[..., :count]


def electron_intensity(
    energy_kev: Float[np.ndarray, " n"], sun: Sun, columns: tuple[str, ...], electrons: str
) -> tuple[Float[np.ndarray, " n"], Float[np.ndarray, "columns functions 3 n"]]:
    """Momentum transfers and rates of scattering on the electrons of xenon.

    Parameters
    ----------
    energy_kev
        True energy deposits [keV].
    sun, columns
        Which Sun, and which sources.
    electrons
        "free" or "stepped", of `binding.free_electrons`.

    Returns
    -------
    q2
        2 m_e E_R [MeV^2].
    intensity
        [1/(t yr keV)] for unit products g_L^2, g_R^2, -g_L g_R.
    """
    recoil = energy_kev * MEV_PER_KEV
    lowest = np.asarray(electron.minimum_neutrino_energy(_padded(recoil)))[: recoil.size]
    zeroth, first, second = sun.moments(columns, lowest)
    integrals = zeroth, zeroth - 2.0 * recoil * first + recoil**2 * second, ELECTRON_MASS * recoil * second
    unit = electron.NORMALISATION * _UNITS * target("xenon").atoms_per_tonne
    rate = unit * binding.free_electrons(energy_kev, electrons)
    return 2.0 * ELECTRON_MASS * recoil, rate * np.stack(integrals, axis=2)


def _padded(energy: np.ndarray, multiple: int = 512) -> np.ndarray:
    """Repeat the last entry up to a multiple: the processes run in JAX, which compiles anew for every length."""
    return np.pad(energy, (0, -energy.size % multiple), mode="edge")


def quadrature(
    low: float, high: float, kinks: np.ndarray, ratio: float = 1.08, order: int = 8
) -> tuple[np.ndarray, np.ndarray]:
    """Composite Gauss-Legendre nodes and weights that stop at every kink; panels grow by `ratio` at most."""
    steps = int(np.ceil(np.log(high / low) / np.log(ratio)))
    inside = kinks[(kinks > low) & (kinks < high)]
    edges = np.unique(np.concatenate([np.geomspace(low, high, steps + 1), inside]))
    nodes, weights = np.polynomial.legendre.leggauss(order)
    half = 0.5 * np.diff(edges)[:, None]
    return (edges[:-1, None] + half * (1.0 + nodes)).ravel(), (half * weights).ravel()
