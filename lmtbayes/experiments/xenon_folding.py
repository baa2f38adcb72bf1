"""Kernels of liquid xenon: fine spectra (xenon_spectra) folded with a response into what a rate needs at call time."""

import functools
from dataclasses import replace

import jax
import numpy as np
from jaxtyping import Float

from lmtbayes.detectors.response import LINDHARD_K, LINDHARD_K_SIGMA, to_kevee
from lmtbayes.experiments.low_rank import Weights
from lmtbayes.experiments.solar_moments import SHAPE_8B, Interpolation, theta12_nodes
from lmtbayes.experiments.xenon_detectors import Response, XenonDetector, response
from lmtbayes.experiments.xenon_kernels import (
    ElectronRecoils,
    NuclearRecoils,
    RecoilKernel,
    SharedNodes,
    fold,
    fold_together,
)
from lmtbayes.experiments.xenon_spectra import Sun, electron_intensity, nuclear_intensity, quadrature
from lmtbayes.processes import binding as atoms
from lmtbayes.sources import solar
from lmtbayes.sources.oscillation import oscillation

NR_SOURCES = ("8b", "hep")
LIGHT_SOURCES_KEVNR = 0.055
"""Above 2 E^2/M of the lightest isotope at 1.74 MeV, where 17F ends: what the six other sources reach."""
LINDHARD_NODES, LINDHARD_RANGE_SIGMA = 7, 5.0
NODES_ONE_BIN, NODES_PER_BIN = 8, 4
"""Gauss nodes in ln q^2: any mass of the boson to 1e-7 (tests)."""
HIGHEST_KEVNR = 6.2
"""Above 2 E^2/M of the lightest isotope at the end point of hep."""


def _columns(sun: Sun, recoil: str, lowest_kev: float = np.inf) -> tuple[str, ...]:
    """Sources of a kernel, with the shape shift of 8B where it matters and is known."""
    if recoil == "er":
        return solar.SOURCES
    sources = NR_SOURCES if lowest_kev > LIGHT_SOURCES_KEVNR else solar.SOURCES
    return (*sources, SHAPE_8B) if sun.spectrum_8b == "w06" else sources


def nuclear_spectrum(energy_kevnr: np.ndarray, jacobian: np.ndarray, sun: Sun) -> NuclearRecoils:
    """Kernel whose "bins" are energies and whose "nodes" are the isotopes."""
    columns = _columns(sun, "nr", float(np.min(energy_kevnr)))
    q2, intensity = nuclear_intensity(energy_kevnr, sun, columns)
    ordered = np.moveaxis(intensity * jacobian, (4, 3), (2, 4))
    return _kernel(
        NuclearRecoils, q2.T, *_split(ordered), sun, columns, in_lindhard_k=Interpolation(np.array([LINDHARD_K]))
    )


def electron_spectrum(energy_kevee: np.ndarray, sun: Sun, binding: str) -> ElectronRecoils:
    """Kernel whose "bins" are energies."""
    columns = _columns(sun, "er")
    q2, intensity = electron_intensity(energy_kevee, sun, columns, "free" if binding == "free" else "stepped")
    parts = [np.moveaxis(part * intensity, 3, 2)[..., None] for part in _binding_parts(energy_kevee, binding)]
    split = [_split(part) for part in parts]
    flat, cosine = (np.concatenate(weights) for weights in zip(*split, strict=True))
    return _kernel(ElectronRecoils, q2[:, None], flat, cosine, sun, columns)


def _split(intensity: Float[np.ndarray, "columns functions bins products nodes"]) -> tuple[np.ndarray, np.ndarray]:
    """Rows of the constant and of <cos 2 theta_m>."""
    features = int(np.prod(intensity.shape[2:]))
    return intensity[:, 0].reshape(-1, features), intensity[:, 1:].reshape(-1, features)


def _binding_parts(energy_kevee: np.ndarray, binding: str) -> tuple[np.ndarray, ...]:
    """Factors on the stepped (or free) rate: one, and what RRPA takes from it."""
    one = np.ones(energy_kevee.shape)
    return (one, atoms.rrpa_ratio(energy_kevee) - 1.0) if binding == "rrpa" else (one,)


def _kernel[K: RecoilKernel](
    kind: type[K],
    q2: np.ndarray,
    flat: np.ndarray,
    cosine: np.ndarray,
    sun: Sun,
    columns: tuple[str, ...],
    **more: object,
) -> K:
    parameters = oscillation(sun.oscillation)
    angles = Interpolation(theta12_nodes(parameters))
    return kind(q2, Weights.of(flat), Weights.of(cosine), angles, columns, parameters.theta13_deg, **more)


