"""Coherent neutrino-nucleus scattering at spallation sources: Eqs. 31-34 of arXiv:2104.03297, Table 2 and your own.

The rate is a sum of squares (Q_nuN/2 + chi)^2, so that at fixed mass each bin is a parabola a + b x + c x^2 in
x = g_x eps_x, and a call needs the propagator at the nodes and one contraction.

**Second mode.** Where chi = -Q_nuN the rate is that of the Standard Model again. In the contact limit of argon and
eps_x = -g_x/70 that is g_x/M_A' = 6.7e-5/MeV in every bin; for light bosons it holds approximately: ESS10 has, at
M_A' = 1 MeV, a second minimum of Eq. 34 near g_x = 4.2e-4. It is physics: samplers have to find it, and limits have to
report it as an island. With the pull alone the wall between the two is 2 sigma high.

**Significance.** Data of a benchmark, N_bkg = 0.1 N_SM, Eq. 34 against the Standard Model with its pull: ESS 4.0 (BP1)
and 4.6 sigma (BP2), ESS10 3.5 and 3.0, everything else below 2.2, in both conventions. The nuclear radius, free in the
default convention, is nearly degenerate with a light boson above 20 keVnr and leaves ESS 2.7 and 3.2; ESS10, which sees
what happens below, keeps its 3.5 and 2.9; the two together reach 4.4 and 4.0.
"""

import functools
from collections.abc import Mapping, Sequence
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from lmtbayes import _checks
from lmtbayes.constants import MEV_PER_KEV, SIN2_THETA_W, SIN2_THETA_W_MZ
from lmtbayes.detectors import scintillation, targets
from lmtbayes.experiments import recoils, spallation_detectors
from lmtbayes.experiments.base import active_names
from lmtbayes.experiments.description import Binning, Description
from lmtbayes.experiments.efficiency import EfficiencyCurve
from lmtbayes.experiments.nuisance import central_values
from lmtbayes.experiments.recoil_detector import Density, RecoilDetector
from lmtbayes.experiments.registry import anywhere, register
from lmtbayes.experiments.spallation_detectors import nuisances_by_role, rows
from lmtbayes.experiments.terms import GaussianCounts, Poisson, Term
from lmtbayes.gauge.models import LMU_LTAU, GaugeModel, HiddenPhoton
from lmtbayes.processes import form_factors
from lmtbayes.sources import pion_decay_at_rest as source

CONVENTIONS = ("default", "paper")
STATISTICS: Mapping[str, type[Term]] = {"eq34": GaussianCounts, "poisson": Poisson}
_PAPER = "D. W. P. Amaral et al., Eur. Phys. J. C 81 (2021) 861, arXiv:2104.03297"


class RecoilCounts(eqx.Module):
    """Neutrino counts in the bins: the spectrum at the nodes, the efficiency, the quadrature."""

    spectrum: recoils.Spectrum
    nodes: recoils.Recoils
    weights: np.ndarray  # (bins, nodes) [MeV]
    efficiency: scintillation.TanhEfficiency | None = eqx.field(static=True)
    quenching: str | None = eqx.field(static=True)  # name of the nuisance, where there is an efficiency

    def __call__(
        self, model: GaugeModel, photon: HiddenPhoton, values: Mapping[str, Float[Array, ""]]
    ) -> Float[Array, " bins"]:
        """Counts of a single photon."""
        density = self.spectrum(self.nodes, model, photon, values)
        if self.efficiency is not None and self.quenching is not None:
            density = density * self.efficiency(self.nodes.energy / MEV_PER_KEV, values[self.quenching])
        return jnp.asarray(self.weights) @ density


class Spallation(RecoilDetector):
    """One detector at one source; built by `spallation`, which says what the arguments mean."""

    energy_correction: bool = eqx.field(static=True)
    neutrinos: float  # atoms times fluence of each kind of neutrino [1/cm^2]
    recoil_counts: RecoilCounts
    background: np.ndarray  # (bins,)

    def _signal(
        self, model: GaugeModel, photon: HiddenPhoton, values: Mapping[str, Float[Array, ""]]
    ) -> Float[Array, " bins"]:
        return self.recoil_counts(model, photon, values)

    def _background(self, values: Mapping[str, Float[Array, ""]]) -> Float[Array, " bins"]:  # noqa: ARG002
        return jnp.asarray(self.background)

    def _density_at(self, energies: list[np.ndarray]) -> Density:
        spectrum = self.recoil_counts.spectrum
        at = recoils.at_energies(self.target, energies, spectrum.form_factor, self.neutrinos, self.energy_correction)
        return functools.partial(spectrum, at)


