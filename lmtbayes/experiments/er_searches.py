"""Solar neutrinos in published electron-recoil spectra of xenon (Eq. 36): LZ, PandaX-4T, XENONnT.

Counts in bins of measured energy: exposure x kernel of the neutrinos + backgrounds, each with its nuisance. Entries are
rows of data/xenon/er_searches.csv, spectra data/xenon/er_spectra.csv, backgrounds data/xenon/er_backgrounds.csv.
"""

import functools
from collections.abc import Mapping
from typing import Any

import numpy as np
from jaxtyping import Array, Float

from lmtbayes import _checks, tables
from lmtbayes.detectors.response import Efficiency, Resolution
from lmtbayes.experiments import er_backgrounds
from lmtbayes.experiments.base import active_names
from lmtbayes.experiments.description import Binning
from lmtbayes.experiments.liquid_xenon import ER_FLUX_NUISANCES
from lmtbayes.experiments.nuisance import Nuisance
from lmtbayes.experiments.registry import anywhere, register
from lmtbayes.experiments.standard_model import standard_model
from lmtbayes.experiments.terms import Poisson
from lmtbayes.experiments.xenon_detectors import Response
from lmtbayes.experiments.xenon_folding import electron_kernel
from lmtbayes.experiments.xenon_searches import Assumptions, SolarSearch, description, relative
from lmtbayes.gauge.models import GaugeModel, HiddenPhoton

_NODES = 6


class ElectronSearch(SolarSearch):
    """Counts of electron recoils; `exposure_tyr` in t yr."""

    exposure_tyr: float

    def _signal(
        self, model: GaugeModel, photon: HiddenPhoton, values: Mapping[str, Float[Array, ""]]
    ) -> Float[Array, " bins"]:
        return self.exposure_tyr * self.kernel.rates(model, photon, values)


def _search(
    entry: str,
    *,
    name: str | None = None,
    title: str | None = None,
    oscillation: str = Assumptions.oscillation,
    binding: str = Assumptions.binding,
    sin2_theta_w: float = Assumptions.sin2_theta_w,
    solar_model: str = Assumptions.solar_model,
    octant: str = Assumptions.octant,
    background_uncertainty: float | None = None,
    nuisances: tuple[str, ...] | None = None,
) -> ElectronSearch:
    """Build a search.

    Parameters
    ----------
    oscillation, binding, sin2_theta_w, solar_model, octant
        As in `Assumptions`.
    background_uncertainty
        Relative, of the part of the background that is the published best fit (10 % is 0.1); None for the table's.
    """
    assumed = Assumptions(oscillation, binding, sin2_theta_w=sin2_theta_w, solar_model=solar_model, octant=octant)
    if background_uncertainty is not None:
        _checks.positive("background_uncertainty", _checks.fraction("background_uncertainty", background_uncertainty))
    row, spectrum = search_row(entry), _spectrum(entry)
    edges, detector = spectrum["edges"], search_response(entry)
    rows = er_backgrounds.backgrounds(entry)
    declared = [*assumed.nuisances("er", ER_FLUX_NUISANCES)]
    for background in rows:
        sigma = background.relative_sigma
        if background.shape == "best-fit" and background_uncertainty is not None:
            sigma = background_uncertainty
        effect, source = f"factor on a background of {entry}", "data/xenon/er_backgrounds.csv"
        declared.append(Nuisance(background.nuisance, relative(sigma), effect, source))
    return ElectronSearch(
        description=description(entry, name, title),
        binning=Binning(edges, "keVee", "measured energy"),
        term=Poisson(),
        declared=tuple(declared),
        active=active_names(tuple(declared), nuisances),
        observed=spectrum["observed"],
        kernel=electron_kernel(detector, edges, assumed.sun, binding, _NODES),
        exposure_tyr=row["exposure_tyr"],
        backgrounds=background_counts(entry),
        scales=tuple(background.nuisance for background in rows),
    )


def search_row(entry: str) -> dict[str, Any]:
    """One row of data/xenon/er_searches.csv, numbers as floats."""
    table = tables.read("xenon/er_searches")
    index = [str(name) for name in table["name"]].index(entry)
    return {key: value[index] if value.dtype.kind == "U" else float(value[index]) for key, value in table.items()}


def search_response(entry: str) -> Response:
    """Efficiency against true energy, constant above its plateau, and resolution."""
    row, table = search_row(entry), tables.read("xenon/efficiency_er_searches")
    energy = table["energy_kevee"]
    kept = energy <= row["plateau_kevee"]
    efficiency = Efficiency(energy[kept], table[entry][kept], float(energy[0]), row["plateau_kevee"])
    return Response(efficiency, Resolution(row["resolution_a"], row["resolution_b"]), False, 1.0)


@functools.cache
def background_counts(entry: str) -> Float[np.ndarray, "nuisances bins"]:
    """Counts of each background in each bin at central nuisances."""
    row, spectrum, response = search_row(entry), _spectrum(entry), search_response(entry)
    edges, left = spectrum["edges"], spectrum["best_fit"]
    counts: dict[str, np.ndarray] = {}
    if np.isfinite(row["best_fit_solar"]):
        left = left - published_neutrinos(entry)
    rows = er_backgrounds.backgrounds(entry)
    for background in (row for row in rows if row.shape != "best-fit"):
        share = er_backgrounds.shape_in_bins(background, response, edges)
        if np.isnan(background.counts):
            counts[background.nuisance], left = er_backgrounds.line_and_rest(left, share, response, edges)
        else:
            counts[background.nuisance] = background.counts * share
    return np.stack([counts.get(background.nuisance, left) for background in rows])


def published_neutrinos(entry: str) -> Float[np.ndarray, " bins"]:
    """Solar neutrinos that a published best fit contains: its number, the package's shape for its binding."""
    row, response, edges = search_row(entry), search_response(entry), _spectrum(entry)["edges"]
    assumed = Assumptions(binding=str(row["best_fit_binding"]))
    nuisances = assumed.nuisances("er", ER_FLUX_NUISANCES)

    def rates(bins: np.ndarray) -> np.ndarray:
        kernel = electron_kernel(response, bins, assumed.sun, assumed.binding, _NODES)
        return standard_model(kernel.rates, nuisances)

    total = rates(np.array([row["best_fit_low"], row["best_fit_high"]]))
    return row["best_fit_solar"] * rates(edges) / total[0]


def _spectrum(entry: str) -> dict[str, np.ndarray]:
    table = tables.read("xenon/er_spectra")
    rows = table["search"] == entry
    edges = np.append(table["energy_low_kevee"][rows], table["energy_high_kevee"][rows][-1])
    return {"edges": edges, "observed": table["observed"][rows], "best_fit": table["best_fit"][rows]}


for _name in tables.read("xenon/er_searches")["name"]:
    register(str(_name), functools.partial(_search, str(_name)), reach=anywhere, status="data")
