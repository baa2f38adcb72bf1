"""COHERENT CsI[Na], full data set of 2021 (arXiv:2110.07730): Poisson counts in photoelectrons and time.

Signal: recoils of Eq. 33 -> light (quenching) -> photoelectrons (Gamma) -> efficiency, times the arrival of prompt and
of delayed neutrinos. Backgrounds: beam-related neutrons (BRN), neutrino-induced neutrons (NIN), steady state.
"""

from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from lmtbayes import _checks, tables
from lmtbayes.constants import SIN2_THETA_W
from lmtbayes.detectors import caesium_iodide as csi
from lmtbayes.experiments import coherent
from lmtbayes.experiments.coherent_data_set import DataSet, Exposure, Table, background_nuisance, read_counts
from lmtbayes.experiments.nuisance import Gaussian, Nuisance
from lmtbayes.experiments.registry import anywhere, register
from lmtbayes.experiments.standard_model import standard_model
from lmtbayes.gauge.models import GaugeModel, HiddenPhoton
from lmtbayes.processes.form_factors import FormFactor
from lmtbayes.sources import arrival

NAME = "coherent-csi-2021"
EXPOSURE = Exposure(mass_kg=14.6, baseline_m=19.3, protons=3.198e23, neutrinos_per_proton=0.0848)
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
_DATA_SET = DataSet(
    NAME,
    "COHERENT CsI (2021)",
    "D. Akimov et al. (COHERENT), Phys. Rev. Lett. 129 (2022) 081801, arXiv:2110.07730",
    key="csi",
    target="caesium-iodide",
    exposure=EXPOSURE,
    yield_uncertainty=YIELD_UNCERTAINTY,
    yield_source="arXiv:2110.07730: 12.3 % in all, less flux and quenching",
    lowest_kevnr=0.5,
    # Bins are good to 1e-8, also at 1 MeV, where the rate rises towards low recoils.
    longest_panel=1.3,
)
_AXES = (("pe", "", "PE", "photoelectrons"), ("time", "_us", "us", "time"))
_BACKGROUNDS = {
    "brn_csi": "factor on the beam-related neutrons in CsI",
    "nin_csi": "factor on the neutrino-induced neutrons in CsI",
    "steady_state_csi": "factor on the steady-state background in CsI",
}


class CoherentCsI(coherent.Coherent):
    """The CsI[Na] data; built by `coherent_csi`."""

    bins: csi.PhotoelectronBins
    standard: np.ndarray  # (photoelectron nodes,): Standard Model before the efficiency [1/PE]

    def _components(
        self, model: GaugeModel, photon: HiddenPhoton, values: Mapping[str, Float[Array, ""]]
    ) -> Float[Array, "2 bins"]:
        powers = csi.quenching_powers(values["quenching_csi_0"], values["quenching_csi_1"])
        terms = self.neutrinos(model, photon, values).reshape(2, powers.size, -1)
        counts = self._select(jnp.einsum("t,ctp->pc", powers, terms), values["efficiency_csi"])
        arriving = arrival_fractions(self.axes[1].edges, values)
        return self.neutrinos.scale(values) * jnp.einsum("pc,ct->cpt", counts, arriving).reshape(2, -1)

    def _select(self, density: Float[Array, "pe 2"], pull: Float[Array, ""]) -> Float[Array, "bins 2"]:
        """Counts after the efficiency, whose nuisance moves shapes and leaves the Standard Model's total alone."""
        standard = jnp.asarray(self.standard)[:, None]
        counts = self.bins.counts(jnp.concatenate([density, standard], axis=1), pull)
        total = jnp.sum(self.bins.counts(standard))
        return counts[:, :2] * (total / jnp.sum(counts[:, 2]))


def arrival_fractions(
    edges_us: Float[np.ndarray, " edges"], values: Mapping[str, Float[Array, ""]]
) -> Float[Array, "2 times"]:
    """Fractions in each bin of time: prompt, delayed."""
    mean = PULSE_START_US + values["onset_csi_us"]
    return arrival.fractions(edges_us, mean, PULSE_WIDTH_US, LOSS_START_US, LOSS_PER_US)