def spallation(
    row: str | Mapping[str, Any],
    *,
    convention: str = "default",
    mass_ton: float | None = None,
    baseline_m: float | None = None,
    threshold_kevnr: float | None = None,
    bin_edges: ArrayLike | Sequence[float] | None = None,
    exposure_years: float = 1.0,
    protons_per_year: float | None = None,
    neutrinos_per_proton: float | None = None,
    target: str | targets.Target | None = None,
    systematic: float | None = None,
    background_fraction: float | None = None,
    sin2_theta_w: float | None = None,
    form_factor: str | form_factors.FormFactor = "helm",
    efficiency: Any = None,
    energy_correction: bool = False,
    statistics: str = "eq34",
    nuisances: tuple[str, ...] | None = None,
    name: str | None = None,
    title: str | None = None,
) -> Spallation:
    """Build a detector: a row of the table, with overrides.

    Parameters
    ----------
    row
        A name of `rows()`, or a mapping with its keys; what is not overridden below is taken from it.
    convention
        "default", or "paper": sin^2 theta_W = 0.23122, and of the nuisances only the pull of Eq. 34, one a detector.
    mass_ton
        Of the target [t].
    baseline_m
        Distance from the source [m].
    exposure_years
        Running time [yr].
    protons_per_year
        Protons on the source's target [1/yr].
    neutrinos_per_proton
        Neutrinos of each kind that one proton makes.
    threshold_kevnr
        Lower end of the recoil window [keVnr], cut into equal bins up to the row's upper end, or to where the target's
        recoils end if that is lower.
    bin_edges
        Of the recoil energy [keVnr], in place of that. Logarithmic bins (`numpy.geomspace`) carry more information at a
        low threshold.
    target
        A name that `detectors.targets.target` knows, or a Target.
    systematic
        Relative uncertainty of the normalisation (5 % is 0.05): sigma_sys of Eq. 34. Detectors fitted together at one
        source need the same.
    background_fraction
        Beam-related neutrons in each bin over the Standard Model's neutrino counts, 0 to 1; known exactly.
    sin2_theta_w
        Central value of sin^2 theta_W; 0.23857 by default, 0.23122 with convention="paper".
    form_factor
        "helm" (Lewin and Smith), "klein-nystrand", or a FormFactor such as Helm(radius_fm=3.4).
    efficiency
        "none", "cenns610" or a TanhEfficiency, in the quenched energy and with a nuisance of the quenching; or one
        against the true recoil energy (keVnr): a number, a table, a file or a function, see
        `lmtbayes.experiments.efficiency`.
    energy_correction
        Keep the term -E_R/E_nu that Eq. 33 drops (0.2 % of the rate).
    statistics
        "eq34": Gaussian with variance N_obs + N_bkg; or "poisson".
    nuisances
        Names to keep free; None for all of the convention, () for none.
    name, title
        Of the experiment, so that two variants fit together; what pictures and tables call it.

    Raises
    ------
    InvalidArgument
        An override out of range; the message says what is accepted.
    UnknownName
        Unknown row, target or nuisance.

    References
    ----------
    arXiv:2104.03297, Sect. 4 and Table 2.
    """
    if isinstance(row, str):
        if row not in rows():
            raise _checks.unknown("detector at a spallation source", row, rows())
        row = rows()[row]
    _checks.one_of("convention", convention, CONVENTIONS)
    _checks.one_of("statistics", statistics, STATISTICS)
    _checks.one_of("energy_correction", energy_correction, (False, True))
    given = {
        "mass_ton": mass_ton,
        "baseline_m": baseline_m,
        "protons_per_year": protons_per_year,
        "neutrinos_per_proton": neutrinos_per_proton,
        "systematic": systematic,
    }
    size = {key: _positive(key, row[key] if value is None else value) for key, value in given.items()}
    years = _positive("exposure_years", exposure_years)
    fraction = row["background_fraction"] if background_fraction is None else background_fraction
    fraction = _checks.fraction("background_fraction", fraction)
    _checks.fraction("systematic", size["systematic"])
    if sin2_theta_w is None:
        sin2_theta_w = SIN2_THETA_W_MZ if convention == "paper" else SIN2_THETA_W
    _checks.scalar("sin2_theta_w", sin2_theta_w)
    _checks.in_interval("sin2_theta_w", sin2_theta_w, 0.0, 1.0)
    # A detector under another name is another detector; rows may share one.
    data_set = row.get("data_set", row["name"]) if name is None else name
    name = row["name"] if name is None else name

    given_target = row["target"] if target is None else target
    material = given_target if isinstance(given_target, targets.Target) else targets.target(given_target)
    response, kept = spallation_detectors.efficiency(row["efficiency"] if efficiency is None else efficiency)
    form = form_factors.form_factor(form_factor)
    roles = nuisances_by_role(row, name, convention, material, size["systematic"], float(sin2_theta_w), response)
    declared, named = tuple(roles.values()), {role: nuisance.name for role, nuisance in roles.items()}
    free = (named["normalisation"],) if convention == "paper" and nuisances is None else nuisances
    ends = [recoils.end_points(isotope, energy_correction) for isotope in material.isotopes]
    edges = spallation_detectors.edges(row, threshold_kevnr, bin_edges, max(end for _, end in ends) / MEV_PER_KEV)
    nodes, weights = zip(*(_quadrature(edges, end, response, kept) for end in ends), strict=True)

    protons = size["protons_per_year"] * years
    fluence = source.fluence(protons, size["neutrinos_per_proton"], size["baseline_m"])
    neutrinos = size["mass_ton"] * material.atoms_per_tonne * fluence
    counts = RecoilCounts(
        spectrum=recoils.Spectrum(form, (named["normalisation"],), named["radius"], named["weak mixing angle"]),
        nodes=recoils.at_energies(material, list(nodes), form, neutrinos, energy_correction),
        weights=np.concatenate(weights, axis=1),
        efficiency=response,
        quenching=named.get("quenching"),
    )
    # Not compiled as a whole: detectors of one shape share the compiled spectrum.
    standard_model = np.asarray(counts(LMU_LTAU, HiddenPhoton.none(), central_values(declared)))
    own_title = str(row["title"]) if title is None else title
    return Spallation(
        description=Description(
            name, own_title, f"{row.get('citation', _PAPER)}; {row['reference']}", "projection", (data_set,)
        ),
        binning=Binning(edges, "keVnr", "recoil energy"),
        term=STATISTICS[statistics](),
        declared=declared,
        active=active_names(declared, free),
        observed=None,
        target=material,
        energy_correction=energy_correction,
        neutrinos=neutrinos,
        recoil_counts=counts,
        background=fraction * standard_model,
    )


