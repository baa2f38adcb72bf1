"""Solar neutrinos: fluxes of the B16 models, spectra of the eight sources, lines of 7Be and pep.

Five spectra are allowed positron decays (pp, hep, 13N, 15O, 17F), E^2 W p F(Z, W) with W = Q - E + m_e; 8B is a table.
NumPy: everything here is folded once, when an experiment is built.
"""

from functools import cache
from types import MappingProxyType

import numpy as np
from jaxtyping import ArrayLike, Float
from scipy.interpolate import CubicSpline
from scipy.special import loggamma

from lmtbayes import _checks, tables
from lmtbayes.constants import ALPHA, ELECTRON_MASS

SOURCES = ("pp", "pep", "hep", "7be", "8b", "13n", "15o", "17f")
SOLAR_MODELS = ("gs98", "agss09met")
SPECTRA_8B = ("w06", "b96")
SNO_8B_UNCERTAINTY = 0.0381
"""Relative 1-sigma uncertainty of the measured 8B flux (SNO, all phases combined, arXiv:1109.0763)."""


def flux(source: str, solar_model: str = "gs98") -> float:
    """Flux at the Earth, all flavours [cm^-2 s^-1].

    Parameters
    ----------
    source
        One of `SOURCES`.
    solar_model
        "gs98" or "agss09met": B16 with high or low metallicity.

    Raises
    ------
    InvalidArgument
        Unknown source or solar model.

    References
    ----------
    N. Vinyoles et al., arXiv:1611.09867.
    """
    return _entry(source, f"flux_{_solar_model(solar_model)}")


def flux_uncertainty(source: str, solar_model: str = "gs98") -> float:
    """Relative 1-sigma theoretical uncertainty of `flux`; arguments and errors are the same."""
    return _entry(source, f"sigma_{_solar_model(solar_model)}")


def lines(source: str) -> tuple[tuple[float, float], ...]:
    """Return (energy [MeV], share of the flux) of each line; empty for a continuous source."""
    _checks.one_of("source", source, SOURCES)
    table = tables.read("solar/lines")
    rows = table["source"] == source
    return tuple(zip(table["energy_mev"][rows].tolist(), table["share"][rows].tolist(), strict=True))


def endpoint(source: str, spectrum_8b: str = "w06") -> float:
    """Largest neutrino energy [MeV]."""
    if lines(source):
        return max(energy for energy, _ in lines(source))
    if source == "8b":
        _checks.one_of("spectrum_8b", spectrum_8b, SPECTRA_8B)
        table = tables.read("solar/spectrum_8b")
        last = np.flatnonzero(table[spectrum_8b])[-1] + 1
        return float(table["energy_mev"][min(last, table["energy_mev"].size - 1)])
    return _entry(source, "endpoint_mev")


def spectrum(source: str, energy: ArrayLike, spectrum_8b: str = "w06") -> Float[np.ndarray, "..."]:
    """Normalised spectrum of a continuous source.

    Parameters
    ----------
    source
        One of `SOURCES` without lines.
    energy
        Neutrino energy [MeV], any shape.
    spectrum_8b
        "w06" (Winter et al. 2006) or "b96" (Bahcall et al. 1996).

    Returns
    -------
    density
        [1/MeV], zero outside (0, endpoint).

    Raises
    ------
    InvalidArgument
        Unknown source or table, or a source that consists of lines.
    """
    if lines(source):
        raise _checks.invalid("source", source, "a continuous one; 7be and pep are lines, see `lines`")
    _checks.one_of("spectrum_8b", spectrum_8b, SPECTRA_8B)
    energy = np.asarray(energy, dtype=float)
    end = endpoint(source, spectrum_8b)
    inside = (energy > 0.0) & (energy < end)
    safe = np.where(inside, energy, 0.5 * end)
    if source == "8b":
        density = np.maximum(_table_8b(spectrum_8b)(safe), 0.0) / _norm_8b(spectrum_8b)
    else:
        density = _allowed_shape(source, safe) / _norm_allowed(source)
    return np.where(inside, density, 0.0)


def shape_shift_8b(energy: ArrayLike) -> Float[np.ndarray, "..."]:
    """What one standard deviation adds to the w06 spectrum [1/MeV], fully correlated; integrates to zero."""
    energy = np.asarray(energy, dtype=float)
    return np.where((energy > 0.0) & (energy < endpoint("8b", "w06")), _table_8b("w06_shift_1sigma")(energy), 0.0)


def fermi_function(momentum: ArrayLike, daughter_z: float) -> Float[np.ndarray, "..."]:
    """Relativistic Fermi function of a positron, up to a constant (the nuclear radius drops out of a shape).

    F = p^(2 gamma - 2) exp(pi eta) |Gamma(gamma + i eta)|^2, gamma^2 = 1 - (alpha Z)^2, eta = -alpha Z W/p.

    Parameters
    ----------
    momentum
        Of the positron [MeV], > 0.
    daughter_z
        Atomic number of the daughter nucleus, > 0.
    """
    momentum = np.asarray(momentum, dtype=float)
    total_energy = np.hypot(momentum, ELECTRON_MASS)
    gamma = np.sqrt(1.0 - (ALPHA * daughter_z) ** 2)
    eta = -ALPHA * daughter_z * total_energy / momentum
    log_gamma = 2.0 * np.real(loggamma(gamma + 1j * eta))
    return np.asarray((momentum / ELECTRON_MASS) ** (2.0 * gamma - 2.0) * np.exp(np.pi * eta + log_gamma))


def _allowed_shape(source: str, energy: np.ndarray) -> np.ndarray:
    kinetic = _entry(source, "endpoint_mev") - energy
    momentum = np.sqrt(kinetic * (kinetic + 2.0 * ELECTRON_MASS))
    shape = energy**2 * (kinetic + ELECTRON_MASS) * momentum
    return np.asarray(shape * fermi_function(momentum, _entry(source, "daughter_z")))


@cache
def _norm_allowed(source: str) -> float:
    """Integral of the shape; E = Q (1 - x^2) takes the root at the end point away."""
    end = _entry(source, "endpoint_mev")
    nodes, weights = np.polynomial.legendre.leggauss(400)
    x = 0.5 * (nodes + 1.0)
    return float(weights @ (x * _allowed_shape(source, end * (1.0 - x * x)))) * end


@cache
def _table_8b(column: str) -> CubicSpline:
    table = tables.read("solar/spectrum_8b")
    return CubicSpline(table["energy_mev"], table[column])


@cache
def _norm_8b(column: str) -> float:
    """Integral of the table, 7e-6 from one."""
    return float(_table_8b(column).integrate(0.0, endpoint("8b", column)))


def _solar_model(name: str) -> str:
    _checks.one_of("solar_model", name, SOLAR_MODELS)
    return name


def _entry(source: str, column: str) -> float:
    _checks.one_of("source", source, SOURCES)
    return _table()[column][source]


@cache
def _table() -> MappingProxyType[str, MappingProxyType[str, float]]:
    table = tables.read("solar/fluxes_b16")
    names = [str(name) for name in table["source"]]
    columns = (column for column in table if column != "source")
    return MappingProxyType({c: MappingProxyType(dict(zip(names, table[c].tolist(), strict=True))) for c in columns})
