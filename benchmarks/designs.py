"""Bayesian design: the map of the issue's size, 20 exposures x 20 thresholds with 200 data sets each."""

from typing import Any

from benchmarks.timing import CACHED, Call, Case


def _map(points: int, size: int) -> Call:
    import numpy as np

    import lmtbayes as lmt
    from lmtbayes import design

    tau, mu = (model.with_mixing("paper") for model in (lmt.LMU_LTAU, lmt.LMU))
    plan = design.Plan(
        ["na64mu", "ess", "ess10", design.Option("darwin-nr", bins=4, threshold_kev=1.0)],
        {"Lmu-Ltau": lmt.priors.default(tau), "Lmu": lmt.priors.default(mu)},
        {"BP1": design.Truth(tau, lmt.BENCHMARKS["BP1"], "Lmu-Ltau")},
    )
    axes = {
        "darwin-nr.exposure_tyr": np.geomspace(20.0, 1000.0, points),
        "darwin-nr.threshold_kev": np.geomspace(0.8, 3.0, points),
    }

    def call() -> dict[str, Any]:
        found = design.design_map(plan, axes, base={"known.flux_8b": 0.01}, size=size)
        return {
            "assurance_max": float(found["assurance"].max()),
            "node_error": float(found["node_error"].max()),
        }

    return call


CASES = (
    Case(
        "design/map 20 x 20, 200 data sets a point, two cores",
        lambda: _map(20, 200),
        points=400,
        target_first=600.0,
        repeats=0,
        alone=True,
        quick=False,
        cores=2,
        environment=CACHED,
    ),
    Case(
        "design/map 2 x 2, 200 data sets a point",
        lambda: _map(2, 200),
        points=4,
        repeats=1,
        alone=True,
        environment=CACHED,
    ),
)
