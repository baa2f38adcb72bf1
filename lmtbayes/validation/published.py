"""Published results beside ours: theirs are data (`data/validation/published.csv`), ours are computed here."""

import math
from collections.abc import Callable, Iterator
from typing import Any

import jax.numpy as jnp
import numpy as np
from scipy.stats import norm

from lmtbayes import tables
from lmtbayes.experiments.er_searches import search_response
from lmtbayes.experiments.liquid_xenon import ER_FLUX_NUISANCES
from lmtbayes.experiments.registry import experiment
from lmtbayes.experiments.xenon_folding import electron_kernel
from lmtbayes.experiments.xenon_searches import Assumptions
from lmtbayes.gauge.models import LMU, LMU_LTAU, HiddenPhoton
from lmtbayes.validation.rows import Row

NO_BOSON = HiddenPhoton.none()
XENONS = {"flux_hep": 1e-12, "flux_8b": 5.25 / 5.46}
"""What XENON takes from the Sun: SNO's flux, and 8B alone."""


def _observed(entry: str) -> float:
    return float(np.sum(np.asarray(experiment(entry).observed)))


def _n_eff() -> float:
    return float(experiment("n-eff").expected(LMU_LTAU, NO_BOSON)[0])


def _white_dwarfs() -> float:
    """g/M [1/GeV] at which the emission doubles, at 10 MeV; the excess goes with a power of g near there."""
    exp: Any = experiment("white-dwarfs", excess=1.0)
    mass = 10.0
    log_g = np.linspace(math.log(1e-5), math.log(1e-1), 301)
    photons = LMU_LTAU.with_mixing("paper").hidden_photon(np.exp(log_g), mass)
    pull = (np.asarray(exp.expected(LMU_LTAU, photons))[..., 0] - 1.0) / float(exp.term.sigma[0])
    return float(np.exp(np.interp(math.log(norm.ppf(0.9)), np.log(pull), log_g)) / mass * 1e3)


def _xenon_above() -> float:
    exp: Any = experiment("xenonnt-nr", exposure_tyr=1.0, spectrum_8b="b96", nuisances=())
    energies = np.linspace(0.45, 5.0, 400)
    return float(np.trapezoid(np.asarray(exp.differential_rate(LMU, NO_BOSON, energies, XENONS)), energies))


def _solar_events(entry: str, runs: slice) -> float:
    exp = experiment(entry, spectrum_8b="b96")
    counts = np.asarray(exp.signal_counts(LMU, NO_BOSON, XENONS)).reshape(3, -1).sum(axis=1)
    return float(counts[runs].sum())


_EXPOSURE = {"lz-er-ws2022": 0.9, "lz-er-ws2024": 3.3, "xenonnt-er-2022": 1.16, "pandax4t-er-run1": 363.3 / 365.25}


def _solar_electrons(entry: str, high: float, binding: str = "rrpa") -> float:
    assumed = Assumptions(binding=binding)
    values = {n.name: jnp.asarray(n.constraint.central) for n in assumed.nuisances("er", ER_FLUX_NUISANCES)}
    kernel = electron_kernel(search_response(entry), np.array([1.0, high]), assumed.sun, binding, 6)
    return _EXPOSURE[entry] * float(kernel.rates(LMU, NO_BOSON, values)[0])


def _germanium() -> float:
    exp = experiment("coherent-ge-2024", form_factor="klein-nystrand")
    return float(exp.signal_counts(LMU_LTAU, NO_BOSON)[0])


def _xlzd() -> float:
    exp: Any = experiment("xlzd-60-er", exposure_tyr=1.0)
    cuts = np.array([0.6, 0.94, 1.15, 2.5, 5.0, 5.3, 10.0, 17.0, 23.0])
    nodes, weights = np.polynomial.legendre.leggauss(24)
    half, middle = 0.5 * np.diff(cuts)[:, None], 0.5 * (cuts[1:] + cuts[:-1])[:, None]
    rate = np.asarray(exp.differential_rate(LMU_LTAU, NO_BOSON, (middle + half * nodes).ravel())).ravel()
    return float((half * weights).ravel() @ rate)


_OURS: dict[tuple[str, str], Callable[[], float]] = {
    ("n-eff", "no boson"): _n_eff,
    ("white-dwarfs", "g/M where new emission is the Standard Model's"): _white_dwarfs,
    ("xenonnt-8b-counts", "solar 8B above 0.45 keV"): _xenon_above,
    ("xenonnt-8b-counts", "solar events in three runs"): lambda: _solar_events("xenonnt-8b-counts", slice(None)),
    ("xenonnt-8b-counts", "solar events in SR0 and SR1"): lambda: _solar_events("xenonnt-8b-counts", slice(0, 2)),
    ("xenonnt-s2-2026", "solar events in SR0"): lambda: _solar_events("xenonnt-s2-2026", slice(0, 1)),
    ("xenonnt-s2-2026", "solar events in SR1"): lambda: _solar_events("xenonnt-s2-2026", slice(1, 2)),
    ("xenonnt-s2-2026", "solar events in SR2"): lambda: _solar_events("xenonnt-s2-2026", slice(2, 3)),
    ("lz-er-ws2022", "solar electrons in 1-20 keVee"): lambda: _solar_electrons("lz-er-ws2022", 20.0),
    ("lz-er-ws2024", "solar electrons in 1-20 keVee"): lambda: _solar_electrons("lz-er-ws2024", 20.0),
    ("xenonnt-er-2022", "solar electrons in 1-140 keVee"): lambda: _solar_electrons(
        "xenonnt-er-2022", 140.0, "stepped"
    ),
    ("pandax4t-er-run1", "solar electrons in 1-30 keVee"): lambda: _solar_electrons("pandax4t-er-run1", 30.0),
    ("coherent-ge-2024", "counts"): _germanium,
    ("xlzd-60-er", "solar electrons in 0.6-23 keV and 1 t yr"): _xlzd,
}
"""Entries that are not here are compared in what they observed."""


def published(entries: tuple[str, ...] = ()) -> Iterator[Row]:
    """Yield a row for each published number, of all entries or of some."""
    table = tables.read("validation/published")
    for row in zip(*(table[name] for name in table), strict=True):
        entry, quantity, value, error, unit, remark, source = (str(cell) for cell in row)
        if entries and entry not in entries:
            continue
        ours = _OURS.get((entry, quantity), lambda entry=entry: _observed(entry))
        what = quantity if unit == "1" else f"{quantity} [{unit}]"
        note = f"{source}; {remark}" if remark else source
        yield Row(entry, what, float(value), ours(), float(error) if error not in ("", "nan") else math.nan, 1, note)
