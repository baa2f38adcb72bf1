"""Projected xenon detectors by hand: the rates of `solar` and `searches`, the response of Sect. 5 in words."""

import math
from collections.abc import Callable

import numpy as np
from scipy.special import erf

from lmtbayes.validation.independent import solar
from lmtbayes.validation.independent.numbers import Number
from lmtbayes.validation.independent.searches import _probability, composite, electron_rate, helm

RESPONSE = {
    ("darwin", "nr"): ("xenonnt", 5.66, 21.84, 0.31, 0.0037),
    ("darwin", "er"): ("xenonnt", 1.51, 20.26, 0.31, 0.0037),
    ("lz", "nr"): ("lz", 3.83, 15.94, 0.33, 0.0),
    ("lz", "er"): ("lz", 1.47, 5.84, 0.33, 0.0),
}
"""Column of the efficiency, its 50 % point and first maximum [keV], resolution a/sqrt(E) + b."""


def quenched(energy: Number, k: Number = 0.1735) -> Number:
    """Lindhard's electron-equivalent energy [keV]."""
    reduced = 11.5 * 54 ** (-7 / 3) * energy
    g = k * (3 * reduced**0.15 + 0.7 * reduced**0.6 + reduced)
    return energy * g / (1 + g)


def relative_resolution(energy: Number, half: Number, new: Number, a: Number, b: Number) -> Number:
    """Sect. 5 in words: the curve slid down in energy by half - new; below the new 50 % point its value at the old."""
    return np.where(energy < new, a / np.sqrt(half) + b, a / np.sqrt(np.abs(energy + (half - new))) + b)


def counts(
    rate: Callable[..., Number],
    edges: Number,
    detector: str,
    recoil: str,
    threshold: Number,
    k: Number = 0.1735,
    panels: int = 500,
) -> Number:
    """A differential rate [1/keV] folded with the response of PHYSICS, in bins of measured energy.

    `rate` takes an array of recoil energies [keV]; `edges` are keVnr or keVee as `recoil` is "nr" or "er".
    """
    column, half, plateau, a, b = RESPONSE[detector, recoil]
    table = solar.rows(f"xenon/efficiency_{recoil}.csv")
    at = np.array([float(next(iter(r.values()))) for r in table])
    curve = np.array([float(r[column]) for r in table])
    new = min(threshold, half)  # the 50 % point: a threshold above the published one leaves it where it is
    s = new / half
    kinks = [0.7, *(at * s), plateau * s, plateau, *at]
    kinks += [float(r["binding_energy_ev"]) / 1e3 for r in solar.rows("xenon/subshells.csv")]
    kinks += [float(r["energy_kevee"]) for r in solar.rows("xenon/rrpa_ratio.csv")] if panels < 500 else []
    top = 6.3 if recoil == "nr" else 48.0
    cuts = np.unique([*np.geomspace(0.05, top, panels), *[x for x in kinks if 0.05 < x < top]])
    nodes, weights = np.polynomial.legendre.leggauss(5)
    width = 0.5 * np.diff(cuts)[:, None]
    energy, weight = (cuts[:-1, None] + width * (1 + nodes)).ravel(), (width * weights).ravel()
    middle = np.where(energy < plateau, np.interp(plateau, at, curve), np.interp(energy, at, curve))
    efficiency = np.where(energy < plateau * s, np.interp(energy / s, at, curve, left=0), middle)
    mean, half_ee, new_ee = energy, half, new
    if recoil == "nr":
        efficiency = np.where(energy < 0.7, 0, efficiency)
        mean, edges, half_ee, new_ee = quenched(energy, k), quenched(edges), quenched(half), quenched(new)
    sigma = mean * relative_resolution(mean, half_ee, new_ee, a, b)
    z = (np.asarray(edges)[:, None] - mean) / (np.sqrt(2) * sigma)
    seen = efficiency * (erf(z[1:]) - erf(z[:-1])) / 2
    accepted = 0.5 if recoil == "nr" else 0.995
    used = seen.max(axis=0) > 1e-12 * max(seen.max(), 1e-300)
    values = np.zeros(len(energy))
    values[used] = rate(energy[used])
    return accepted * seen @ (weight * values)


def electron_rates(energy: Number, **photon: Number) -> Number:
    """dR/dE_R [1/(t yr keV)] of electrons with RRPA's binding, at an array of energies [keV]."""
    return np.array([electron_rate(e, **photon) for e in energy])


def nuclear_rates(
    energy: Number,
    charges: Number = (0, 0, 0),
    g: Number = 0.0,
    mass: Number = 1.0,
    eps: Number = 0.0,
    sin2: Number = 0.23857,
    sources: Number = ("8b", "hep"),
) -> Number:
    """dR/dE_R [1/(t yr keV)] of nuclei at an array of energies [keV]: Eq. 33's three terms, sums over the spectra."""
    er = np.asarray(energy) * 1e-3
    total = np.zeros(len(er))
    for source in sources:
        end = 15.5 if source == "8b" else solar.ENDPOINT[source]
        for mass_u, a, fraction in solar.ISOTOPES:
            m, z = mass_u * solar.U, 54
            for i, t in enumerate(er):
                lowest = 0.5 * (t + math.sqrt(t * t + 2 * m * t))
                if lowest >= end:
                    continue
                # 8B's table is a spline with knots every 0.1 MeV: panels of a quarter are fine to 1e-7.
                e, w = composite([lowest, *[c for c in np.arange(0.5, end, 0.5) if c > lowest], end])
                spectrum = np.array([solar.shape(source, x) for x in e]) / solar.norm(source)
                p = _probability(source)(e)
                q_weak, d = (a - z) - (1 - 4 * sin2) * z, 2 * m * t + mass * mass
                sigma = 0.0
                for flavour, charge in enumerate(charges):
                    boson = g * eps * solar.E_CHARGE * z * charge
                    mixed = boson * q_weak * solar.GF * m / (math.sqrt(2) * math.pi * d)
                    square = boson**2 * m / (2 * math.pi * d * d)
                    sigma = sigma + p[:, flavour] * (solar.GF**2 * m / math.pi * q_weak**2 / 4 + mixed + square)
                kinematic = 1 - m * t / (2 * e * e)
                form = helm(math.sqrt(2 * m * t), a) ** 2
                total[i] += solar.FLUX[source] * fraction * form * np.sum(w * spectrum * kinematic * sigma)
    return total * solar.ATOMS * solar.HBARC_CM**2 * solar.YEAR * 1e-3
