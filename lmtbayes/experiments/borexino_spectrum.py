"""Borexino's spectrum of Phase II: solar neutrinos (Eq. 36) above the backgrounds of the collaboration's best fit.

Counts in bins of visible energy from 230 to 2630 keV. A light boson bends the recoils of 7Be upwards at the low end,
which the one rate of "borexino-7be" cannot see. Neutrinos are the package's own, folded with the response of
`borexino_response`; backgrounds are Borexino's curves: pile-up, 85Kr, 210Bi, 11C as drawn, and what the best fit has
beyond them and the neutrinos, which is 14C below 277 keV, 210Po up to 637 keV and external gammas above.
"""

from collections.abc import Mapping
from functools import cache

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from lmtbayes import _checks, tables
from lmtbayes.experiments import borexino_response
from lmtbayes.experiments.base import active_names
from lmtbayes.experiments.borexino_response import BorexinoRecoils
from lmtbayes.experiments.description import Binning, Description
from lmtbayes.experiments.liquid_xenon import ER_FLUX_NUISANCES
from lmtbayes.experiments.nuisance import Gaussian, LogNormal, Nuisance
from lmtbayes.experiments.registry import anywhere, register
from lmtbayes.experiments.standard_model import standard_model
from lmtbayes.experiments.terms import Poisson
from lmtbayes.experiments.xenon_searches import Assumptions, SolarSearch
from lmtbayes.gauge.models import GaugeModel, HiddenPhoton

EXPOSURE = 582.33
"""[d 100 t]: 1291.51 d, 71.3 t, 63.25 % left by the cut on 11C."""
BEST_FIT = {"pp": 134.0 / 131.1, "7be": 48.3 / 47.9, "pep": 2.17 / 2.74}
"""Neutrinos of the best fit over Borexino's expectation for B16-GS98; arXiv:1707.09279.

pp and 7Be as published, CNO as expected (4.92). pep 2.17 is what the drawn curve holds; published are 2.43 +- 0.36.
"""
_C14_ENDS, _POLONIUM_ENDS = 277.27, 637.0
"""Visible energies [keV] up to which what is left of the best fit is 14C, and 210Po."""
_NUISANCES = (
    Nuisance(
        "borexino_exposure",
        Gaussian(1.0, 0.011),
        "factor on the counts of neutrinos: fiducial mass, live time, models of the fit",
        "systematic uncertainty of the 7Be rate, +0.4 -0.7 of 48.3, arXiv:1707.09279",
    ),
    Nuisance("borexino_scale", Gaussian(0.0, 0.005), "relative shift of the visible energy of recoils", "judgement"),
    Nuisance("borexino_resolution", Gaussian(0.0, 0.03), "relative shift of the resolution of recoils", "judgement"),
)
_BACKGROUNDS = {
    "c14": (Gaussian(1.0, 0.05), "measured apart, 40.0 +- 2.0 Bq/100 t, arXiv:1707.09279"),
    "pileup": (Gaussian(1.0, 0.02), "measured apart, 137.5 +- 2.8 counts a day and 100 t, arXiv:1707.09279"),
    "kr85": (LogNormal(1.0, 2.0), "wide: the spectrum fixes it"),
    "bi210": (LogNormal(1.0, 1.5), "wide: the spectrum fixes it"),
    "c11": (LogNormal(1.0, 1.2), "wide: the spectrum fixes it"),
    "po210": (LogNormal(1.0, 1.1), "wide: the spectrum fixes it"),
    "external": (LogNormal(1.0, 1.2), "wide: the spectrum fixes it"),
}
"""Constraint of the factor "borexino_<name>" on each background of the best fit, and where it is from."""
_DRAWN = ("pileup", "kr85", "bi210", "c11")


class BorexinoSpectrum(SolarSearch):
    """Counts of electron recoils in bins of visible energy, with the neutrinos' common factor."""

    def _signal(
        self, model: GaugeModel, photon: HiddenPhoton, values: Mapping[str, Float[Array, ""]]
    ) -> Float[Array, " bins"]:
        return values["borexino_exposure"] * self.kernel.rates(model, photon, values)


