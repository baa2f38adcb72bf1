"""Fig. 4: events in each bin of NA64mu, and how their spectra run with the energy of the scattered muon."""

import numpy as np

from lmtbayes.experiments.registry import experiment
from lmtbayes.gauge.models import BENCHMARKS, LMU_LTAU
from lmtbayes.paper.statement import Statement
from lmtbayes.paper.wording import by_benchmark, flat, near, verdict

LOWEST, HIGHEST = 2.5, 9.6
"""What the paper states for each bin."""


def spectra(convention: str) -> dict[str, np.ndarray]:
    """Events in the nine bins, by benchmark."""
    beam = experiment("na64mu", convention=convention)
    return {name: np.asarray(beam.signal_counts(LMU_LTAU, photon)) for name, photon in BENCHMARKS.items()}


def statements() -> tuple[Statement, ...]:
    """Judge Fig. 4."""
    paper, default = spectra("paper"), spectra("default")
    extreme = {c: (min(map(np.min, s.values())), max(map(np.max, s.values()))) for c, s in _both(paper, default)}
    low, high = extreme["paper"]
    falls, steps = bool(np.all(np.diff(paper["BP4"]) < 0)), -np.diff(paper["BP4"])
    # A flattening: the fall in the middle of the window is slower than at its lower end.
    flattens = bool(steps[:6].argmin() >= 2 and steps[3] < 0.6 * steps[0])
    rising = [name for name in ("BP1", "BP2", "BP3") if np.all(np.diff(paper[name]) > 0)]
    peak = {name: 10.0 * (int(np.argmax(counts)) + 1) for name, counts in default.items()}
    totals = {c: {name: float(counts.sum()) for name, counts in s.items()} for c, s in _both(paper, default)}
    return (
        Statement(
            "fig4-counts",
            "Sect. 3, Fig. 4",
            f"NA64μ expects {LOWEST} to {HIGHEST} events in each bin",
            f"{low:.2f} to {high:.2f} in a bin; all bins: {by_benchmark(totals['paper'], '.0f')}",
            f"{extreme['default'][0]:.1f} to {extreme['default'][1]:.1f} in a bin; all bins: "
            f"{by_benchmark(totals['default'], '.0f')}",
            verdict(near(low, LOWEST, 0.02) and near(high, HIGHEST, 0.02)),
            "Eq. 16 is printed with 1/(2π²) for 1/(2π), a factor π; the photon flux under the angular integral takes "
            "part of it back.",
            {"lowest_paper": low, "highest_paper": high}
            | flat("total_paper", totals["paper"])
            | flat("total_default", totals["default"]),
        ),
        Statement(
            "fig4-shapes",
            "Sect. 3, Fig. 4",
            "The spectrum of BP4 falls with the muon's energy and flattens; those of BP1-BP3 rise",
            f"BP4 {_run(paper['BP4'])}, from {paper['BP4'][0]:.2f} to {paper['BP4'][-1]:.2f} with its slowest fall in "
            f"bin {steps[:6].argmin() + 2}; rising throughout: {', '.join(rising)}",
            "; ".join(f"{name} {_run(counts)}" for name, counts in default.items()),
            verdict(falls and flattens and len(rising) == 3, falls and len(rising) == 3),
            f"With the full photon flux BP4 rises up to {peak['BP4']:.0f} GeV before it falls: the slower the "
            "scattered muon, the larger the least momentum transfer, of which the one flux of Eq. 15 knows nothing.",
            {
                f"slope_{name}_{c}": float(counts[-1] / counts[0])
                for c, s in _both(paper, default)
                for name, counts in s.items()
            },
        ),
    )


def _both(paper: dict[str, np.ndarray], default: dict[str, np.ndarray]) -> list[tuple[str, dict[str, np.ndarray]]]:
    return [("paper", paper), ("default", default)]


def _run(counts: np.ndarray) -> str:
    steps = np.diff(counts)
    if np.all(steps > 0):
        return "rises"
    if np.all(steps < 0):
        return "falls"
    return f"peaks in bin {int(np.argmax(counts)) + 1}"
