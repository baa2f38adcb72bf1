"""COHERENT CENNS-10, liquid argon, analysis A of 2020 (arXiv:2003.10630): Poisson counts in energy, F90 and time.

Signal: the released template times Eq. 33 in the model over Eq. 33 in the Standard Model, in each bin of energy and
time, so that the published Standard Model point is kept. Prompt and delayed neutrinos stay apart in the ratio: recoils
of nu_mu end at 47.7 keVnr, 13.5 keVee.
"""

import itertools
from collections.abc import Mapping
from typing import cast

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float
from scipy.special import ndtr

from lmtbayes import tables
from lmtbayes._compile import compile_quickly
from lmtbayes.constants import SIN2_THETA_W
from lmtbayes.detectors import scintillation
from lmtbayes.experiments import coherent
from lmtbayes.experiments.coherent_data_set import DataSet, Exposure, background_nuisance, read_counts
from lmtbayes.experiments.registry import anywhere, register
from lmtbayes.experiments.standard_model import standard_model
from lmtbayes.gauge.models import GaugeModel, HiddenPhoton
from lmtbayes.processes.form_factors import FormFactor
from lmtbayes.sources import arrival

NAME = "coherent-lar-2020"
EXPOSURE = Exposure(mass_kg=24.4, baseline_m=27.5, protons=13.8e22, neutrinos_per_proton=0.09)
EXPECTED = {"brn_prompt_lar": (497.0, 160.0), "brn_delayed_lar": (33.0, 33.0), "steady_state_lar": (3152.0, 25.0)}
"""Background events with their uncertainty: prior expectations of the data release, arXiv:2006.12659."""
SIGNAL_UNCERTAINTY = 17.0 / 128.0
"""Of the neutrino counts, relative, as released."""
YIELD_UNCERTAINTY = 0.0859
"""What is left of it beside the flux (10 %) and the nuclear radius (1.6 %), in quadrature."""
RESOLUTION_ROOT_KEVEE = 0.58
"""sigma/E = 0.58/sqrt(E/keVee)."""
PULSE_MEAN_US, PULSE_WIDTH_US = 0.45, 0.15
"""Arrival of the pions' neutrinos [us]. Not published in numbers: these give the time shape of the released template
(0.0868, 0.3108, 0.1460, 0.4564) to 1e-3 with the prompt share of Eq. 33; the width is that of the CsI data."""
_DATA_SET = DataSet(
    NAME,
    "COHERENT LAr (2020)",
    "D. Akimov et al. (COHERENT), Phys. Rev. Lett. 126 (2021) 012002, arXiv:2003.10630",
    key="lar",
    target="argon",
    exposure=EXPOSURE,
    yield_uncertainty=YIELD_UNCERTAINTY,
    yield_source="arXiv:2006.12659: 17 of 128 events in all, less flux and radius",
    lowest_kevnr=0.1,
    longest_panel=1.0,
)
_AXES = (("energy", "_kevee", "keVee", "energy"), ("f90", "", "", "F90"), ("time", "_us", "us", "time"))
_BACKGROUNDS = {
    "brn_prompt": "factor on the prompt beam-related neutrons in CENNS-10",
    "brn_delayed": "factor on the delayed beam-related neutrons in CENNS-10",
    "steady_state": "factor on the steady-state background in CENNS-10",
}
"""Columns of the released table, and what a nuisance does to them."""


class CoherentLAr(coherent.Coherent):
    """The CENNS-10 data; built by `coherent_lar`."""

    fractions: np.ndarray  # (2, times): prompt, delayed
    template: np.ndarray  # (energies, F90, times): released counts over the model's own in the Standard Model

    def _components(
        self, model: GaugeModel, photon: HiddenPhoton, values: Mapping[str, Float[Array, ""]]
    ) -> Float[Array, "2 bins"]:
        own = in_energy_and_time(self.neutrinos(model, photon, values), self.fractions)
        return self.neutrinos.scale(values) * (own[:, :, None, :] * jnp.asarray(self.template)).reshape(2, -1)


