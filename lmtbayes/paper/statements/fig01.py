"""Fig. 1: no undisputed limit of 2021 excludes a benchmark; which do by the data of today."""

import numpy as np

from lmtbayes.experiments import experiment_names
from lmtbayes.gauge.models import BENCHMARKS
from lmtbayes.paper import fig01
from lmtbayes.paper.statement import Statement
from lmtbayes.paper.wording import names, verdict

LIMITS_OF_TODAY = ("na64mu-2022", "coherent-csi-2021", "coherent-lar-2020", "xenonnt-8b", "pandax4t-8b", "n-eff")


def edge_over_coupling(table: str, benchmark: str) -> float:
    """Published limit on g_x at a benchmark's mass over its coupling; inf where the curve does not reach it."""
    (entry,) = fig01.entries("paper", [table])
    photon = BENCHMARKS[benchmark]
    lowest = np.inf
    for mass, coupling in entry.outlines:
        order = np.argsort(mass)
        x, y = np.log(np.asarray(mass)[order]), np.log(np.asarray(coupling)[order])
        edge = np.interp(np.log(float(photon.mass)), x, y, left=np.inf, right=np.inf)
        lowest = min(lowest, float(np.exp(edge)) / float(photon.g_x))
    return lowest


def excluded_today(name: str) -> list[str]:
    """Benchmarks that a registered likelihood excludes at 90 % CL, on the grid of Fig. 1."""
    masses, couplings, statistic = fig01.limit(name)
    found = []
    for benchmark, photon in BENCHMARKS.items():
        i = int(np.argmin(np.abs(np.log(couplings / float(photon.g_x)))))
        j = int(np.argmin(np.abs(np.log(masses / float(photon.mass)))))
        if statistic[i, j] > fig01.LEVEL:
            found.append(benchmark)
    return found


def statements() -> tuple[Statement, ...]:
    """Judge Fig. 1."""
    published = [name for name in fig01.PUBLISHED["paper"] if name != "h0_band"]
    kinds = {name: fig01.entries("paper", [name])[0].kind for name in published}
    ratio = {(t, b): edge_over_coupling(t, b) for t in published if kinds[t] == "limit" for b in BENCHMARKS}
    nearest = {b: min((ratio[t, b], t) for t, other in ratio if other == b) for b in BENCHMARKS}
    today = {name: excluded_today(name) for name in LIMITS_OF_TODAY if name in experiment_names()}
    hit = {name: those for name, those in today.items() if those}
    listed = ", ".join(f"{b}: {t} at {r:.2f} g_x" for b, (r, t) in nearest.items())
    return (
        Statement(
            "fig1-allowed",
            "Sect. 2, Fig. 1",
            "The benchmarks lie where a_μ is explained and no undisputed limit excludes the boson",
            f"the nearest limit of each benchmark lies above it ({listed})",
            "90 % CL by the likelihoods of today: "
            + ("; ".join(f"{name} excludes {names(those)}" for name, those in hit.items()) or "none is excluded"),
            verdict(min(ratio.values()) > 1.0),
            "NA64μ's first run (2022, no event) is later than the paper. Its efficiency is the one that its published "
            "curve implies, to 25 %, so that this is a reinterpretation."
            if "na64mu-2022" in hit
            else "",
            {f"{t}_over_{b}": r for (t, b), r in ratio.items()}
            | {f"excluded_by_{n}": float(len(v)) for n, v in today.items()},
        ),
    )
