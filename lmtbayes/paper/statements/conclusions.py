"""The conclusions of the abstract and of Sect. 6, one by one."""

import math

import numpy as np

from lmtbayes.experiments.registry import experiment
from lmtbayes.gauge.models import BENCHMARKS, LMU, LMU_LTAU, GaugeModel, HiddenPhoton
from lmtbayes.paper import discovery_statements as discovery
from lmtbayes.paper import posteriors
from lmtbayes.paper.statement import Statement
from lmtbayes.paper.wording import by_benchmark, exposures, flat, names, verdict

BEAM, COHERENT, _ = posteriors.STAGES
DARWIN_TYR = 200.0
WHERE = "Abstract, Sect. 6"


def percent(parameter: str, stage: str, convention: str) -> dict[str, float]:
    """Half width of the 68 % interval of g_x, M or eps_x [%], by benchmark."""
    return {name: 50.0 * math.log(10.0) * posteriors.widths(name, convention)[parameter][stage] for name in BENCHMARKS}


def relative_rate(model: GaugeModel, convention: str) -> dict[str, float]:
    """Nuclear recoils in DARWIN above 1 keVnr, change by each benchmark [%]."""
    exp = experiment("darwin-nr", convention=convention, threshold_kev=discovery.THRESHOLD_KEV)
    without = float(np.sum(exp.signal_counts(model, HiddenPhoton(0.0, 1.0, 0.0))))
    return {
        name: 100.0 * (float(np.sum(exp.signal_counts(model, photon))) / without - 1.0)
        for name, photon in BENCHMARKS.items()
    }


def statements() -> tuple[Statement, ...]:
    """Judge the conclusions."""
    return _coupling(), _mass_and_mixing(), _larger(), _darwin()


def _coupling() -> Statement:
    found = {c: percent("g_x", BEAM, c) for c in ("paper", "default")}
    mass = {c: {n: posteriors.widths(n, c)["mass"][BEAM] for n in BENCHMARKS} for c in found}
    prior = posteriors.widths("BP1", "paper")["mass"]["prior"]

    def text(c: str) -> str:
        return (
            f"68 % interval of g_x: ± {by_benchmark(found[c], '.0f')} %; of M {by_benchmark(mass[c], '.2f')} decades "
            f"(prior {prior:.2f})"
        )

    return Statement(
        "conclusions-na64mu",
        WHERE,
        "NA64μ measures the coupling to muons where it explains a_μ, with some sensitivity to the mass",
        text("paper"),
        text("default"),
        verdict(
            max(found["paper"].values()) < 50.0 and max(mass["paper"].values()) < prior,
            max(found["paper"].values()) < 50.0,
        ),
        "Posteriors with the mixing free; the paper's contours are in the topic of Fig. 5.",
        flat("g_x_percent_paper", found["paper"]) | flat("g_x_percent_default", found["default"]),
    )


def _mass_and_mixing() -> Statement:
    gain = {
        (c, p): {n: posteriors.widths(n, c)[p][COHERENT] / posteriors.widths(n, c)[p][BEAM] for n in BENCHMARKS}
        for c in ("paper", "default")
        for p in ("mass", "eps_x")
    }

    def text(c: str) -> str:
        return (
            f"with ESS, ESS10 the 68 % interval of ε_x shrinks to {by_benchmark(gain[c, 'eps_x'], '.2f')}, that of M "
            f"to {by_benchmark(gain[c, 'mass'], '.2f')}"
        )

    better = all(value < 1.0 for p in ("mass", "eps_x") for value in gain["paper", p].values())
    return Statement(
        "conclusions-cevns",
        WHERE,
        "Coherent scattering adds the kinetic mixing, and with NA64μ improves the mass",
        text("paper"),
        text("default"),
        verdict(better, gain["paper", "eps_x"]["BP1"] < 1.0),
        "",
        flat("eps_x_gain_paper", gain["paper", "eps_x"]) | flat("mass_gain_paper", gain["paper", "mass"]),
    )


def _larger() -> Statement:
    rates = {(c, m.name): relative_rate(m, c) for c in ("paper", "default") for m in (LMU_LTAU, LMU)}

    def text(c: str) -> str:
        return (
            f"change of the rate above 1 keVnr: Lμ-Lτ {by_benchmark(rates[c, LMU_LTAU.name], '+.1f')} %, Lμ "
            f"{by_benchmark(rates[c, LMU.name], '+.1f')} %"
        )

    size = {
        c: [n for n in BENCHMARKS if abs(rates[c, LMU_LTAU.name][n]) > abs(rates[c, LMU.name][n])]
        for c in ("paper", "default")
    }
    larger = all(rates["paper", LMU_LTAU.name][n] > rates["paper", LMU.name][n] for n in BENCHMARKS)
    return Statement(
        "conclusions-larger",
        WHERE,
        "The signal in nuclear recoils is larger for Lμ-Lτ than for Lμ with the same mixing",
        text("paper"),
        text("default"),
        verdict(larger),
        f"The rate is larger. The change of the rate is larger in size for {names(size['paper'])} by the paper's "
        f"conventions, for {names(size['default'])} by the defaults, where both models lower the rate.",
        flat("lmu_ltau_percent_default", rates["default", LMU_LTAU.name])
        | flat("lmu_percent_default", rates["default", LMU.name]),
    )


def _darwin() -> Statement:
    found = {c: discovery.needed("darwin", "nr", c, discovery.THRESHOLD_KEV) for c in ("paper", "default")}
    planned = {c: discovery.needed("darwin", "nr", c) for c in found}
    hit = {c: [n for n, value in by.items() if value <= DARWIN_TYR] for c, by in found.items()}
    early = [n for n, value in planned["paper"].items() if value <= DARWIN_TYR]

    def text(c: str) -> str:
        return f"within {DARWIN_TYR:g} t yr at 1 keVnr: {names(hit[c])} ({exposures(found[c])})"

    return Statement(
        "conclusions-darwin",
        WHERE,
        "DARWIN discovers the boson of Lμ-Lτ at 5σ if its threshold is lowered to 1 keVnr, not as planned",
        f"{text('paper')}; at the planned 5.7 keVnr: {names(early)}",
        text("default"),
        verdict(len(hit["paper"]) == len(BENCHMARKS) and not early, bool(hit["paper"]) and not early),
        "BP1 and BP2 only: BP3 and BP4 need more than a thousand t yr. " + discovery.SIGN,
        flat("exposure_tyr_paper", found["paper"]),
    )
