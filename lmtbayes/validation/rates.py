"""Every rate of the registry at BP1 to BP4: by hand (`independent`), and by the entry."""

import functools
import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from scipy.stats import norm

from lmtbayes.experiments.base import Experiment
from lmtbayes.experiments.registry import experiment, own_names
from lmtbayes.gauge.models import BENCHMARKS, LMU_LTAU, HiddenPhoton
from lmtbayes.validation.independent import bremsstrahlung, coherent, searches, single, solar, spallation, xenon
from lmtbayes.validation.rows import Row

type ByHand = Callable[[Experiment, tuple[float, float, float]], tuple[np.ndarray, np.ndarray]]
"""Entry and (g, mass, eps) to what is found by hand, and the same of the package."""

LEPTONS = (0, 1, -1)
FLAVOURS = {"mu": 1.0, "tau": -1.0}
NO_HEP = {"flux_hep": 1e-12}
EFFICIENCY_FREE = ("na64mu-2022", "na64mu-2023", "na64mu-run4")


def _photon(point: tuple[float, float, float]) -> HiddenPhoton:
    return HiddenPhoton(*point)


def _signal(exp: Experiment, point: tuple[float, float, float], values: dict[str, float] | None = None) -> np.ndarray:
    return np.asarray(exp.signal_counts(LMU_LTAU, _photon(point), values))


# -- by hand ----------------------------------------------------------------------------------------------------------


def _spallation(exp: Experiment, point: tuple[float, float, float]) -> tuple[np.ndarray, np.ndarray]:
    """Table 2; a row of the projections is the ESS detector with its own numbers."""
    if exp.name in spallation.TABLE_2:
        return spallation.counts(exp.name, point, FLAVOURS), _signal(exp, point)
    row = next(r for r in solar.rows("spallation/detectors.csv") if r["name"] == exp.name)
    numbers = {key: float(row[key]) for key in ("mass_ton", "protons_per_year", "neutrinos_per_proton", "baseline_m")}
    mass_ton, _, _, protons, per_proton, length = spallation.TABLE_2["ess"]
    scale = numbers["mass_ton"] * numbers["protons_per_year"] * numbers["neutrinos_per_proton"]
    scale *= (length / numbers["baseline_m"]) ** 2 / (mass_ton * protons * per_proton)
    isotopes = [r for r in solar.rows("targets/isotopes.csv") if r["element"] == row["target"]]
    target = (
        tuple((int(r["protons"]), int(r["mass_number"]), float(r["mass_u"]), float(r["fraction"])) for r in isotopes)
        or spallation.ARGON_40
    )
    edges, tanh = np.asarray(exp.bin_edges), row["efficiency"] == "cenns610"
    return scale * spallation.counts("ess", point, FLAVOURS, edges=edges, isotopes=target, tanh=tanh), _signal(
        exp, point
    )


def _muon_beam(exp: Any, point: tuple[float, float, float]) -> tuple[np.ndarray, np.ndarray]:
    """Four Gauss nodes a bin in x (32 where there is one), nested quadrature at each; the entry's own efficiency."""
    g, mass, eps = point
    setup, edges = exp.setup, np.asarray(exp.bin_edges)
    nodes, weights = np.polynomial.legendre.leggauss(4 if len(edges) > 2 else 32)
    atoms = setup.density_g_cm3 * 6.02214076e23 / setup.A
    scale = setup.muons_on_target * setup.target_length_cm * atoms * (197.3269804e-13) ** 2
    scale *= (g + eps * single.E_CHARGE) ** 2 * float(exp.efficiency(mass))
    chosen = np.unique(np.linspace(0, len(edges) - 2, 3).astype(int))
    found = []
    for b in chosen:
        half, middle = 0.5 * (edges[b + 1] - edges[b]), 0.5 * (edges[b + 1] + edges[b])
        x = 1.0 - (middle + half * nodes) / setup.beam_energy_gev
        sigma = [bremsstrahlung.dsigma_dx(v, mass, 1e3 * setup.beam_energy_gev, setup.Z, setup.A) for v in x]
        found.append(scale * half / setup.beam_energy_gev * float(weights @ np.array(sigma)))
    return np.array(found), _signal(exp, point)[chosen]


def _muon_g2(exp: Experiment, point: tuple[float, float, float]) -> tuple[np.ndarray, np.ndarray]:
    return np.array([1e11 * single.delta_a_mu(*point)]), np.asarray(exp.expected(LMU_LTAU, _photon(point)))


