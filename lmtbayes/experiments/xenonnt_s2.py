"""XENONnT's search with ionisation alone (arXiv:2601.11296): 7 bins of S2 in each of three runs, by its public release.

    mu_b = exposure [eff int dE_R dR/dE_R R_b(E_R; qy) + c C_b(t) + sum_j a_j B_jb]

R is the release's response to nuclear recoils at 50 true energies and 7 charge yields qy; C are events of the cathode,
at 7 values of their systematic shift t. Between these a cubic spline (C2) runs. Solar neutrinos are a background there,
the signal here; the boson is in dR/dE_R (Eq. 33).
"""

from collections.abc import Mapping

import interpax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from lmtbayes import tables
from lmtbayes.experiments.base import active_names
from lmtbayes.experiments.description import Binning
from lmtbayes.experiments.nuisance import Nuisance, TruncatedGaussian
from lmtbayes.experiments.registry import anywhere, register
from lmtbayes.experiments.solar_8b import rates_of
from lmtbayes.experiments.terms import Poisson
from lmtbayes.experiments.xenon_folding import NR_SOURCES, responses_kernel
from lmtbayes.experiments.xenon_searches import Assumptions, SolarSearch, description, relative
from lmtbayes.experiments.xenonnt_8b import RUNS, YIELDS
from lmtbayes.gauge.models import GaugeModel, HiddenPhoton

ENTRY = "xenonnt-s2-2026"
EFFICIENCY_UNCERTAINTY = 0.112
_CHARGE_YIELD = YIELDS[1]
_SOURCE = "data release of arXiv:2601.11296"
_BINS = tuple(f"b{i}" for i in range(7))
_NODES = 10
"""In ln q^2: any mass of the boson to 1e-7."""


class XENONnTS2(SolarSearch):
    """Counts in the bins of S2, run by run.

    Parameters (beyond those of SolarSearch)
    ----------
    cardinal
        The splines through 1 at one of the 7 nodes (charge yield, shift of the cathode) and 0 at the others.
    templates
        Exposure times response [t yr], (nodes of the charge yield x energies, bins).
    cathode
        Exposure times rate of the cathode, (nodes of the shift, bins).
    run_of_bin
        One in the bins of each run, (runs, bins).
    """

    cardinal: interpax.Interpolator1D
    templates: np.ndarray
    cathode: np.ndarray
    run_of_bin: np.ndarray

    def _at_nodes(self, shifts: Float[Array, " shifts"]) -> Float[Array, "shifts nodes"]:
        """Weights of the nodes; beyond them those of the last one."""
        return self.cardinal(jnp.clip(shifts, self.cardinal.x[0], self.cardinal.x[-1]))

    def _signal(
        self, model: GaugeModel, photon: HiddenPhoton, values: Mapping[str, Float[Array, ""]]
    ) -> Float[Array, " bins"]:
        energy = rates_of(self.kernel, model, photon, values)
        charge = self._at_nodes(values[_CHARGE_YIELD][None])[0]
        return (_by_run("efficiency", values) @ self.run_of_bin) * (
            jnp.outer(charge, energy).reshape(-1) @ self.templates
        )

    def _background(self, values: Mapping[str, Float[Array, ""]]) -> Float[Array, " bins"]:
        shifted = jnp.sum((self._at_nodes(_by_run("cathode_shift", values)).T @ self.run_of_bin) * self.cathode, axis=0)
        return super()._background(values) + (_by_run("cathode", values) @ self.run_of_bin) * shifted


def _by_run(kind: str, values: Mapping[str, Float[Array, ""]]) -> Float[Array, " runs"]:
    return jnp.stack([values[_name(kind, run)] for run in RUNS])


def _name(kind: str, run: str) -> str:
    return f"{kind}_xenonnt_s2_{run}"


