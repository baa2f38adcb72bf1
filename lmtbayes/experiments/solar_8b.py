"""Solar 8B neutrinos seen by coherent scattering in xenon (Eq. 33): XENONnT and PandaX-4T by counts, LZ by its flux.

A run is one bin: exposure x int dE_R dR/dE_R eff(E_R), with the efficiency of all selections against true energy. The
distribution of XENONnT's events in four observables is `xenonnt_8b`'s.
"""

import functools
from collections.abc import Mapping
from dataclasses import dataclass

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from lmtbayes import _checks, tables
from lmtbayes.detectors.response import LINDHARD_K, Efficiency, Resolution
from lmtbayes.experiments.asymmetric import AsymmetricGaussian
from lmtbayes.experiments.base import active_names
from lmtbayes.experiments.description import SINGLE_NUMBER, Binning
from lmtbayes.experiments.nuisance import Nuisance
from lmtbayes.experiments.registry import anywhere, register
from lmtbayes.experiments.solar_neutrinos import SolarNeutrinos
from lmtbayes.experiments.standard_model import standard_model
from lmtbayes.experiments.terms import Poisson
from lmtbayes.experiments.xenon_detectors import Response
from lmtbayes.experiments.xenon_folding import NR_SOURCES, nuclear_kernel
from lmtbayes.experiments.xenon_kernels import RecoilKernel
from lmtbayes.experiments.xenon_searches import Assumptions, SolarSearch, description, relative
from lmtbayes.experiments.xenon_spectra import Sun
from lmtbayes.gauge.models import GaugeModel, HiddenPhoton
from lmtbayes.sources import solar

EFFICIENCY_UNCERTAINTY = 0.25
"""Relative, of the signal, from light and charge yield (XENONnT, arXiv:2604.06002); assumed for PandaX-4T too."""
LZ_FLUX = (3.1, 2.1, 1.3)
"""Measured 8B flux and its upper and lower uncertainty [1e6 cm^-2 s^-1], arXiv:2512.08065."""
FLUX_UNIT = 1e6
COUNTS_ALONE = "-counts"
"""Ending of an entry that counts events whose distribution another entry of the same data compares."""
_NODES = 10
_HIGHEST_KEVNR = 7.0


@dataclass(frozen=True)
class RunEfficiencies(Response):
    """Probability that a recoil is counted in each run, whatever its measured energy: runs take the place of bins."""

    runs: tuple[Efficiency, ...] = ()

    def matrix(
        self,
        energy_kev: Float[np.ndarray, " n"],
        edges_kevee: ArrayLike,  # noqa: ARG002 - nothing is binned in energy
        lindhard_k: ArrayLike,  # noqa: ARG002 - the efficiency is against the true energy
    ) -> Float[np.ndarray, "bins n"]:
        """Efficiency of each run at true energies [keVnr]."""
        return np.stack([run(energy_kev) for run in self.runs])

    def range_kev(self, highest_kevee: float) -> tuple[float, float]:  # noqa: ARG002
        """From the first point of any run to above every recoil [keVnr]."""
        return float(self.efficiency.energy_kev[0]), _HIGHEST_KEVNR


def run_efficiencies(runs: tuple[str, ...]) -> RunEfficiencies:
    """Efficiencies of named runs out of data/xenon/efficiency_8b.csv."""
    table = tables.read("xenon/efficiency_8b")
    curves = []
    for run in runs:
        rows = table["run"] == run
        energy, value = table["energy_kevnr"][rows], table["efficiency"][rows]
        curves.append(Efficiency(energy, value, float(energy[0]), float(energy[-1])))
    points = np.unique(np.concatenate([curve.energy_kev for curve in curves]))
    anywhere = Efficiency(points, np.ones(points.size), float(points[0]), float(points[-1]))
    return RunEfficiencies(anywhere, Resolution(0.0), True, 1.0, tuple(curves))


def run_kernel(runs: tuple[str, ...], sun: Sun, nodes: int = _NODES) -> RecoilKernel:
    """Rates [1/(t yr)] in each run."""
    return nuclear_kernel(run_efficiencies(runs), np.arange(len(runs) + 1.0), sun, nodes)


def rates_of(
    kernel: RecoilKernel, model: GaugeModel, photon: HiddenPhoton, values: Mapping[str, Float[Array, ""]]
) -> Float[Array, " runs"]:
    """Rates [1/(t yr)] of a kernel whose efficiencies are against true energy."""
    # The kernel of a binned search depends on Lindhard's k; here all its nodes are equal.
    return kernel.rates(model, photon, {**values, "lindhard_k": jnp.asarray(LINDHARD_K)})


class Solar8B(SolarSearch):
    """Counts in each run, which take the place of bins.

    Parameters (beyond those of SolarSearch)
    ----------
    exposure_tyr
        Of each run [t yr].
    efficiency
        Name of the nuisance that scales the signal.
    """

    exposure_tyr: np.ndarray
    efficiency: str = eqx.field(static=True)

    def _signal(
        self, model: GaugeModel, photon: HiddenPhoton, values: Mapping[str, Float[Array, ""]]
    ) -> Float[Array, " bins"]:
        return values[self.efficiency] * self.exposure_tyr * rates_of(self.kernel, model, photon, values)


