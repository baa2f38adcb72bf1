"""Published results beside ours: theirs are data (`data/validation/published.csv`), ours are computed here."""

import functools
import math
import warnings
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
from lmtbayes.inference.frequentist.limits import upper_limit
from lmtbayes.inference.frequentist.profile import profile_likelihood
from lmtbayes.inference.likelihood.joint import JointLikelihood
from lmtbayes.validation.free_fits import FreeFit, free_fit
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


def _fit_of_coherent(entry: str) -> float:
    """Scattering events, with their strength and the backgrounds free."""
    strength, backgrounds = f"strength_{entry.split('-')[1]}", tuple(experiment(entry).backgrounds)  # type: ignore[attr-defined]
    exp = experiment(entry, nuisances=(strength, *backgrounds))
    fit = free_fit(exp, (strength,), backgrounds)
    return float(np.sum(np.asarray(exp.signal_counts(LMU_LTAU, NO_BOSON, fit.all_values))))


def _expected_of(entry: str) -> float:
    return float(np.sum(np.asarray(experiment(entry).signal_counts(LMU_LTAU, NO_BOSON))))


_BOREXINO = {"pp": 131.1, "7be": 47.9, "pep": 2.74}
"""A day and 100 t, by Borexino for the fluxes of B16-GS98 (arXiv:1707.09279)."""


@functools.cache
def _fit_of_borexino() -> FreeFit:
    exp, free = experiment("borexino-phase2"), tuple(f"flux_{source}" for source in _BOREXINO)
    return free_fit(exp, free, [n.name for n in exp.nuisances if n.name not in free])


def _borexino(source: str) -> float:
    return _BOREXINO[source] * float(_fit_of_borexino().values[list(_BOREXINO).index(source)])


@functools.cache
def _fit_of_xenonnt() -> tuple[FreeFit, float]:
    """Fit of SR0 and SR1, and its events."""
    exp = experiment("xenonnt-8b", runs=("sr0", "sr1"), spectrum_8b="b96")
    of_the_sun = ("flux_8b", "flux_hep", "theta_12", "theta_23", "delta_cp", "sin2_theta_w")
    fit = free_fit(
        exp, ("flux_8b",), [n.name for n in exp.nuisances if n.name not in of_the_sun], {"flux_hep": XENONS["flux_hep"]}
    )
    nominal = {"flux_hep": XENONS["flux_hep"], "flux_8b": float(fit.values[0])}
    return fit, float(np.sum(np.asarray(exp.signal_counts(LMU, NO_BOSON, nominal))))


def _n_eff_at(mass: float) -> float:
    photon = HiddenPhoton(5e-4, mass, -5e-4 / 69.3)
    return float(experiment("n-eff").expected(LMU_LTAU, photon)[0])


_OF_MIXING = ("na64e-invisible", "babar-invisible")
_LIMITS = {
    "na64mu-2022": (0.90, (10, 50, 100)),
    "babar-4mu": (0.90, (936.54,)),
    "cms-4mu": (0.95, (19844,)),
    "belle2-invisible": (0.90, (4358.4,)),
    "na64e-invisible": (0.90, (4.758,)),
    "babar-invisible": (0.90, (100,)),
}
"""Level and masses [MeV] at which published limits are read."""


def _limit(entry: str, mass: float, cl: float) -> float:
    """Upper limit of one experiment alone on what it limits: g_x, or eps_x."""
    model = LMU_LTAU.with_mixing("paper")
    like = JointLikelihood([entry], model, "observed", check=False)
    grid = {"mass": np.array([mass]), "g_x": np.geomspace(1e-5, 1.0, 400)}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = upper_limit(profile_likelihood(like, grid, progress=False), "g_x", cl)
    limit = float(found["limit"].values.ravel()[0])
    return limit * abs(model.mixing_ratio or 0.0) if entry in _OF_MIXING else limit


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
    ("coherent-csi-2021", "coherent events expected"): lambda: _expected_of("coherent-csi-2021"),
    ("coherent-csi-2021", "coherent events fitted"): lambda: _fit_of_coherent("coherent-csi-2021"),
    ("coherent-lar-2020", "coherent events expected"): lambda: _expected_of("coherent-lar-2020"),
    ("coherent-lar-2020", "coherent events fitted"): lambda: _fit_of_coherent("coherent-lar-2020"),
    ("xenonnt-8b", "significance of 8B in SR0 and SR1"): lambda: _fit_of_xenonnt()[0].significance,
    ("xenonnt-8b", "8B events fitted in SR0 and SR1"): lambda: _fit_of_xenonnt()[1],
    ("n-eff", "15 MeV with g = 5e-4 and eps = -g/69.3"): lambda: _n_eff_at(15.0),
    **{("borexino-phase2", f"fitted rate of {source}"): functools.partial(_borexino, source) for source in _BOREXINO},
    **{
        (entry, f"limit of {100 * cl:.0f} % at {mass} MeV"): functools.partial(_limit, entry, mass, cl)
        for entry, (cl, masses) in _LIMITS.items()
        for mass in masses
    },
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
