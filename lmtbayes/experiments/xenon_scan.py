"""Liquid xenon at a traced threshold: Eq. 37 with a response that JAX folds, so that thresholds can be differentiated.

Everything else folds a response once, in NumPy, between the kinks of its efficiency. Here the spectra are computed
once, at true energies so close that moving kinks cost 1e-6 of a rate, and the response is folded at every call.
"""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from lmtbayes.detectors.response import LINDHARD_K, to_kevee
from lmtbayes.experiments.xenon_detectors import (
    LOWEST_KEVEE,
    NR_FLOOR_KEVNR,
    WINDOW_KEVEE,
    Response,
    XenonDetector,
    response,
)
from lmtbayes.experiments.xenon_folding import HIGHEST_KEVNR, electron_spectrum, nuclear_spectrum
from lmtbayes.experiments.xenon_kernels import RecoilKernel, Values
from lmtbayes.experiments.xenon_spectra import Sun, quadrature
from lmtbayes.gauge.models import GaugeModel, HiddenPhoton
from lmtbayes.processes import binding as atoms

_RATIO, _ORDER = 1.01, 4


class ScannedRecoils(eqx.Module):
    """Rates above a traced threshold for one kind of recoil; called as a RecoilKernel is.

    Parameters
    ----------
    spectrum
        The kernel whose "bins" are the true energies.
    energy_kev, weight
        Of the quadrature over the true energy, (n,).
    threshold_kev, edges
        Traced; edges in the unit of the threshold, (bins + 1,).
    detector, recoil, channel
        As `xenon_detectors.response` wants them.
    """

    spectrum: RecoilKernel
    energy_kev: np.ndarray
    weight: np.ndarray
    threshold_kev: ArrayLike
    edges: ArrayLike
    detector: XenonDetector = eqx.field(static=True)
    recoil: str = eqx.field(static=True)
    channel: str = eqx.field(static=True)

    def matrix(self, lindhard_k: ArrayLike = LINDHARD_K) -> Float[Array, "bins n"]:
        """Probability that a recoil is counted in each bin, times the weight of its energy [keV]."""
        seen = response(self.detector, self.recoil, self.channel, self.threshold_kev)
        edges_kevee = to_kevee(self.edges) if self.channel == "nr" else self.edges
        return jnp.asarray(seen.matrix(self.energy_kev, edges_kevee, lindhard_k) * self.weight)

    def rates(self, model: GaugeModel, photon: HiddenPhoton, values: Values) -> Float[Array, " bins"]:
        """Events/(t yr) in each bin for one photon; `values` holds every nuisance."""
        k = values["lindhard_k"] if self.recoil == "nr" else LINDHARD_K
        return self.matrix(k) @ self.spectrum.rates(model, photon, values)


def _spectrum(
    detector: XenonDetector,
    recoil: str,
    channel: str,
    sun: Sun,
    binding: str,
    threshold_kev: ArrayLike,
    edges: ArrayLike,
) -> ScannedRecoils:
    """Compute the spectrum of "nr" or "er" recoils and leave the response to be folded at a traced threshold."""
    with jax.ensure_compile_time_eval():
        # At no lowered threshold: the nodes stop at the kinks of the published curve.
        published = response(detector, recoil, channel, WINDOW_KEVEE)
        energy, weight = _quadrature(published, recoil)
        if recoil == "nr":
            spectrum: Any = nuclear_spectrum(energy, np.ones(energy.size), sun)
        else:
            spectrum = electron_spectrum(energy, sun, binding)
    return ScannedRecoils(spectrum, energy, weight, threshold_kev, edges, detector, recoil, channel)


def scanned(
    detector: XenonDetector,
    recoils: list[str],
    channel: str,
    threshold_kev: Array,
    edges: ArrayLike,
    sun: Sun,
    binding: str,
) -> tuple[tuple[ScannedRecoils, ...], Array]:
    """Kernels, and the electron-recoil background of each bin [1/(t yr)], at a traced threshold; as `folded`."""
    kernels = tuple(_spectrum(detector, r, channel, sun, binding, threshold_kev, edges) for r in recoils)
    if "er" not in recoils:
        return kernels, jnp.zeros(np.shape(edges)[0] - 1)
    er = kernels[-1]
    return kernels, er.matrix() @ detector.background_rate(er.energy_kev)


def _quadrature(published: Response, recoil: str) -> tuple[np.ndarray, np.ndarray]:
    if recoil == "nr":
        return quadrature(NR_FLOOR_KEVNR, HIGHEST_KEVNR, published.efficiency.kinks_kev, _RATIO, _ORDER)
    _, high = published.range_kev(WINDOW_KEVEE)
    kinks = np.concatenate([published.efficiency.kinks_kev, atoms.kinks_kev()])
    return quadrature(LOWEST_KEVEE, high, kinks, _RATIO, _ORDER)
