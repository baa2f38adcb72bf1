"""Scintillation of CsI[Na] as COHERENT measured it: quenching, smearing in photoelectrons, efficiency, each with error.

Source of every formula and number: arXiv:2110.07730 with its ancillary files; tables in data/coherent/.
"""

import functools

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float
from scipy.special import gammaln

from lmtbayes import _checks, tables
from lmtbayes.constants import MEV_PER_KEV

PE_PER_KEVEE = 1.0 / 0.0749
"""Photoelectrons per keVee, 13.35."""
SMEARING_PER_KEVEE = 9.56
"""Growth of the Gamma distribution's shape with the quenched energy [1/keVee]."""
RISE = (3.0, 12.0)
"""The efficiency begins between these [PE], for pulls of its nuisance between -6 and 5."""
_CHEBYSHEV, _NODES_PER_BIN = 20, 6


@functools.cache
def _quenching() -> tuple[np.ndarray, np.ndarray]:
    """Coefficients of E, ..., E^4 (MeV): (4,), and their change along the two directions of the error, (2, 4)."""
    table = tables.read("coherent/csi_quenching")
    rows = {str(v): np.array([table[key][i] for key in "abcd"]) for i, v in enumerate(table["variant"])}
    return rows["nominal"], np.stack([0.5 * (rows[f"{k}+"] - rows[f"{k}-"]) for k in (0, 1)])


@functools.cache
def _efficiency() -> tuple[np.ndarray, np.ndarray]:
    """Parameters a, b, c, d of the efficiency, (4,), and their change by one sigma, (4,)."""
    table = tables.read("coherent/csi_efficiency")
    rows = {str(v): np.array([table[key][i] for key in "abcd"]) for i, v in enumerate(table["variant"])}
    return rows["nominal"], 0.5 * (rows["+"] - rows["-"])


def quenched_kevee(recoil_kevnr: ArrayLike, pulls: tuple[float, float] = (0.0, 0.0)) -> Float[np.ndarray, "..."]:
    """Energy E_ee [keVee] that an electron needs for the light of a recoil [keVnr], any shape.

    `pulls` move along the two uncorrelated directions of the fit's uncertainty: the four coefficients are linear in
    them (the published variants at +1 and -1 are symmetric about the fit to all digits).
    """
    nominal, directions = _quenching()
    coefficients = nominal + np.asarray(pulls) @ directions
    mev = np.asarray(recoil_kevnr, dtype=float) * MEV_PER_KEV
    return np.asarray(mev * np.polynomial.polynomial.polyval(mev, coefficients) / MEV_PER_KEV)


def photoelectron_density(photoelectrons: ArrayLike, quenched_kevee: ArrayLike) -> Float[np.ndarray, "..."]:
    """Probability density [1/PE] of a quenched energy [keVee] to be read as so many photoelectrons (> 0); broadcasts.

    A Gamma distribution of mean 13.35 PE/keVee E_ee and shape 1 + 9.56 E_ee/keVee.
    """
    energy = np.asarray(quenched_kevee, dtype=float)
    shape = 1.0 + SMEARING_PER_KEVEE * energy
    rate = shape / (PE_PER_KEVEE * energy)
    x = np.asarray(photoelectrons, dtype=float)
    return np.asarray(np.exp(shape * np.log(rate) + (shape - 1.0) * np.log(x) - rate * x - gammaln(shape)))


def _efficiency_parameters(pull: ArrayLike) -> list[Array]:
    """a, b, c, d: the published curves at +1 and -1 sigma are symmetric about the nominal one in all four."""
    nominal, one_sigma = _efficiency()
    return [n + jnp.asarray(pull) * s for n, s in zip(nominal, one_sigma, strict=True)]


def efficiency(photoelectrons: ArrayLike, pull: ArrayLike = 0.0) -> Float[Array, "..."]:
    """Efficiency max(0, a/(1 + exp(-b (PE - c))) + d) of the selection, any shape; `pull` in standard deviations."""
    a, b, c, d = _efficiency_parameters(pull)
    return jnp.maximum(a / (1.0 + jnp.exp(-b * (jnp.asarray(photoelectrons, dtype=float) - c))) + d, 0.0)


def threshold_pe(pull: ArrayLike = 0.0) -> Float[Array, "..."]:
    """Photoelectrons below which the efficiency is zero: 7.1, a kink; -inf where it never is (pulls below -14)."""
    a, b, c, d = _efficiency_parameters(pull)
    is_cut = d < 0.0
    return jnp.where(is_cut, c - jnp.log(-a / jnp.where(is_cut, d, -0.5 * a) - 1.0) / b, -jnp.inf)


