"""Solar neutrinos in liquid xenon: LZ, XENONnT and DARWIN through nuclear recoils, electron recoils or both.

Sect. 5 and App. A of arXiv:2104.03297: Eqs. 33, 35-37. The entries are rows of data/xenon/detectors.csv.
"""

import functools
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from lmtbayes import _checks
from lmtbayes.constants import SIN2_THETA_W, SIN2_THETA_W_MZ
from lmtbayes.detectors.response import LINDHARD_K, LINDHARD_K_SIGMA, to_kevee, to_kevnr
from lmtbayes.experiments import solar_nuisances, xenon_detectors
from lmtbayes.experiments.base import active_names
from lmtbayes.experiments.common import electron_binding, weak_mixing_angle
from lmtbayes.experiments.description import Binning, Description
from lmtbayes.experiments.nuisance import Gaussian, Nuisance
from lmtbayes.experiments.registry import anywhere, register
from lmtbayes.experiments.solar_neutrinos import SolarNeutrinos
from lmtbayes.experiments.terms import Poisson
from lmtbayes.experiments.xenon_detectors import XenonDetector
from lmtbayes.experiments.xenon_folding import NR_SOURCES, electron_spectrum, folded, nuclear_spectrum
from lmtbayes.experiments.xenon_kernels import RecoilKernel
from lmtbayes.experiments.xenon_scan import ScannedRecoils, scanned
from lmtbayes.experiments.xenon_spectra import Sun
from lmtbayes.gauge.models import GaugeModel, HiddenPhoton
from lmtbayes.processes import binding as atoms
from lmtbayes.sources import solar
from lmtbayes.sources.oscillation import DEFAULT_SET
from lmtbayes.sources.oscillation import oscillation as oscillation_parameters

CONVENTIONS = ("default", "paper")
ER_FLUX_NUISANCES = ("pp", "7be", "pep", "13n", "15o")
"""Sources whose uncertainty an electron-recoil spectrum can feel; the others add up to less than 1e-3 of it."""
BACKGROUND_UNCERTAINTY = 0.10
"""Relative; a judgement: the projections quote none. A fit to a spectrum constrains it further."""


class LiquidXenon(SolarNeutrinos):
    """One liquid-xenon search.

    Parameters (beyond those of Experiment)
    ----------
    kernels
        One for each kind of recoil.
    background_rate
        Electron-recoil background in each bin [1/(t yr)].
    exposure_tyr
        [t yr]; a leaf of the pytree, so that it can be traced and differentiated.
    threshold_kev
        Of the analysis, in the unit of the bins; traced where it is scanned.
    background_scale
        Name of the nuisance that multiplies the background; None where electron recoils are not counted.
    sun, channel, binding
        What `differential_rate` needs beside them.
    """

    kernels: tuple[RecoilKernel | ScannedRecoils, ...]
    background_rate: np.ndarray | Array
    exposure_tyr: ArrayLike
    threshold_kev: ArrayLike
    background_scale: str | None = eqx.field(static=True)
    sun: Sun = eqx.field(static=True)
    channel: str = eqx.field(static=True)
    binding: str = eqx.field(static=True)

    def _signal(
        self, model: GaugeModel, photon: HiddenPhoton, values: Mapping[str, Float[Array, ""]]
    ) -> Float[Array, " bins"]:
        rates = [kernel.rates(model, photon, values) for kernel in self.kernels]
        return jnp.asarray(self.exposure_tyr) * jnp.sum(jnp.stack(rates), axis=0)

    def _background(self, values: Mapping[str, Float[Array, ""]]) -> Float[Array, " bins"]:
        scale = jnp.ones(()) if self.background_scale is None else values[self.background_scale]
        return scale * jnp.asarray(self.exposure_tyr) * self.background_rate

    def differential_rate(
        self,
        model: GaugeModel,
        photon: HiddenPhoton,
        energy: ArrayLike,
        nuisances: Mapping[str, ArrayLike] | None = None,
    ) -> Float[Array, "..."]:
        """Neutrino events per keV of true recoil energy for the configured exposure, before response and acceptance.

        Parameters
        ----------
        model, photon
            As in `expected_counts`.
        energy
            True recoil energies [keV], any shape, > 0, known numbers (not traced): keVnr in "nr", keVee in "er". In
            "nr+er" keVee: nuclear recoils are counted at their quenched energy.
        nuisances
            Name to value; the nuclear part does not depend on "lindhard_k".

        Returns
        -------
        rate
            [1/keV], shape `photon.shape + energy.shape`.

        Raises
        ------
        InvalidArgument
            `energy` not positive, or traced.
        """
        self._say_left_out(model, photon)
        if _checks.is_traced(energy):
            raise _checks.invalid("energy", energy, "known numbers; it cannot be traced")
        _checks.positive("energy", energy, "keV")
        shape = np.shape(energy)
        points = np.asarray(energy, dtype=float).ravel()
        kernels: list[RecoilKernel] = []
        with jax.ensure_compile_time_eval():
            if "nr" in self.channel:
                nuclear, jacobian = points, np.ones(points.size)
                if self.channel != "nr":
                    nuclear = to_kevnr(points)
                    step = 1e-4 * nuclear
                    jacobian = 2.0 * step / (to_kevee(nuclear + step) - to_kevee(nuclear - step))
                kernels.append(nuclear_spectrum(nuclear, jacobian, self.sun))
            if "er" in self.channel:
                kernels.append(electron_spectrum(points, self.sun, self.binding))

        def single(p: HiddenPhoton, values: dict[str, Array]) -> Float[Array, " energies"]:
            rates = [kernel.rates(model, p, values) for kernel in kernels]
            return jnp.asarray(self.exposure_tyr) * jnp.sum(jnp.stack(rates), axis=0)

        flat = self._batched(single, photon, nuisances)
        return flat.reshape(*flat.shape[:-1], *shape)


