"""Not in the paper: the sign of the nuclear-recoil effect of Lmu-Ltau over theta_23 and delta_CP."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from lmtbayes.experiments import experiment
from lmtbayes.gauge.models import BENCHMARKS, LMU_LTAU, HiddenPhoton
from lmtbayes.plotting.style import style
from lmtbayes.plotting.xenon import sign_map
from lmtbayes.sources.oscillation import oscillation, oscillation_names

DELTA_CP_DEG = np.linspace(-30.0, 330.0, 73)
THETA23_DEG = np.linspace(39.0, 53.0, 57)


def relative_change(convention: str = "default", threshold_kev: float = 1.0) -> np.ndarray:
    """Change of DARWIN's nuclear-recoil rate by BP1, relative to the SM, shape (theta_23, delta_CP)."""
    exp = experiment("darwin-nr", threshold_kev=threshold_kev, exposure_tyr=1.0, convention=convention)
    angles = {"theta_23": THETA23_DEG[:, None], "delta_cp": DELTA_CP_DEG[None, :]}
    with_boson = np.asarray(exp.signal_counts(LMU_LTAU, BENCHMARKS["BP1"], angles)).sum(axis=-1)
    without = float(np.sum(exp.signal_counts(LMU_LTAU, HiddenPhoton.none())))
    return with_boson / without - 1.0


def figure(convention: str = "default") -> Figure:
    """Draw the map with the three sets of oscillation parameters on it.

    Parameters
    ----------
    convention
        "default" or "paper"; decides theta_12 and sin^2 theta_W.
    """
    sets = {}
    for name in oscillation_names():
        p = oscillation(name)
        sets[name] = (p.delta_cp_deg, p.delta_cp_sigma_deg, p.theta23_deg, p.theta23_sigma_deg)
    with style():
        fig, axes = plt.subplots(figsize=(6.6, 4.6))
        sign_map(axes, DELTA_CP_DEG, THETA23_DEG, relative_change(convention), sets)
    return fig
