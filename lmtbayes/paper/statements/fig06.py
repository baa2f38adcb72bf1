"""Fig. 6: every benchmark lowers the rate of coherent scattering, most at low recoil energy."""

import numpy as np

from lmtbayes.experiments.spallation import spallation
from lmtbayes.gauge.models import BENCHMARKS, LMU_LTAU, HiddenPhoton
from lmtbayes.paper import fig06
from lmtbayes.paper.statement import Statement
from lmtbayes.paper.wording import by_benchmark, flat, near, verdict


def ratios(detector: str, convention: str) -> dict[str, np.ndarray]:
    """Rate over that of the Standard Model above threshold, against recoil energy, by benchmark."""
    curves = fig06.spectra(detector, convention)
    seen = float(spallation(detector, convention=convention).bin_edges[0]) <= fig06.ENERGY_KEV
    return {name: (curves[name] / curves["SM"])[seen] for name in BENCHMARKS}


HALF_MEV, HEAVY_MEV = 50.0, 500.0
"""Mass below which the paper sees coherent scattering at its best, and one far above it."""


def change(detector: str, convention: str) -> tuple[float, float]:
    """Mass [MeV] at which a weak boson of one coupling has half the effect of a massless one; slope of heavy ones.

    The slope is d ln(effect)/d ln(mass) at `HEAVY_MEV`: -2 where only g_x^2/M^2 counts.
    """
    exp = spallation(detector, convention=convention)
    masses = np.append(np.geomspace(1.0, 300.0, 49), HEAVY_MEV * np.array([0.95, 1.05]))
    photons = HiddenPhoton(1e-5, masses, -1e-5 / 70.0)
    none = np.sum(exp.signal_counts(LMU_LTAU, HiddenPhoton.none()))
    effect = np.abs(np.sum(np.asarray(exp.signal_counts(LMU_LTAU, photons)), axis=-1) - none)
    half = float(np.exp(np.interp(-0.5 * effect[0], -effect[:-2], np.log(masses[:-2]))))
    return half, float(np.log(effect[-1] / effect[-2]) / np.log(1.05 / 0.95))


def statements() -> tuple[Statement, ...]:
    """Judge Fig. 6."""
    found = {(d, c): ratios(d, c) for d in fig06.DETECTORS for c in ("paper", "default")}
    deficit = all(np.all(r < 1.0) for (_, c), by in found.items() if c == "paper" for r in by.values())
    lowest = all(np.argmin(r) == 0 for (_, c), by in found.items() if c == "paper" for r in by.values())
    first = {key: {name: float(r[0]) for name, r in by.items()} for key, by in found.items()}
    last = {name: float(r[-1]) for name, r in found["ess10", "paper"].items()}

    def text(convention: str) -> str:
        return (
            "rate over the Standard Model's at threshold: ESS10 (0.1 keV) "
            f"{by_benchmark(first['ess10', convention], '.2f')}; "
            f"ESS, CCM and CENNS610 (20 keV) {by_benchmark(first['ess', convention], '.2f')}"
        )

    return (
        Statement(
            "fig6-deficit",
            "Sect. 4, Fig. 6",
            "Every benchmark lowers the rate in every detector, most at low recoil energy",
            f"{text('paper')}; at 100 keV {by_benchmark(last, '.2f')}",
            text("default"),
            verdict(deficit and lowest, deficit),
            "",
            flat("ess10_first_paper", first["ess10", "paper"]) | flat("ess10_first_default", first["ess10", "default"]),
        ),
        _masses(),
    )


def _masses() -> Statement:
    found = {(d, c): change(d, c) for d in ("ess", "ess10") for c in ("paper", "default")}

    def text(c: str) -> str:
        (mass, slope), (low, steep) = found["ess", c], found["ess10", c]
        return (
            f"half the effect of a massless boson at {mass:.0f} MeV with a threshold of 20 keV, at {low:.0f} MeV with "
            f"0.1 keV; at {HEAVY_MEV:g} MeV it falls as M^{slope:.2f} and M^{steep:.2f}"
        )

    mass, slope = found["ess", "paper"]
    return Statement(
        "fig6-mass",
        "Sect. 4",
        f"Coherent scattering is most sensitive to bosons below about {HALF_MEV:g} MeV; the effect of heavier ones "
        "goes as g_x²/M²",
        text("paper"),
        text("default"),
        verdict(near(mass, HALF_MEV) and near(slope, -2.0, 0.05), near(slope, -2.0, 0.05)),
        "The mass is the momentum transfer, √(2 M_N E_R): 39 to 86 MeV between 20 and 100 keV on argon.",
        {f"half_effect_mev_{d}_{c}": value for (d, c), (value, _) in found.items()}
        | {f"slope_{d}_{c}": value for (d, c), (_, value) in found.items()},
    )