def _quadrature(
    edges: Float[np.ndarray, " edges"],
    end_points: tuple[float, float],
    response: scintillation.TanhEfficiency | None,
    kept: EfficiencyCurve | None,
) -> tuple[Float[np.ndarray, " nodes"], Float[np.ndarray, "bins nodes"]]:
    """Nodes [MeV] of one isotope, and weights in which a known efficiency is contained."""
    panel = spallation_detectors.longest_panel(response)
    if kept is None:
        return recoils.quadrature(edges * MEV_PER_KEV, *end_points, panel)
    inside = [bend for bend in kept.bends if edges[0] < bend < edges[-1]]
    cuts = np.union1d(edges, inside)
    nodes, pieces = recoils.quadrature(cuts * MEV_PER_KEV, *end_points, min(panel, kept.smooth))
    weights = np.add.reduceat(pieces, np.searchsorted(cuts, edges[:-1]), axis=0)
    return nodes, weights * kept(nodes / MEV_PER_KEV)


def _positive(argument: str, value: Any) -> float:
    _checks.scalar(argument, value)
    _checks.positive(argument, value)
    return float(value)


for _name in rows():
    register(
        _name,
        functools.partial(spallation, _name),
        published=spallation_detectors.published(_name),
        reach=anywhere,
        status="projection",
    )
