"""Fig. 14: discovery by nuclear and electron recoils together."""

import math

from lmtbayes.paper import discovery_statements as shared
from lmtbayes.paper.statement import Statement
from lmtbayes.paper.wording import exposures, flat, verdict


def statements() -> tuple[Statement, ...]:
    """Judge Fig. 14."""
    single = {ch: shared.needed("darwin", ch, "paper", shared.THRESHOLD_KEV) for ch in ("nr", "er", "nr+er")}
    default = {ch: shared.needed("darwin", ch, "default", shared.THRESHOLD_KEV) for ch in ("er", "nr+er")}
    gain = {name: single["er"][name] / single["nr+er"][name] for name in single["er"]}
    return (
        Statement(
            "fig14-together",
            "Sect. 5, Fig. 14",
            "Nuclear and electron recoils together, without discrimination, also discover BP1 at a low threshold",
            f"at 1 keVee {exposures(single['nr+er'])}, by electron recoils alone {exposures(single['er'])}; "
            f"nuclear recoils alone at 1 keVnr {exposures(single['nr'])}",
            f"at 1 keVee {exposures(default['nr+er'])}, by electron recoils alone {exposures(default['er'])}",
            verdict(math.isfinite(single["nr+er"]["BP1"]) and gain["BP1"] > 1.0),
            "Above 1 keVee (5 keVnr) hardly a nuclear recoil of ⁸B is left: this is a search by electron recoils, "
            "a little better for the missing cut, and no rival of nuclear recoils alone from 1 keVnr.",
            flat("exposure_tyr_together", single["nr+er"]) | flat("gain_over_er", gain),
        ),
        shared.planned_detectors("nr+er", "fig14"),
    )
