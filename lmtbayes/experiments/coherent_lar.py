"""COHERENT CENNS-10, liquid argon, analysis A of 2020 (arXiv:2003.10630): Poisson counts in energy, F90 and time.

Signal: the released template times Eq. 33 in the model over Eq. 33 in the Standard Model, in each bin of energy and
time, so that the published Standard Model point is kept. Prompt and delayed neutrinos stay apart in the ratio: recoils
of nu_mu end at 47.7 keVnr, 13.5 keVee.
"""

import itertools
from collections.abc import Mapping
from typing import cast

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from scipy.special import ndtr

from lmtbayes import _checks, tables
from lmtbayes._compile import compile_quickly
from lmtbayes.constants import MEV_PER_KEV, SIN2_THETA_W
from lmtbayes.detectors import scintillation, targets
from lmtbayes.experiments import coherent
from lmtbayes.experiments.base import active_names
from lmtbayes.experiments.common import nuclear_radius, weak_mixing_angle
from lmtbayes.experiments.description import Binning, Description
from lmtbayes.experiments.nuisance import Nuisance
from lmtbayes.experiments.registry import register
from lmtbayes.experiments.terms import Poisson
from lmtbayes.gauge.models import LMU_LTAU, GaugeModel, HiddenPhoton
from lmtbayes.processes import form_factors
from lmtbayes.sources import arrival

NAME = "coherent-lar-2020"
EXPOSURE = coherent.Exposure(mass_kg=24.4, baseline_m=27.5, protons=13.8e22, neutrinos_per_proton=0.09)
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
_LOWEST_KEVNR, _LONGEST_PANEL = 0.1, 1.0


class CoherentLAr(coherent.Coherent):
    """The CENNS-10 data; built by `coherent_lar`."""

    response: np.ndarray  # (bins of energy, nodes): probability
    fractions: np.ndarray  # (2, times): prompt, delayed
    template: np.ndarray  # (energies, F90, times): released counts over the model's own in the Standard Model

    def _in_energy_and_time(
        self, model: GaugeModel, photon: HiddenPhoton, values: Mapping[str, Float[Array, ""]]
    ) -> Float[Array, "2 energies times"]:
        """The model's own counts of prompt and of delayed neutrinos, F90 apart."""
        energies = jnp.asarray(self.response) @ self._recoils(model, photon, values)
        return jnp.einsum("ec,ct->cet", energies, self.fractions)

    def _components(
        self, model: GaugeModel, photon: HiddenPhoton, values: Mapping[str, Float[Array, ""]]
    ) -> Float[Array, "2 bins"]:
        own = self._in_energy_and_time(model, photon, values)
        return (own[:, :, None, :] * jnp.asarray(self.template)).reshape(2, -1)


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
    form_factor: str | form_factors.FormFactor = "helm",
    nuisances: tuple[str, ...] | None = None,
    name: str = NAME,
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
    name
        Of the experiment.

    Raises
    ------
    InvalidArgument, UnknownName
        An override that is not accepted.

    References
    ----------
    D. Akimov et al. (COHERENT), Phys. Rev. Lett. 126 (2021) 012002, arXiv:2003.10630; data release arXiv:2006.12659;
    data/coherent/lar_*.csv.
    """
    _checks.in_interval("sin2_theta_w", sin2_theta_w, 0.0, 1.0)
    form = form_factors.form_factor(form_factor)
    material = targets.target("argon")
    axes, observed, released, backgrounds = _counts()
    recoils = coherent.fold(material, form, EXPOSURE.neutrinos(material), _LOWEST_KEVNR, _LONGEST_PANEL)
    recoil_kevnr = np.asarray(recoils["delayed"].energy) / MEV_PER_KEV
    declared = _nuisances(float(sin2_theta_w))
    standard = tuple(nuisance.name for nuisance in declared if nuisance.name != "strength_lar")
    fractions = compile_quickly(
        lambda mean: [
            arrival.fractions(component, axes[2].edges, mean, PULSE_WIDTH_US) for component in coherent.COMPONENTS
        ]
    )(PULSE_MEAN_US)
    experiment = CoherentLAr(
        description=Description(
            name,
            "COHERENT LAr (2020)",
            "D. Akimov et al. (COHERENT), Phys. Rev. Lett. 126 (2021) 012002, arXiv:2003.10630",
            "data",
            ("coherent-lar-2020",),
        ),
        binning=coherent.flat_binning(axes),
        term=Poisson(),
        declared=declared,
        active=active_names(declared, standard if nuisances is None else nuisances),
        observed=observed.ravel(),
        axes=axes,
        form_factor=form,
        radius="radius_argon",
        scales=("flux_sns", "yield_lar", "strength_lar"),
        recoils=recoils,
        backgrounds=backgrounds,
        response=energy_response(axes[0].edges, recoil_kevnr),
        fractions=np.stack(fractions),
        template=np.ones_like(released),
    )
    none = HiddenPhoton.none()
    counts = compile_quickly(lambda values: experiment._in_energy_and_time(LMU_LTAU, none, values))
    own = np.asarray(counts(experiment.nuisance_values())).sum(axis=0)
    return eqx.tree_at(lambda e: e.template, experiment, released / own[:, None, :])


def _counts() -> tuple[tuple[Binning, ...], np.ndarray, np.ndarray, dict[str, np.ndarray]]:
    """Axes, observed and released signal counts (energies, F90, times), released backgrounds (flat)."""
    table = tables.read("coherent/lar_counts")
    labels = (("energy", "_kevee", "keVee", "energy"), ("f90", "", "", "F90"), ("time", "_us", "us", "time"))
    axes = tuple(
        Binning(np.unique(np.concatenate([table[f"{k}_low{u}"], table[f"{k}_high{u}"]])), unit, quantity)
        for k, u, unit, quantity in labels
    )
    shape = tuple(len(axis) for axis in axes)
    backgrounds = {name: table[name.removesuffix("_lar")] for name in EXPECTED}
    return axes, table["observed"].reshape(shape), table["cevns_sm"].reshape(shape), backgrounds


def _nuisances(sin2_theta_w: float) -> tuple[Nuisance, ...]:
    release = "arXiv:2006.12659"
    effects = {
        "brn_prompt_lar": "factor on the prompt beam-related neutrons in CENNS-10",
        "brn_delayed_lar": "factor on the delayed beam-related neutrons in CENNS-10",
        "steady_state_lar": "factor on the steady-state background in CENNS-10",
    }
    return (
        coherent.flux_nuisance(),
        coherent.yield_nuisance("lar", YIELD_UNCERTAINTY, f"{release}: 17 of 128 events in all, less flux and radius"),
        nuclear_radius("argon"),
        weak_mixing_angle(sin2_theta_w),
        *(
            coherent.background_nuisance(key, EXPECTED[key][1] / EXPECTED[key][0], effect, release)
            for key, effect in effects.items()
        ),
        coherent.strength_nuisance("lar"),
    )


register(NAME, coherent_lar)