def _borexino(exp: Experiment, point: tuple[float, float, float]) -> tuple[np.ndarray, np.ndarray]:
    return np.array([single.borexino_ratio(LEPTONS, *point)]), np.asarray(exp.expected(LMU_LTAU, _photon(point)))


def _white_dwarfs(exp: Experiment, point: tuple[float, float, float]) -> tuple[np.ndarray, np.ndarray]:
    return np.array([single.white_dwarf_emission(LEPTONS, *point)]), np.asarray(exp.expected(LMU_LTAU, _photon(point)))


def _given(point: tuple[float, float, float]) -> dict[str, Any]:
    return {"charges": LEPTONS, "g": point[0], "mass": point[1], "eps": point[2]}


_RUNS = {
    "xenonnt-8b-counts": ("xenonnt-sr0", "xenonnt-sr1", "xenonnt-sr2"),
    "pandax4t-8b": ("pandax4t-paired",),
    "lz-8b": ("lz-2025",),
}


def _solar_8b(exp: Any, point: tuple[float, float, float]) -> tuple[np.ndarray, np.ndarray]:
    """Neutrinos of 8B alone. LZ's entry is the flux that makes the signal: its standard rate is taken out by hand."""
    by_hand = np.array([searches.nuclear_counts(run, **_given(point)) for run in _RUNS[exp.name]])
    if hasattr(exp, "exposure_tyr"):
        return by_hand * np.asarray(exp.exposure_tyr), _signal(exp, point, NO_HEP)
    standard = np.array([searches.nuclear_counts(run) for run in _RUNS[exp.name]])
    none = np.asarray(exp.signal_counts(LMU_LTAU, HiddenPhoton.none(), NO_HEP))
    return by_hand / standard, _signal(exp, point, NO_HEP) / none


_ER_SEARCHES = {
    "lz-er-ws2022": (0.9, 0.33, 0.0, 15),
    "lz-er-ws2024": (3.3, 0.33, 0.0, 15),
    "xenonnt-er-2022": (1.16, 0.310, 0.0037, 130),
    "pandax4t-er-run1": (363.3 / 365.25, 0.310, 0.0037, 20),
}
"""Exposure [t yr], resolution, and where the plateau of the efficiency begins."""


def _er_search(exp: Experiment, point: tuple[float, float, float]) -> tuple[np.ndarray, np.ndarray]:
    exposure, a, b, plateau = _ER_SEARCHES[exp.name]
    by_hand = searches.electron_counts(exp.name, np.asarray(exp.bin_edges), a, b, plateau, **_given(point))
    return exposure * by_hand, _signal(exp, point)


def _recoil_rate(exp: Any, point: tuple[float, float, float]) -> tuple[np.ndarray, np.ndarray]:
    """The differential rate at three energies: what comes before the response."""
    if exp.name.endswith("-nr"):
        energies = np.array([1.0, 2.0, 3.5])
        by_hand = xenon.nuclear_rates(energies, **_given(point))
    else:
        energies = np.array([1.6, 5.5, 20.0])
        by_hand = xenon.electron_rates(energies, **_given(point))
    return exp.exposure_tyr * by_hand, np.asarray(exp.differential_rate(LMU_LTAU, _photon(point), energies))


def _germanium(exp: Any, point: tuple[float, float, float]) -> tuple[np.ndarray, np.ndarray]:
    """Prompt and delayed neutrinos in COHERENT's germanium, a kilogram and exposure as of 2024."""
    isotopes = tuple(
        (int(r["protons"]), int(r["mass_number"]), float(r["mass_u"]), float(r["fraction"]))
        for r in solar.rows("targets/isotopes.csv")
        if r["element"] == "germanium"
    )
    fluence = 10.22 * 3.6e12 / (1050 * 1.602176634e-13) * 0.09627 / (4 * np.pi * 1910.0**2)
    by_hand = [
        coherent.recoils(part, point, isotopes, 1.0, fluence, _germanium_seen, 4.0) for part in ("prompt", "delayed")
    ]
    found = exp.component_counts(LMU_LTAU, _photon(point))
    return np.array(by_hand), np.array([float(found[part][0]) for part in ("prompt", "delayed")])


def _germanium_seen(kev: float) -> float:
    reduced = 11.5 * 32 ** (-7 / 3) * kev
    g = 3 * reduced**0.15 + 0.7 * reduced**0.6 + reduced
    mean = kev * 0.157 * g / (1 + 0.157 * g)
    sigma = (0.133 + 0.0363 * mean**0.5) / 2.3548200450309493
    below = norm.cdf(np.array([1.5, 8.5, 10.6, 20.0]), mean, sigma)
    return float(0.997 * (below[1] - below[0] + below[3] - below[2]))


