"""COHERENT Ge-Mini, germanium: counts over background, as published, against Eq. 33 in the detectors' window.

2024 (arXiv:2406.13806): 20.6 (+7.1) (-6.3) counts in 10.22 GWh kg above 1.5 keVee. 2026 (arXiv:2603.17951): 124 (+14)
(-12) counts, 1.00 +- 0.10 +- 0.10 of the Standard Model. No bins are released: each is one number with unequal errors,
a split Gaussian. Its prompt and delayed neutrinos come from one fit of energy and time and are added up here.

The response is that of the collaboration's own code of the expectation (public repository
emmaeline/Ge_paper_signalExpectation, commit d5d9d3b): Lindhard's k = 0.157, resolution and efficiency in time of five
detectors, 1.5-8.5 and 10.6-20 keVee (the lines of 68Ge between them are left out), 19.1 m, 0.09627 neutrinos of each
kind per proton of 1.05 GeV.
"""

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from lmtbayes import _checks
from lmtbayes.constants import JOULE_PER_MEV, MEV_PER_KEV, SIN2_THETA_W
from lmtbayes.detectors import targets
from lmtbayes.detectors.ionisation import GERMANIUM_K, GERMANIUM_K_UNCERTAINTY, Ionisation
from lmtbayes.experiments import coherent
from lmtbayes.experiments.asymmetric import AsymmetricGaussian
from lmtbayes.experiments.base import active_names
from lmtbayes.experiments.coherent_data_set import DataSet, Exposure
from lmtbayes.experiments.common import lindhard_k
from lmtbayes.experiments.description import Binning, Description
from lmtbayes.experiments.polynomials import piecewise_lagrange
from lmtbayes.experiments.recoils import end_points
from lmtbayes.experiments.registry import anywhere, register
from lmtbayes.experiments.standard_model import standard_model
from lmtbayes.gauge.models import GaugeModel, HiddenPhoton
from lmtbayes.processes.form_factors import FormFactor

NAME_2024, NAME_2026 = "coherent-ge-2024", "coherent-ge-2026"
COUNTS_2024, ERRORS_2024 = 20.6, (7.1, 6.3)
COUNTS_2026, ERRORS_2026 = 124.0, (14.0, 12.0)
RATIO_2026 = 1.00
"""Counts over those of the Standard Model; its systematic uncertainty, 0.10, is that of "flux_sns"."""
PROTONS_PER_GWH = 3.6e12 / (1050.0 * JOULE_PER_MEV)
_BASELINE_M, _NEUTRINOS_PER_PROTON = 19.1, 0.09627
EXPOSURE_2024 = Exposure(1.0, _BASELINE_M, 10.22 * PROTONS_PER_GWH, _NEUTRINOS_PER_PROTON)
"""10.22 GWh kg: the active masses, 2.13 to 2.14 kg each, stand in the product."""
EXPOSURE_2026 = Exposure(1.0, _BASELINE_M, 4.68e22, _NEUTRINOS_PER_PROTON)
"""For one kilogram: the abstract gives no mass, and the counts are normalised to its Standard Model."""
THRESHOLD_KEVEE, GAP_KEVEE, END_KEVEE = 1.5, (8.5, 10.6), 20.0
EFFICIENCY = 0.997
"""In time, averaged over detectors and recoils above threshold: 0.98 at 1.5 keVee, above 0.99 from 1.9 keVee."""
RESPONSE = Ionisation(32, GERMANIUM_K, GERMANIUM_K_UNCERTAINTY, noise_kevee=0.133, spread_root_kevee=0.0363)
"""Resolution: full width 0.133 + 0.0363 (E/keVee)^(1/2) keVee, the mean of the detectors by exposure."""
YIELD_UNCERTAINTY = 0.03
"""Judgement: radiative corrections, which raise the counts by 2 % and are not in Eq. 33; active mass; efficiency."""
_PANEL, _NODES = 0.3, 24
"""Longest panel in ln E_R on which the response is interpolated, and its nodes."""
_DATA_SET = DataSet(
    NAME_2024,
    "COHERENT Ge (2024)",
    "S. Adamski et al. (COHERENT), Phys. Rev. Lett. 134 (2025) 231801, arXiv:2406.13806",
    key="ge",
    target="germanium",
    exposure=EXPOSURE_2024,
    yield_uncertainty=YIELD_UNCERTAINTY,
    yield_source="judgement: radiative corrections (2 %), active mass, efficiency",
    lowest_kevnr=0.0,  # set by the threshold
    longest_panel=0.5 * _PANEL,
)


