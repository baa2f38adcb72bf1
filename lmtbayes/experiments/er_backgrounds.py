"""Backgrounds of published electron-recoil spectra: counts in the bins, from totals and shapes or from a best fit.

A best fit contains the Standard Model's solar neutrinos. Their published number is taken off it, with the package's
spectrum for the binding that the collaboration used, and the package's own neutrinos are put in their place.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from lmtbayes import tables
from lmtbayes.constants import ALPHA, ELECTRON_MASS, MEV_PER_KEV
from lmtbayes.detectors.response import LINDHARD_K
from lmtbayes.experiments.xenon_detectors import Response
from lmtbayes.experiments.xenon_spectra import quadrature

TRITIUM_ENDPOINT_KEV = 18.59
XENON136_ENDPOINT_KEV = 2458.0
"""Of the sum of the two electrons' energies."""


@dataclass(frozen=True)
class Background:
    """One row of data/xenon/er_backgrounds.csv; see its header."""

    nuisance: str
    counts: float
    relative_sigma: float
    shape: str
    energy_kevee: float
    low_kevee: float
    high_kevee: float


def backgrounds(search: str) -> tuple[Background, ...]:
    """Return the backgrounds of a search."""
    table = tables.read("xenon/er_backgrounds")
    rows = np.flatnonzero(table["search"] == search)
    numbers = ("counts", "relative_sigma", "energy_kevee", "low_kevee", "high_kevee")
    return tuple(
        Background(
            nuisance=str(table["nuisance"][row]),
            shape=str(table["shape"][row]),
            **{key: float(table[key][row]) for key in numbers},
        )
        for row in rows
    )


def tritium(energy_kev: np.ndarray) -> Float[np.ndarray, " n"]:
    """Beta spectrum of tritium, allowed shape F p W (Q - T)^2 with the Coulomb factor of helium; not normalised."""
    kinetic = energy_kev * MEV_PER_KEV
    total = kinetic + ELECTRON_MASS
    momentum = np.sqrt(kinetic * (kinetic + 2.0 * ELECTRON_MASS))
    sommerfeld = 2.0 * np.pi * ALPHA * 2.0 * total / momentum
    left = np.maximum(TRITIUM_ENDPOINT_KEV - energy_kev, 0.0)
    return sommerfeld / -np.expm1(-sommerfeld) * momentum * total * left**2


def xenon136(energy_kev: np.ndarray) -> Float[np.ndarray, " n"]:
    """Summed electron energy of two-neutrino double beta decay of 136Xe, as approximated by Primakoff and Rosen."""
    t = energy_kev * MEV_PER_KEV / ELECTRON_MASS
    left = np.maximum(XENON136_ENDPOINT_KEV - energy_kev, 0.0)
    return t * left**5 * (1.0 + 2.0 * t + 4.0 * t**2 / 3.0 + t**3 / 3.0 + t**4 / 30.0)


_SPECTRA: dict[str, Callable[[np.ndarray], np.ndarray]] = {"flat": np.ones_like, "tritium": tritium, "xe136": xenon136}


def shape_in_bins(background: Background, response: Response, edges_kevee: np.ndarray) -> Float[np.ndarray, " bins"]:
    """Share of a background's counts that falls into each bin of measured energy.

    Parameters
    ----------
    background
        Its counts lie between `low_kevee` and `high_kevee`.
    response
        Efficiency and resolution.
    edges_kevee
        Of the bins.
    """
    window = np.array([background.low_kevee, background.high_kevee])
    if background.shape == "line":
        energy, weight = np.array([background.energy_kevee]), np.ones(1)
    else:
        low, high = response.range_kev(float(window[-1]))
        energy, weight = quadrature(low, high, np.append(response.efficiency.kinks_kev, TRITIUM_ENDPOINT_KEV))
        weight = weight * _SPECTRA[background.shape](energy)
    total = response.matrix(energy, window, LINDHARD_K) @ weight
    return (response.matrix(energy, edges_kevee, LINDHARD_K) @ weight) / total[0]


def line_and_rest(
    counts: Float[np.ndarray, " bins"], line: Float[np.ndarray, " bins"], response: Response, edges_kevee: np.ndarray
) -> tuple[Float[np.ndarray, " bins"], Float[np.ndarray, " bins"]]:
    """Split expected counts into a line and what is left, the line fitted over a straight one by least squares.

    Parameters
    ----------
    counts
        Neutrinos taken off.
    line
        Share of the line in each bin.
    response, edges_kevee
        Give the straight line its efficiency.
    """
    low, high = response.range_kev(float(edges_kevee[-1]))
    energy, weight = quadrature(low, high, response.efficiency.kinks_kev)
    straight = response.matrix(energy, edges_kevee, LINDHARD_K) @ (weight[:, None] * np.stack([energy**0, energy], 1))
    amplitudes, *_ = np.linalg.lstsq(np.column_stack([line, straight]), counts, rcond=None)
    return amplitudes[0] * line, counts - amplitudes[0] * line
