"""Outside codes: their numbers are data (`data/validation/outside.csv`), the package's are computed here."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from lmtbayes import tables
from lmtbayes.constants import MEV_PER_KEV
from lmtbayes.experiments.registry import experiment
from lmtbayes.gauge.models import LMU_LTAU, HiddenPhoton
from lmtbayes.processes import nucleus
from lmtbayes.processes.bremsstrahlung import dsigma_dx
from lmtbayes.processes.form_factors import Helm
from lmtbayes.sources.oscillation import flavour_probabilities, oscillation
from lmtbayes.validation.rows import Row

_GEV = 931.49410372
_CM2 = (197.3269804e-13) ** 2
LEAD = (160e3, 82.0, 207.2)
"""Beam energy [MeV], Z and A of the target."""


def _cross_section(setting: str) -> float:
    """Eq. 33 of the Standard Model with Helm's form factor [cm^2/keV]."""
    mass_number, protons, recoil, energy = (float(x) for x in setting.split())
    mass, recoil = mass_number * _GEV, recoil * MEV_PER_KEV
    charge = nucleus.weak_charge(protons, mass_number - protons, 0.2387)
    form = Helm()(nucleus.momentum_transfer(recoil, mass), mass_number)
    value = (
        nucleus.contact_cross_section(mass) * nucleus.kinematic_factor(recoil, energy, mass) * (charge / 2 * form) ** 2
    )
    return float(value) * _CM2 * MEV_PER_KEV


def _nuclear_rate(setting: str) -> float:
    options: dict[str, Any] = {"sin2_theta_w": 0.23122, "spectrum_8b": "b96", "oscillation": "nufit-6.0-ic24"}
    return _rate(experiment("darwin-nr", exposure_tyr=1.0, **options), setting)


def _electron_rate(setting: str) -> float:
    options: dict[str, Any] = {"sin2_theta_w": 0.23122, "binding": "free", "oscillation": "nufit-6.0-ic24"}
    return _rate(experiment("darwin-er", exposure_tyr=1.0, **options), setting)


def _rate(exp: Any, setting: str) -> float:
    return float(exp.differential_rate(LMU_LTAU, HiddenPhoton.none(), np.array([float(setting)]))[0])


def _probability(setting: str) -> float:
    source, energy, flavour = setting.split()
    found = flavour_probabilities(source, float(energy), oscillation("nufit-6.0-ic24"))
    return float(found[("e", "mu", "tau").index(flavour)])


def _bremsstrahlung(setting: str) -> float:
    mass, x = (float(value) for value in setting.split())
    return float(dsigma_dx(x, mass, *LEAD, inelastic=False))


_OURS: dict[str, tuple[Callable[[str], float], str]] = {
    "cross section": (_cross_section, "A, Z, recoil [keV], neutrino [MeV]"),
    "nuclear rate": (_nuclear_rate, "keV; nine isotopes here, one there"),
    "electron rate": (_electron_rate, "keV; nine isotopes here, one there"),
    "probability": (_probability, "source, MeV, flavour"),
    "exact dsigma/dx": (_bremsstrahlung, "M [MeV], x; Weizsaecker and Williams's approximation here, exact there"),
    "dsigma/dx": (_bremsstrahlung, "M [MeV], x; largest t is 1 GeV^2 here, M^2 + m_mu^2 there"),
}


def outside() -> Iterator[Row]:
    """Yield a row for each number of an outside code."""
    table = tables.read("validation/outside")
    for code, quantity, setting, value in zip(*(table[name] for name in table), strict=True):
        ours, remark = _OURS[str(quantity)]
        yield Row(str(code), f"{quantity} {setting}", float(value), ours(str(setting)), note=remark)