def in_energy_and_time(
    counts: Float[Array, "2 energies"], fractions: Float[ArrayLike, "2 times"]
) -> Float[Array, "2 energies times"]:
    """The model's own counts of prompt and of delayed neutrinos, F90 apart."""
    return counts[:, :, None] * jnp.asarray(fractions)[:, None, :]


def energy_response(edges_kevee: Float[np.ndarray, " edges"], recoil_kevnr: Float[np.ndarray, " nodes"]) -> np.ndarray:
    """Probability that a recoil is selected and reconstructed in each bin of energy: (bins, nodes).

    Gaussian smearing of the quenched energy times the efficiency, which is linear between its knots: in closed form.
    """
    table = tables.read("coherent/lar_efficiency")
    knots, heights = table["energy_kevee"], table["efficiency"]
    quenching = cast(scintillation.TanhEfficiency, scintillation.EFFICIENCIES["cenns610"])  # COHERENT's own fit
    mean = np.asarray(quenching.quenched_kevee(recoil_kevnr))
    sigma = RESOLUTION_ROOT_KEVEE * np.sqrt(mean)
    rows = []
    for low, high in itertools.pairwise(edges_kevee):
        cuts = np.unique(np.concatenate([[low, high], knots[(knots > low) & (knots < high)]]))
        at_cuts = np.interp(cuts, knots, heights, left=0.0)
        slope = np.diff(at_cuts) / np.diff(cuts)
        z = (cuts[:, None] - mean) / sigma
        gauss = np.exp(-0.5 * z**2) / np.sqrt(2.0 * np.pi)
        at_mean = at_cuts[:-1, None] + slope[:, None] * (mean - cuts[:-1, None])
        pieces = at_mean * np.diff(ndtr(z), axis=0) - slope[:, None] * sigma * np.diff(gauss, axis=0)
        rows.append(pieces.sum(axis=0))
    return np.stack(rows)


def coherent_lar(
    *,
    sin2_theta_w: float = SIN2_THETA_W,
    form_factor: str | FormFactor = "helm",
    nuisances: tuple[str, ...] | None = None,
    name: str = NAME,
    title: str | None = None,
) -> CoherentLAr:
    """Build the CENNS-10 data set.

    Parameters
    ----------
    sin2_theta_w
        Central value; the Standard Model at it has the released counts.
    form_factor
        "helm" (Lewin and Smith), "klein-nystrand", or a FormFactor.
    nuisances
        Names to keep free; None for all but "strength_lar", () for none.
    name, title
        Of the experiment; what pictures and tables call it.

    Raises
    ------
    InvalidArgument, UnknownName
        An override that is not accepted.

    References
    ----------
    D. Akimov et al. (COHERENT), Phys. Rev. Lett. 126 (2021) 012002, arXiv:2003.10630; data release arXiv:2006.12659;
    data/coherent/lar_*.csv.
    """
    counts = read_counts("coherent/lar_counts", _AXES, "observed")
    backgrounds = {f"{column}_lar": column for column in _BACKGROUNDS}
    own = [
        background_nuisance(key, EXPECTED[key][1] / EXPECTED[key][0], _BACKGROUNDS[column], "arXiv:2006.12659")
        for key, column in backgrounds.items()
    ]
    declared = _DATA_SET.nuisances(sin2_theta_w, own)
    neutrinos = _DATA_SET.neutrinos(form_factor, declared)
    energy, _, time = counts.axes
    seen = neutrinos.seen(energy_response(energy.edges, neutrinos.recoil_kevnr))
    arriving = compile_quickly(lambda mean: arrival.fractions(time.edges, mean, PULSE_WIDTH_US))
    fractions = np.asarray(arriving(PULSE_MEAN_US))
    expected = standard_model(
        lambda model, photon, values: seen.scale(values) * in_energy_and_time(seen(model, photon, values), fractions),
        declared,
    ).sum(axis=0)
    return _DATA_SET.build(
        CoherentLAr,
        counts,
        declared,
        nuisances,
        name,
        title,
        neutrinos=seen,
        backgrounds={key: counts.columns[column].ravel() for key, column in backgrounds.items()},
        steady_state=("steady_state_lar",),
        fractions=fractions,
        template=counts.columns["cevns_sm"] / expected[:, None, :],
    )


register(NAME, coherent_lar, reach=anywhere, status="data")
