"""What published searches with liquid xenon share: names, assumptions, nuisances, the uncertainty of a background."""

from collections.abc import Mapping
from dataclasses import dataclass

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from lmtbayes import _checks, tables
from lmtbayes.constants import SIN2_THETA_W
from lmtbayes.experiments import solar_nuisances
from lmtbayes.experiments.common import electron_binding, weak_mixing_angle
from lmtbayes.experiments.description import Description
from lmtbayes.experiments.nuisance import Constraint, Gaussian, LogNormal, Nuisance
from lmtbayes.experiments.solar_neutrinos import SolarNeutrinos
from lmtbayes.experiments.xenon_kernels import RecoilKernel
from lmtbayes.experiments.xenon_spectra import Sun
from lmtbayes.processes import binding as atoms
from lmtbayes.sources import solar
from lmtbayes.sources.oscillation import DEFAULT_SET
from lmtbayes.sources.oscillation import oscillation as oscillation_parameters


class SolarSearch(SolarNeutrinos):
    """Counts of solar neutrinos above backgrounds, each of which a nuisance scales.

    Parameters (beyond those of Experiment)
    ----------
    kernel
        Rates of solar neutrinos in the bins.
    backgrounds
        Counts, (nuisances, bins).
    scales
        Names of the nuisances that scale the rows of `backgrounds`.
    """

    kernel: RecoilKernel
    backgrounds: np.ndarray
    scales: tuple[str, ...] = eqx.field(static=True)

    def _background(self, values: Mapping[str, Float[Array, ""]]) -> Float[Array, " bins"]:
        return jnp.stack([values[name] for name in self.scales]) @ self.backgrounds


_WIDEST_GAUSSIAN = 0.3
"""A wider relative uncertainty is log-normal: a Gaussian of 50 % makes negative backgrounds."""


@dataclass(frozen=True)
class Assumptions:
    """Choices that every search makes; the values and errors are those of `liquid_xenon`.

    Parameters
    ----------
    oscillation
        Parameter set: "nufit-6.1-ic24", "nufit-6.1-ic23", "nufit-6.0-ic24", "nufit-6.0-ic19" or "paper-2021".
    binding
        Of the electrons: "rrpa", "stepped" or "free".
    sin2_theta_w
        Central value of sin^2 theta_W.
    solar_model
        B16 "gs98" or "agss09met": central values and widths of the fluxes.
    spectrum_8b
        Neutrinos of 8B: "w06" (2006) or "b96" (1996).
    flux_8b_width
        Width of the nuisance "flux_8b": "b16" (12 %) or "sno" (3.8 %).
    octant
        Of theta_23: "set", or "both" for a prior with two modes.
    """

    oscillation: str = DEFAULT_SET
    binding: str = "rrpa"
    sin2_theta_w: float = SIN2_THETA_W
    solar_model: str = "gs98"
    spectrum_8b: str = "w06"
    flux_8b_width: str = "b16"
    octant: str = "set"

    def __post_init__(self) -> None:
        oscillation_parameters(self.oscillation)
        _checks.one_of("binding", self.binding, atoms.BINDINGS)
        _checks.in_interval("sin2_theta_w", self.sin2_theta_w, 0.0, 1.0)
        _checks.one_of("solar_model", self.solar_model, solar.SOLAR_MODELS)
        _checks.one_of("spectrum_8b", self.spectrum_8b, solar.SPECTRA_8B)

    @property
    def sun(self) -> Sun:
        """Which Sun."""
        return Sun(self.solar_model, self.spectrum_8b, self.oscillation)

    def nuisances(self, recoil: str, sources: tuple[str, ...]) -> list[Nuisance]:
        """Nuisances of the neutrinos as the projections declare them: fluxes, oscillation, mixing angle, binding.

        Parameters
        ----------
        recoil
            "nr" or "er".
        sources
            Those whose flux is uncertain.
        """
        declared = [solar_nuisances.flux(source, self.solar_model, self.flux_8b_width) for source in sources]
        declared += solar_nuisances.oscillations(oscillation_parameters(self.oscillation), self.octant)
        declared.append(weak_mixing_angle(self.sin2_theta_w))
        if recoil == "nr" and self.spectrum_8b == "w06":
            declared.append(solar_nuisances.shape_8b())
        if recoil == "er" and self.binding == "rrpa":
            declared.append(electron_binding())
        return declared


def relative(sigma: float) -> Constraint:
    """Constraint of a factor that is 1 and known to `sigma`: Gaussian, log-normal above 30 %."""
    return Gaussian(1.0, sigma) if sigma < _WIDEST_GAUSSIAN else LogNormal(1.0, 1.0 + sigma)


def description(entry: str, name: str | None, title: str | None) -> Description:
    """Title and paper of an entry out of data/xenon/searches.csv; `name` and `title` give it others."""
    table = tables.read("xenon/searches")
    row = [str(key) for key in table["name"]].index(entry)
    data_sets = (str(table["data_set"][row]),)
    own_title = str(table["title"][row]) if title is None else title
    return Description(entry if name is None else name, own_title, str(table["citation"][row]), "data", data_sets)
