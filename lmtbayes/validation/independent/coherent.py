"""COHERENT's expectations once more: adaptive quadrature, scipy's distributions. Shares numbers, not code."""

import itertools
from collections.abc import Callable

import numpy as np
from scipy.integrate import quad
from scipy.special import expit
from scipy.stats import exponnorm, gamma, norm

from lmtbayes.validation.independent.numbers import Number
from lmtbayes.validation.independent.spallation import E_LINE, HBAR_C_FM, M_MU, N_A, W8, X8, U, cross_section, helm

CHARGES = {"mu": 1.0, "tau": -1.0}
CAESIUM_IODIDE = ((55, 133, 132.905451959, 0.5), (53, 127, 126.904473, 0.5))
ARGON = ((18, 36, 35.967545106, 0.003336), (18, 38, 37.9627321, 0.000629), (18, 40, 39.962383122, 0.996035))
PION, MUON = 0.026033, 2.1969811


def flux_averaged(component: str, E_R: Number, M: Number, Z: Number, A: Number, photon: Number) -> Number:
    """Cross section over the neutrinos of one component [cm^2/MeV]; photon = (g, mass, eps)."""
    g, mass, eps = photon

    def dsigma(E_nu: Number, flavour: str) -> Number:
        return cross_section(
            E_R, E_nu, M, Z, A, 0.23857, helm, g, eps, mass, CHARGES.get(flavour, 0.0), correction=False
        )

    low, high = np.sqrt(M * E_R / 2), M_MU / 2
    total = 0.0
    if component == "prompt" and low < E_LINE:
        total = dsigma(E_LINE, "mu")
    elif component == "delayed" and low < high:
        E = 0.5 * (high - low) * (X8 + 1) + low
        w = 0.5 * (high - low) * W8
        total = np.sum(w * 64 * E**2 / M_MU**3 * (3 / 4 - E / M_MU) * dsigma(E, "mu"))
        total += np.sum(w * 192 * E**2 / M_MU**3 * (1 / 2 - E / M_MU) * dsigma(E, "e"))
    return total * (HBAR_C_FM * 1e-13) ** 2


def recoils(
    component: str,
    photon: Number,
    isotopes: Number,
    mass_kg: Number,
    fluence: Number,
    seen: Callable[..., Number],
    lowest_kev: Number,
) -> Number:
    """Integral over all recoils of the rate times the probability `seen(E in keVnr)`."""
    mean = sum(m * f for _, _, m, f in isotopes)
    total = 0.0
    for Z, A, mass_u, fraction in isotopes:
        M = mass_u * U
        nuclei = mass_kg * 1e3 / mean * N_A * fraction
        end = 2 * (E_LINE if component == "prompt" else M_MU / 2) ** 2 / M
        cuts = np.geomspace(lowest_kev / 1e3, end, 7)
        for low, high in itertools.pairwise(cuts):
            part = quad(
                lambda E, M=M, Z=Z, A=A: flux_averaged(component, E, M, Z, A, photon) * seen(E * 1e3),
                low,
                high,
                epsabs=0.0,
                epsrel=1e-8,
                limit=100,
            )[0]
            total += nuclei * fluence * part
    return total


def csi_counts(component: str, low: Number, high: Number, photon: Number) -> Number:
    """Counts in a bin of photoelectrons, at all times."""
    kink = 10.8646 - np.log(1.32045 / 0.333322 - 1) / 0.285979
    low = max(low, kink)

    def seen(E: Number) -> Number:
        mev = E / 1e3
        light = 1e3 * (0.0554628 * mev + 4.30681 * mev**2 - 111.707 * mev**3 + 840.384 * mev**4)
        shape, scale = 1 + 9.56 * light, light / 0.0749 / (1 + 9.56 * light)
        return quad(
            lambda x: (1.32045 * expit(0.285979 * (x - 10.8646)) - 0.333322) * gamma.pdf(x, shape, scale=scale),
            low,
            high,
            epsabs=1e-14,
            epsrel=1e-9,
        )[0]

    fluence = 3.198e23 * 0.0848 / (4 * np.pi * 1930.0**2)
    return recoils(component, photon, CAESIUM_IODIDE, 14.6, fluence, seen, 0.3)


def lar_counts(component: str, low: Number, high: Number, photon: Number, knots: Number, heights: Number) -> Number:
    """Counts in a bin of reconstructed energy [keVee], at all times and F90."""
    x, w = np.polynomial.legendre.leggauss(12)
    cuts = np.unique(np.concatenate([[low, high], knots[(knots > low) & (knots < high)], np.linspace(low, high, 11)]))
    half, middle = 0.5 * np.diff(cuts)[:, None], 0.5 * (cuts[1:] + cuts[:-1])[:, None]
    energy, weight = (middle + half * x).ravel(), (half * w).ravel()
    weight = weight * np.interp(energy, knots, heights, left=0.0)

    def seen(E: Number) -> Number:
        light = (0.246 + 7.8e-4 * E) * E
        return np.sum(weight * norm.pdf(energy, light, 0.58 * np.sqrt(light)))

    fluence = 13.8e22 * 0.09 / (4 * np.pi * 2750.0**2)
    return recoils(component, photon, ARGON, 24.4, fluence, seen, 0.05)


def in_time(
    component: str, edges: Number, mean: Number, width: Number, start: Number = np.inf, loss: Number = 0.0
) -> Number:
    """Fraction in each bin of time, efficiency included."""

    def density(t: Number) -> Number:
        value = exponnorm.pdf(t, PION / width, mean, width)
        if component == "delayed":
            value = (MUON * exponnorm.pdf(t, MUON / width, mean, width) - PION * value) / (MUON - PION)
        return value * np.exp(-loss * max(t - start, 0.0)) if np.isfinite(start) else value

    fractions = []
    for low, high in itertools.pairwise(edges):
        cuts = sorted({low, high, *(c for c in (start, mean, mean + 3 * width) if low < c < high)})
        fractions.append(sum(quad(density, a, b, epsabs=1e-12)[0] for a, b in itertools.pairwise(cuts)))
    return np.array(fractions)
