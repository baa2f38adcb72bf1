"""COHERENT CsI[Na], full data set of 2021 (arXiv:2110.07730): Poisson counts in photoelectrons and time.

Signal: recoils of Eq. 33 -> light (quenching) -> photoelectrons (Gamma) -> efficiency, times the arrival of prompt and
of delayed neutrinos. Backgrounds: beam-related neutrons (BRN), neutrino-induced neutrons (NIN), steady state.
"""

from collections.abc import Mapping

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from lmtbayes import _checks, tables
from lmtbayes._compile import compile_quickly
from lmtbayes.constants import MEV_PER_KEV, SIN2_THETA_W
from lmtbayes.detectors import caesium_iodide as csi
from lmtbayes.detectors import targets
from lmtbayes.experiments import coherent
from lmtbayes.experiments.base import active_names
from lmtbayes.experiments.common import nuclear_radius, weak_mixing_angle
from lmtbayes.experiments.description import Binning, Description
from lmtbayes.experiments.nuisance import Gaussian, Nuisance
from lmtbayes.experiments.registry import register
from lmtbayes.experiments.terms import Poisson
from lmtbayes.gauge.models import LMU_LTAU, GaugeModel, HiddenPhoton
from lmtbayes.processes import form_factors
from lmtbayes.sources import arrival

NAME = "coherent-csi-2021"
EXPOSURE = coherent.Exposure(mass_kg=14.6, baseline_m=19.3, protons=3.198e23, neutrinos_per_proton=0.0848)
EXPECTED = {"brn_csi": (18.4, 4.6), "nin_csi": (5.6, 2.0), "steady_state_csi": (1286.0, 27.0)}
"""Background events in 0-60 PE and 0-6 us, with their uncertainty: prior expectations of arXiv:2110.07730."""
SIGNAL_UNCERTAINTY = 0.123
"""Of the neutrino counts, relative: 42 of 341 events, everything but the cross section (arXiv:2110.07730)."""
YIELD_UNCERTAINTY = 0.0644
"""What 12.3 % leaves for the rest beside the flux (10 %) and the quenching (0.9 % and 3.0 %), in quadrature.

The released efficiency at +-1 sigma moves the expected counts by 11 %, for which 12.3 % has no room beside the flux:
the nuisance "efficiency_csi" therefore moves the shape only, at a fixed total in the Standard Model; its rate is here.
"""
PULSE_START_US, PULSE_WIDTH_US = 0.473, 0.15
"""Nominal mean of the arrival, and its standard deviation [us]."""
ONSET_US = (0.080, 0.080)
"""Shift of the arrival [us] with its uncertainty: the released signal shapes have their mean at 0.55."""
LOSS_START_US, LOSS_PER_US = 0.52, 0.0494
"""Efficiency in time: 1, then exp(-0.0494 (t - 0.52))."""
STEADY_STATES = ("product", "floating", "anti-coincident")
_LOWEST_KEVNR, _LONGEST_PANEL = 0.5, 1.3
# Bins are good to 1e-8, also at 1 MeV, where the rate rises towards low recoils.
_BACKGROUNDS = {
    "brn_csi": "factor on the beam-related neutrons in CsI",
    "nin_csi": "factor on the neutrino-induced neutrons in CsI",
    "steady_state_csi": "factor on the steady-state background in CsI",
}


