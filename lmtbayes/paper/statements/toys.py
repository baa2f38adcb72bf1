"""What single experiments find: the distribution of the Bayes factor, not only its Asimov value."""

import numpy as np

from lmtbayes.paper import toys as shared
from lmtbayes.paper.minimal import MODELS
from lmtbayes.paper.statement import Statement
from lmtbayes.paper.wording import verdict
from lmtbayes.plotting.bayes_factor import STRONG

OURS, OTHER = MODELS


def summary(convention: str) -> dict[str, dict[str, float]]:
    """True model to mean ln B with its standard error, spread, quantiles and shares of the toys."""
    result = {}
    for model, values in shared.log_bayes_factors(convention).items():
        sign = 1.0 if model == OURS else -1.0
        result[model] = {
            "asimov": shared.asimov(convention)[model],
            "mean": float(values.mean()),
            "error": float(values.std(ddof=1) / np.sqrt(values.size)),
            "spread": float(values.std(ddof=1)),
            "low": float(np.quantile(values, 0.1587)),
            "high": float(np.quantile(values, 0.8413)),
            "strong": float(np.mean(sign * values > STRONG)),
            "misleading": float(np.mean(sign * values < 0.0)),
        }
    return result


def statements() -> tuple[Statement, ...]:
    """Judge the toys."""
    found = {c: summary(c) for c in ("paper", "default")}

    def text(c: str) -> str:
        return "; ".join(
            f"data of {model}: ln B = {s['mean']:.1f} ± {s['error']:.1f} on average (Asimov {s['asimov']:.1f}), 68 % "
            f"of the toys in {s['low']:.1f} to {s['high']:.1f}, strong and right in {100 * s['strong']:.0f} %, for the "
            f"wrong model in {100 * s['misleading']:.0f} %"
            for model, s in found[c].items()
        )

    right = found["paper"][OURS]
    return (
        Statement(
            "toys-expected",
            "Abstract; beyond the paper",
            "One DARWIN run (1 keVnr, 200 t yr) with NA64μ and ESS decides between Lμ-Lτ and Lμ for BP1",
            text("paper"),
            text("default"),
            verdict(right["strong"] > 0.95, right["strong"] > 0.5),
            f"{shared.TOYS} toys a truth, nuisances drawn anew for each, so that a share of the toys is known to "
            f"{100 * 0.5 / np.sqrt(shared.TOYS):.0f} % at worst. The paper's conventions know no uncertainty of the "
            "solar neutrinos; the defaults do.",
            {f"{c}_{m}_{k}": v for c, by in found.items() for m, s in by.items() for k, v in s.items()},
        ),
    )
