"""Borexino's rate of 7Be neutrinos over the Standard Model's: Eq. 36 of arXiv:2104.03297 at one neutrino energy.

rate = sum_alpha P_alpha int dT dsigma_alpha/dT at E = 862.27 keV, over the recoils that the fit to the spectrum sees:
190 keV to T_max = 665 keV. Below, the published rate is an extrapolation by the Standard Model's shape.

What 1.01 +- 0.065 holds. Borexino measured 48.3 +- 1.1 (+0.4) (-0.7) counts a day and 100 t (arXiv:1707.09279), which
is 2.7 % and gives a flux 1.01 times that of B16-GS98, itself uncertain by 6 %: together 6.5 %. The published 0.065
contains the uncertainty of the flux. Here the flux is the nuisance "flux_7be" that the xenon detectors have too, and
the term keeps the rest, sqrt(0.065^2 - 0.06^2) = 0.025; with the nuisance switched off the term has the whole 0.065.

The spectrum behind this rate is an entry of its own, `borexino_spectrum`; a likelihood takes one of the two.
"""

import math
from collections.abc import Mapping

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from lmtbayes import _checks
from lmtbayes.constants import ELECTRON_MASS, MEV_PER_KEV, SIN2_THETA_W
from lmtbayes.experiments import solar_nuisances
from lmtbayes.experiments.base import active_names
from lmtbayes.experiments.description import SINGLE_NUMBER, Description
from lmtbayes.experiments.registry import anywhere, register
from lmtbayes.experiments.solar_neutrinos import SolarNeutrinos
from lmtbayes.experiments.terms import Gaussian
from lmtbayes.gauge.models import FLAVOURS, GaugeModel, HiddenPhoton
from lmtbayes.processes.electron import chiral_couplings, cross_section, hidden_shift, maximum_recoil_energy
from lmtbayes.sources import solar

NEUTRINO_ENERGY = 862.27 * MEV_PER_KEV
"""Peak of the main 7Be line [MeV], shifted by the heat of the Sun; J. N. Bahcall, Phys. Rev. D 49 (1994) 3923."""
MEASURED = (1.01, 0.065)
"""Rate over that of the Standard Model with the B16-GS98 flux, uncertainty of the flux included; arXiv:1707.09279."""
THRESHOLD_KEV = 190.0
"""Lower edge of the fit to the spectrum of electron recoils [keV]; arXiv:1707.09279 (0.19-2.93 MeV)."""
PROBABILITIES = (0.525, 0.236, 0.240)
"""P(nu_e -> nu_e, nu_mu, nu_tau) at the line, adiabatic MSW, NuFIT 6.0: `sources.oscillation`."""

# T = T_max v^3 crowds the nodes where a light boson's propagator peaks.
_V, _W = np.polynomial.legendre.leggauss(64)
_V, _W = 0.5 * (_V + 1.0), 0.5 * _W


class Borexino(SolarNeutrinos):
    """Rate of electron recoils from the 862 keV line over the Standard Model's.

    Parameters (beyond those of Experiment)
    ----------
    recoil_energy, weight
        Quadrature nodes in T [MeV] and their weights, shape (64,).
    probabilities
        Of the three flavours.
    sin2_theta_w
        Of the electron's couplings.
    standard_rate
        The denominator [MeV^-2].
    """

    recoil_energy: np.ndarray
    weight: np.ndarray
    probabilities: np.ndarray
    sin2_theta_w: float
    standard_rate: float

    def _signal(
        self, model: GaugeModel, photon: HiddenPhoton, values: Mapping[str, Float[Array, ""]]
    ) -> Float[Array, " bins"]:
        running = model.running(-2.0 * ELECTRON_MASS * self.recoil_energy)
        electron = model.coupling(photon, "e", running)
        shifts = [
            hidden_shift(model.coupling(photon, f"nu_{flavour}"), electron, self.recoil_energy, photon.mass)
            for flavour in FLAVOURS
        ]
        return jnp.atleast_1d(values["flux_7be"] * self._rate(shifts) / self.standard_rate)

    def _rate(self, shifts: list[Float[Array, " nodes"]]) -> Float[Array, ""]:
        return recoil_rate(self.recoil_energy, self.weight, self.probabilities, self.sin2_theta_w, shifts)