class CoherentCsI(coherent.Coherent):
    """The CsI[Na] data; built by `coherent_csi`."""

    response: np.ndarray  # (6 terms of the quenching, photoelectron nodes, recoil nodes) [1/PE]
    bins: csi.PhotoelectronBins
    standard: np.ndarray  # (photoelectron nodes,): Standard Model before the efficiency [1/PE]

    def _components(
        self, model: GaugeModel, photon: HiddenPhoton, values: Mapping[str, Float[Array, ""]]
    ) -> Float[Array, "2 bins"]:
        terms = jnp.asarray(self.response) @ self._recoils(model, photon, values)
        powers = csi.quenching_powers(values["quenching_csi_0"], values["quenching_csi_1"])
        counts = self._select(jnp.einsum("t,tpc->pc", powers, terms), values["efficiency_csi"])
        return jnp.einsum("pc,ct->cpt", counts, self._arrival(values)).reshape(2, -1)

    def _select(self, density: Float[Array, "pe 2"], pull: Float[Array, ""]) -> Float[Array, "bins 2"]:
        """Counts after the efficiency, whose nuisance moves shapes and leaves the Standard Model's total alone."""
        standard = jnp.asarray(self.standard)[:, None]
        counts = self.bins.counts(jnp.concatenate([density, standard], axis=1), pull)
        total = jnp.sum(self.bins.counts(standard))
        return counts[:, :2] * (total / jnp.sum(counts[:, 2]))

    def _arrival(self, values: Mapping[str, Float[Array, ""]]) -> Float[Array, "2 times"]:
        """Fractions in each bin of time: prompt, delayed."""
        edges, mean = self.axes[1].edges, PULSE_START_US + values["onset_csi_us"]
        return jnp.stack(
            [
                arrival.fractions(component, edges, mean, PULSE_WIDTH_US, LOSS_START_US, LOSS_PER_US)
                for component in coherent.COMPONENTS
            ]
        )


def coherent_csi(
    *,
    sin2_theta_w: float = SIN2_THETA_W,
    form_factor: str | form_factors.FormFactor = "helm",
    steady_state: str = "product",
    nuisances: tuple[str, ...] | None = None,
    name: str = NAME,
) -> CoherentCsI:
    """Build the CsI[Na] data set.

    Parameters
    ----------
    sin2_theta_w
        Central value.
    form_factor
        "helm" (Lewin and Smith), "klein-nystrand", or a FormFactor.
    steady_state
        "product": photoelectrons of the anti-coincident events times the released shape in time, one factor for all,
        as COHERENT fits it. "floating": the same, but each bin of photoelectrons has a factor of its own, constrained
        by the number of its anti-coincident events: nuisances "steady_state_csi_0" to "_8"; the honest counting error.
        "anti-coincident": their counts bin by bin, with all their noise.
    nuisances
        Names to keep free; None for all but "strength_csi", () for none.
    name
        Of the experiment.

    Raises
    ------
    InvalidArgument, UnknownName
        An override that is not accepted.

    References
    ----------
    D. Akimov et al. (COHERENT), Phys. Rev. Lett. 129 (2022) 081801, arXiv:2110.07730; data/coherent/csi_*.csv.
    """
    _checks.in_interval("sin2_theta_w", sin2_theta_w, 0.0, 1.0)
    _checks.one_of("steady_state", steady_state, STEADY_STATES)
    form = form_factors.form_factor(form_factor)
    material = targets.target("caesium-iodide")
    axes, observed, anti_coincident = _counts()
    recoils = coherent.fold(material, form, EXPOSURE.neutrinos(material), _LOWEST_KEVNR, _LONGEST_PANEL)
    bins = csi.PhotoelectronBins(axes[0].edges)
    recoil_kevnr = np.asarray(recoils["delayed"].energy) / MEV_PER_KEV
    templates = _templates(anti_coincident, steady_state)
    declared = _nuisances(float(sin2_theta_w), [_background_nuisance(key, anti_coincident) for key in templates])
    constrained = tuple(nuisance.name for nuisance in declared if nuisance.name != "strength_csi")
    experiment = CoherentCsI(
        description=Description(
            name,
            "COHERENT CsI (2021)",
            "D. Akimov et al. (COHERENT), Phys. Rev. Lett. 129 (2022) 081801, arXiv:2110.07730",
            "data",
            ("coherent-csi-2021",),
        ),
        binning=coherent.flat_binning(axes),
        term=Poisson(),
        declared=declared,
        active=active_names(declared, constrained if nuisances is None else nuisances),
        observed=observed.ravel(),
        axes=axes,
        form_factor=form,
        radius="radius_caesium-iodide",
        scales=("flux_sns", "yield_csi", "strength_csi"),
        recoils=recoils,
        backgrounds=templates,
        response=csi.response(bins.nodes, recoil_kevnr),
        bins=bins,
        standard=np.zeros(bins.nodes.size),
    )
    none = HiddenPhoton.none()
    shapes = compile_quickly(lambda values: (experiment._recoils(LMU_LTAU, none, values), experiment._arrival(values)))
    standard, arriving = (np.asarray(x) for x in shapes(experiment.nuisance_values()))
    seen = standard @ arriving.sum(axis=1)
    return eqx.tree_at(lambda e: e.standard, experiment, experiment.response[0] @ seen)


