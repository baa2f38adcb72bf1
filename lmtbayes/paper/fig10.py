"""Fig. 10: recoil spectra of solar neutrinos in xenon, Standard Model and BP1 in both models, DARWIN's background."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from lmtbayes.experiments import experiment
from lmtbayes.experiments.liquid_xenon import LiquidXenon
from lmtbayes.experiments.xenon_detectors import detectors
from lmtbayes.gauge.models import BENCHMARKS, LMU, LMU_LTAU, HiddenPhoton
from lmtbayes.plotting.recoils import ratio_to_reference
from lmtbayes.plotting.style import style
from lmtbayes.plotting.xenon import plain_ticks, solar_spectra

ENERGY_KEV = {"nr": np.geomspace(0.1, 6.0, 240), "er": np.geomspace(0.1, 300.0, 400)}
BACKGROUND_RANGE_KEVEE = (0.5, 30.0)


def spectra(channel: str, convention: str = "default") -> dict[str, np.ndarray]:
    """Events per tonne, year and keV against `ENERGY_KEV[channel]`, channel "nr" or "er"."""
    exp = experiment(f"darwin-{channel}", convention=convention, exposure_tyr=1.0)
    assert isinstance(exp, LiquidXenon)
    photon = BENCHMARKS["BP1"]
    cases = {
        "SM": (LMU_LTAU, HiddenPhoton.none()),
        r"BP1, $L_\mu-L_\tau$": (LMU_LTAU, photon),
        r"BP1, $L_\mu$": (LMU, photon),
    }
    return {
        label: np.asarray(exp.differential_rate(model, p, ENERGY_KEV[channel])) for label, (model, p) in cases.items()
    }


def figure(convention: str = "default") -> Figure:
    """Draw Fig. 10 of arXiv:2104.03297.

    Parameters
    ----------
    convention
        "default" or "paper"; they differ in the sign of the nuclear effect of Lmu-Ltau.
    """
    energy = ENERGY_KEV["er"]
    inside = (energy >= BACKGROUND_RANGE_KEVEE[0]) & (energy <= BACKGROUND_RANGE_KEVEE[1])
    background = np.where(inside, detectors()["darwin"].background_rate(energy), np.nan)
    with style():
        fig, panels = plt.subplots(2, 2, figsize=(10.0, 5.6), sharex="col", height_ratios=(2.4, 1.0))
        for column, (channel, kind) in enumerate({"nr": "nuclear", "er": "electron"}.items()):
            upper, lower = panels[:, column]
            curves = spectra(channel, convention)
            solar_spectra(upper, ENERGY_KEV[channel], curves, background if channel == "er" else None)
            ratio_to_reference(lower, ENERGY_KEV[channel], curves)
            plain_ticks(lower)
            upper.set_xlabel("")
            lower.set_xlabel(f"{kind} recoil energy [keV]")
        panels[0, 0].set_ylim(1e-4, 1e4)
        panels[0, 1].set_ylim(0.05, 20.0)
    return fig