class Flux8B(SolarNeutrinos):
    """The 8B flux [1e6 cm^-2 s^-1] that an experiment which assumes the Standard Model reads off its events.

    Flux times the events of the boson and the Standard Model together over those of the Standard Model alone.

    Parameters (beyond those of Experiment)
    ----------
    kernel
        Rates in the one run.
    flux
        Of the solar model [1e6 cm^-2 s^-1].
    standard_rate
        Standard Model at central nuisances [1/(t yr)].
    """

    kernel: RecoilKernel
    flux: float
    standard_rate: np.ndarray

    def _signal(
        self, model: GaugeModel, photon: HiddenPhoton, values: Mapping[str, Float[Array, ""]]
    ) -> Float[Array, " bins"]:
        return self.flux * rates_of(self.kernel, model, photon, values) / self.standard_rate


def _counting(
    entry: str,
    *,
    name: str | None = None,
    title: str | None = None,
    oscillation: str = Assumptions.oscillation,
    sin2_theta_w: float = Assumptions.sin2_theta_w,
    solar_model: str = Assumptions.solar_model,
    spectrum_8b: str = Assumptions.spectrum_8b,
    flux_8b_width: str = Assumptions.flux_8b_width,
    octant: str = Assumptions.octant,
    efficiency_uncertainty: float = EFFICIENCY_UNCERTAINTY,
    nuisances: tuple[str, ...] | None = None,
) -> Solar8B:
    """Build a counting search.

    Parameters
    ----------
    oscillation, sin2_theta_w, solar_model, spectrum_8b, flux_8b_width, octant
        As in `Assumptions`.
    efficiency_uncertainty
        Relative, of the signal (25 % is 0.25).
    """
    assumed = Assumptions(oscillation, "rrpa", sin2_theta_w, solar_model, spectrum_8b, flux_8b_width, octant)
    _checks.positive("efficiency_uncertainty", _checks.fraction("efficiency_uncertainty", efficiency_uncertainty))
    table = tables.read("xenon/searches_8b")
    search = entry.removesuffix(COUNTS_ALONE)
    rows = table["experiment"] == search
    runs = tuple(str(run) for run in table["run"][rows])
    scales, backgrounds, constraints = backgrounds_of(search, runs)
    efficiency = f"efficiency_{entry.replace('-', '_')}"
    source = "arXiv:2604.06002" if search == "xenonnt-8b" else "judgement: as XENONnT, arXiv:2604.06002"
    declared = (
        *assumed.nuisances("nr", NR_SOURCES),
        Nuisance(efficiency, relative(efficiency_uncertainty), f"factor on the signal of {search}", source),
        *constraints,
    )
    return Solar8B(
        description=description(entry, name, title),
        binning=Binning(np.arange(len(runs) + 1.0), "", "run"),
        term=Poisson(),
        declared=declared,
        active=active_names(declared, nuisances),
        observed=table["observed"][rows],
        kernel=run_kernel(runs, assumed.sun),
        exposure_tyr=table["exposure_tyr"][rows],
        backgrounds=backgrounds,
        scales=scales,
        efficiency=efficiency,
    )


def backgrounds_of(search: str, runs: tuple[str, ...]) -> tuple[tuple[str, ...], np.ndarray, tuple[Nuisance, ...]]:
    """Names of the nuisances, counts (nuisances, runs), and the nuisances themselves, of some runs of a search."""
    table = tables.read("xenon/backgrounds_8b")
    scales: dict[str, np.ndarray] = {}
    nuisances: dict[str, Nuisance] = {}
    for row in np.flatnonzero((table["experiment"] == search) & np.isin(table["run"], runs)):
        scale, run = str(table["nuisance"][row]), runs.index(str(table["run"][row]))
        scales.setdefault(scale, np.zeros(len(runs)))[run] = table["counts"][row]
        constraint = relative(float(table["relative_sigma"][row]))
        nuisances[scale] = Nuisance(
            scale, constraint, f"factor on a background of {search}", "data/xenon/backgrounds_8b.csv"
        )
    return tuple(scales), np.stack(list(scales.values())), tuple(nuisances.values())


def _flux(
    *,
    name: str | None = None,
    title: str | None = None,
    measured: tuple[float, float, float] = LZ_FLUX,
    oscillation: str = Assumptions.oscillation,
    sin2_theta_w: float = Assumptions.sin2_theta_w,
    solar_model: str = Assumptions.solar_model,
    spectrum_8b: str = Assumptions.spectrum_8b,
    flux_8b_width: str = Assumptions.flux_8b_width,
    octant: str = Assumptions.octant,
    nuisances: tuple[str, ...] | None = None,
) -> Flux8B:
    """Build the flux measurement.

    Parameters
    ----------
    measured
        (8B flux, its upper, its lower uncertainty) [1e6 cm^-2 s^-1].
    oscillation, sin2_theta_w, solar_model, spectrum_8b, flux_8b_width, octant
        As in `Assumptions`.
    """
    assumed = Assumptions(oscillation, "rrpa", sin2_theta_w, solar_model, spectrum_8b, flux_8b_width, octant)
    flux, plus, minus = _checks.shape("measured", measured, (3,))
    declared = tuple(assumed.nuisances("nr", NR_SOURCES))
    kernel = run_kernel(("lz-2025",), assumed.sun)
    return Flux8B(
        description=description("lz-8b", name, title),
        binning=SINGLE_NUMBER,
        term=AsymmetricGaussian(plus, minus),
        declared=declared,
        active=active_names(declared, nuisances),
        observed=np.array([flux]),
        kernel=kernel,
        flux=solar.flux("8b", solar_model) / FLUX_UNIT,
        standard_rate=standard_model(functools.partial(rates_of, kernel), declared),
    )


for _entry in (f"xenonnt-8b{COUNTS_ALONE}", "pandax4t-8b"):
    register(_entry, functools.partial(_counting, _entry), reach=anywhere, status="data")
register("lz-8b", _flux, reach=anywhere, status="data")
