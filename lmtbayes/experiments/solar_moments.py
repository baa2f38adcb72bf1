"""Moments of the solar neutrino flux above an energy, per source and per function of theta_12: what recoil rates need.

    G_n(E) = int_E^inf dE' phi(E') E'^-n w(E'),   n = 0, 1, 2,   w = 1 or <cos 2 theta_m>(E', theta_12)

Both cross sections are polynomials in 1/E', and p_1, p_2 = cos^2 theta_13 (1 +- <cos 2 theta_m>)/2, so these moments
hold everything that depends on the Sun. In theta_12 <cos 2 theta_m> is analytic: it is kept at Chebyshev nodes of
cos 2 theta_12 and interpolated by the polynomial through them.
"""

from functools import cache

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from scipy.interpolate import CubicHermiteSpline

from lmtbayes.sources import solar
from lmtbayes.sources.oscillation import Oscillation, cos_two_theta_matter, oscillation

SHAPE_8B = "8b-shape"
"""Column of the 1-sigma shift of the 8B spectrum; it scales with the flux and with the pull."""
COLUMNS = (*solar.SOURCES, SHAPE_8B)
THETA12_NODES = 5
THETA12_RANGE_SIGMA = 6.0
_PANELS = 1200


class Interpolation(eqx.Module):
    """Values at x of the polynomials that are 1 at one node and 0 at the others; one node gives a constant."""

    centre: np.ndarray
    half_width: np.ndarray
    from_powers: np.ndarray

    def __init__(self, nodes: np.ndarray):
        self.centre = np.asarray(0.5 * (nodes.min() + nodes.max()))
        self.half_width = np.asarray(0.5 * float(np.ptp(nodes)) or 1.0)
        self.from_powers = np.linalg.inv(np.vander((nodes - self.centre) / self.half_width, increasing=True))

    def __call__(self, x: Float[Array, ""]) -> Float[Array, " nodes"]:
        """Weights of the nodes at x; they add up to one."""
        scaled = (x - self.centre) / self.half_width
        powers = [jnp.ones_like(scaled)]
        for _ in range(self.from_powers.shape[0] - 1):
            powers.append(powers[-1] * scaled)
        return jnp.stack(powers) @ self.from_powers


@cache
def theta12_nodes(parameters: Oscillation) -> np.ndarray:
    """Chebyshev nodes in cos 2 theta_12 over +- 6 sigma of the set's theta_12."""
    reach = THETA12_RANGE_SIGMA * parameters.theta12_sigma_deg
    high, low = np.cos(2.0 * np.radians(parameters.theta12_deg + np.array([-reach, reach])))
    angles = np.pi * (np.arange(THETA12_NODES) + 0.5) / THETA12_NODES
    return 0.5 * (low + high) + 0.5 * (high - low) * np.cos(angles)


def _weights(column: str, energy: np.ndarray, parameters: Oscillation) -> np.ndarray:
    """w(E) of the module's first lines, shape (1 + theta_12 nodes, energies)."""
    source = "8b" if column == SHAPE_8B else column
    cosines = [cos_two_theta_matter(source, energy, c, parameters) for c in theta12_nodes(parameters)]
    return np.stack([np.ones_like(energy), *cosines])


@cache
def _continuous(column: str, spectrum_8b: str, oscillation_name: str) -> tuple[CubicHermiteSpline, float]:
    """Moments of one continuous source for unit flux as a spline in E, and its end point.

    The integral is a Gauss-Legendre sum between knots that crowd at both ends; the spline has its exact derivative
    -phi E^-n w too, so that its error is that of the fourth order.
    """
    parameters = oscillation(oscillation_name)
    end = solar.endpoint("8b", "w06") if column == SHAPE_8B else solar.endpoint(column, spectrum_8b)
    knots = 0.5 * end * (1.0 - np.cos(np.pi * np.arange(_PANELS + 1) / _PANELS))
    nodes, weights = np.polynomial.legendre.leggauss(6)
    half = 0.5 * np.diff(knots)[:, None]
    points = knots[:-1, None] + half * (1.0 + nodes)

    def integrand(energy: np.ndarray) -> np.ndarray:
        flat = energy.ravel()
        density = solar.shape_shift_8b(flat) if column == SHAPE_8B else solar.spectrum(column, flat, spectrum_8b)
        powers = np.stack([np.ones_like(flat), 1.0 / flat, 1.0 / flat**2])
        value = density * powers[:, None] * _weights(column, flat, parameters)
        return np.moveaxis(value.reshape(*value.shape[:2], *energy.shape), (0, 1), (-2, -1))

    panels = np.einsum("pg,pgnw->pnw", half * weights, integrand(points))
    above = np.concatenate([np.cumsum(panels[::-1], axis=0)[::-1], np.zeros((1, *panels.shape[1:]))])
    slope = -integrand(np.maximum(knots, 1e-9 * end))
    return CubicHermiteSpline(knots, above, slope, axis=0), end


def moments(
    columns: tuple[str, ...], minimum_energy: np.ndarray, spectrum_8b: str, oscillation_name: str
) -> Float[np.ndarray, "3 columns functions *n"]:
    """G_n above `minimum_energy` [MeV] for unit flux.

    Parameters
    ----------
    columns
        Out of `COLUMNS`.
    minimum_energy
        Any shape n.
    spectrum_8b, oscillation_name
        See `sources`.

    Returns
    -------
    moments
        [MeV^-n] for n = 0, 1, 2; columns; functions w: 1, then <cos 2 theta_m> at each of `theta12_nodes`.
    """
    shape = (3, 1 + THETA12_NODES, *minimum_energy.shape)
    parameters = oscillation(oscillation_name)
    result = []
    for column in columns:
        if column != SHAPE_8B and solar.lines(column):
            total = np.zeros(shape)
            for energy, share in solar.lines(column):
                weights = _weights(column, np.array([energy]), parameters)[:, 0]
                line = share * energy ** -np.arange(3.0)[:, None] * weights
                total += np.multiply.outer(line, minimum_energy <= energy)
        else:
            spline, end = _continuous(column, spectrum_8b, oscillation_name)
            value = spline(np.minimum(minimum_energy, end))
            total = np.moveaxis(value, (-2, -1), (0, 1)).reshape(shape)
        result.append(total)
    return np.stack(result, axis=1)