def liquid_xenon(
    detector: XenonDetector,
    channel: str,
    *,
    name: str | None = None,
    title: str | None = None,
    convention: str = "default",
    threshold_kev: ArrayLike | None = None,
    exposure_tyr: ArrayLike | None = None,
    bin_edges: ArrayLike | Sequence[float] | None = None,
    oscillation: str | None = None,
    binding: str = "rrpa",
    efficiency: Any = None,
    sin2_theta_w: float | None = None,
    solar_model: str = "gs98",
    spectrum_8b: str = "w06",
    flux_8b_width: str = "b16",
    octant: str = "set",
    nuisances: tuple[str, ...] | None = None,
) -> LiquidXenon:
    """Build a search for solar neutrinos with a liquid-xenon detector.

    Parameters
    ----------
    detector
        A row of data, or your own.
    channel
        "nr", "er" or "nr+er".
    name, title
        Of the experiment, "<detector>-<channel>" unless given; what pictures and tables call it.
    convention
        "default", or "paper": one bin, no free nuisances, sin^2 theta_W = 0.23122, oscillation set "paper-2021".
    threshold_kev
        Reconstructed energy above which events are counted: [keVnr] in "nr", [keVee] else. Below the detector's own
        threshold the efficiency and the resolution are moved, see `detectors.response`. At least 0.7 keVnr, the lowest
        calibrated recoil, where nuclear recoils count. May be traced (vmap, grad, jit) where `bin_edges` or
        convention="paper" says how many bins there are; counts are then good to 1e-5 and slopes to 1e-3.
    exposure_tyr
        Mass times running time [t yr]; may be traced.
    bin_edges
        Of the reconstructed energy [keVnr] in "nr", [keVee] else; not below the threshold. By default bins one full
        width at half maximum of the resolution wide up to 30 keVee; one bin with convention="paper". May be traced
        together with the threshold.
    oscillation
        Parameter set: "nufit-6.1-ic24" (default), "nufit-6.1-ic23", "nufit-6.0-ic24", "nufit-6.0-ic19" or "paper-2021".
    binding
        Of the electrons: "rrpa", "stepped" or "free".
    efficiency
        Of the detector against true recoil energy (keVnr in "nr", keVee in "er"), in place of the published one: a
        number, a table, a file or a function, see `lmtbayes.experiments.efficiency`. No threshold moves it, and below
        0.7 keVnr nothing is seen. The acceptance of the cut between the two kinds of recoil comes on top. In "nr+er" a
        mapping {"nr": ..., "er": ...}.
    sin2_theta_w
        Central value of sin^2 theta_W; 0.23857 by default, 0.23122 with convention="paper".
    solar_model
        B16 "gs98" or "agss09met": central values and widths of the fluxes.
    spectrum_8b
        Neutrinos of 8B: "w06" (2006) or "b96" (1996).
    flux_8b_width
        Width of the nuisance "flux_8b": "b16" (12 %) or "sno" (3.8 %).
    octant
        Of theta_23: "set", or "both" for a prior with two modes.
    nuisances
        Names of those that stay free; None for all (none with convention="paper").

    Raises
    ------
    InvalidArgument
        A value that is not accepted; the message says what is.
    UnknownName
        A nuisance that the channel does not have.
    """
    _checks.one_of("channel", channel, xenon_detectors.CHANNELS)
    _checks.one_of("convention", convention, CONVENTIONS)
    _checks.one_of("binding", binding, atoms.BINDINGS)
    _checks.one_of("solar_model", solar_model, solar.SOLAR_MODELS)
    _checks.one_of("spectrum_8b", spectrum_8b, solar.SPECTRA_8B)
    paper = convention == "paper"
    parameters = oscillation_parameters(oscillation or ("paper-2021" if paper else DEFAULT_SET))
    sin2 = sin2_theta_w if sin2_theta_w is not None else (SIN2_THETA_W_MZ if paper else SIN2_THETA_W)
    _checks.in_interval("sin2_theta_w", sin2, 0.0, 1.0)
    exposure = detector.exposure_tyr if exposure_tyr is None else exposure_tyr
    _checks.scalar("exposure_tyr", exposure)
    _checks.positive("exposure_tyr", exposure, "t yr")
    threshold: Any = detector.threshold(channel) if threshold_kev is None else threshold_kev
    xenon_detectors.check_threshold(threshold, channel)
    recoils = [recoil for recoil in ("nr", "er") if recoil in channel]
    if efficiency is not None:
        detector = replace(detector, efficiency=xenon_detectors.own_efficiencies(efficiency, recoils))
    sun = Sun(solar_model, spectrum_8b, parameters.name)
    data_set = detector.data_set or detector.name
    background_nuisance = _background_nuisance(data_set) if "er" in recoils else None
    declared = _declared(recoils, sun, sin2, binding, flux_8b_width, octant, background_nuisance)
    active = active_names(declared, () if paper and nuisances is None else nuisances)

    edges = xenon_detectors.edges(bin_edges, detector, channel, threshold, paper)
    fold: Any = scanned if _checks.is_traced(threshold) else folded
    kernels, background = fold(detector, recoils, channel, threshold, edges, sun, binding)
    return LiquidXenon(
        description=Description(
            name or f"{detector.name}-{channel}",
            f"{detector.title or detector.name} {channel.upper()}" if title is None else title,
            detector.citation,
            "projection",
            tuple(f"{name or data_set}-{recoil}" for recoil in recoils),
        ),
        binning=Binning(edges, "keVnr" if channel == "nr" else "keVee", "reconstructed recoil energy"),
        term=Poisson(),
        declared=declared,
        active=active,
        observed=None,
        kernels=kernels,
        background_rate=background,
        exposure_tyr=exposure,
        threshold_kev=threshold if _checks.is_traced(threshold) else float(threshold),
        background_scale=None if background_nuisance is None else background_nuisance.name,
        sun=sun,
        channel=channel,
        binding=binding,
    )


