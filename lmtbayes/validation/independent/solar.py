"""Rates of solar neutrinos in xenon, written afresh: Eqs. 33 and 36 as printed, scipy's adaptive quadrature.

No code of the package; only the tables of data/ are shared.
"""

import csv
import importlib.resources
import itertools
import math
from collections.abc import Callable

import numpy as np
from scipy.integrate import quad
from scipy.interpolate import CubicSpline
from scipy.special import gamma as complex_gamma

from lmtbayes.validation.independent.numbers import Number

DATA = importlib.resources.files("lmtbayes") / "data"
GF, ME, ALPHA, U = 1.1663788e-11, 0.51099895069, 1 / 137.035999177, 931.49410372
E_CHARGE = math.sqrt(4 * math.pi * ALPHA)
YEAR, HBARC_CM, NA = 365.25 * 86400, 197.3269804e-13, 6.02214076e23


def rows(name: str) -> Number:
    """Rows of a table of the package as written."""
    with (DATA / name).open() as file:
        return list(csv.DictReader(line for line in file if not line.startswith("#")))


ISOTOPES = [
    (float(r["mass_u"]), int(r["mass_number"]), float(r["fraction"]))
    for r in rows("targets/isotopes.csv")
    if r["element"] == "xenon"
]
FLUX = {r["source"]: float(r["flux_gs98"]) for r in rows("solar/fluxes_b16.csv")}
ENDPOINT = {r["source"]: float(r["endpoint_mev"]) for r in rows("solar/fluxes_b16.csv")}
DAUGHTER = {r["source"]: float(r["daughter_z"]) for r in rows("solar/fluxes_b16.csv")}
LINES = {"pep": [(1.442, 1.0)], "7be": [(0.3843, 0.105), (0.8613, 0.895)]}
SETS = {r["set"]: {k: float(v) for k, v in r.items() if k != "set"} for r in rows("solar/oscillation.csv")}
NODES: dict[str, list[tuple[float, float]]] = {}
for r in rows("solar/density_nodes.csv"):
    NODES.setdefault(r["source"], []).append((float(r["density"]), float(r["weight"])))
_TABLE = rows("solar/spectrum_8b.csv")
_SPLINE = CubicSpline([float(r["energy_mev"]) for r in _TABLE], [float(r["w06"]) for r in _TABLE])
ATOMS = 1e6 * NA / sum(m * f for m, _, f in ISOTOPES)


def pmns(s: Number) -> Number:
    """The complex matrix as a product of three rotations."""
    t12, t13, t23, d = (math.radians(s[k]) for k in ("theta12_deg", "theta13_deg", "theta23_deg", "delta_cp_deg"))
    r23 = np.array([[1, 0, 0], [0, math.cos(t23), math.sin(t23)], [0, -math.sin(t23), math.cos(t23)]])
    r13 = np.array(
        [
            [math.cos(t13), 0, math.sin(t13) * np.exp(-1j * d)],
            [0, 1, 0],
            [-math.sin(t13) * np.exp(1j * d), 0, math.cos(t13)],
        ]
    )
    r12 = np.array([[math.cos(t12), math.sin(t12), 0], [-math.sin(t12), math.cos(t12), 0], [0, 0, 1]])
    return r23 @ r13 @ r12


def probability(source: str, energy: Number, s: Number) -> Number:
    """P(nu_e -> e, mu, tau): the mixing angle in matter from the eigenvectors' angle itself, not from its cosine."""
    t12, t13 = math.radians(s["theta12_deg"]), math.radians(s["theta13_deg"])
    u2 = np.abs(pmns(s)) ** 2
    total = np.zeros(3)
    norm = sum(w for _, w in NODES[source])
    for density, weight in NODES[source]:
        # 2 sqrt2 G_F n_e E in eV^2, from the constants
        n_e = density * NA * HBARC_CM**3  # MeV^3
        potential = 2 * math.sqrt(2) * GF * n_e * energy * 1e12 * math.cos(t13) ** 2
        angle = 0.5 * math.atan2(math.sin(2 * t12), math.cos(2 * t12) - potential / s["dm21_ev2"])
        p = [
            math.cos(t13) ** 2 * math.cos(angle) ** 2,
            math.cos(t13) ** 2 * math.sin(angle) ** 2,
            math.sin(t13) ** 2,
        ]
        total += weight / norm * (u2 @ p)
    return total


def shape(source: str, energy: Number) -> Number:
    """Spectrum, not normalised."""
    if source == "8b":
        return max(float(_SPLINE(energy)), 0.0) if 0 < energy < 15.5 else 0.0
    kinetic = ENDPOINT[source] - energy
    if energy <= 0 or kinetic <= 0:
        return 0.0
    p = math.sqrt(kinetic**2 + 2 * kinetic * ME)
    w = kinetic + ME
    z = DAUGHTER[source]
    g = math.sqrt(1 - (ALPHA * z) ** 2)
    eta = ALPHA * z * w / p
    fermi = p ** (2 * g - 2) * math.exp(-math.pi * eta) * abs(complex_gamma(g + 1j * eta)) ** 2
    return energy**2 * p * w * fermi


_NORMS: dict[str, float] = {}


def norm(source: str) -> Number:
    """Integral of a spectrum that is not normalised."""
    if source not in _NORMS:
        end = 15.5 if source == "8b" else ENDPOINT[source]
        if source == "8b":
            _NORMS[source] = sum(
                quad(lambda e: shape(source, e), a, a + 0.25, epsabs=1e-14)[0] for a in np.arange(0, 15.5, 0.25)
            )
        else:
            _NORMS[source] = quad(
                lambda x: 2 * x * end * shape(source, end * (1 - x * x)), 0, 1, epsabs=0, epsrel=1e-11, limit=400
            )[0]
    return _NORMS[source]