# -- the table --------------------------------------------------------------------------------------------------------

_SPALLATION = (*spallation.TABLE_2, "coh-ar-750", "coh-ge-mini")
_BEAMS = ("na64mu", *EFFICIENCY_FREE, "m3", "m3-phase-2")
_DETECTORS = ("lz", "xenonnt", "darwin", "xlzd-60", "xlzd-80", "pandax-xt")

BY_HAND: dict[str, tuple[ByHand, str]] = {
    **dict.fromkeys(_SPALLATION, (_spallation, "")),
    **dict.fromkeys(_BEAMS, (_muon_beam, "the entry's own efficiency; at most three bins")),
    **{f"muon-g2-{year}": (_muon_g2, "1e-11") for year in ("2021", "2023", "2025", "2025-wp20")},
    "borexino-7be": (_borexino, "over the Standard Model's"),
    "white-dwarfs": (_white_dwarfs, "over the Standard Model's"),
    **dict.fromkeys(_RUNS, (_solar_8b, "8B alone")),
    "lz-8b": (_solar_8b, "8B alone, over the Standard Model's"),
    **dict.fromkeys(_ER_SEARCHES, (_er_search, "")),
    **{f"{name}-{kind}": (_recoil_rate, "1/keV at three energies") for name in _DETECTORS for kind in ("nr", "er")},
    "coherent-ge-2024": (_germanium, "prompt, delayed"),
}
"""Entry to its calculation by hand and a remark."""
SLOW = (*_ER_SEARCHES, *EFFICIENCY_FREE, "m3", "m3-phase-2", "coherent-ge-2024")
"""Left out by `quick`: tens of seconds for each benchmark."""
ELSEWHERE = {
    **{f"{name}-nr+er": "the sum of the two above" for name in _DETECTORS},
    "borexino-phase2": "tests/experiments/test_borexino_spectrum.py",
    "ccfr-trident": "tests/processes/test_trident.py",
    "charm2-trident": "tests/processes/test_trident.py",
    "nutev-trident": "tests/processes/test_trident.py",
    "dune-trident": "tests/processes/test_trident.py",
    "coherent-csi-2021": "tests/experiments/test_coherent.py",
    "coherent-lar-2020": "tests/experiments/test_coherent.py",
    "coherent-ge-2026": "the ratio of coherent-ge-2024",
    **dict.fromkeys(("n-eff", "n-eff-act", "n-eff-cmb-bbn"), "tests/experiments/test_n_eff.py"),
    "xenonnt-8b": "tests/experiments/test_xenonnt_8b.py",
    "xenonnt-s2-2026": "tests/experiments/test_xenonnt_s2.py",
    **dict.fromkeys(
        ("babar-4mu", "cms-4mu", "belle2-invisible"), "a published curve: tests/experiments/test_limits.py"
    ),
    **dict.fromkeys(
        ("babar-invisible", "na64e-invisible"), "a published curve: tests/experiments/test_mixing_limits.py"
    ),
}
"""Entries whose second derivation is not run here, and where it is."""


def rates(
    names: tuple[str, ...] = (), points: tuple[str, ...] = tuple(BENCHMARKS), quick: bool = False
) -> Iterator[Row]:
    """Yield a row for each entry and benchmark.

    Parameters
    ----------
    names
        Of entries; all of the registry by default.
    points
        Benchmarks.
    quick
        Leave out `SLOW` and all benchmarks but the first.
    """
    for name in names or own_names():
        if name not in BY_HAND:
            yield Row(name, "", math.nan, math.nan, note=ELSEWHERE.get(name, "no second derivation"))
            continue
        if quick and name in SLOW:
            continue
        by_hand, remark = BY_HAND[name]
        exp = _experiment(name)
        for point in points[:1] if quick else points:
            photon = BENCHMARKS[point]
            numbers = (float(photon.g_x), float(photon.mass), float(photon.eps_x))
            want, found = by_hand(exp, numbers)
            yield Row(
                name,
                point,
                float(np.sum(want)),
                float(np.sum(found)),
                float(np.max(np.abs(found / want - 1.0))),
                len(want),
                remark,
            )


@functools.lru_cache(maxsize=4)
def _experiment(name: str) -> Experiment:
    return experiment(name)
