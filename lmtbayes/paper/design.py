"""Beyond the paper: how probable it is that DARWIN and three others tell Lmu-Ltau from Lmu if BP1 is true.

The question behind Figs. 11 and 12, asked of data sets instead of Asimov data, every model with a prior of its own.
"""

from collections.abc import Mapping
from functools import cache

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from lmtbayes.design.beliefs import Truth
from lmtbayes.design.engine import Engine
from lmtbayes.design.expectation import STRONG, Expectation, evaluate
from lmtbayes.design.maps import rank
from lmtbayes.design.options import Option
from lmtbayes.design.plan import Plan
from lmtbayes.design.quantities import Estimate
from lmtbayes.gauge.models import BENCHMARKS, LMU, LMU_LTAU
from lmtbayes.inference import priors
from lmtbayes.paper.bayes_factor import EXPOSURES_TYR, THRESHOLDS_KEV
from lmtbayes.paper.minimal import EXPOSURE_TYR, THRESHOLD_KEV
from lmtbayes.plotting.design import probability_line
from lmtbayes.plotting.style import style

OURS, OTHER, TRUTH = "Lmu-Ltau", "Lmu", "BP1"
SIZE = 200
NODES: int | None = None
EXPOSURE, THRESHOLD = "darwin-nr.exposure_tyr", "darwin-nr.threshold_kev"
NEXT = {
    "⁸B flux to 3.8 %": {"known.flux_8b": 0.038},
    "⁸B flux to 1 %": {"known.flux_8b": 0.01},
    "θ_23 and δ_CP to a quarter": {"known.theta_23": 0.22, "known.delta_cp": 7.75},
    "⁸B flux to 1 %, θ_23 and δ_CP to a quarter": {
        "known.flux_8b": 0.01,
        "known.theta_23": 0.22,
        "known.delta_cp": 7.75,
    },
    "NA64μ's efficiency 0.6 in place of 0.3": {"na64mu.efficiency": 0.6},
    "DARWIN twice as long": {EXPOSURE: 2.0 * EXPOSURE_TYR},
    "DARWIN from 0.7 keVnr": {THRESHOLD: 0.7},
    "ESS10 from 0.05 keVnr": {"ess10.threshold_kevnr": 0.05},
}
"""What might be done next, by the variables that it moves."""
KNOWN: dict[str, dict[str, dict[str, float]]] = {
    "paper": {"everything known": {}},
    "default": {
        "⁸B flux to 12 %": {},
        "⁸B flux to 3.8 %": {"known.flux_8b": 0.038},
        "⁸B flux to 1 %": {"known.flux_8b": 0.01},
    },
}
"""Lines of the picture: the paper's conventions have no nuisance of DARWIN's that could be known better."""


@cache
def engine(convention: str = "default") -> Engine:
    """Nodes, truths and noise: by the defaults in four bins, by the paper's conventions in its one."""
    tau, mu = (model.with_mixing("paper") for model in (LMU_LTAU, LMU))
    darwin = Option(
        "darwin-nr",
        bins=4 if convention == "default" else None,
        convention=convention,
        threshold_kev=THRESHOLD_KEV,
        exposure_tyr=EXPOSURE_TYR,
    )
    plan = Plan(
        [*(Option(name, convention=convention) for name in ("na64mu", "ess", "ess10")), darwin],
        {OURS: priors.default(tau), OTHER: priors.default(mu)},
        {TRUTH: Truth(tau, BENCHMARKS["BP1"], OURS)},
    )
    pilots = [{}, {EXPOSURE: float(EXPOSURES_TYR[-1]), **list(KNOWN[convention].values())[-1]}]
    return Engine(plan, SIZE, seed=0, nodes=NODES, pilots=pilots)


@cache
def expectation(convention: str = "default") -> Expectation:
    """What the planned design is expected to find."""
    return evaluate(engine(convention), {}, STRONG)


@cache
def ranking() -> xr.Dataset:
    """What might be done next, the best first; by the defaults."""
    return rank(engine(), NEXT, TRUTH)


@cache
def curves(convention: str, variable: str) -> dict[str, list[Estimate]]:
    """Words of what is known, and the assurance then at every exposure, or threshold, of the picture."""
    values = EXPOSURES_TYR if variable == EXPOSURE else THRESHOLDS_KEV

    def assured(known: Mapping[str, float]) -> list[Estimate]:
        moved = [{**known, variable: float(value)} for value in values]
        return [evaluate(engine(convention), one, STRONG, boson=False).assurance(TRUTH) for one in moved]

    return {words: assured(known) for words, known in KNOWN[convention].items()}


def figure(convention: str = "default") -> Figure:
    """Draw the assurance against DARWIN's exposure (left) and threshold (right).

    Parameters
    ----------
    convention
        "default" or "paper".
    """
    panels = {
        EXPOSURE: (EXPOSURES_TYR, f"exposure [t yr], threshold {THRESHOLD_KEV:g} keVnr"),
        THRESHOLD: (THRESHOLDS_KEV, f"threshold [keVnr], {EXPOSURE_TYR:g} t yr"),
    }
    with style():
        fig, axes = plt.subplots(1, 2, figsize=(9.6, 4.0), sharey=True)
        for ax, (variable, (values, words)) in zip(axes, panels.items(), strict=True):
            lines = {label: tuple(np.array(found).T) for label, found in curves(convention, variable).items()}
            probability_line(ax, values, lines, words)
            ax.set_ylabel("")
        axes[1].get_legend().remove()
        axes[0].set_ylabel(r"$P(\ln B(L_\mu-L_\tau : L_\mu) > 5)$ if BP1 is true")
        plt.close(fig)
    return fig
