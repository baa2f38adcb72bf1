"""Fig. 4: events in each bin of NA64mu, and how their spectra run with the energy of the scattered muon."""

import numpy as np

from lmtbayes.experiments.registry import experiment
from lmtbayes.gauge.models import BENCHMARKS, LMU_LTAU
from lmtbayes.paper import band
from lmtbayes.paper.statement import Statement
from lmtbayes.paper.wording import by_benchmark, flat, near, verdict

ORDER, AT_LEAST = (1.0, 10.0), 3.0
"""What the paper states for each bin: O(1-10) events, and no fewer than O(3)."""
FLAT_GEV = (60.0, 90.0)
"""Where the paper sees the spectrum of BP4 flatten."""
ZERO_EVENTS_90 = 2.302585
"""Events expected of a signal that zero observed events exclude at 90 %."""


def spectra(convention: str) -> dict[str, np.ndarray]:
    """Events in the nine bins, by benchmark."""
    beam = experiment("na64mu", convention=convention)
    return {name: np.asarray(beam.signal_counts(LMU_LTAU, photon)) for name, photon in BENCHMARKS.items()}


def band_events(convention: str) -> float:
    """Least number of events along the lower edge of the 2-sigma band of 2021, bosons below 2 m_mu."""
    beam = experiment("na64mu", convention=convention)
    counts = np.sum(np.asarray(beam.signal_counts(LMU_LTAU, band.photons())), axis=-1)
    return float(np.min(counts[list(band.SIDES).index("lower edge")]))


def statements() -> tuple[Statement, ...]:
    """Judge Fig. 4, and that NA64mu covers the band of g-2."""
    events = {c: band_events(c) for c in ("paper", "default")}
    paper, default = spectra("paper"), spectra("default")
    extreme = {c: (min(map(np.min, s.values())), max(map(np.max, s.values()))) for c, s in _both(paper, default)}
    low, high = map(float, extreme["paper"])
    falls, steps = bool(np.all(np.diff(paper["BP4"]) < 0)), -np.diff(paper["BP4"])
    # A flattening: the fall inside the window is slower than at both ends. Step i is between bins i and i + 1.
    flattest = 10.0 * (int(np.argmin(steps)) + 2)
    flattens = bool(0 < np.argmin(steps) < steps.size - 1 and steps.min() < 0.6 * steps[0])
    rising = [name for name in ("BP1", "BP2", "BP3") if np.all(np.diff(paper[name]) > 0)]
    peak = {name: 10.0 * (int(np.argmax(counts)) + 1) for name, counts in default.items()}
    totals = {c: {name: float(counts.sum()) for name, counts in s.items()} for c, s in _both(paper, default)}
    return (
        Statement(
            "fig4-counts",
            "Sect. 3, Fig. 4",
            "NA64μ expects O(1-10) events in each bin, no fewer than O(3)",
            f"{low:.2f} to {high:.2f} in a bin; all bins: {by_benchmark(totals['paper'], '.0f')}",
            f"{extreme['default'][0]:.1f} to {extreme['default'][1]:.1f} in a bin; all bins: "
            f"{by_benchmark(totals['default'], '.0f')}",
            verdict(low >= ORDER[0] and high <= ORDER[1] and (low > AT_LEAST or near(low, AT_LEAST)), high <= 30.0),
            "Eq. 16 is printed with 1/(2π²) for 1/(2π), a factor π; the photon flux under the angular integral takes "
            "part of it back.",
            {"lowest_paper": low, "highest_paper": high}
            | flat("total_paper", totals["paper"])
            | flat("total_default", totals["default"]),
        ),
        Statement(
            "fig4-shapes",
            "Sect. 3, Fig. 4",
            f"The spectrum of BP4 falls with the muon's energy and flattens between {FLAT_GEV[0]:.0f} and "
            f"{FLAT_GEV[1]:.0f} GeV; those of BP1-BP3 rise",
            f"BP4 {_run(paper['BP4'])}, from {paper['BP4'][0]:.2f} to {paper['BP4'][-1]:.2f}, slowest from the bin "
            f"below {flattest:.0f} GeV to that above; rising throughout: {', '.join(rising)}",
            "; ".join(f"{name} {_run(counts)}" for name, counts in default.items()),
            verdict(
                falls and flattens and len(rising) == 3 and FLAT_GEV[0] < flattest < FLAT_GEV[1],
                falls and flattens and len(rising) == 3,
            ),
            f"With the full photon flux BP4 rises up to {peak['BP4']:.0f} GeV before it falls: the slower the "
            "scattered muon, the larger the least momentum transfer, of which the one flux of Eq. 15 knows nothing.",
            {"flattest_gev_paper": flattest}
            | {
                f"slope_{name}_{c}": float(counts[-1] / counts[0])
                for c, s in _both(paper, default)
                for name, counts in s.items()
            },
        ),
        _covers(events),
    )


def _covers(events: dict[str, float]) -> Statement:
    def text(c: str) -> str:
        return f"at least {events[c]:.1f} events along its lower edge, {band.MASSES[0]:g} MeV to 2 m_μ"

    return Statement(
        "fig4-band",
        "Sect. 3, Fig. 5",
        "NA64μ covers the whole 2σ band in which the boson explains a_μ",
        text("paper"),
        text("default"),
        verdict(events["paper"] > ZERO_EVENTS_90),
        f"No event would exclude what expects {ZERO_EVENTS_90:.2f} (90 %, no background). Above 2 m_μ other searches "
        "exclude the band.",
        flat("least_events", events),
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