def _background_nuisance(detector: str) -> Nuisance:
    constraint = Gaussian(1.0, BACKGROUND_UNCERTAINTY)
    effect = f"factor on the electron-recoil background of {detector}"
    return Nuisance(f"er_background_{detector}", constraint, effect, "judgement")


def _declared(
    recoils: list[str],
    sun: Sun,
    sin2: float,
    binding: str,
    flux_8b_width: str,
    octant: str,
    background: Nuisance | None,
) -> tuple[Nuisance, ...]:
    fluxes = [*(NR_SOURCES if "nr" in recoils else ()), *(ER_FLUX_NUISANCES if "er" in recoils else ())]
    declared = [solar_nuisances.flux(source, sun.solar_model, flux_8b_width) for source in fluxes]
    declared += solar_nuisances.oscillations(oscillation_parameters(sun.oscillation), octant)
    declared.append(weak_mixing_angle(sin2))
    if "nr" in recoils:
        if sun.spectrum_8b == "w06":
            declared.append(solar_nuisances.shape_8b())
        constraint = Gaussian(LINDHARD_K, LINDHARD_K_SIGMA)
        declared.append(Nuisance("lindhard_k", constraint, "Lindhard's k of xenon: energy scale", "arXiv:1608.05381"))
    if "er" in recoils and binding == "rrpa":
        declared.append(electron_binding())
    if background is not None:
        declared.append(background)
    return tuple(declared)


for _detector in xenon_detectors.detectors().values():
    for _channel in xenon_detectors.CHANNELS:
        _published = {"exposure_tyr": _detector.exposure_tyr, "threshold_kev": _detector.threshold(_channel)}
        _build = functools.partial(liquid_xenon, _detector, _channel)
        register(f"{_detector.name}-{_channel}", _build, published=_published, reach=anywhere, status="projection")
