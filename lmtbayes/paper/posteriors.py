"""Beyond the paper: posteriors of (g_x, M, eps_x) for BP1-BP4, one experiment after the other; which shrinks what.

Free mixing, log-uniform priors of `priors.default`, Asimov data of Lmu-Ltau with eps_x = -g_x/70, read in Lmu-Ltau. The
posterior is that of the adaptive cubature behind `evidence`: weighted nodes, no sampler.
"""

from functools import cache

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from lmtbayes.experiments.registry import experiment
from lmtbayes.gauge.models import BENCHMARKS, LMU_LTAU
from lmtbayes.inference import priors
from lmtbayes.inference.evidence.evidence import Evidence, evidence
from lmtbayes.inference.evidence.laplace_cubature import Cubature
from lmtbayes.inference.evidence.quantiles import quantiles
from lmtbayes.inference.likelihood.data import asimov
from lmtbayes.inference.likelihood.joint import JointLikelihood
from lmtbayes.parameters import LOG10
from lmtbayes.plotting.intervals import interval_panels
from lmtbayes.plotting.style import style

STAGES: dict[str, tuple[str, ...]] = {
    "NA64μ": ("na64mu",),
    "+ ESS, ESS10": ("na64mu", "ess", "ess10"),
    "+ DARWIN": ("na64mu", "ess", "ess10", "darwin-nr"),
}
"""What is in the fit after each step; DARWIN by nuclear recoils from 1 keVnr, 200 t yr."""
THRESHOLD_KEV = 1.0
PARAMETERS = {name: LOG10[f"log10_{name}"].label for name in ("g_x", "mass", "eps_x")}
COORDINATES = {"g_x": ("log10_g_x",), "mass": ("log10_mass",), "eps_x": ("log10_g_x", "log10_kappa")}
"""Whose sum the logarithm of each parameter is."""
QUANTILES = (0.1587, 0.5, 0.8413)
RTOL = 1e-2
"""Of ln Z; the quantiles of the marginals are then good to a few per cent of the widths (tests)."""

type Interval = tuple[float, float, float]


@cache
def likelihood(stage: str, convention: str) -> JointLikelihood:
    """Likelihood of a stage with the data of BP1; `with_data` gives those of the others without a new compilation."""
    overrides = {"darwin-nr": {"threshold_kev": THRESHOLD_KEV}}
    built = [experiment(name, convention=convention, **overrides.get(name, {})) for name in STAGES[stage]]
    return JointLikelihood(built, LMU_LTAU, asimov(LMU_LTAU, BENCHMARKS["BP1"], published="asimov"), check=False)


@cache
def posterior(benchmark: str, stage: str, convention: str) -> Evidence:
    """Weighted posterior of one benchmark at one stage."""
    like = likelihood(stage, convention).with_data(asimov(LMU_LTAU, BENCHMARKS[benchmark], published="asimov"))
    return evidence(like, priors.default(LMU_LTAU), Cubature(rtol=RTOL))


@cache
def intervals(benchmark: str, stage: str, convention: str) -> dict[str, Interval]:
    """15.87, 50 and 84.13 % points of log10 g_x, log10 M [MeV] and log10(-eps_x)."""
    found, result = posterior(benchmark, stage, convention), {}
    for name, coordinates in COORDINATES.items():
        low, median, high = quantiles(found, dict.fromkeys(coordinates, 1.0), QUANTILES).tolist()
        result[name] = (low, median, high)
    return result


@cache
def prior_intervals() -> dict[str, Interval]:
    """The same points of the prior."""
    box = priors.default(LMU_LTAU).box
    points = {name: tuple(np.interp(QUANTILES, (0.0, 1.0), edges).tolist()) for name, edges in box.items()}
    # log10(-eps_x) is the sum of two uniform variables: quantiles of a fine grid.
    grid = [np.linspace(*box[name], 1001) for name in ("log10_g_x", "log10_kappa")]
    total = (grid[0][:, None] + grid[1]).ravel()
    low, median, high = np.quantile(total, QUANTILES).tolist()
    return {"g_x": points["log10_g_x"], "mass": points["log10_mass"], "eps_x": (low, median, high)}


def widths(benchmark: str, convention: str) -> dict[str, dict[str, float]]:
    """Parameter to stage ("prior" first) to the width of the central 68 % interval in decades."""
    columns = {"prior": prior_intervals()}
    columns |= {stage: intervals(benchmark, stage, convention) for stage in STAGES}
    return {name: {stage: found[name][2] - found[name][0] for stage, found in columns.items()} for name in PARAMETERS}


def truth(benchmark: str) -> dict[str, float]:
    """True log10 of g_x, M [MeV] and -eps_x."""
    photon = BENCHMARKS[benchmark]
    values = {"g_x": photon.g_x, "mass": photon.mass, "eps_x": -photon.eps_x}
    return {name: float(np.log10(float(value))) for name, value in values.items()}


def figure(convention: str = "default") -> Figure:
    """Draw the 68 % intervals of every parameter, benchmark and stage.

    Parameters
    ----------
    convention
        "default" or "paper".
    """
    columns = {
        name: {
            benchmark: {
                "prior": prior_intervals()[name],
                **{stage: intervals(benchmark, stage, convention)[name] for stage in STAGES},
            }
            for benchmark in BENCHMARKS
        }
        for name in PARAMETERS
    }
    truths = {name: {benchmark: truth(benchmark)[name] for benchmark in BENCHMARKS} for name in PARAMETERS}
    with style():
        fig, axes = plt.subplots(1, len(PARAMETERS), figsize=(10.6, 4.4), sharey=True)
        interval_panels(list(axes), columns, truths, PARAMETERS)
        plt.close(fig)
    return fig


def markdown() -> str:
    """Table of the widths, both conventions."""
    words = {"g_x": "g_x", "mass": "M", "eps_x": "ε_x"}
    lines = [
        "Widths of the central 68 % intervals in decades (0.1 is 26 %); free mixing, log-uniform priors over g_x = "
        "10⁻⁵ to 10⁻², M = 1 to 1000 MeV, -ε_x/g_x = 10⁻³ to 1. DARWIN: nuclear recoils from 1 keVnr, 200 t yr.",
        "",
    ]
    for convention, title in {"paper": "Paper's conventions", "default": "Defaults"}.items():
        lines += [f"| {title} | | prior | " + " | ".join(STAGES) + " |", "| --- " * (3 + len(STAGES)) + "|"]
        for benchmark in BENCHMARKS:
            for name, by_stage in widths(benchmark, convention).items():
                numbers = " | ".join(f"{value:.2f}" for value in by_stage.values())
                lines.append(f"| {benchmark} | {words[name]} | {numbers} |")
        lines.append("")
    return "\n".join(lines)