def over_spectrum(source: str, lowest: Number, function: Callable[..., Number]) -> Number:
    """Int dE phi(E) function(E) above an energy; the lines as a sum."""
    if source in LINES:
        return FLUX[source] * sum(share * function(e) for e, share in LINES[source] if e >= lowest)
    end = 15.5 if source == "8b" else ENDPOINT[source]
    if lowest >= end:
        return 0.0
    if source == "8b":
        cuts = [lowest, *[a for a in np.arange(0.25, 15.5, 0.25) if a > lowest], end]
        value = sum(
            quad(lambda e: shape(source, e) * function(e), a, b, epsabs=0, epsrel=1e-9, limit=60)[0]
            for a, b in itertools.pairwise(cuts)
        )
    else:
        top = math.sqrt(1 - lowest / end)
        value = quad(
            lambda x: 2 * x * end * shape(source, end * (1 - x * x)) * function(end * (1 - x * x)),
            0,
            top,
            epsabs=0,
            epsrel=1e-9,
            limit=400,
        )[0]
    return FLUX[source] * value / norm(source)


def helm(q: Number, a: Number) -> Number:
    """Helm's form factor at a momentum transfer [MeV]."""
    c, s = 1.23 * a ** (1 / 3) - 0.60, 0.9
    r = math.sqrt(c * c + 7 / 3 * math.pi**2 * 0.52**2 - 5 * s * s)
    x = q * r / 197.3269804
    return 3 * (math.sin(x) - x * math.cos(x)) / x**3 * math.exp(-0.5 * (q * s / 197.3269804) ** 2)


def nuclear(
    energy_kev: Number,
    charges: Number,
    g: Number,
    mass: Number,
    eps: Number,
    sin2: Number,
    oscillation: str,
    sources: Number = ("8b", "hep"),
) -> Number:
    """dR/dE_R [1/(t yr keV)]: Eq. 33 with its three terms, SM, interference and square."""
    er = energy_kev * 1e-3
    couplings = g * eps * E_CHARGE
    total = sum(
        fraction * on_isotope(er, mass_u * U, a, charges, couplings, mass, sin2, SETS[oscillation], sources)
        for mass_u, a, fraction in ISOTOPES
    )
    return total * ATOMS * HBARC_CM**2 * YEAR * 1e-3


def on_isotope(
    er: Number,
    m: Number,
    a: Number,
    charges: Number,
    couplings: Number,
    mass: Number,
    sin2: Number,
    s: Number,
    sources: Number,
) -> Number:
    """One isotope: int dE phi dsigma/dE_R [MeV^-3 cm^-2 s^-1]."""
    z = 54
    lowest = 0.5 * (er + math.sqrt(er * er + 2 * m * er))
    q_weak = (a - z) - (1 - 4 * sin2) * z
    d = 2 * m * er + mass * mass

    def rate(e: Number, source: str) -> Number:
        value = 0.0
        for p, charge in zip(probability(source, e, s), charges, strict=True):
            standard = GF**2 * m / math.pi * q_weak**2 / 4
            mixed = couplings * z * charge * q_weak * GF * m / (math.sqrt(2) * math.pi * d)
            square = (couplings * z * charge) ** 2 * m / (2 * math.pi * d * d)
            value += p * (standard + mixed + square)
        return value * (1 - m * er / (2 * e * e))

    form = helm(math.sqrt(2 * m * er), a) ** 2
    return form * sum(over_spectrum(x, lowest, lambda e, x=x: rate(e, x)) for x in sources)


def stepped(energy_kev: Number) -> Number:
    """Electrons of xenon that an energy can free."""
    return sum(
        float(r["electrons"]) for r in rows("xenon/subshells.csv") if float(r["binding_energy_ev"]) <= 1e3 * energy_kev
    )


def electron(
    energy_kev: Number,
    charges: Number,
    g: Number,
    mass: Number,
    eps: Number,
    sin2: Number,
    oscillation: str,
    sources: Number = tuple(FLUX),
    electrons: Callable[..., Number] = stepped,
) -> Number:
    """dR/dE_R [1/(t yr keV)]: the vector and axial couplings of the weak current, Eq. 36's shift in the vector one."""
    s = SETS[oscillation]
    t = energy_kev * 1e-3
    lowest = 0.5 * (t + math.sqrt(t * t + 2 * ME * t))
    shift = g * eps * E_CHARGE / (math.sqrt(2) * GF * (2 * ME * t + mass * mass))

    def rate(e: Number, source: str) -> Number:
        value = 0.0
        for flavour, (p, charge) in enumerate(zip(probability(source, e, s), charges, strict=True)):
            vector = 2 * sin2 - 0.5 + (flavour == 0) + shift * charge
            axial = -0.5 + (flavour == 0)
            plus, minus = vector + axial, vector - axial
            value += p * (plus**2 + minus**2 * (1 - t / e) ** 2 - plus * minus * ME * t / e**2)
        return value * GF**2 * ME / (2 * math.pi)

    total = sum(over_spectrum(x, lowest, lambda e, x=x: rate(e, x)) for x in sources)
    return total * ATOMS * electrons(energy_kev) * HBARC_CM**2 * YEAR * 1e-3
