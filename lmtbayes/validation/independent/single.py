"""Entries of one number by hand: Eq. 13 (g-2), Eq. 36 at one energy (Borexino), the emission of white dwarfs."""

import itertools
import math

from scipy.integrate import quad

from lmtbayes.validation.independent.numbers import Number

ALPHA, G_F, S2 = 1.0 / 137.035999177, 1.1663788e-11, 0.23857
E_CHARGE = math.sqrt(4.0 * math.pi * ALPHA)
M_MU, M_E = 105.6583755, 0.51099895069
E_BE = 0.86227
"""Energy of the 7Be line [MeV]."""
PROBABILITIES = (0.525, 0.236, 0.240)


def delta_a_mu(g: Number, mass: Number, eps: Number) -> Number:
    """Eq. 13 for a muon of unit charge, with its mixing (Eq. 9)."""
    x = mass / M_MU

    def integrand(u: float) -> float:
        return u * u * (1.0 - u) / (u * u + (1.0 - u) * x * x)

    cuts = sorted({0.0, 1.0, *(c for c in (0.1 * x, x, 0.9, 0.999) if c < 1.0)})
    total = sum(quad(integrand, a, b, epsabs=0.0, epsrel=1e-11, limit=200)[0] for a, b in itertools.pairwise(cuts))
    return (g + eps * E_CHARGE) ** 2 / (4.0 * math.pi**2) * total


def borexino_ratio(charges: Number, g: Number, mass: Number, eps: Number, t_min: Number = 0.19) -> Number:
    """Rate over the Standard Model's of recoils above `t_min` [MeV]: Eq. 36 in powers of the coupling, as printed."""

    def spectrum(recoil: float, electron: float, charge: float) -> float:
        left, right = S2 - 0.5 + electron, S2
        x = g * charge * eps * E_CHARGE / (2.0 * M_E * recoil + mass**2)
        back, shape = (1.0 - recoil / E_BE) ** 2, M_E * recoil / (2.0 * E_BE**2)
        standard = left**2 + right**2 * back - 2.0 * left * right * shape
        linear = x / (math.sqrt(2.0) * G_F) * (left * (1.0 - shape) + right * (back - shape))
        return standard + linear + x**2 / (8.0 * G_F**2) * (1.0 + back - 2.0 * shape)

    end = 2.0 * E_BE**2 / (M_E + 2.0 * E_BE)
    rate = [
        sum(
            p * quad(spectrum, t_min, end, (electron, charge * on), epsrel=1e-10, limit=400)[0]
            for p, electron, charge in zip(PROBABILITIES, (1.0, 0.0, 0.0), charges, strict=True)
        )
        for on in (0.0, 1.0)
    ]
    return rate[1] / rate[0]


def white_dwarf_emission(charges: Number, g: Number, mass: Number, eps: Number) -> Number:
    """Emission over the Standard Model's: C_V = +-1/2 + 2 s^2, upper sign for nu_e, and contact exchange."""
    standard = [0.5 + 2.0 * S2, -0.5 + 2.0 * S2, -0.5 + 2.0 * S2]
    electron = g * charges[0] + eps * E_CHARGE
    shifted = [
        c + g * charge * electron / (math.sqrt(2.0) * G_F * mass**2)
        for c, charge in zip(standard, charges, strict=True)
    ]
    return sum(c * c for c in shifted) / sum(c * c for c in standard)
