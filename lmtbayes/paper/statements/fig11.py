"""Fig. 11: discovery by nuclear recoils."""

import numpy as np

from lmtbayes.experiments.registry import experiment
from lmtbayes.gauge.models import LMU_LTAU, HiddenPhoton
from lmtbayes.paper import band
from lmtbayes.paper import discovery_statements as shared
from lmtbayes.paper.statement import Statement
from lmtbayes.paper.wording import near, verdict

STATED_TYR, STATED_MEV = 100.0, 25.0
HANDFUL = (1.0, 10.0)
DETECTORS = {"lz": "LZ", "xenonnt": "XENONnT", "darwin": "DARWIN"}


def events(detector: str, convention: str) -> float:
    """Nuclear recoils of the Standard Model above the nominal threshold in the planned exposure."""
    exp = experiment(f"{detector}-nr", convention=convention)
    return float(np.sum(exp.signal_counts(LMU_LTAU, HiddenPhoton.none())))


def statements() -> tuple[Statement, ...]:
    """Judge Fig. 11."""
    return shared.first_benchmark("nr", "fig11", 100.0), shared.planned_detectors("nr", "fig11"), _mass(), _handful()


def _mass() -> Statement:
    found = {c: shared.reach("nr", c, STATED_TYR) for c in ("paper", "default")}
    highest = found["paper"]["upper edge"]
    return Statement(
        "fig11-mass",
        "Sect. 5, Fig. 11",
        f"{STATED_TYR:g} t yr at 1 keV are enough for masses below {STATED_MEV:g} MeV",
        band.words(found["paper"]),
        band.words(found["default"]),
        verdict(near(highest, STATED_MEV), near(highest, STATED_MEV, 1.0)),
        "Along the couplings that explain a_μ (2021, 2σ); judged by the largest. " + shared.SIGN,
        {f"highest_mev_{side.replace(' ', '_')}_{c}": v for c, by in found.items() for side, v in by.items()},
    )


def _handful() -> Statement:
    found = {(d, c): events(d, c) for d in DETECTORS for c in ("paper", "default")}

    def text(c: str) -> str:
        return ", ".join(f"{label} {found[d, c]:.2g}" for d, label in DETECTORS.items())

    most = max(found[d, "paper"] for d in DETECTORS)
    return Statement(
        "fig11-handful",
        "Sect. 5",
        "With nominal thresholds the detectors see a handful of coherent scatterings of solar neutrinos",
        f"in the planned exposures {text('paper')}",
        f"in the planned exposures {text('default')}",
        verdict(HANDFUL[0] <= most <= HANDFUL[1], most <= HANDFUL[1]),
        "A handful at most: the end of the ⁸B spectrum, 4.5 keVnr, lies at LZ's threshold and below the others', and "
        "what is counted there is the tail of the resolution. Without the cap of Sect. 5 on the resolution LZ counts "
        "twice as many.",
        {f"events_{d}_{c}": value for (d, c), value in found.items()},
    )