class Window(eqx.Module):
    """Recoils and whether they are counted, which hangs on Lindhard's k: the same energies for all isotopes.

    What is counted is smooth between nodes, what is integrated with it (`Neutrinos.seen`) is not, and is static.
    """

    kevnr: np.ndarray
    edges_kevee: tuple[float, ...] = eqx.field(static=True)

    def probability(self, k: Float[Array, ""]) -> Float[Array, " nodes"]:
        """Probability that a recoil of the nodes is counted."""
        seen = RESPONSE.probability(np.array(self.edges_kevee), self.kevnr, k)
        return EFFICIENCY * jnp.asarray(seen)[0::2].sum(axis=0)


class CoherentGe(coherent.Coherent):
    """One number of counts; built by `coherent_ge_2024` or `coherent_ge_2026`."""

    window: Window
    normalisation: float

    def _components(
        self, model: GaugeModel, photon: HiddenPhoton, values: Mapping[str, Float[Array, ""]]
    ) -> Float[Array, "2 bins"]:
        return self.normalisation * _components(self.window, self.neutrinos, model, photon, values)


def _components(
    window: Window,
    neutrinos: coherent.Seen,
    model: GaugeModel,
    photon: HiddenPhoton,
    values: Mapping[str, Float[Array, ""]],
) -> Float[Array, "2 1"]:
    """Counts of prompt and of delayed neutrinos, as the exposure gives them."""
    probability = window.probability(values["lindhard_k_germanium"])
    return neutrinos.scale(values) * neutrinos.counted(model, photon, values, probability)[:, None]


def coherent_ge_2024(
    *,
    sin2_theta_w: float = SIN2_THETA_W,
    form_factor: str | FormFactor = "helm",
    nuisances: tuple[str, ...] | None = None,
    name: str = NAME_2024,
    title: str | None = None,
) -> CoherentGe:
    """Build the Ge-Mini data set of 2024, on the absolute scale of its exposure.

    Parameters
    ----------
    sin2_theta_w
        Central value.
    form_factor
        "helm" (Lewin and Smith), "klein-nystrand" (which COHERENT takes: 4 % fewer counts), or a FormFactor.
    nuisances
        Names to keep free; None for all but "strength_ge", () for none.
    name, title
        Of the experiment; what pictures and tables call it.

    Raises
    ------
    InvalidArgument, UnknownName
        An override that is not accepted.

    References
    ----------
    S. Adamski et al. (COHERENT), Phys. Rev. Lett. 134 (2025) 231801, arXiv:2406.13806.
    """
    return _build(
        _DATA_SET,
        (NAME_2024,),
        (COUNTS_2024, *ERRORS_2024),
        THRESHOLD_KEVEE,
        None,
        (sin2_theta_w, form_factor, nuisances, name, title),
    )


