"""The conclusions of the abstract and of Sect. 6, one by one."""

import math

import numpy as np

from lmtbayes.experiments.registry import experiment
from lmtbayes.gauge.models import BENCHMARKS, LMU, LMU_LTAU, GaugeModel, HiddenPhoton
from lmtbayes.paper import band, posteriors
from lmtbayes.paper import discovery_statements as discovery
from lmtbayes.paper.statement import Statement
from lmtbayes.paper.wording import by_benchmark, exposures, flat, names, near, verdict

BEAM, COHERENT, _ = posteriors.STAGES
DARWIN_TYR = 200.0
REACH_MEV = 50.0
LOW_MASS_MEV = 25.0
"""Upper end of the window that is called low: the mass of BP2."""
ONE_SIDED_95 = 1.6449
WHERE = "Abstract, Sect. 6"


def percent(parameter: str, stage: str, convention: str) -> dict[str, float]:
    """Half width of the 68 % interval of g_x, M or eps_x [%], by benchmark."""
    return {name: 50.0 * math.log(10.0) * posteriors.widths(name, convention)[parameter][stage] for name in BENCHMARKS}


def relative_rate(model: GaugeModel, convention: str) -> dict[str, float]:
    """Nuclear recoils in DARWIN above 1 keVnr, change by each benchmark [%]."""
    exp = experiment("darwin-nr", convention=convention, threshold_kev=discovery.THRESHOLD_KEV)
    without = float(np.sum(exp.signal_counts(model, HiddenPhoton.none())))
    return {
        name: 100.0 * (float(np.sum(exp.signal_counts(model, photon))) / without - 1.0)
        for name, photon in BENCHMARKS.items()
    }


def statements() -> tuple[Statement, ...]:
    """Judge the conclusions."""
    return _coupling(), _mass_and_mixing(), _larger(), _darwin(), _reach(), _nothing_seen()


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


def _reach() -> Statement:
    found = {c: discovery.reach("nr", c, DARWIN_TYR) for c in ("paper", "default")}
    highest = found["paper"]["upper edge"]
    return Statement(
        "conclusions-reach",
        "Sect. 6",
        f"DARWIN with a threshold of 1 keV reaches bosons below about {REACH_MEV:g} MeV",
        f"{DARWIN_TYR:g} t yr at 5σ {band.words(found['paper'])}",
        f"{DARWIN_TYR:g} t yr at 5σ {band.words(found['default'])}",
        verdict(near(highest, REACH_MEV), near(highest, REACH_MEV, 0.5)),
        "By nuclear recoils, along the couplings that explain a_μ (2021, 2σ); judged by the largest. " + discovery.SIGN,
        {f"highest_mev_{side.replace(' ', '_')}_{c}": v for c, by in found.items() for side, v in by.items()},
    )


def excluded(convention: str) -> dict[str, float]:
    """Mass [MeV] up to which DARWIN, seeing the Standard Model, excludes the sides of the band at 95 % (one-sided)."""
    exp = experiment("darwin-nr", convention=convention, threshold_kev=discovery.THRESHOLD_KEV)
    without = float(np.sum(exp.signal_counts(LMU_LTAU, HiddenPhoton.none())))
    counts = np.sum(np.asarray(exp.signal_counts(LMU_LTAU, band.photons())), axis=-1)
    return band.reach((counts - without) / np.sqrt(counts) - ONE_SIDED_95)


def _nothing_seen() -> Statement:
    found = {c: excluded(c) for c in ("paper", "default")}
    return Statement(
        "conclusions-null",
        "Sects. 5 and 6",
        "If DARWIN sees no excess, the window of low masses is ruled out",
        f"{DARWIN_TYR:g} t yr at 1 keVnr {band.words(found['paper'], 'exclude at 95 %')}",
        f"{DARWIN_TYR:g} t yr at 1 keVnr {band.words(found['default'], 'exclude at 95 %')}",
        verdict(found["paper"]["lower edge"] >= LOW_MASS_MEV, found["paper"]["centre"] >= LOW_MASS_MEV),
        f"Ruled out where all of the 2σ band of 2021 is, {LOW_MASS_MEV:g} MeV and lighter; events alone, the "
        "flux of ⁸B known. " + discovery.SIGN,
        {f"excluded_mev_{side.replace(' ', '_')}_{c}": v for c, by in found.items() for side, v in by.items()},
    )