def recoil_rate(
    recoil_energy: np.ndarray,
    weight: np.ndarray,
    probabilities: np.ndarray,
    sin2_theta_w: float,
    shifts: list[Float[Array, " nodes"]],
) -> Float[Array, ""]:
    """sum_alpha P_alpha int dT dsigma_alpha/dT [MeV^-2] at the line, with delta_alpha(T) of Eq. 36 at the nodes."""
    total = jnp.zeros(())
    for flavour, probability, shift in zip(FLAVOURS, probabilities, shifts, strict=True):
        left, right = chiral_couplings(sin2_theta_w, flavour == "e")
        spectrum = cross_section(recoil_energy, NEUTRINO_ENERGY, left, right, shift)
        total = total + probability * jnp.sum(weight * spectrum)
    return total


def _build(
    *,
    name: str = "borexino-7be",
    title: str | None = None,
    measured: tuple[float, float] = MEASURED,
    probabilities: tuple[float, float, float] = PROBABILITIES,
    sin2_theta_w: float = SIN2_THETA_W,
    threshold_kev: float = THRESHOLD_KEV,
    nuisances: tuple[str, ...] | None = None,
) -> Borexino:
    """Build the measurement.

    Parameters
    ----------
    measured
        (rate over that of the Standard Model, sigma with the flux's 6 % in it).
    probabilities
        P(nu_e -> nu_e), P(nu_e -> nu_mu) and P(nu_e -> nu_tau) at the line.
    sin2_theta_w
        sin^2 theta_W of the electron's couplings.
    threshold_kev
        Lowest recoil of the electron that is counted [keV]; 0 for all recoils.
    nuisances
        ("flux_7be",) or None: the flux is free; (): the term has its uncertainty.
    """
    end_point = float(maximum_recoil_energy(NEUTRINO_ENERGY))
    value, sigma = _checks.shape("measured", measured, (2,))
    probability = _checks.shape("probabilities", probabilities, (3,))
    _checks.in_interval("probabilities", probability, 0.0, 1.0)
    _checks.in_interval("sin2_theta_w", sin2_theta_w, 0.0, 1.0)
    _checks.in_interval("threshold_kev", threshold_kev, 0.0, 600.0)
    flux_sigma = solar.flux_uncertainty("7be")
    if not sigma > flux_sigma:
        raise _checks.invalid("measured[1]", sigma, f"above the {flux_sigma:g} of the flux, which it includes")
    declared = (solar_nuisances.flux("7be"),)
    active = active_names(declared, nuisances)
    threshold = threshold_kev * MEV_PER_KEV
    recoil_energy = threshold + (end_point - threshold) * _V**3
    weight = (end_point - threshold) * 3.0 * _V**2 * _W
    nothing = [jnp.zeros_like(recoil_energy)] * 3
    return Borexino(
        description=Description(
            name,
            "Borexino $^7$Be" if title is None else title,
            "M. Agostini et al. (Borexino), Phys. Rev. D 100 (2019) 082004, arXiv:1707.09279; recast as in R. Harnik, "
            "J. Kopp, P. A. N. Machado, JCAP 07 (2012) 026, arXiv:1202.6073",
            "data",
            ("borexino-7be",),
        ),
        binning=SINGLE_NUMBER,
        term=Gaussian(math.sqrt(sigma**2 - flux_sigma**2) if active else sigma),
        declared=declared,
        active=active,
        observed=np.array([value]),
        recoil_energy=recoil_energy,
        weight=weight,
        probabilities=probability,
        sin2_theta_w=sin2_theta_w,
        standard_rate=float(recoil_rate(recoil_energy, weight, probability, sin2_theta_w, nothing)),
    )


register("borexino-7be", _build, reach=anywhere, status="data")