def _build(
    *,
    name: str = "borexino-phase2",
    title: str | None = None,
    threshold_kev: float = 0.0,
    oscillation: str = Assumptions.oscillation,
    sin2_theta_w: float = Assumptions.sin2_theta_w,
    solar_model: str = Assumptions.solar_model,
    octant: str = Assumptions.octant,
    nuisances: tuple[str, ...] | None = None,
) -> BorexinoSpectrum:
    """Build the spectrum.

    Parameters
    ----------
    threshold_kev
        Bins of visible energy that begin below it [keV] are left out; 0 for all.
    oscillation, sin2_theta_w, solar_model, octant
        As in `Assumptions`.
    nuisances
        Names of those that stay free; None for all.

    Raises
    ------
    InvalidArgument
        A value that is not accepted; the message says what is.
    UnknownName
        A nuisance that there is not.
    """
    assumed = Assumptions(oscillation, "free", sin2_theta_w=sin2_theta_w, solar_model=solar_model, octant=octant)
    edges, observed = spectrum_edges(), tables.read("borexino/phase2_spectrum")["observed"]
    _checks.in_interval("threshold_kev", threshold_kev, 0.0, 2000.0)
    first = int(np.searchsorted(edges, threshold_kev))
    declared = (*_neutrinos(assumed), *_background_nuisances())
    return BorexinoSpectrum(
        description=Description(
            name,
            "Borexino Phase II" if title is None else title,
            "M. Agostini et al. (Borexino), Nature 562 (2018) 505; M. Agostini et al. (Borexino), Phys. Rev. D 100 "
            "(2019) 082004, arXiv:1707.09279",
            "data",
            ("borexino-7be",),
        ),
        binning=Binning(edges[first:], "keV", "visible energy"),
        term=Poisson(),
        declared=declared,
        active=active_names(declared, nuisances),
        observed=observed[first:],
        kernel=_kernel(edges[first:], assumed),
        backgrounds=background_counts()[:, first:],
        scales=tuple(nuisance.name for nuisance in _background_nuisances()),
    )


def spectrum_edges() -> Float[np.ndarray, " edges"]:
    """Edges of the bins of visible energy [keV]."""
    table = tables.read("borexino/phase2_spectrum")
    return np.append(table["energy_low_kev"], table["energy_high_kev"][-1])


@cache
def background_counts() -> Float[np.ndarray, "backgrounds bins"]:
    """Counts of each background of the best fit in each bin; with its neutrinos they add up to the best fit."""
    table, curves = tables.read("borexino/phase2_spectrum"), tables.read("borexino/phase2_components")
    hits = np.arange(table["n_h_first"][0], table["n_h_last"][-1] + 1.0)
    bins = np.append(table["n_h_first"], hits[-1] + 1.0)
    drawn = {
        name: EXPOSURE * np.histogram(hits, bins, weights=np.interp(hits, curves["n_h"], curves[name], right=0.0))[0]
        for name in _DRAWN
    }
    left = table["best_fit"] - published_neutrinos() - sum(drawn.values())
    low = table["energy_low_kev"]
    carbon, external = low < _C14_ENDS, low >= _POLONIUM_ENDS
    rest = {"c14": left * carbon, "po210": left * ~(carbon | external), "external": left * external}
    return np.stack([{**drawn, **rest}[name] for name in _BACKGROUNDS])


def published_neutrinos() -> Float[np.ndarray, " bins"]:
    """Neutrinos of the best fit: the package's spectra at the fitted rates."""
    assumed, fitted = (
        Assumptions(binding="free"),
        {f"flux_{source}": jnp.asarray(value) for source, value in BEST_FIT.items()},
    )
    kernel = _kernel(spectrum_edges(), assumed)
    return standard_model(lambda model, photon, v: kernel.rates(model, photon, {**v, **fitted}), _neutrinos(assumed))


def _kernel(edges: Float[np.ndarray, " edges"], assumed: Assumptions) -> BorexinoRecoils:
    return borexino_response.kernel(edges, EXPOSURE, assumed.sun, "borexino_scale", "borexino_resolution")


def _neutrinos(assumed: Assumptions) -> tuple[Nuisance, ...]:
    return (*assumed.nuisances("er", ER_FLUX_NUISANCES), *_NUISANCES)


def _background_nuisances() -> tuple[Nuisance, ...]:
    effect = "factor on a background of the best fit"
    return tuple(
        Nuisance(f"borexino_{name}", how, f"{effect}: {name}", why) for name, (how, why) in _BACKGROUNDS.items()
    )


register("borexino-phase2", _build, reach=anywhere, status="data")
