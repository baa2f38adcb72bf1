"""Fig. 14: discovery by nuclear and electron recoils together."""

import math

from lmtbayes.detectors.response import to_kevee
from lmtbayes.paper import discovery_statements as shared
from lmtbayes.paper.statement import Statement
from lmtbayes.paper.wording import by_benchmark, exposures, flat, verdict


def statements() -> tuple[Statement, ...]:
    """Judge Fig. 14."""
    low = round(float(to_kevee(shared.THRESHOLD_KEV)), 3)
    thresholds = {low: f"{low:.2g} keVee (1 keVnr)", shared.THRESHOLD_KEV: "1 keVee"}
    together = {(c, t): shared.needed("darwin", "nr+er", c, t) for c in ("paper", "default") for t in thresholds}
    nuclear, electron = (shared.needed("darwin", ch, "paper", shared.THRESHOLD_KEV) for ch in ("nr", "er"))

    def text(c: str) -> str:
        return "; ".join(f"from {words}: {exposures(together[c, t])}" for t, words in thresholds.items())

    ratio = {name: value / nuclear[name] for name, value in together["paper", low].items()}
    first = together["paper", low]["BP1"]
    return (
        Statement(
            "fig14-together",
            "Sect. 5, Fig. 14",
            "Nuclear and electron recoils together, without discrimination, also discover BP1 at a low threshold",
            f"{text('paper')}; from 1 keVnr by nuclear recoils alone {exposures(nuclear)}",
            text("default"),
            verdict(math.isfinite(first) and first < electron["BP1"]),
            "From 1 keVee (5 keVnr) on hardly a nuclear recoil of ⁸B is left, and electron recoils decide. "
            "At a low threshold nuclear recoils decide: twice as many without the cut, over the background of electron "
            f"recoils, {by_benchmark(ratio, '.1f')} times the exposure that they need alone.",
            flat("exposure_tyr_low", together["paper", low]) | flat("exposure_tyr_1_kevee", together["paper", 1.0]),
        ),
        shared.planned_detectors("nr+er", "fig14"),
    )
