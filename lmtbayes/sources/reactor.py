"""Electron antineutrinos of a nuclear reactor: spectra of its four fissile isotopes, fissions, averages over energy.

Two spectra: "huber-mueller" is measured beta spectra of 235U, 239Pu and 241Pu turned into neutrinos (Huber) and a
calculation for 238U (Mueller), fitted from 2 to 8 MeV and continued to 10 MeV, where a thousandth of the neutrinos or
fewer lie; below 2 MeV it is the second. "summation" adds up the decays of all fission products (Perisse), to 12.5 MeV.
They differ by 7 % between 2 and 8 MeV, and by a factor of two above. Inverse beta decay has per fission 6.16e-43 cm^2
of the first in a pressurised-water reactor; Daya Bay's 5.92 +- 0.14 is 0.946 +- 0.022 of Huber and Mueller (6.26).

What is left out: 239U and 239Np, which neutrons make of 238U (1.2 neutrinos per fission below 1.3 MeV, recoils below
0.06 keV in germanium), and fuel that is spent. NumPy: nothing here depends on a parameter of a fit.
"""

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from jaxtyping import ArrayLike, Float

from lmtbayes import _checks, tables
from lmtbayes.constants import JOULE_PER_MEV
from lmtbayes.sources.kinematic import averaged_kinematic_factor

ISOTOPES = ("u235", "u238", "pu239", "pu241")
SPECTRA = ("huber-mueller", "summation")
REFERENCES = MappingProxyType(
    {
        "huber-mueller": "P. Huber, arXiv:1106.0687; T. A. Mueller et al., arXiv:1101.2663; L. Perisse et al., "
        "arXiv:2304.14992",
        "summation": "L. Perisse et al., arXiv:2304.14992",
    }
)
"""Whose spectra they are."""
JOIN, END_OF_POLYNOMIALS = 2.0, 10.0
"""Between these energies [MeV] "huber-mueller" has its polynomials."""
_X, _W = np.polynomial.legendre.leggauss(4)


def typical_fractions() -> dict[str, float]:
    """Fraction of the fissions by isotope in a pressurised-water reactor, data/reactor/fissions.csv."""
    table = tables.read("reactor/fissions")
    return dict(zip(map(str, table["isotope"]), map(float, table["fraction"]), strict=True))


@dataclass(frozen=True)
class ReactorSpectrum:
    """Antineutrinos per fission of a core.

    Parameters
    ----------
    kind
        "huber-mueller" or "summation".
    fractions
        Of the fissions, in the order of `ISOTOPES`; they add up to one.
    """

    kind: str
    fractions: tuple[float, float, float, float]

    def __call__(self, energy: ArrayLike) -> Float[np.ndarray, "..."]:
        """Antineutrinos per MeV and fission at energies [MeV] of any shape; zero outside the spectrum."""
        mev = np.asarray(energy, dtype=float)
        total = np.zeros(mev.shape)
        for isotope, fraction in zip(ISOTOPES, self.fractions, strict=True):
            total = total + fraction * _of_isotope(self.kind, isotope, mev)
        return np.where((mev >= self.ends[0]) & (mev <= self.ends[1]), total, 0.0)

    @property
    def ends(self) -> tuple[float, float]:
        """Lowest and highest energy [MeV]."""
        knots = _knots(self.kind)
        return float(knots[0]), float(knots[-1])

    @property
    def heat_mev(self) -> float:
        """Mean heat of a fission [MeV]."""
        return float(np.dot(self.fractions, tables.read("reactor/fissions")["heat_mev"]))

    def inverse_moment(self, minimum_energy: ArrayLike, order: int) -> Float[np.ndarray, "..."]:
        """Integral of the spectrum over E^order above a minimum energy.

        Parameters
        ----------
        minimum_energy
            [MeV], any shape.
        order
            0, 1 or 2: the powers of 1/E_nu in the cross section of coherent scattering.

        Returns
        -------
        moment
            [MeV^-order per fission]; good to 1e-9, and all of the spectrum where the minimum lies below it.

        Raises
        ------
        InvalidArgument
            Another order.
        """
        _checks.one_of("order", order, (0, 1, 2))
        knots, above = _above_knots(self, order)
        minimum = np.clip(np.asarray(minimum_energy, dtype=float), *self.ends)
        following = np.minimum(np.searchsorted(knots, minimum, side="right"), knots.size - 1)
        return np.asarray(_integral(self, order, minimum, knots[following]) + above[following])

    def kinematic_average(
        self,
        recoil_energy: ArrayLike,
        nuclear_mass: ArrayLike,
        minimum_energy: ArrayLike,
        energy_correction: bool = False,
    ) -> Float[np.ndarray, "..."]:
        """Spectrum times 1 - M_N E_R/(2 E_nu^2) [- E_R/E_nu], integrated over E_nu above the minimum energy.

        Parameters
        ----------
        recoil_energy, nuclear_mass
            [MeV]; they broadcast.
        minimum_energy
            The neutrino energy [MeV] at which the factor vanishes.
        energy_correction
            Keep the term -E_R/E_nu.

        Returns
        -------
        average
            Antineutrinos per fission.
        """
        moment = functools.partial(self.inverse_moment, minimum_energy)
        return averaged_kinematic_factor(moment, recoil_energy, nuclear_mass, energy_correction)

    def fluence(self, thermal_power_gw: float, days: float, baseline_m: float) -> float:
        """Fissions per cm^2 at a distance from the core [m]: heat over that of a fission, over 4 pi L^2."""
        fissions = thermal_power_gw * 1e9 * days * 86400.0 / (self.heat_mev * JOULE_PER_MEV)
        return fissions / (4.0 * np.pi * (100.0 * baseline_m) ** 2)


