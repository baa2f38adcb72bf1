"""What Figs. 11, 13 and 14 state alike: exposure of BP1 at 1 keV, and what the planned detectors reach."""

import math
from functools import cache

import jax
import jax.numpy as jnp
import numpy as np

from lmtbayes.experiments import experiment
from lmtbayes.gauge.models import BENCHMARKS, LMU_LTAU
from lmtbayes.inference.frequentist.discovery import discovery_exposure
from lmtbayes.paper import band
from lmtbayes.paper.statement import Statement
from lmtbayes.paper.wording import exposures, flat, names, near, number, verdict

THRESHOLD_KEV = 1.0
WORDS = {"nr": "nuclear recoils", "er": "electron recoils", "nr+er": "nuclear and electron recoils together"}
SIGN = (
    "With the oscillation parameters of NuFIT 6.1 the boson of Lμ-Lτ lowers the rate of nuclear recoils: there is no "
    "excess to discover, at any exposure."
)


@cache
def needed(
    detector: str, channel: str, convention: str, threshold_kev: float | None = None, profiled: bool = False
) -> dict[str, float]:
    """Exposure [t yr] at which each benchmark is discovered; None for the planned threshold."""
    photons = jax.tree.map(lambda *fields: jnp.stack(fields), *BENCHMARKS.values())
    found = discovery_exposure(
        f"{detector}-{channel}",
        LMU_LTAU,
        photons,
        threshold_kev=threshold_kev,
        convention=convention,
        **({"nuisances": "profiled"} if profiled else {}),  # type: ignore[arg-type]
    )
    return {name: float(value) for name, value in zip(BENCHMARKS, found, strict=True)}


def planned(detector: str, channel: str) -> tuple[float, float]:
    """Threshold [keV] and exposure [t yr] that the detector plans."""
    exp = experiment(f"{detector}-{channel}")
    return float(exp.bin_edges[0]), float(exp.exposure_tyr)  # type: ignore[attr-defined]


def reached(detector: str, channel: str, convention: str) -> list[str]:
    """Benchmarks that the planned detector would discover."""
    exposure = planned(detector, channel)[1]
    return [name for name, value in needed(detector, channel, convention).items() if value <= exposure]


def first_benchmark(channel: str, figure: str, stated: float) -> Statement:
    """Judge the exposure that BP1 needs at 1 keV, DARWIN's response."""
    paper, default = (needed("darwin", channel, c, THRESHOLD_KEV) for c in ("paper", "default"))
    known = needed("darwin", channel, "default", THRESHOLD_KEV, profiled=True)
    lost = math.isinf(default["BP1"])
    flux = (
        f"With all nuisances profiled BP1 needs {number(known['BP1'])} t yr by the defaults: Eq. 38 knows no "
        "uncertainty of flux, oscillation or background."
    )
    return Statement(
        f"{figure}-bp1",
        f"Sect. 5, Fig. {figure[3:]}",
        f"{WORDS[channel].capitalize()} with a threshold of 1 keV discover BP1 with about {stated:g} t yr",
        exposures(paper),
        exposures(default),
        verdict(near(paper["BP1"], stated), near(paper["BP1"], stated, 1.0)),
        SIGN if lost else flux,
        flat("exposure_tyr_paper", paper)
        | flat("exposure_tyr_default", default)
        | flat("exposure_tyr_profiled", known),
    )


@cache
def needed_along_the_band(channel: str, convention: str) -> np.ndarray:
    """Exposure [t yr] at which DARWIN at 1 keV discovers the bosons of `band.photons()`, (sides, masses)."""
    name = f"darwin-{channel}"
    return np.asarray(
        discovery_exposure(name, LMU_LTAU, band.photons(), threshold_kev=THRESHOLD_KEV, convention=convention)
    )


def reach(channel: str, convention: str, exposure_tyr: float) -> dict[str, float]:
    """Mass [MeV] up to which DARWIN at 1 keV discovers the bosons of the band of 2021; 0 for none; by its side."""
    return band.reach(np.log(exposure_tyr) - np.log(needed_along_the_band(channel, convention)))


def planned_detectors(channel: str, figure: str) -> Statement:
    """Judge that LZ and XENONnT, as planned, reach none of the benchmarks."""
    found = {(d, c): reached(d, channel, c) for d in ("lz", "xenonnt") for c in ("paper", "default")}

    def text(convention: str) -> str:
        parts = []
        for detector, label in {"lz": "LZ", "xenonnt": "XENONnT"}.items():
            threshold, exposure = planned(detector, channel)
            best = min(needed(detector, channel, convention).values())
            parts.append(
                f"{label} (threshold {threshold:g} keV, {exposure:g} t yr): {names(found[detector, convention])}, the "
                f"nearest benchmark needs {number(best)} t yr"
                if best < math.inf
                else f"{label} (threshold {threshold:g} keV, {exposure:g} t yr): none, no benchmark raises the rate"
            )
        return "; ".join(parts)

    return Statement(
        f"{figure}-planned",
        f"Sect. 5, Fig. {figure[3:]}",
        f"LZ and XENONnT as planned reach no benchmark by {WORDS[channel]}",
        text("paper"),
        text("default"),
        verdict(not any(those for (_, c), those in found.items() if c == "paper")),
        "",
        {
            f"lowest_exposure_tyr_{d}_{c}": min(needed(d, channel, c).values())
            for d in ("lz", "xenonnt")
            for c in ("paper", "default")
        },
    )