class PhotoelectronBins(eqx.Module):
    """Integrals over bins of photoelectrons of a smooth density times the efficiency.

    The kink of the efficiency moves with its nuisance. Below 12 PE the density is therefore interpolated and integrated
    from the kink on, so that counts stay smooth in the nuisance; the kink is there for pulls between -6 and 5.
    """

    edges: tuple[float, ...] = eqx.field(static=True)
    nodes: np.ndarray
    """Where the density is wanted [PE], (nodes,)."""
    to_polynomials: np.ndarray
    """Density at the first nodes -> Chebyshev coefficients between 3 and 12 PE."""

    def __init__(self, edges: Float[np.ndarray, " edges"]):
        if RISE[1] not in edges:
            raise _checks.invalid(
                "edges", edges, f"with an edge at {RISE[1]:g} PE, above which no pull moves the threshold"
            )
        self.edges = tuple(edges.tolist())
        u = np.cos(np.pi * (np.arange(_CHEBYSHEV) + 0.5) / _CHEBYSHEV)
        self.to_polynomials = np.linalg.inv(np.cos(np.arange(_CHEBYSHEV) * np.arccos(u)[:, None]))
        upper = edges[edges >= RISE[1]]
        x, _ = np.polynomial.legendre.leggauss(_NODES_PER_BIN)
        above = 0.5 * (upper[1:] + upper[:-1])[:, None] + 0.5 * np.diff(upper)[:, None] * x
        self.nodes = np.concatenate([0.5 * (RISE[0] + RISE[1]) + 0.5 * (RISE[1] - RISE[0]) * u, above.ravel()])

    def counts(self, density: Float[ArrayLike, "nodes columns"], pull: ArrayLike = 0.0) -> Float[Array, "bins columns"]:
        """Counts in each bin for densities [1/PE] at the nodes; `pull` is the efficiency's."""
        x, w = np.polynomial.legendre.leggauss(_NODES_PER_BIN)
        edges, density = np.array(self.edges), jnp.asarray(density)
        lower, upper = edges[edges <= RISE[1]], edges[edges >= RISE[1]]
        start = jnp.clip(threshold_pe(pull), np.maximum(lower[:-1], RISE[0]), lower[1:])
        half = 0.5 * (lower[1:] - start)[:, None]
        nodes = start[:, None] + half * (1.0 + x)
        u = (2.0 * nodes - RISE[0] - RISE[1]) / (RISE[1] - RISE[0])
        polynomials = jnp.stack(_chebyshev_polynomials(u), axis=-1)
        rising = polynomials @ (jnp.asarray(self.to_polynomials) @ density[:_CHEBYSHEV])
        weights = half * w * efficiency(nodes, pull)
        below = jnp.sum(weights[..., None] * rising, axis=1)
        flat = jnp.reshape(self.nodes[_CHEBYSHEV:], (-1, _NODES_PER_BIN))
        weights = 0.5 * np.diff(upper)[:, None] * w * efficiency(flat, pull)
        above = jnp.sum(weights[..., None] * density[_CHEBYSHEV:].reshape(*flat.shape, -1), axis=1)
        return jnp.concatenate([below, above])


def _chebyshev_polynomials(u: Float[Array, "*n"]) -> list[Float[Array, "*n"]]:
    """T_0 to T_19 by recurrence: sums and products, where cosines would be a call for each number."""
    found = [jnp.ones_like(u), u]
    while len(found) < _CHEBYSHEV:
        found.append(2.0 * u * found[-1] - found[-2])
    return found


def quenching_powers(p0: ArrayLike, p1: ArrayLike) -> Float[Array, "6"]:
    """1, p0, p1, p0^2, p1^2, p0 p1: what the terms of `response` are multiplied with."""
    p0, p1 = jnp.asarray(p0, dtype=float), jnp.asarray(p1, dtype=float)
    return jnp.stack([jnp.ones_like(p0), p0, p1, p0**2, p1**2, p0 * p1])


def response(
    photoelectrons: Float[np.ndarray, " pe"], recoil_kevnr: Float[np.ndarray, " nodes"]
) -> Float[np.ndarray, "6 pe nodes"]:
    """Density [1/PE] of photoelectrons for each recoil, to second order in the two pulls of the quenching.

    The quenched energy moves by 1-4 % a sigma, so that the second order is good to a few 1e-5 of the counts at 1 sigma
    and 1e-3 at 3 sigma. Efficiency apart.
    """
    grid = {
        (p0, p1): photoelectron_density(photoelectrons[:, None], quenched_kevee(recoil_kevnr, (p0, p1)))
        for p0 in (-1, 0, 1)
        for p1 in (-1, 0, 1)
    }
    centre = grid[0, 0]
    linear = [0.5 * (grid[1, 0] - grid[-1, 0]), 0.5 * (grid[0, 1] - grid[0, -1])]
    square = [0.5 * (grid[1, 0] + grid[-1, 0]) - centre, 0.5 * (grid[0, 1] + grid[0, -1]) - centre]
    mixed = 0.25 * (grid[1, 1] - grid[1, -1] - grid[-1, 1] + grid[-1, -1])
    return np.stack([centre, *linear, *square, mixed])