def coherent_csi(
    *,
    sin2_theta_w: float = SIN2_THETA_W,
    form_factor: str | FormFactor = "helm",
    steady_state: str = "product",
    nuisances: tuple[str, ...] | None = None,
    name: str = NAME,
    title: str | None = None,
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
    name, title
        Of the experiment; what pictures and tables call it.

    Raises
    ------
    InvalidArgument, UnknownName
        An override that is not accepted.

    References
    ----------
    D. Akimov et al. (COHERENT), Phys. Rev. Lett. 129 (2022) 081801, arXiv:2110.07730; data/coherent/csi_*.csv.
    """
    _checks.one_of("steady_state", steady_state, STEADY_STATES)
    counts = read_counts("coherent/csi_counts", _AXES, "coincident")
    beam, steady = _beam_backgrounds(), _steady_state(counts, steady_state)
    templates = {nuisance.name: (nuisance, counts_of.ravel()) for nuisance, counts_of in (*beam, *steady)}
    own = (*_response_nuisances(), *(nuisance for nuisance, _ in templates.values()))
    declared = _DATA_SET.nuisances(sin2_theta_w, own)
    neutrinos = _DATA_SET.neutrinos(form_factor, declared)
    photoelectrons, time = counts.axes
    bins = csi.PhotoelectronBins(photoelectrons.edges)
    terms = csi.response(bins.nodes, neutrinos.recoil_kevnr)
    seen = neutrinos.seen(terms.reshape(-1, terms.shape[-1]))

    def parts(model: GaugeModel, photon: HiddenPhoton, values: Mapping[str, Float[Array, ""]]) -> Any:
        return seen.scale(values) * seen(model, photon, values), arrival_fractions(time.edges, values)

    counted, arriving = standard_model(parts, declared)
    return _DATA_SET.build(
        CoherentCsI,
        counts,
        declared,
        nuisances,
        name,
        title,
        neutrinos=seen,
        backgrounds={key: template for key, (_, template) in templates.items()},
        steady_state=tuple(nuisance.name for nuisance, _ in steady),
        bins=bins,
        standard=arriving.sum(axis=1) @ counted.reshape(2, *terms.shape[:2])[:, 0],
    )


type _Backgrounds = list[tuple[Nuisance, np.ndarray]]
"""The nuisance that scales a background, and its counts (photoelectrons, times)."""


def _published(key: str, shape: np.ndarray) -> tuple[Nuisance, np.ndarray]:
    """A background of the published total and uncertainty."""
    events, sigma = EXPECTED[key]
    nuisance = background_nuisance(key, sigma / events, _BACKGROUNDS[key], "arXiv:2110.07730")
    return nuisance, events * (shape / shape.sum())


def _beam_backgrounds() -> _Backgrounds:
    """Neutrons: their released shapes."""
    pe, time = tables.read("coherent/csi_pe_shapes"), tables.read("coherent/csi_time_shapes")
    return [_published(f"{key}_csi", np.outer(pe[key], time[key])) for key in ("brn", "nin")]


def _steady_state(counts: Table, choice: str) -> _Backgrounds:
    """What is there without beam, in the shapes that `choice` names."""
    anti_coincident = counts.columns["anti_coincident"]
    in_photoelectrons = anti_coincident.sum(axis=1)
    product = np.outer(in_photoelectrons, tables.read("coherent/csi_time_shapes")["steady_state"])
    nuisance, whole = _published("steady_state_csi", anti_coincident if choice == "anti-coincident" else product)
    if choice != "floating":
        return [(nuisance, whole)]
    return [
        (
            background_nuisance(
                f"{nuisance.name}_{row}",
                float(events**-0.5),
                f"factor on the steady-state background in bin {row} of photoelectrons in CsI",
                "number of anti-coincident events, data/coherent/csi_counts.csv",
            ),
            np.where(np.arange(len(whole))[:, None] == row, whole, 0.0),
        )
        for row, events in enumerate(in_photoelectrons)
    ]


def _response_nuisances() -> list[Nuisance]:
    paper = "arXiv:2110.07730"
    quenching = [
        Nuisance(
            f"quenching_csi_{k}",
            Gaussian(0.0, 1.0),
            f"direction {k} of the uncertainty of the light of recoils in CsI [standard deviations]",
            f"{paper}, arXiv:2111.02477",
        )
        for k in (0, 1)
    ]
    return [
        *quenching,
        Nuisance("efficiency_csi", Gaussian(0.0, 1.0), "shape of the efficiency in CsI [standard deviations]", paper),
        Nuisance("onset_csi_us", Gaussian(*ONSET_US), "shift of the arrival of neutrinos [us]", paper),
    ]


register(NAME, coherent_csi, reach=anywhere, status="data")