def _xenonnt_s2(
    *,
    name: str | None = None,
    title: str | None = None,
    oscillation: str = Assumptions.oscillation,
    sin2_theta_w: float = Assumptions.sin2_theta_w,
    solar_model: str = Assumptions.solar_model,
    spectrum_8b: str = Assumptions.spectrum_8b,
    flux_8b_width: str = Assumptions.flux_8b_width,
    octant: str = Assumptions.octant,
    nuisances: tuple[str, ...] | None = None,
) -> XENONnTS2:
    """Build the search.

    Parameters
    ----------
    oscillation, sin2_theta_w, solar_model, spectrum_8b, flux_8b_width, octant
        As in `Assumptions`.
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
    energy, response = _response()
    exposure = np.array([_rows("observed", run)["exposure_tyr"][0] for run in RUNS])
    scales = [(kind, run) for run in RUNS for kind in ("de", "ae") if _rows(kind, run)["b0"].size]
    constrained = [("cathode", run) for run in RUNS] + scales
    nodes = np.unique(_rows("cathode", RUNS[0])["shift"])
    pull = TruncatedGaussian(0.0, 1.0, float(nodes[0]), float(nodes[-1]))
    declared = (
        *assumed.nuisances("nr", NR_SOURCES),
        Nuisance(_CHARGE_YIELD, pull, "charge yield of XENONnT, standard deviations", _SOURCE),
        *(_efficiency(run) for run in RUNS),
        *(Nuisance(_name("cathode_shift", run), pull, f"shift of {ENTRY}'s cathode events", _SOURCE) for run in RUNS),
        *(_factor(kind, run) for kind, run in constrained),
    )
    run_of_bin = np.repeat(np.eye(len(RUNS)), len(_BINS), axis=1)
    of_bin = np.repeat(exposure, len(_BINS))
    return XENONnTS2(
        description=description(ENTRY, name, title),
        binning=Binning(np.arange(of_bin.size + 1.0), "", "bin of S2, run by run"),
        term=Poisson(),
        declared=declared,
        active=active_names(declared, nuisances),
        observed=np.concatenate([_counts("observed", run)[0] for run in RUNS]),
        kernel=responses_kernel(energy, np.eye(energy.size), assumed.sun, _NODES),
        backgrounds=np.stack([of_bin * run_of_bin[RUNS.index(r)] * np.tile(_counts(k, r)[0], 3) for k, r in scales]),
        scales=tuple(_name(kind, run) for kind, run in scales),
        cardinal=interpax.Interpolator1D(nodes, np.eye(nodes.size), method="cubic2"),
        templates=np.einsum("rtbe,r->terb", response, exposure).reshape(-1, of_bin.size),
        cathode=of_bin * np.concatenate([_counts("cathode", run) for run in RUNS], axis=1),
        run_of_bin=run_of_bin,
    )


def _response() -> tuple[Float[np.ndarray, " energies"], Float[np.ndarray, "runs nodes bins energies"]]:
    """Energies [keVnr] and probabilities."""
    table = tables.read("xenon/xenonnt_s2_response")
    energy = np.unique(table["energy_kevnr"])
    values = np.stack([table[name] for name in _BINS], axis=1)
    return energy, np.moveaxis(values.reshape(len(RUNS), -1, energy.size, len(_BINS)), 2, 3)


def _rows(kind: str, run: str) -> dict[str, np.ndarray]:
    table = tables.read("xenon/xenonnt_s2_bins")
    chosen = (table["kind"] == kind) & (table["run"] == run)
    return {name: column[chosen] for name, column in table.items()}


def _counts(kind: str, run: str) -> Float[np.ndarray, "shifts bins"]:
    rows = _rows(kind, run)
    return np.stack([rows[name] for name in _BINS], axis=1)


def _efficiency(run: str) -> Nuisance:
    scale = TruncatedGaussian(1.0, EFFICIENCY_UNCERTAINTY, 0.5, 1.5)
    return Nuisance(_name("efficiency", run), scale, f"factor on the signal of {ENTRY} in {run}", _SOURCE)


def _factor(kind: str, run: str) -> Nuisance:
    constraint = relative(float(_rows(kind, run)["relative_sigma"][0]))
    return Nuisance(_name(kind, run), constraint, f"factor on {kind} events of {ENTRY} in {run}", _SOURCE)


register(ENTRY, _xenonnt_s2, reach=anywhere, status="data")