def nuclear_kernel(response: Response, edges_kevee: np.ndarray, sun: Sun, nodes: int) -> NuclearRecoils:
    """Nuclear recoils in bins of reconstructed energy [keVee], `nodes` Gauss nodes a bin, any k of Lindhard."""
    columns = _columns(sun, "nr")
    low, high = response.range_kev(edges_kevee[-1])
    high = min(high, HIGHEST_KEVNR)
    energy, weight = quadrature(low, high, response.efficiency.kinks_kev)
    q2, intensity = nuclear_intensity(energy, sun, columns)
    angles = np.pi * (np.arange(LINDHARD_NODES) + 0.5) / LINDHARD_NODES
    k_nodes = LINDHARD_K + LINDHARD_RANGE_SIGMA * LINDHARD_K_SIGMA * np.cos(angles)
    matrix = np.stack([response.matrix(energy, edges_kevee, k) for k in k_nodes])
    isotopes = q2.shape[0]
    folded = fold(
        q2.reshape(-1),
        (intensity * weight).reshape(*intensity.shape[:3], -1),
        np.tile(matrix, (1, 1, isotopes)),
        nodes,
        central=LINDHARD_NODES // 2,
    )
    return _kernel(NuclearRecoils, *folded, sun, columns, in_lindhard_k=Interpolation(k_nodes))


def responses_kernel(
    points_kevnr: Float[np.ndarray, " points"], values: Float[np.ndarray, "responses points"], sun: Sun, nodes: int
) -> SharedNodes:
    """Nuclear recoils weighed by responses to the true energy [keVnr], of either sign, on `nodes` nodes that all share.

    Each response runs straight between its values at the points, and vanishes outside.
    """
    columns = _columns(sun, "nr")
    energy, weight = quadrature(points_kevnr[0], points_kevnr[-1], points_kevnr)
    q2, intensity = nuclear_intensity(energy, sun, columns)
    seen = np.tile([np.interp(energy, points_kevnr, row) for row in values], (1, q2.shape[0]))
    folded = fold_together(q2.reshape(-1), (intensity * weight).reshape(*intensity.shape[:3], -1), seen, nodes)
    return _kernel(SharedNodes, *folded, sun, columns, in_lindhard_k=Interpolation(np.array([LINDHARD_K])))


def electron_kernel(response: Response, edges_kevee: np.ndarray, sun: Sun, binding: str, nodes: int) -> ElectronRecoils:
    """Electron recoils in bins of reconstructed energy [keVee], `nodes` Gauss nodes a bin."""
    columns = _columns(sun, "er")
    energy, weight = _electron_quadrature(response, edges_kevee)
    q2, intensity = electron_intensity(energy, sun, columns, "free" if binding == "free" else "stepped")
    matrix = response.matrix(energy, edges_kevee, LINDHARD_K)
    parts = np.stack([part * matrix for part in _binding_parts(energy, binding)])
    return _kernel(ElectronRecoils, *fold(q2, intensity * weight, parts, nodes), sun, columns)


def _electron_quadrature(response: Response, edges_kevee: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    low, high = response.range_kev(edges_kevee[-1])
    return quadrature(low, high, np.concatenate([response.efficiency.kinks_kev, atoms.kinks_kev()]))


def background_rate(response: Response, edges_kevee: np.ndarray, detector: XenonDetector) -> Float[np.ndarray, " bins"]:
    """Electron-recoil background in each bin [1/(t yr)]."""
    energy, weight = _electron_quadrature(response, edges_kevee)
    return response.matrix(energy, edges_kevee, LINDHARD_K) @ (weight * detector.background_rate(energy))


def folded(
    detector: XenonDetector,
    recoils: list[str],
    channel: str,
    threshold_kev: float,
    edges: np.ndarray,
    sun: Sun,
    binding: str,
) -> tuple[tuple[RecoilKernel, ...], np.ndarray]:
    """Kernels, and the electron-recoil background of each bin, at a known threshold.

    Kept for the detectors that follow: those of one response differ in their exposures alone.
    """
    response_alone = replace(
        detector, name="", title="", data_set="", citation="", exposure_tyr=1.0, background=tuple(detector.background)
    )
    return _folded(response_alone, tuple(recoils), channel, float(threshold_kev), tuple(edges.tolist()), sun, binding)


@functools.lru_cache(maxsize=32)
def _folded(
    detector: XenonDetector,
    recoils: tuple[str, ...],
    channel: str,
    threshold_kev: float,
    edges: tuple[float, ...],
    sun: Sun,
    binding: str,
) -> tuple[tuple[RecoilKernel, ...], np.ndarray]:
    edges_kevee = np.asarray(to_kevee(np.array(edges))) if channel == "nr" else np.array(edges)
    nodes = NODES_ONE_BIN if len(edges) == 2 else NODES_PER_BIN
    kernels: list[RecoilKernel] = []
    background = np.zeros(len(edges) - 1)
    # The processes are written in JAX: outside a transformation that the caller may be in.
    with jax.ensure_compile_time_eval():
        for recoil in recoils:
            seen = response(detector, recoil, channel, threshold_kev)
            if recoil == "nr":
                kernels.append(nuclear_kernel(seen, edges_kevee, sun, nodes))
            else:
                kernels.append(electron_kernel(seen, edges_kevee, sun, binding, nodes))
                background = background_rate(seen, edges_kevee, detector)
    background.flags.writeable = False
    return tuple(kernels), background
