"""Fig. 6: nuclear recoil spectra at CENNS610, CCM, ESS10 and ESS, Standard Model and BP1-BP4, and their ratio."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from lmtbayes.experiments.spallation import spallation
from lmtbayes.gauge.models import BENCHMARKS, LMU_LTAU, HiddenPhoton
from lmtbayes.plotting.recoils import ratio_to_reference, recoil_spectra
from lmtbayes.plotting.style import style

DETECTORS = ("cenns610", "ccm", "ess10", "ess")
ENERGY_KEV = np.geomspace(0.1, 100.0, 400)


def spectra(detector: str, convention: str = "default") -> dict[str, np.ndarray]:
    """Events per keV against `ENERGY_KEV`, before efficiencies, for "SM" and each benchmark."""
    exp = spallation(detector, convention=convention)
    photons = {"SM": HiddenPhoton.none(), **BENCHMARKS}
    return {label: np.asarray(exp.differential_rate(LMU_LTAU, p, ENERGY_KEV)) for label, p in photons.items()}


def figure(convention: str = "default") -> Figure:
    """Draw Fig. 6 of arXiv:2104.03297; the region below threshold is shaded.

    Parameters
    ----------
    convention
        "default" or "paper".
    """
    with style():
        fig = plt.figure(figsize=(9.5, 8.0))
        for detector, panel in zip(DETECTORS, fig.subfigures(2, 2).flat, strict=True):
            exp = spallation(detector, convention=convention)
            curves, threshold = spectra(detector, convention), float(exp.bin_edges[0])
            upper, lower = panel.subplots(2, 1, sharex=True, height_ratios=(2.4, 1.0))
            recoil_spectra(upper, ENERGY_KEV, curves, threshold, exp.title)
            ratio_to_reference(lower, ENERGY_KEV, curves, threshold_kev=threshold)
            upper.set_xlabel("")
            if detector == DETECTORS[0]:
                upper.legend(loc="lower left", ncols=2)
        plt.close(fig)
    return fig
