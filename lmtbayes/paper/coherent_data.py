"""What COHERENT has seen: CsI and liquid-argon counts in energy and in time above the steady state, with the fit.

No figure of arXiv:2104.03297, which forecasts; nothing in it depends on a convention.
"""

from dataclasses import dataclass

import jax
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from lmtbayes.experiments.coherent import Coherent
from lmtbayes.experiments.coherent_csi import coherent_csi
from lmtbayes.experiments.coherent_lar import coherent_lar
from lmtbayes.gauge.models import LMU_LTAU, HiddenPhoton
from lmtbayes.inference.likelihood.joint import JointLikelihood
from lmtbayes.inference.nuisances.conditional import conditional
from lmtbayes.plotting.coherent import residual_spectrum
from lmtbayes.plotting.style import style

MODEL = LMU_LTAU.with_mixing("paper")
ISLAND = MODEL.hidden_photon(7.9e-3, 100.0)
"""A photon of the island that the data allow: interference and square nearly cancel."""
_WORDS = {
    "photoelectrons": ("photoelectrons", "PE"),
    "energy": ("energy [keVee]", "keVee"),
    "time": ("time [µs]", "µs"),
}


@dataclass(frozen=True)
class Fit:
    """Counts of one data set by part, each (n_bins,), at the best-fitting nuisances of the Standard Model."""

    experiment: Coherent
    observed: np.ndarray
    steady_state: np.ndarray
    components: dict[str, np.ndarray]
    """Neutrons; delayed and prompt neutrinos."""
    other: np.ndarray
    """Neutrons and neutrinos with the photon `ISLAND`, at its own best-fitting nuisances."""


def fits() -> list[Fit]:
    """Fit both data sets together, in the Standard Model and with `ISLAND`."""
    experiments: list[Coherent] = [coherent_csi(), coherent_lar()]
    like = JointLikelihood(experiments, MODEL, "observed", check=False)
    best = jax.jit(lambda photon: conditional(like.joint, photon, like.data).point)
    photons = [HiddenPhoton.none(), ISLAND]
    values = [like.joint.nuisance_values(best(photon)) for photon in photons]
    result = []
    for exp in experiments:
        names = {n.name for n in exp.nuisances}
        own = [{name: value for name, value in given.items() if name in names} for given in values]
        neutrinos = {c: np.asarray(n) for c, n in exp.component_counts(MODEL, photons[0], own[0]).items()}
        parts = [{k: max(float(given[k]), 0.0) * template for k, template in exp.backgrounds.items()} for given in own]
        steady = [np.sum([part[name] for name in exp.steady_state], axis=0) for part in parts]
        neutrons = [sum(part.values()) - s for part, s in zip(parts, steady, strict=True)]
        other = np.asarray(exp.signal_counts(MODEL, photons[1], own[1])) + neutrons[1] + steady[1] - steady[0]
        components = {
            "neutrons": neutrons[0],
            "delayed $\\bar\\nu_\\mu$, $\\nu_e$": neutrinos["delayed"],
            "prompt $\\nu_\\mu$": neutrinos["prompt"],
        }
        result.append(Fit(exp, np.asarray(exp.observed), steady[0], components, other))
    return result


def figure(convention: str = "default") -> Figure:  # noqa: ARG001 - one for all
    """Draw the residual spectra of both data sets in energy and in time.

    Parameters
    ----------
    convention
        Without effect.
    """
    with style():
        fig, grid = plt.subplots(2, 2, figsize=(9.5, 7.0))
        for row, fit in zip(grid, fits(), strict=True):
            exp = fit.experiment
            for axis, quantity in zip(row, (exp.axes[0].quantity, "time"), strict=True):
                edges = next(a.edges for a in exp.axes if a.quantity == quantity)
                xlabel, unit = _WORDS[quantity]
                residual_spectrum(
                    axis,
                    edges,
                    exp.project(fit.observed, quantity),
                    exp.project(fit.steady_state, quantity),
                    {label: exp.project(counts, quantity) for label, counts in fit.components.items()},
                    {"100 MeV, $g_x = 7.9\\times10^{-3}$": exp.project(fit.other, quantity)},
                    xlabel,
                    unit,
                    exp.title,
                )
        grid[0, 0].legend()
    return fig
