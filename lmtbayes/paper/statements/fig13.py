"""Fig. 13: discovery by electron recoils."""

import numpy as np

from lmtbayes.experiments.registry import experiment
from lmtbayes.experiments.xenon_detectors import detectors
from lmtbayes.gauge.models import LMU_LTAU, HiddenPhoton
from lmtbayes.paper import discovery_statements as shared
from lmtbayes.paper.statement import Statement
from lmtbayes.paper.wording import exposures, flat, names, number, verdict

CHANCE_TYR = 1000.0
"""Five times what DARWIN plans: who needs more has no real chance."""
HIGH_KEVEE = np.array([25.0, 28.0])
"""The upper end of the window."""


def rates_at_high_energy(convention: str) -> dict[str, float]:
    """Electron recoils in DARWIN near the end of the window, mean over it [1/(t yr keV)], by what makes them.

    The background is a polynomial: its constant is what radon and krypton leave (flat at these energies), the rest
    rises as the two electrons of 136Xe do.
    """
    exp = experiment("darwin-er", convention=convention, exposure_tyr=1.0)
    solar = exp.differential_rate(LMU_LTAU, HiddenPhoton.none(), HIGH_KEVEE)  # type: ignore[attr-defined]
    detector = detectors()["darwin"]
    flat_part = detector.background[0]
    return {
        "136Xe": float(np.mean(detector.background_rate(HIGH_KEVEE))) - flat_part,
        "solar neutrinos": float(np.mean(solar)),
        "radon and krypton": flat_part,
    }


def statements() -> tuple[Statement, ...]:
    """Judge Fig. 13."""
    return shared.first_benchmark("er", "fig13", 400.0), shared.planned_detectors("er", "fig13"), _only(), _xenon_136()


def _only() -> Statement:
    found = {c: shared.needed("darwin", "er", c, shared.THRESHOLD_KEV) for c in ("paper", "default")}
    within = {c: [name for name, value in by.items() if value <= CHANCE_TYR] for c, by in found.items()}
    return Statement(
        "fig13-only-bp1",
        "Sect. 5, Fig. 13",
        "BP1 is the only benchmark that electron recoils have a real chance to discover",
        f"within {number(CHANCE_TYR)} t yr at 1 keVee: {names(within['paper'])} ({exposures(found['paper'])})",
        f"within {number(CHANCE_TYR)} t yr at 1 keVee: {names(within['default'])} ({exposures(found['default'])})",
        verdict(within["paper"] == ["BP1"]),
        "",
        flat("exposure_tyr_paper", found["paper"]) | flat("exposure_tyr_default", found["default"]),
    )


def _xenon_136() -> Statement:
    found = {c: rates_at_high_energy(c) for c in ("paper", "default")}

    def text(c: str) -> str:
        listed = ", ".join(f"{what} {rate:.1f}" for what, rate in found[c].items())
        return f"{listed} /(t yr keV) at {HIGH_KEVEE[0]:g} to {HIGH_KEVEE[-1]:g} keVee in DARWIN"

    first = max(found["paper"], key=lambda what: found["paper"][what])
    return Statement(
        "fig13-xenon-136",
        "Sect. 5",
        "At high energies the double beta decay of ¹³⁶Xe is the largest background of electron recoils",
        text("paper"),
        text("default"),
        verdict(first == "136Xe"),
        "",
        {f"rate_{what.replace(' ', '_')}_{c}": rate for c, by in found.items() for what, rate in by.items()},
    )
