"""Errata of Sect. 3, bremsstrahlung of the boson off muons: what each does to the numbers of events."""

import numpy as np

from lmtbayes.constants import MEV_PER_GEV, MUON_MASS
from lmtbayes.experiments.beam_setup import BeamSetup, read_setups
from lmtbayes.experiments.registry import experiment
from lmtbayes.gauge.models import BENCHMARKS, LMU_LTAU, HiddenPhoton
from lmtbayes.paper.erratum import Erratum
from lmtbayes.paper.wording import by_benchmark
from lmtbayes.processes.bremsstrahlung import dsigma_dx
from lmtbayes.processes.photon_flux import photon_flux


def errata_of_the_beam() -> tuple[Erratum, ...]:
    """Compute those of Sect. 3."""
    setup = read_setups()["na64mu"]
    inverse_x = {name: _weighted(setup, float(p.mass), "inverse x") for name, p in BENCHMARKS.items()}
    c4 = {name: 100.0 * _weighted(setup, float(p.mass), "C4") for name, p in BENCHMARKS.items()}
    energy = setup.beam_energy_gev * MEV_PER_GEV
    flux = {}
    for name, photon in BENCHMARKS.items():
        mass2 = float(photon.mass) ** 2
        t_min = (mass2 / (2.0 * energy)) ** 2
        both = [float(photon_flux(t_min, t_max, setup.Z, setup.A)) for t_max in (mass2, mass2 + MUON_MASS**2)]
        flux[name] = both[0] / both[1]
    # Without mixing: what it does to the muon's coupling is an erratum of its own.
    unmixed = {name: HiddenPhoton(p.g_x, p.mass, 0.0) for name, p in BENCHMARKS.items()}
    total = {
        c: {n: float(np.sum(experiment("na64mu", convention=c).signal_counts(LMU_LTAU, p))) for n, p in unmixed.items()}
        for c in ("paper", "improved", "default")
    }
    pi = {name: total["improved"][name] / total["paper"][name] * flux[name] for name in BENCHMARKS}
    whole = {name: total["default"][name] / total["paper"][name] for name in BENCHMARKS}
    return (
        Erratum(
            "Eq. 14",
            "without a factor x",
            "times x, as Eq. 16 has it",
            f"none, Eq. 16 was used; Eq. 14 as printed would give {by_benchmark(inverse_x, '.2f')} times the events",
            {f"events_ratio_{name}": value for name, value in inverse_x.items()},
        ),
        Erratum(
            "Eq. 15",
            "t_min = (M/2E₀)², t_max = M²",
            "t_min = (M²/2E₀)² (the printed one is a pure number), t_max = M² + m_μ² or more",
            f"the smaller t_max leaves {by_benchmark(flux, '.2f')} of the photon flux",
            {f"flux_ratio_{name}": value for name, value in flux.items()},
        ),
        Erratum(
            "Eq. 16",
            "1/(2π²)",
            "1/(2π)",
            f"every number of events a factor {np.mean(list(pi.values())):.2f} low",
            {f"events_ratio_{name}": value for name, value in pi.items()},
        ),
        Erratum(
            "Eq. 19",
            "a C₄ that diverges for M → 0",
            "C₄ = 2(1−x)²(M² + 2m_μ²)(M²(1−x) + m_μ²x²)",
            "none, Figs. 4 and 5 follow from the right one; its term makes up "
            f"{by_benchmark(c4, '.0f')} % of the events",
            {f"c4_percent_{name}": value for name, value in c4.items()},
        ),
        Erratum(
            "Eqs. 14-20 together",
            "one photon flux for all angles, 1/(2π²), t_max = M²",
            "the flux under the angular integral, 1/(2π), t_max = 1 GeV²",
            f"NA64μ sees {by_benchmark(whole, '.2f')} times the events of Fig. 4: "
            f"{by_benchmark(total['default'], '.0f')} instead of {by_benchmark(total['paper'], '.0f')}",
            {f"events_ratio_{name}": value for name, value in whole.items()},
        ),
        Erratum("Eq. 25", "dz", "dx", "none"),
    )


def _weighted(setup: BeamSetup, mass: float, what: str) -> float:
    """Mean over the events of 1/x, or of the share of the term with C_4."""
    nodes, matrix = setup.response()
    x = 1.0 - nodes / setup.beam_energy_gev
    energy = setup.beam_energy_gev * MEV_PER_GEV
    density = dsigma_dx(x, mass, energy, setup.Z, setup.A, convention="improved")
    virtuality = mass**2 * (1.0 - x) / x + MUON_MASS**2 * x
    c4 = 2.0 * x * (1.0 - x) * (mass**2 + 2.0 * MUON_MASS**2) / (3.0 * virtuality**2)
    all_terms = (2.0 - 2.0 * x + x**2) / virtuality - 0.5 * c4
    weight = 1.0 / x if what == "inverse x" else c4 / all_terms
    return float(np.sum(matrix @ (density * weight)) / np.sum(matrix @ density))
