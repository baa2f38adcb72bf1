"""XENONnT's search for solar 8B neutrinos in its own observables: 81 bins in each of three runs, by the public release.

    mu_b = exposure [eff int dE_R dR/dE_R T_b(E_R; ly, qy) + sum_j a_j B_jb + n N_b(ly, qy)]

T is the release's efficiency at 46 true recoil energies, on straight lines between them; light yield ly and charge
yield qy are in standard deviations. The boson is in dR/dE_R (Eq. 33) alone. T and N are sums over modes of the yields
and of the energy (data/xenon/make_xenonnt_8b.py), at 7 x 7 yields; between these a cubic spline (C2) runs, where the
release's own bilinear interpolation would have a kink at the nominal yields.
"""

from collections.abc import Mapping
from typing import Any

import equinox as eqx
import interpax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from lmtbayes import _checks, tables
from lmtbayes.experiments.base import active_names
from lmtbayes.experiments.description import Binning
from lmtbayes.experiments.nuisance import Nuisance, TruncatedGaussian
from lmtbayes.experiments.registry import anywhere, register
from lmtbayes.experiments.solar_8b import EFFICIENCY_UNCERTAINTY, backgrounds_of, rates_of
from lmtbayes.experiments.terms import Poisson
from lmtbayes.experiments.xenon_folding import NR_SOURCES, responses_kernel
from lmtbayes.experiments.xenon_searches import Assumptions, SolarSearch, description
from lmtbayes.gauge.models import GaugeModel, HiddenPhoton

ENTRY = "xenonnt-8b"
RUNS = ("sr0", "sr1", "sr2")
YIELDS = ("light_yield_xenonnt", "charge_yield_xenonnt")
EFFICIENCY = "efficiency_xenonnt_8b"
NEUTRONS = "neutron_xenonnt_8b"
_LIGHT_WIMP = "data release of arXiv:2409.17868, DOI 10.5281/zenodo.14522706"
_EFFICIENCY_RANGE = (0.5, 1.5)
_TEMPLATE_UNIT = 1e-6
_NODES = 10
"""In ln q^2: any mass of the boson to 1e-7 (tests)."""


class YieldModes(eqx.Module):
    """Modes of light and charge yield between the release's 7 x 7: cubic splines; beyond these, the value at the edge.

    Parameters
    ----------
    cardinal
        The splines through 1 at one of the 7 yields and 0 at the others.
    at_nodes
        Modes at the pairs of yields, (49, modes).
    """

    cardinal: interpax.Interpolator1D
    at_nodes: np.ndarray

    def __call__(self, light: Float[Array, ""], charge: Float[Array, ""]) -> Float[Array, " modes"]:
        """Each mode at one pair of yields [standard deviations]."""
        nodes = self.cardinal.x
        at_light, at_charge = self.cardinal(jnp.clip(jnp.stack([light, charge]), nodes[0], nodes[-1]))
        return jnp.outer(at_light, at_charge).reshape(-1) @ self.at_nodes


class XENONnT8B(SolarSearch):
    """Counts in the bins of the observables.

    Parameters (beyond those of SolarSearch)
    ----------
    in_yields, neutrons_in_yields
        Modes of the yields of signal and neutrons.
    templates
        Exposure times efficiency [t yr], (modes of the yields x modes of the energy, bins).
    neutrons
        Exposure times rate, (modes of the yields, bins).
    """

    in_yields: YieldModes
    neutrons_in_yields: YieldModes
    templates: np.ndarray
    neutrons: np.ndarray

    def _signal(
        self, model: GaugeModel, photon: HiddenPhoton, values: Mapping[str, Float[Array, ""]]
    ) -> Float[Array, " bins"]:
        energy = rates_of(self.kernel, model, photon, values)
        yields = self.in_yields(*(values[name] for name in YIELDS))
        # Yields first: what is differentiated in are mostly numbers that only the energies depend on.
        of_energy = (yields @ self.templates.reshape(yields.size, -1)).reshape(energy.size, -1)
        return values[EFFICIENCY] * (energy @ of_energy)

    def _background(self, values: Mapping[str, Float[Array, ""]]) -> Float[Array, " bins"]:
        yields = self.neutrons_in_yields(*(values[name] for name in YIELDS))
        return super()._background(values) + values[NEUTRONS] * (yields @ self.neutrons)