def _counts() -> tuple[tuple[Binning, Binning], np.ndarray, np.ndarray]:
    """Axes, coincident and anti-coincident events (photoelectrons, times)."""
    table = tables.read("coherent/csi_counts")
    edges = [
        np.unique(np.concatenate([table[f"{key}_low{unit}"], table[f"{key}_high{unit}"]]))
        for key, unit in (("pe", ""), ("time", "_us"))
    ]
    shape = (edges[0].size - 1, edges[1].size - 1)
    axes = Binning(edges[0], "PE", "photoelectrons"), Binning(edges[1], "us", "time")
    return axes, table["coincident"].reshape(shape), table["anti_coincident"].reshape(shape)


def _templates(anti_coincident: np.ndarray, steady_state: str) -> dict[str, np.ndarray]:
    """Background counts, flat, by nuisance; shapes normalised to one, so that the published totals hold."""
    pe, time = tables.read("coherent/csi_pe_shapes"), tables.read("coherent/csi_time_shapes")
    shapes = {f"{key}_csi": np.outer(pe[key], time[key]) for key in ("brn", "nin")}
    product = np.outer(anti_coincident.sum(axis=1), time["steady_state"])
    shapes["steady_state_csi"] = anti_coincident if steady_state == "anti-coincident" else product
    templates = {name: EXPECTED[name][0] * (shape / shape.sum()) for name, shape in shapes.items()}
    if steady_state == "floating":
        whole = templates.pop("steady_state_csi")
        for row in range(len(whole)):
            templates[f"steady_state_csi_{row}"] = np.where(np.arange(len(whole))[:, None] == row, whole, 0.0)
    return {name: template.ravel() for name, template in templates.items()}


def _background_nuisance(name: str, anti_coincident: np.ndarray) -> Nuisance:
    """Constraint of one background: published, or the counting error of a bin of anti-coincident events."""
    if name in EXPECTED:
        events, sigma = EXPECTED[name]
        return coherent.background_nuisance(name, sigma / events, _BACKGROUNDS[name], "arXiv:2110.07730")
    row = int(name.rpartition("_")[2])
    return coherent.background_nuisance(
        name,
        float(anti_coincident[row].sum() ** -0.5),
        f"factor on the steady-state background in bin {row} of photoelectrons in CsI",
        "number of anti-coincident events, data/coherent/csi_counts.csv",
    )


def _nuisances(sin2_theta_w: float, backgrounds: list[Nuisance]) -> tuple[Nuisance, ...]:
    paper = "arXiv:2110.07730"
    return (
        coherent.flux_nuisance(),
        coherent.yield_nuisance("csi", YIELD_UNCERTAINTY, f"{paper}: 12.3 % in all, less flux and quenching"),
        nuclear_radius("caesium-iodide"),
        weak_mixing_angle(sin2_theta_w),
        *(
            Nuisance(
                f"quenching_csi_{k}",
                Gaussian(0.0, 1.0),
                f"direction {k} of the uncertainty of the light of recoils in CsI [standard deviations]",
                f"{paper}, arXiv:2111.02477",
            )
            for k in (0, 1)
        ),
        Nuisance("efficiency_csi", Gaussian(0.0, 1.0), "shape of the efficiency in CsI [standard deviations]", paper),
        Nuisance("onset_csi_us", Gaussian(*ONSET_US), "shift of the arrival of neutrinos [us]", paper),
        *backgrounds,
        coherent.strength_nuisance("csi"),
    )


register(NAME, coherent_csi)