def coherent_ge_2026(
    *,
    threshold_kevee: float = THRESHOLD_KEVEE,
    sin2_theta_w: float = SIN2_THETA_W,
    form_factor: str | FormFactor = "helm",
    nuisances: tuple[str, ...] | None = None,
    name: str = NAME_2026,
    title: str | None = None,
) -> CoherentGe:
    """Build the Ge-Mini data set of 2026 from the numbers of its abstract.

    The Standard Model has the counts that the published ratio implies, 124/1.00. Protons are cumulative, so that the
    data of 2024 are taken to be among them: a likelihood takes one of the two sets.

    Parameters
    ----------
    threshold_kevee
        Lower end of the window [keVee], below 8.5. The abstract gives none: it is that of 2024. A lower one sees more
        of a boson lighter than some 30 MeV; heavier ones do not notice.
    sin2_theta_w, form_factor
        As in `coherent_ge_2024`; the Standard Model keeps its counts whatever they are.
    nuisances, name, title
        As in `coherent_ge_2024`.

    Raises
    ------
    InvalidArgument, UnknownName
        An override that is not accepted.

    References
    ----------
    COHERENT, arXiv:2603.17951, abstract.
    """
    _checks.scalar("threshold_kevee", threshold_kevee)
    _checks.in_interval("threshold_kevee", threshold_kevee, 0.1, GAP_KEVEE[0])
    data_set = replace(
        _DATA_SET,
        name=NAME_2026,
        title="COHERENT Ge (2026)",
        citation="COHERENT, arXiv:2603.17951",
        exposure=EXPOSURE_2026,
    )
    return _build(
        data_set,
        (NAME_2026, NAME_2024),
        (COUNTS_2026, *ERRORS_2026),
        float(threshold_kevee),
        COUNTS_2026 / RATIO_2026,
        (sin2_theta_w, form_factor, nuisances, name, title),
    )


def _build(
    data_set: DataSet,
    counted: Sequence[str],
    measured: tuple[float, float, float],
    threshold_kevee: float,
    standard: float | None,
    overrides: tuple[float, str | FormFactor, tuple[str, ...] | None, str, str | None],
) -> CoherentGe:
    """Fold one of the sets; `standard` are the Standard Model's counts, None for those of the exposure."""
    sin2_theta_w, form_factor, nuisances, name, title = overrides
    window = np.array([threshold_kevee, *GAP_KEVEE, END_KEVEE])
    # Six standard deviations below threshold nothing is seen, whatever k.
    lowest = threshold_kevee - 6.0 * float(RESPONSE.sigma_kevee(threshold_kevee))
    panels = _panels(0.85 * float(RESPONSE.kevnr(max(lowest, 0.02))), np.asarray(RESPONSE.kevnr(window)))
    folded = replace(data_set, lowest_kevnr=panels[0], cuts_kevnr=panels[1:-1])
    declared = folded.nuisances(sin2_theta_w, [lindhard_k("germanium", GERMANIUM_K, GERMANIUM_K_UNCERTAINTY)])
    neutrinos = folded.neutrinos(form_factor, declared)
    recoils, basis = piecewise_lagrange(np.log(neutrinos.recoil_kevnr), np.log(panels), _NODES)
    seen, inside = neutrinos.seen(basis), Window(np.exp(recoils), tuple(window.tolist()))
    normalisation = 1.0
    if standard is not None:
        own = standard_model(lambda *arguments: _components(inside, seen, *arguments).sum(), declared)
        normalisation = standard / float(own)
    counts, *errors = measured
    energy = Binning(window[[0, -1]], "keVee", "energy")
    return CoherentGe(
        description=Description(
            name, folded.title if title is None else title, folded.citation, "approximate", tuple(counted)
        ),
        binning=energy,
        term=AsymmetricGaussian(*errors),
        declared=declared,
        active=active_names(declared, nuisances),
        observed=np.array([counts]),
        axes=(energy,),
        neutrinos=seen,
        backgrounds={},
        steady_state=(),
        window=inside,
        normalisation=normalisation,
    )


def _panels(lowest_kevnr: float, cuts_kevnr: Float[np.ndarray, " cuts"]) -> tuple[float, ...]:
    """Edges [keVnr] of what the response is interpolated on: it has its own edges between them."""
    end = max(end_points(isotope)[1] for isotope in targets.target(_DATA_SET.target).isotopes) / MEV_PER_KEV
    starts = [lowest_kevnr, *cuts_kevnr[(cuts_kevnr > lowest_kevnr) & (cuts_kevnr < end)]]
    found = []
    for left, right in itertools.pairwise([*starts, end]):
        found += np.geomspace(left, right, math.ceil(math.log(right / left) / _PANEL) + 1)[:-1].tolist()
    return (*found, end)


register(NAME_2024, coherent_ge_2024, reach=anywhere, status="approximate")
register(NAME_2026, coherent_ge_2026, reach=anywhere, status="approximate")
