"""Beyond the paper: how probable it is that DARWIN and three others tell Lmu-Ltau from Lmu if BP1 is true.

The question behind Figs. 11 and 12, asked of data sets instead of Asimov data, every model with a prior of its own.
"""

from functools import cache

import xarray as xr

from lmtbayes.design.beliefs import Truth
from lmtbayes.design.engine import Engine
from lmtbayes.design.expectation import Expectation, evaluate
from lmtbayes.design.maps import rank
from lmtbayes.design.options import Option
from lmtbayes.design.plan import Plan
from lmtbayes.gauge.models import BENCHMARKS, LMU, LMU_LTAU
from lmtbayes.inference import priors
from lmtbayes.paper.minimal import EXPOSURE_TYR, THRESHOLD_KEV

OURS, OTHER, TRUTH = "Lmu-Ltau", "Lmu", "BP1"
SIZE = 200
NEXT = {
    "⁸B flux to 3.8 %": {"known.flux_8b": 0.038},
    "⁸B flux to 1 %": {"known.flux_8b": 0.01},
    "θ_23 and δ_CP to a quarter": {"known.theta_23": 0.22, "known.delta_cp": 7.75},
    "both of the latter": {"known.flux_8b": 0.01, "known.theta_23": 0.22, "known.delta_cp": 7.75},
    "DARWIN twice as long": {"darwin-nr.exposure_tyr": 2.0 * EXPOSURE_TYR},
    "ESS10 from 0.05 keVnr": {"ess10.threshold_kevnr": 0.05},
}
"""What might be done next, by the variables that it moves."""


@cache
def engine() -> Engine:
    """Nodes, truths and noise, by the defaults: the paper's conventions have no nuisance that could be known better."""
    tau, mu = (model.with_mixing("paper") for model in (LMU_LTAU, LMU))
    darwin = Option("darwin-nr", bins=4, threshold_kev=THRESHOLD_KEV, exposure_tyr=EXPOSURE_TYR)
    plan = Plan(
        ["na64mu", "ess", "ess10", darwin],
        {OURS: priors.default(tau), OTHER: priors.default(mu)},
        {TRUTH: Truth(tau, BENCHMARKS["BP1"], OURS)},
    )
    return Engine(plan, SIZE, seed=0, pilots=[{}, {"known.flux_8b": 0.01}])


@cache
def expectation() -> Expectation:
    """What the planned design is expected to find."""
    return evaluate(engine(), {}, 5.0)


@cache
def ranking() -> xr.Dataset:
    """What might be done next, the best first."""
    return rank(engine(), NEXT, TRUTH)
