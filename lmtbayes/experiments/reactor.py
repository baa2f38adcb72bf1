"""Coherent scattering of a reactor's antineutrinos: Eq. 33 of arXiv:2104.03297 in a detector of your own.

Only nu_e-bar is made, and within some ten metres it stays what it is (oscillation is left out: 4e-5 in 20 m at 3 MeV).
The boson acts through the charge of the electron's flavour, times what the nucleus has of it: Lmu-Ltau leaves every
count as it is, see docs/reactors.md. A nucleus scatters an antineutrino as it does a neutrino, because both amplitudes
change sign.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from lmtbayes import _checks
from lmtbayes.constants import GRAMS_PER_TONNE, MEV_PER_KEV, SIN2_THETA_W
from lmtbayes.detectors import targets
from lmtbayes.detectors.ionisation import Ionisation
from lmtbayes.experiments import reactor_folding as folding
from lmtbayes.experiments import recoils
from lmtbayes.experiments.base import active_names
from lmtbayes.experiments.description import Binning, Description
from lmtbayes.experiments.efficiency import EfficiencyCurve
from lmtbayes.experiments.recoil_detector import Density, RecoilDetector
from lmtbayes.experiments.terms import Poisson
from lmtbayes.gauge.models import GaugeModel, HiddenPhoton
from lmtbayes.processes import form_factors
from lmtbayes.sources.reactor import REFERENCES, SPECTRA, ReactorSpectrum, reactor_spectrum

FLUX_UNCERTAINTY = 0.054
"""What Daya Bay finds less than Huber and Mueller (arXiv:1508.04233)."""


_HIGHEST_GW = 20.0
"""Cores have 4.6 GW of heat at most."""


class Reactor(RecoilDetector):
    """One detector at one core; built by `reactor`, which says what the arguments mean."""

    core: ReactorSpectrum = eqx.field(static=True)
    neutrinos: float  # atoms of the target times fissions per cm^2
    spectrum: recoils.Spectrum
    nodes: recoils.Recoils
    weights: np.ndarray  # (bins, nodes) [MeV], of the quadrature; (1, nodes) where the bins are of measured energy
    efficiency: EfficiencyCurve = eqx.field(static=True)
    ionisation: Ionisation | None = eqx.field(static=True)
    background: np.ndarray  # (bins,)
    background_scale: str | None = eqx.field(static=True)  # name of the nuisance; None where it is known exactly

    def left_out(self, model: GaugeModel) -> tuple[str, ...]:
        """Scattering on electrons, to which the boson couples where nu_e does."""
        if model.charges["e"] == 0.0:
            return ()
        return ("scattering on electrons, which carry charge: a light boson makes more events than those of nuclei",)

    def _signal(
        self, model: GaugeModel, photon: HiddenPhoton, values: Mapping[str, Float[Array, ""]]
    ) -> Float[Array, " bins"]:
        density = self.spectrum(self.nodes, model, photon, values)
        recoil = np.asarray(self.nodes.energy) / MEV_PER_KEV
        if self.ionisation is None:
            return jnp.asarray(self.weights) @ (self.efficiency(recoil) * density)
        k = values[f"lindhard_k_{folding.element(self.target)}"]
        seen = self.efficiency(self.ionisation.kevee(recoil, k)) * self.weights[0] * density
        return jnp.asarray(self.ionisation.probability(self.bin_edges, recoil, k)) @ seen

    def _background(self, values: Mapping[str, Float[Array, ""]]) -> Float[Array, " bins"]:
        counts = jnp.asarray(self.background)
        # A Gaussian reaches below zero, a background does not.
        return counts if self.background_scale is None else jnp.maximum(values[self.background_scale], 0.0) * counts

    def _density_at(self, energies: list[np.ndarray]) -> Density:
        at = folding.fold(self.target, energies, self.spectrum.form_factor, self.neutrinos, self.core)
        return partial(self.spectrum, at)


def reactor(
    name: str,
    bin_edges: ArrayLike | Sequence[float],
    *,
    mass_kg: float,
    baseline_m: float,
    thermal_power_gw: float,
    exposure_days: float,
    target: str | targets.Target = "germanium",
    ionisation: Ionisation | None = None,
    efficiency: Any = 1.0,
    background: ArrayLike | Sequence[float] = 0.0,
    background_uncertainty: float = 0.0,
    observed: ArrayLike | Sequence[float] | None = None,
    fission_fractions: Mapping[str, float] | None = None,
    spectrum: str = SPECTRA[0],
    source: str = "reactor",
    flux_uncertainty: float = FLUX_UNCERTAINTY,
    sin2_theta_w: float = SIN2_THETA_W,
    form_factor: str | form_factors.FormFactor = "helm",
    nuisances: tuple[str, ...] | None = None,
    title: str | None = None,
    citation: str = "given by the user",
) -> Reactor:
    """Make a detector at a reactor, for a JointLikelihood beside the registered experiments.

    Parameters
    ----------
    name
        Of the experiment.
    bin_edges
        [keVnr] of the recoil; of the measured energy [keVee] where there is an `ionisation`. The first is the
        threshold.
    mass_kg, baseline_m, thermal_power_gw, exposure_days
        Active mass [kg], distance from the core [m], its heat [GW], days at that power.
    target
        A name that `detectors.targets.target` knows, or a Target.
    ionisation
        Quenching and resolution; None: the recoil itself is measured, exactly.
    efficiency
        A number in (0, 1], a table, a file or a function, see `lmtbayes.experiments.efficiency`: against the recoil
        (keVnr) or, where there is an `ionisation`, against the ionisation energy before resolution (keVee).
    background
        Counts in each bin, or one number for all of them.
    background_uncertainty
        Relative, of all bins together; 0: known exactly. The nuisance is "background_<name>".
    observed
        Counts in each bin; None for a projection.
    fission_fractions
        Isotope ("u235", "u238", "pu239", "pu241") to fraction; None for a typical pressurised-water reactor.
    spectrum
        "huber-mueller" or "summation", see `sources.reactor`.
    source
        Name of the core: detectors at it share the nuisance "flux_<source>".
    flux_uncertainty
        Relative, of the antineutrinos.
    sin2_theta_w
        Central value.
    form_factor
        "helm" (Lewin and Smith), "klein-nystrand", or a FormFactor.
    nuisances
        Names to keep free; None for all, () for none.
    title, citation
        As in Description; whose spectrum it is, is added to the citation.

    Raises
    ------
    InvalidArgument
        An argument out of range; the message says what is accepted.
    UnknownName
        Unknown target or nuisance.

    Examples
    --------
    >>> import lmtbayes as lmt
    >>> mine = reactor("mine", [0.1, 0.5, 1.0], mass_kg=1, baseline_m=20, thermal_power_gw=3.6, exposure_days=100)
    >>> mine.signal_counts(lmt.LMU_LTAU, lmt.BENCHMARKS["BP1"]).round(0)
    Array([7685.,  775.], dtype=float64)
    """
    size = {
        "mass_kg": mass_kg,
        "baseline_m": baseline_m,
        "thermal_power_gw": thermal_power_gw,
        "exposure_days": exposure_days,
        "flux_uncertainty": flux_uncertainty,
    }
    for argument, value in size.items():
        _checks.scalar(argument, value)
        _checks.positive(argument, value)
    if thermal_power_gw > _HIGHEST_GW:
        raise _checks.invalid("thermal_power_gw", thermal_power_gw, f"at most {_HIGHEST_GW:g} GW of one core (MW?)")
    _checks.fraction("flux_uncertainty", flux_uncertainty)
    _checks.scalar("sin2_theta_w", sin2_theta_w)
    _checks.in_interval("sin2_theta_w", sin2_theta_w, 0.0, 1.0)
    if not isinstance(source, str) or not source:
        raise _checks.invalid("source", source, "a non-empty string")
    _checks.one_of("spectrum", spectrum, SPECTRA)
    core = reactor_spectrum(spectrum, fission_fractions)
    material = target if isinstance(target, targets.Target) else targets.target(target)
    folding.check_ionisation(ionisation, material)
    edges = folding.edges(bin_edges, material, core, ionisation)
    form = form_factors.form_factor(form_factor)
    neutrinos = float(mass_kg) * 1e3 / GRAMS_PER_TONNE * material.atoms_per_tonne
    neutrinos *= core.fluence(float(thermal_power_gw), float(exposure_days), float(baseline_m))
    seen = folding.efficiency(efficiency, edges, ionisation)
    energies, weights = folding.quadrature(edges, material, core, ionisation, seen)
    declared, scale = folding.nuisances(
        name,
        source,
        folding.element(material),
        float(flux_uncertainty),
        float(sin2_theta_w),
        ionisation,
        background_uncertainty,
    )
    unit, quantity = ("keVnr", "recoil energy") if ionisation is None else ("keVee", "energy")
    return Reactor(
        description=Description(
            name,
            name if title is None else title,
            f"{citation}; {REFERENCES[spectrum]}",
            "projection" if observed is None else "data",
            (name,),
        ),
        binning=Binning(edges, unit, quantity),
        term=Poisson(),
        declared=declared,
        active=active_names(declared, nuisances),
        observed=None if observed is None else np.asarray(observed, dtype=float),
        target=material,
        core=core,
        neutrinos=neutrinos,
        spectrum=recoils.Spectrum(form, (declared[0].name,), declared[1].name, declared[2].name),
        nodes=folding.fold(material, energies, form, neutrinos, core),
        weights=weights,
        efficiency=seen,
        ionisation=ionisation,
        background=folding.in_bins(background, edges.size - 1),
        background_scale=scale,
    )
