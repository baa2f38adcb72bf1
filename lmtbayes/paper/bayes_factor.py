"""Beyond the paper: ln B of Lmu-Ltau against Lmu for BP1, against DARWIN's exposure and threshold and what is known.

The same mixing -g_x/70 in both models, as the paper compares them; NA64mu, ESS and ESS10 are always there. Of DARWIN's
nuisances none, the neutrino fluxes, the angle and the phase that decide the sign, or all are free.
"""

from functools import cache

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from lmtbayes.experiments.solar_nuisances import flux_name
from lmtbayes.gauge.models import BENCHMARKS
from lmtbayes.paper.minimal import EXPOSURE_TYR, THRESHOLD_KEV, asimov_log_bayes_factor, darwin
from lmtbayes.plotting.bayes_factor import bayes_factor_lines
from lmtbayes.plotting.style import style
from lmtbayes.sources import solar

EXPOSURES_TYR = np.array([20.0, 50.0, 100.0, 200.0, 500.0, 1000.0])
THRESHOLDS_KEV = np.array([0.7, 1.0, 1.5, 2.0, 3.0])
ANGLES = ("theta_23", "delta_cp")


def nuisance_sets(convention: str) -> dict[str, tuple[str, ...]]:
    """What is free in DARWIN, in words, to the names of its nuisances."""
    declared = tuple(n.name for n in darwin(convention).declared)
    return {
        "everything known": (),
        "θ₂₃, δ_CP uncertain": ANGLES,
        "fluxes uncertain": tuple(name for name in declared if name in {flux_name(source) for source in solar.SOURCES}),
        "all nuisances": declared,
    }


@cache
def scan(convention: str) -> dict[str, dict[tuple[float, float], float]]:
    """What is free to (exposure [t yr], threshold [keVnr]) to ln B on BP1's Asimov data."""
    settings = [(x, THRESHOLD_KEV) for x in EXPOSURES_TYR.tolist()]
    settings += [(EXPOSURE_TYR, t) for t in THRESHOLDS_KEV.tolist() if t != THRESHOLD_KEV]
    found = {}
    for words, names in nuisance_sets(convention).items():
        values = asimov_log_bayes_factor(convention, names, BENCHMARKS["BP1"], settings)
        found[words] = dict(zip(settings, values.tolist(), strict=True))
    return found


@cache
def benchmarks(convention: str) -> dict[str, dict[str, float]]:
    """What is free to benchmark to ln B at 200 t yr and 1 keVnr."""
    return {
        words: {
            name: float(asimov_log_bayes_factor(convention, names, photon, [(EXPOSURE_TYR, THRESHOLD_KEV)])[0])
            for name, photon in BENCHMARKS.items()
        }
        for words, names in nuisance_sets(convention).items()
    }


def figure(convention: str = "default") -> Figure:
    """Draw ln B against exposure (left) and threshold (right).

    Parameters
    ----------
    convention
        "default" or "paper": decides the oscillation parameters, and with them the sign of the effect in Lmu-Ltau.
    """
    found = scan(convention)
    with style():
        fig, (left, right) = plt.subplots(1, 2, figsize=(9.6, 4.4), sharey=True)
        lines = {words: np.array([by[x, THRESHOLD_KEV] for x in EXPOSURES_TYR]) for words, by in found.items()}
        bayes_factor_lines(left, EXPOSURES_TYR, lines, f"exposure [t yr], threshold {THRESHOLD_KEV:g} keVnr")
        lines = {words: np.array([by[EXPOSURE_TYR, t] for t in THRESHOLDS_KEV]) for words, by in found.items()}
        bayes_factor_lines(right, THRESHOLDS_KEV, lines, f"threshold [keVnr], {EXPOSURE_TYR:g} t yr")
        top = max(value for by in found.values() for value in by.values())
        left.set_ylim(-1.5, max(12.0, 1.6 * top))
        left.set_ylabel(r"$\ln B(L_\mu-L_\tau : L_\mu)$, data of BP1")
        handles, labels = left.get_legend_handles_labels()
        labels = [label.replace("δ_CP", r"$\delta_\mathrm{CP}$") for label in labels]
        fig.legend(handles, labels, loc="outside upper center", ncols=4)
        plt.close(fig)
    return fig
