"""Borexino's response to a recoil, and the folding of solar neutrinos with it: kernels in bins of visible energy.

The scale in keV of the published spectra is one of hit photomultipliers, not of recoils: quenching puts the edge of 7Be
(665 keV) at 708 keV. E_vis = a + b T + c T^2 and sigma^2 = s^2 E_vis are a fit to the curve of all solar neutrinos in
Fig. 6a of arXiv:1707.09279, with pp and 7Be at the published rates: it has that curve to 1.5 % from 231 to 790 keV,
where it falls by a factor of twenty.
"""

from collections.abc import Mapping

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from scipy.special import ndtr

from lmtbayes.constants import CM2_PER_INVERSE_MEV2, ELECTRON_MASS, MEV_PER_KEV
from lmtbayes.experiments.low_rank import Weights
from lmtbayes.experiments.solar_moments import Interpolation, theta12_nodes
from lmtbayes.experiments.xenon_kernels import ElectronRecoils, fold
from lmtbayes.experiments.xenon_spectra import Sun, quadrature
from lmtbayes.processes import electron
from lmtbayes.sources import solar
from lmtbayes.sources.oscillation import oscillation

VISIBLE = (-16.64, 1.1273, -5.65e-5)
"""a [keV], b, c [1/keV] of E_vis = a + b T + c T^2 for recoils above some 100 keV."""
RESOLUTION = 61.0
"""Width of E_vis at 1 MeV [keV]; it goes with the square root."""
ELECTRONS = 3.307e31
"""Electrons in 100 t of pseudocumene; arXiv:1308.0443."""
LOOPS = 0.968
"""What one-loop corrections leave of the rate at tree level with sin^2 theta_W at low energy.

Borexino's own expectation for the fluxes of B16-GS98 (pp 131.1, 7Be 47.9, pep 2.74, CNO 4.92 counts a day and 100 t,
arXiv:1707.09279) is 0.967, 0.970, 0.964 and 0.973 times the package's; they include them (J. N. Bahcall et al., Phys.
Rev. D 51 (1995) 6146). One factor for all.
"""
_SECONDS_PER_DAY = 86400.0
_LOWEST_KEV, _HIGHEST_KEV = 60.0, 4000.0
_NODES = 5


class BorexinoRecoils(ElectronRecoils):
    """Counts in bins of visible energy; modifiers: the response, and its slopes in energy scale and resolution.

    Parameters (beyond those of RecoilKernel)
    ----------
    pulls
        Names of the nuisances of scale and resolution, relative shifts.
    """

    pulls: tuple[str, ...] = eqx.field(static=True)

    def modifiers(self, values: Mapping[str, Float[Array, ""]]) -> Float[Array, " modifiers"]:
        """One, and the shift of scale and of resolution."""
        return jnp.stack([jnp.ones(()), *(values[name] for name in self.pulls)])


def visible_kev(recoil_kev: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    """Mean visible energy [keV] of a recoil [keV]."""
    offset, slope, curvature = VISIBLE
    return offset + slope * recoil_kev + curvature * recoil_kev**2


def response(
    recoil_kev: Float[np.ndarray, " n"], edges_kev: Float[np.ndarray, " edges"], scale: float = 0.0, width: float = 0.0
) -> Float[np.ndarray, "bins n"]:
    """Probability that a recoil is counted in each bin.

    Parameters
    ----------
    recoil_kev
        True recoil energies [keV].
    edges_kev
        Of the bins of visible energy [keV].
    scale, width
        Relative shifts of the visible energy and of its resolution.
    """
    mean = (1.0 + scale) * visible_kev(recoil_kev)
    sigma = (1.0 + width) * RESOLUTION * np.sqrt(mean * MEV_PER_KEV)
    below = ndtr((edges_kev[:, None] - mean) / sigma)
    return np.diff(below, axis=0)


def intensity(recoil_kev: Float[np.ndarray, " n"], sun: Sun) -> Float[np.ndarray, "columns functions 3 n"]:
    """Recoils of solar neutrinos on free electrons [1/(d 100 t keV)] for unit products g_L^2, g_R^2, -g_L g_R."""
    recoil = recoil_kev * MEV_PER_KEV
    lowest = np.asarray(electron.minimum_neutrino_energy(recoil))
    zeroth, first, second = sun.moments(solar.SOURCES, lowest)
    integrals = zeroth, zeroth - 2.0 * recoil * first + recoil**2 * second, ELECTRON_MASS * recoil * second
    unit = electron.NORMALISATION * CM2_PER_INVERSE_MEV2 * MEV_PER_KEV * ELECTRONS * _SECONDS_PER_DAY
    return LOOPS * unit * np.stack(integrals, axis=2)


def kernel(
    edges_kev: Float[np.ndarray, " edges"], exposure: float, sun: Sun, scale: str, width: str, step: float = 0.01
) -> BorexinoRecoils:
    """Fold the Sun with the response.

    Parameters
    ----------
    edges_kev
        Of the bins of visible energy [keV].
    exposure
        [d 100 t].
    sun
        Which Sun.
    scale, width
        Names of the nuisances that shift the energy scale and the resolution, relative; counts are linear in them.
    step
        Of the differences that give the slopes.
    """
    with jax.ensure_compile_time_eval():
        ends = [_end_point_kev(energy) for source in solar.SOURCES for energy in _energies(source)]
        recoil, weight = quadrature(_LOWEST_KEV, _HIGHEST_KEV, np.array(ends))
        slopes = [
            (response(recoil, edges_kev, *(step * up)) - response(recoil, edges_kev, *(-step * up))) / (2.0 * step)
            for up in np.eye(2)
        ]
        alternatives = np.stack([response(recoil, edges_kev), *slopes])
        q2 = 2.0 * ELECTRON_MASS * recoil * MEV_PER_KEV
        q2, flat, cosine = fold(q2, exposure * weight * intensity(recoil, sun), alternatives, _NODES)
    parameters = oscillation(sun.oscillation)
    in_cosine = Interpolation(theta12_nodes(parameters))
    weights = Weights.of(flat), Weights.of(cosine)
    return BorexinoRecoils(q2, *weights, in_cosine, solar.SOURCES, parameters.theta13_deg, (scale, width))


def _energies(source: str) -> tuple[float, ...]:
    """Lines, or the end point: where a spectrum of recoils has an edge."""
    return tuple(energy for energy, _ in solar.lines(source)) or (solar.endpoint(source),)


def _end_point_kev(neutrino_energy: float) -> float:
    return float(electron.maximum_recoil_energy(neutrino_energy)) / MEV_PER_KEV