def _xenonnt_8b(
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
    runs: tuple[str, ...] = RUNS,
    nuisances: tuple[str, ...] | None = None,
) -> XENONnT8B:
    """Build the search.

    Parameters
    ----------
    oscillation, sin2_theta_w, solar_model, spectrum_8b, flux_8b_width, octant
        As in `Assumptions`.
    efficiency_uncertainty
        Relative, of the signal, beside that of the yields.
    runs
        Those that are counted: "sr0" and "sr1" are the result of 2024, "sr2" came in 2026.
    nuisances
        Names of those that stay free; None for all.

    Raises
    ------
    InvalidArgument
        A value that is not accepted; the message says what is.
    UnknownName
        A nuisance that there is not.
    """
    assumed = Assumptions(oscillation, "rrpa", sin2_theta_w, solar_model, spectrum_8b, flux_8b_width, octant)
    _checks.positive("efficiency_uncertainty", _checks.fraction("efficiency_uncertainty", efficiency_uncertainty))
    chosen = _in_order(runs)
    scales, _, constraints = backgrounds_of(ENTRY, tuple(f"xenonnt-{run}" for run in chosen))
    declared = (*assumed.nuisances("nr", NR_SOURCES), *_response_nuisances(efficiency_uncertainty), *constraints)
    energy = tables.read("xenon/xenonnt_8b_energy")
    bins = tables.read("xenon/xenonnt_8b_bins")
    rows = np.isin(bins["run"], chosen)
    exposure = _exposures(bins["run"][rows])
    in_yields, neutrons_in_yields = (_yield_modes(letter) for letter in "yn")
    backgrounds = np.stack([exposure * _rate(scale, bins, rows) for scale in scales if scale != NEUTRONS])
    return XENONnT8B(
        description=description(ENTRY, name, title),
        binning=Binning(np.arange(exposure.size + 1.0), "", "bin of cS2, S2pre/dt and the two BDT scores, run by run"),
        term=Poisson(),
        declared=declared,
        active=active_names(declared, nuisances),
        observed=bins["observed"][rows],
        kernel=responses_kernel(energy["energy_kevnr"], _columns(energy, "e").T, assumed.sun, _NODES),
        backgrounds=backgrounds,
        scales=tuple(scale for scale in scales if scale != NEUTRONS),
        in_yields=in_yields,
        neutrons_in_yields=neutrons_in_yields,
        templates=_templates(rows, exposure),
        neutrons=(exposure[:, None] * _columns(bins, "n")[rows]).T,
    )


def _in_order(runs: Any) -> tuple[str, ...]:
    if not isinstance(runs, tuple | list) or not runs or len(set(runs)) < len(runs):
        raise _checks.invalid("runs", runs, f"some of {RUNS}, each once")
    for run in runs:
        _checks.one_of("runs", run, RUNS)
    return tuple(run for run in RUNS if run in runs)


def _response_nuisances(efficiency_uncertainty: float) -> tuple[Nuisance, ...]:
    """Yields and efficiency, as the collaboration constrains them and between its limits."""
    nodes = tables.read("xenon/xenonnt_8b_yields")["light_yield"]
    pull = TruncatedGaussian(0.0, 1.0, float(nodes[0]), float(nodes[-1]))
    kinds = zip(YIELDS, ("light", "charge"), strict=True)
    yields = [Nuisance(n, pull, f"{kind} yield of XENONnT, standard deviations", _LIGHT_WIMP) for n, kind in kinds]
    scale = TruncatedGaussian(1.0, efficiency_uncertainty, *_EFFICIENCY_RANGE)
    return (*yields, Nuisance(EFFICIENCY, scale, f"factor on the signal of {ENTRY}", _LIGHT_WIMP))


def _exposures(run_of_bin: np.ndarray) -> Float[np.ndarray, " bins"]:
    """Of the run of each bin [t yr]."""
    table = tables.read("xenon/searches_8b")
    by_run = dict(zip(map(str, table["run"]), table["exposure_tyr"], strict=True))
    return np.array([by_run[f"xenonnt-{run}"] for run in run_of_bin])


def _rate(scale: str, bins: tables.Columns, rows: np.ndarray) -> Float[np.ndarray, " bins"]:
    """What a nuisance scales [1/(t yr)]: accidentals of one run, or electron recoils of all."""
    kind, run = scale.split("_")[0], scale.rsplit("_", 1)[-1]
    if kind == "er":
        return bins["electron_per_tyr"][rows]
    return np.where(bins["run"] == run, bins["accidental_per_tyr"], 0.0)[rows]


def _yield_modes(letter: str) -> YieldModes:
    table = tables.read("xenon/xenonnt_8b_yields")
    nodes = np.unique(table["light_yield"])
    return YieldModes(interpax.Interpolator1D(nodes, np.eye(nodes.size), method="cubic2"), _columns(table, letter))


def _templates(rows: np.ndarray, exposure: np.ndarray) -> Float[np.ndarray, "modes bins"]:
    """Exposure times efficiency [t yr], modes of yields and energy in one row."""
    table = tables.read("xenon/xenonnt_8b_signal")
    by_bin = _columns(table, "e").reshape(rows.size, -1)
    return (_TEMPLATE_UNIT * exposure[:, None] * by_bin[rows]).T


def _columns(table: tables.Columns, letter: str) -> np.ndarray:
    """Numbered columns of a letter, side by side."""
    return np.stack([table[name] for name in table if name[0] == letter and name[1:].isdigit()], axis=1)


register(ENTRY, _xenonnt_8b, reach=anywhere, status="data")