def reactor_spectrum(kind: str = SPECTRA[0], fractions: Mapping[str, float] | None = None) -> ReactorSpectrum:
    """Make the spectrum of a core.

    Parameters
    ----------
    kind
        "huber-mueller" or "summation".
    fractions
        Isotope ("u235", "u238", "pu239", "pu241") to fraction of the fissions; what is not named has none. None for a
        typical pressurised-water reactor.

    Raises
    ------
    InvalidArgument
        Another kind or isotope, a negative fraction, fractions that do not add up to one within 1e-3.

    Examples
    --------
    >>> core = reactor_spectrum(fractions={"u235": 1.0})
    >>> print(f"{core.inverse_moment(0.0, 0):.2f} antineutrinos per fission")
    6.19 antineutrinos per fission
    """
    _checks.one_of("kind", kind, SPECTRA)
    given = typical_fractions() if fractions is None else fractions
    if not isinstance(given, Mapping):
        raise _checks.invalid("fractions", given, "a mapping such as {'u235': 0.9, 'pu239': 0.1}, or None")
    for isotope, fraction in given.items():
        _checks.one_of("fractions", isotope, ISOTOPES)
        _checks.scalar(f"fractions[{isotope!r}]", fraction)
        _checks.non_negative(f"fractions[{isotope!r}]", fraction)
    total = sum(given.values())
    if abs(total - 1.0) > 1e-3:
        raise _checks.invalid("fractions", dict(given), f"fractions that add up to 1 within 1e-3 (these: {total:g})")
    first, second, third, fourth = (float(given.get(isotope, 0.0)) / total for isotope in ISOTOPES)
    return ReactorSpectrum(kind, (first, second, third, fourth))


def _of_isotope(kind: str, isotope: str, mev: Float[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
    """Antineutrinos per MeV and fission of one isotope."""
    summed = tables.read("reactor/summation")
    table = np.interp(mev, summed["energy_mev"], summed[isotope])
    if kind == "summation":
        return np.asarray(table)
    return np.where(mev < JOIN, table, np.exp(np.polynomial.polynomial.polyval(mev, _polynomials()[isotope])))


@functools.cache
def _polynomials() -> Mapping[str, np.ndarray]:
    table = tables.read("reactor/fissions")
    rows = np.stack([table[f"a{power}"] for power in range(6)], axis=1)
    return MappingProxyType(dict(zip(map(str, table["isotope"]), rows, strict=True)))


@functools.cache
def _knots(kind: str) -> np.ndarray:
    """Energies [MeV] between which the spectrum is smooth, first and last included."""
    knots = np.asarray(tables.read("reactor/summation")["energy_mev"])
    if kind == "summation":
        return knots
    return np.unique(np.concatenate([knots[knots < END_OF_POLYNOMIALS], [JOIN, END_OF_POLYNOMIALS]]))


@functools.cache
def _above_knots(spectrum: ReactorSpectrum, order: int) -> tuple[np.ndarray, np.ndarray]:
    """Knots, and the integral over E^order above each."""
    knots = _knots(spectrum.kind)
    panels = _integral(spectrum, order, knots[:-1], knots[1:])
    return knots, np.append(np.cumsum(panels[::-1])[::-1], 0.0)


def _integral(spectrum: ReactorSpectrum, order: int, low: ArrayLike, high: ArrayLike) -> Float[np.ndarray, "..."]:
    """Gauss-Legendre over E^order inside one panel each."""
    start = np.asarray(low)
    half = np.asarray(0.5 * (high - start))
    energy = start[..., None] + half[..., None] * (1.0 + _X)
    return np.asarray((spectrum(energy) / energy**order) @ _W * half)
