"""Counts of published searches, written afresh: fixed Gauss-Legendre sums over neutrino and recoil energy.

Eqs. 33 and 36 in vector and axial couplings, scipy's normal distribution for the smearing. No code of the package, its
tables.
"""

import functools
import itertools
import math

import numpy as np
from scipy.interpolate import CubicSpline
from scipy.stats import norm

from lmtbayes.validation.independent import solar
from lmtbayes.validation.independent.numbers import Number

_X, _W = np.polynomial.legendre.leggauss(8)


def composite(cuts: Number) -> Number:
    """Nodes and weights between neighbours of `cuts`."""
    pairs = [(a, b) for a, b in itertools.pairwise(cuts) if b > a]
    x = np.concatenate([0.5 * (a + b) + 0.5 * (b - a) * _X for a, b in pairs])
    return x, np.concatenate([0.5 * (b - a) * _W for a, b in pairs])


def helm(q: Number, a: Number) -> Number:
    """Helm's form factor at momentum transfers [MeV]."""
    c, s = 1.23 * a ** (1 / 3) - 0.60, 0.9
    r = math.sqrt(c * c + 7 / 3 * math.pi**2 * 0.52**2 - 5 * s * s)
    x = q * r / 197.3269804
    return 3 * (np.sin(x) - x * np.cos(x)) / x**3 * np.exp(-0.5 * (q * s / 197.3269804) ** 2)


def curve(file: str, key: str, column: str = "run") -> Number:
    """Energies and efficiencies: a tidy table (`column` names the curve), or a column of a wide one."""
    rows = solar.rows(file)
    if column in rows[0]:
        rows = [r for r in rows if r[column] == key]
        key = "efficiency"
    energy = next(name for name in rows[0] if name.startswith("energy"))
    return np.array([float(r[energy]) for r in rows]), np.array([float(r[key]) for r in rows])


@functools.cache
def _probability(source: str) -> Number:
    energies = np.linspace(0.02, 19.0, 400)
    values = np.array([solar.probability(source, e, solar.SETS["nufit-6.1-ic24"]) for e in energies])
    return CubicSpline(energies, values)


def nuclear_counts(
    run: Number,
    charges: Number = (0, 0, 0),
    g: Number = 0.0,
    mass: Number = 1.0,
    eps: Number = 0.0,
    sin2: Number = 0.23857,
) -> Number:
    """Events a t yr of solar 8B neutrinos in one run, which is a name or its (energies, efficiencies)."""
    points, efficiency = curve("xenon/efficiency_8b.csv", run) if isinstance(run, str) else run
    energies, weights = composite(np.arange(2.0, 15.51, 0.25))
    total = 0.0
    for energy, weight in zip(energies, weights, strict=True):
        flux = solar.FLUX["8b"] * weight * solar.shape("8b", energy) / solar.norm("8b")
        probability = _probability("8b")(energy)
        for mass_u, a, fraction in solar.ISOTOPES:
            m, z = mass_u * solar.U, 54
            # The recoil at which E_min(E_R) = (E_R + sqrt(E_R^2 + 2 m E_R))/2 is this energy.
            highest = 1e3 * 2 * energy**2 / (m + 2 * energy)
            if highest <= points[0]:
                continue
            recoil, w = composite([*points[points < highest], min(highest, points[-1])])
            if highest > points[-1] and efficiency[-1] > 0:
                more, w_more = composite([points[-1], highest])
                recoil, w = np.append(recoil, more), np.append(w, w_more)
            er = recoil * 1e-3
            q_weak = (a - z) - (1 - 4 * sin2) * z
            d = 2 * m * er + mass**2
            form = helm(np.sqrt(2 * m * er), a) ** 2
            kinematic = np.maximum(1 - m * er / (2 * energy**2), 0.0)
            sigma = 0.0
            for p, charge in zip(probability, charges, strict=True):
                boson = g * eps * solar.E_CHARGE * z * charge
                standard = solar.GF**2 * m / math.pi * q_weak**2 / 4
                mixed = boson * q_weak * solar.GF * m / (math.sqrt(2) * math.pi * d)
                sigma = sigma + p * (standard + mixed + boson**2 * m / (2 * math.pi * d * d))
            seen = np.interp(recoil, points, efficiency)
            total += flux * solar.ATOMS * fraction * np.sum(w * seen * form * kinematic * sigma)
    return total * solar.HBARC_CM**2 * solar.YEAR * 1e-3


