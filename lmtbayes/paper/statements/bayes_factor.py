"""How far DARWIN tells Lmu-Ltau from Lmu: the Bayes factor, with and without what Eq. 38 leaves out."""

import math

import numpy as np

from lmtbayes.paper import bayes_factor as shared
from lmtbayes.paper.minimal import EXPOSURE_TYR, THRESHOLD_KEV
from lmtbayes.paper.statement import Statement
from lmtbayes.paper.wording import number, verdict
from lmtbayes.plotting.bayes_factor import STRONG


def strong_from(convention: str, words: str) -> float:
    """Exposure [t yr] at which ln B reaches 5 at 1 keVnr, interpolated in its logarithm; inf beyond 1000 t yr."""
    curve = np.array([shared.scan(convention)[words][x, THRESHOLD_KEV] for x in shared.EXPOSURES_TYR])
    if curve.max() < STRONG:
        return math.inf
    if curve[0] >= STRONG:
        return float(shared.EXPOSURES_TYR[0])
    at = int(np.argmax(curve >= STRONG))
    return float(np.exp(np.interp(STRONG, curve[at - 1 : at + 1], np.log(shared.EXPOSURES_TYR[at - 1 : at + 1]))))


def statements() -> tuple[Statement, ...]:
    """Judge what DARWIN can decide."""
    here = (EXPOSURE_TYR, THRESHOLD_KEV)
    log_b = {c: {words: by[here] for words, by in shared.scan(c).items()} for c in ("paper", "default")}
    needed = {c: {words: strong_from(c, words) for words in log_b[c]} for c in log_b}
    by_threshold = {
        c: {t: shared.scan(c)["everything known"][EXPOSURE_TYR, t] for t in shared.THRESHOLDS_KEV} for c in log_b
    }

    def strong(exposure: float) -> str:
        if math.isinf(exposure):
            return f"not strong up to {shared.EXPOSURES_TYR[-1]:g} t yr"
        return f"strong from {number(exposure)} t yr" + (" or less" if exposure == shared.EXPOSURES_TYR[0] else "")

    def text(c: str) -> str:
        return "; ".join(
            f"{words}: ln B = {value:.1f} at {EXPOSURE_TYR:g} t yr, {strong(needed[c][words])}"
            for words, value in log_b[c].items()
        )

    def thresholds(c: str) -> str:
        return ", ".join(f"{t:g} keVnr {value:.1f}" for t, value in by_threshold[c].items())

    known, angles, flux, every = log_b["paper"].values()
    falling = np.all(np.diff(list(by_threshold["paper"].values())) < 0)
    return (
        Statement(
            "bayes-factor-darwin",
            "Abstract, Sect. 6; beyond the paper",
            "DARWIN at 1 keVnr has the potential to confirm Lμ-Lτ over Lμ (BP1, the same mixing in both)",
            text("paper"),
            text("default"),
            verdict(known > STRONG and every > STRONG, known > STRONG),
            f"Decisive where the ⁸B flux is known exactly: its 12 % bring ln B from {known:.0f} down to {flux:.1f} "
            f"with the paper's own oscillation parameters ({angles:.0f} with θ_23 and δ_CP uncertain instead). With "
            "those of NuFIT 6.1 both models predict a deficit and differ by its size only.",
            {f"log_bayes_factor_{c}_{w.replace(' ', '_')}": v for c, by in log_b.items() for w, v in by.items()},
        ),
        Statement(
            "bayes-factor-threshold",
            "Sect. 6; beyond the paper",
            f"A lower threshold is what decides (BP1, {EXPOSURE_TYR:g} t yr, everything known)",
            f"ln B: {thresholds('paper')}",
            f"ln B: {thresholds('default')}",
            verdict(bool(falling and by_threshold["paper"][1.0] > STRONG > by_threshold["paper"][3.0])),
            "",
            {f"log_bayes_factor_{c}_{t:g}_kevnr": v for c, by in by_threshold.items() for t, v in by.items()},
        ),
    )
