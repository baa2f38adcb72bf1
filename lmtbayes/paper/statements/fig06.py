"""Fig. 6: every benchmark lowers the rate of coherent scattering, most at low recoil energy."""

import numpy as np

from lmtbayes.experiments.spallation import spallation
from lmtbayes.gauge.models import BENCHMARKS
from lmtbayes.paper import fig06
from lmtbayes.paper.statement import Statement
from lmtbayes.paper.wording import by_benchmark, flat, verdict


def ratios(detector: str, convention: str) -> dict[str, np.ndarray]:
    """Rate over that of the Standard Model above threshold, against recoil energy, by benchmark."""
    curves = fig06.spectra(detector, convention)
    seen = float(spallation(detector, convention=convention).bin_edges[0]) <= fig06.ENERGY_KEV
    return {name: (curves[name] / curves["SM"])[seen] for name in BENCHMARKS}


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
    )