def electron_rate(energy_kev: Number, **photon: Number) -> Number:
    """dR/dE_R [1/(t yr keV)] with RRPA's electrons."""
    table = np.array([[float(r["energy_kevee"]), float(r["ratio"])] for r in solar.rows("xenon/rrpa_ratio.csv")]).T
    ratio = np.interp(energy_kev, *table) if 0.254 <= energy_kev <= 28.35 else 1.0
    per_second = rate_per_electron(energy_kev, **photon)
    return per_second * solar.ATOMS * solar.stepped(energy_kev) * ratio * solar.YEAR


def rate_per_electron(
    energy_kev: Number,
    charges: Number = (0, 0, 0),
    g: Number = 0.0,
    mass: Number = 1.0,
    eps: Number = 0.0,
    sin2: Number = 0.23857,
    sources: Number = tuple(solar.FLUX),
) -> Number:
    """dR/dE_R [1/(s keV)] of one free electron."""
    t = energy_kev * 1e-3
    lowest = 0.5 * (t + math.sqrt(t * t + 2 * solar.ME * t))
    shift = g * eps * solar.E_CHARGE / (math.sqrt(2) * solar.GF * (2 * solar.ME * t + mass**2))
    total = 0.0
    for source in sources:
        if source in solar.LINES:
            lines = [(e, share) for e, share in solar.LINES[source] if e >= lowest]
            if not lines:
                continue
            energy, density = (np.array(x) for x in zip(*lines, strict=True))
        else:
            end = 15.5 if source == "8b" else solar.ENDPOINT[source]
            if lowest >= end:
                continue
            # E = end (1 - x^2) takes the root at the end point away.
            x, w = composite(np.linspace(0.0, math.sqrt(1 - lowest / end), 5))
            energy = end * (1 - x * x)
            density = w * 2 * x * end * np.array([solar.shape(source, e) for e in energy]) / solar.norm(source)
        value = 0.0
        for flavour, charge in enumerate(charges):
            vector = 2 * sin2 - 0.5 + (flavour == 0) + shift * charge
            axial = -0.5 + (flavour == 0)
            plus, minus = vector + axial, vector - axial
            sigma = plus**2 + minus**2 * (1 - t / energy) ** 2 - plus * minus * solar.ME * t / energy**2
            value = value + _probability(source)(energy)[:, flavour] * sigma
        total += solar.FLUX[source] * np.sum(density * value) * solar.GF**2 * solar.ME / (2 * math.pi)
    return total * solar.HBARC_CM**2 * 1e-3


def electron_counts(search: str, edges: Number, a: Number, b: Number, plateau: Number, **photon: Number) -> Number:
    """Events a t yr in bins of measured energy: efficiency at true energy (flat above `plateau`), then a Gaussian."""
    points, efficiency = curve("xenon/efficiency_er_searches.csv", search, column="")
    points, efficiency = points[points <= plateau], efficiency[points <= plateau]
    shells = [1e-3 * float(r["binding_energy_ev"]) for r in solar.rows("xenon/subshells.csv")]
    rrpa = [*(float(r["energy_kevee"]) for r in solar.rows("xenon/rrpa_ratio.csv")), 28.35]
    high = edges[-1] * (1 + 8 * (a / math.sqrt(edges[-1]) + b))
    kinks = [k for k in {*points, *shells, *rrpa} if points[0] < k < high]
    true, weight = _gauss(sorted([points[0], *kinks, high]))
    rate = np.array([electron_rate(e, **photon) for e in true]) * np.interp(true, points, efficiency)
    sigma = a * np.sqrt(true) + b * true
    below = norm.cdf((np.asarray(edges)[:, None] - true) / sigma)
    return (below[1:] - below[:-1]) @ (weight * rate)


def _gauss(cuts: Number, order: Number = 3, widest: Number = 0.7) -> Number:
    """Fewer nodes on short panels: the spectra are smooth between the kinks."""
    x, w = np.polynomial.legendre.leggauss(order)
    panels = [np.linspace(p, q, math.ceil((q - p) / widest) + 1) for p, q in itertools.pairwise(cuts)]
    fine = np.unique(np.concatenate(panels))
    half, middle = 0.5 * np.diff(fine)[:, None], 0.5 * (fine[1:] + fine[:-1])[:, None]
    return (middle + half * x).ravel(), (half * w).ravel()
