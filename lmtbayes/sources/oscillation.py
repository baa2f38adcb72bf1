"""P(nu_e -> nu_alpha) of solar neutrinos: adiabatic MSW, averaged over where they are born, sum_i |U_alpha i|^2 p_i.

The p_i (probability to arrive as mass state i) know the Sun and theta_12; theta_23 and delta_CP stand in |U|^2 only:

    p_1, p_2 = cos^2 theta_13 (1 +- <cos 2 theta_m>)/2,  p_3 = sin^2 theta_13,
    cos 2 theta_m = (cos 2 theta_12 - A)/sqrt((cos 2 theta_12 - A)^2 + sin^2 2 theta_12),
    A = 2 sqrt2 G_F n_e E cos^2 theta_13/dm2_21.
"""

from dataclasses import dataclass
from functools import cache
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from lmtbayes import _checks, tables

DEFAULT_SET = "nufit-6.1-ic24"
MATTER_PER_MEV = 1.526493e-2
"""2 sqrt2 G_F N_A (cm^-3) MeV/(1e-5 eV^2): A for n_e/N_A = 1 cm^-3, E = 1 MeV and dm2_21 = 1e-5 eV^2."""


@dataclass(frozen=True)
class Oscillation:
    """One set of oscillation parameters, normal ordering: dm2 [eV^2], angles and phase [degrees], 1-sigma widths.

    `theta23_other_deg` is the solution in the other octant.
    """

    name: str
    dm21_ev2: float
    dm31_ev2: float
    theta12_deg: float
    theta13_deg: float
    theta23_deg: float
    delta_cp_deg: float
    theta12_sigma_deg: float
    theta23_sigma_deg: float
    delta_cp_sigma_deg: float
    theta23_other_deg: float
    theta23_other_sigma_deg: float

    @property
    def sin2_theta13(self) -> float:
        """sin^2 theta_13 = p_3."""
        return float(np.sin(np.radians(self.theta13_deg)) ** 2)


def oscillation_names() -> tuple[str, ...]:
    """Return the names that `oscillation` accepts."""
    return tuple(str(name) for name in tables.read("solar/oscillation")["set"])


@cache
def oscillation(name: str = DEFAULT_SET) -> Oscillation:
    """Look a parameter set up.

    Parameters
    ----------
    name
        "nufit-6.1-ic24" (2025, with IceCube and Super-Kamiokande atmospheric data), "nufit-6.1-ic23" (without the
        latter), the same of 2024, "nufit-6.0-ic24" and "nufit-6.0-ic19", or "paper-2021".

    Raises
    ------
    InvalidArgument
        No such set.

    References
    ----------
    arXiv:2410.05380 and NuFIT 6.1 (2025), www.nu-fit.org; arXiv:2006.11237 with delta_CP = 0 for "paper-2021".
    """
    _checks.one_of("oscillation", name, oscillation_names())
    table = tables.read("solar/oscillation")
    row = oscillation_names().index(name)
    return Oscillation(name, **{key: float(table[key][row]) for key in table if key != "set"})


def density_nodes(source: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the electron densities n_e/N_A [cm^-3] that stand for the production region of a source, and weights.

    Raises
    ------
    InvalidArgument
        Unknown source.
    """
    table = tables.read("solar/density_nodes")
    _checks.one_of("source", source, dict.fromkeys(map(str, table["source"])))
    rows = table["source"] == source
    return table["density"][rows], table["weight"][rows] / table["weight"][rows].sum()


def matter_ratio(energy: Any, density: Any, parameters: Oscillation) -> Any:
    """A = 2 sqrt2 G_F n_e E cos^2 theta_13/dm2_21 for an energy [MeV] and a density n_e/N_A [cm^-3]."""
    return MATTER_PER_MEV * energy * density * (1.0 - parameters.sin2_theta13) / (parameters.dm21_ev2 / 1e-5)


def cos_two_theta_matter(
    source: str, energy: ArrayLike, cos_two_theta12: ArrayLike, parameters: Oscillation, xp: Any = np
) -> Any:
    """<cos 2 theta_m> over the production region of a source.

    Parameters
    ----------
    source
        One of the eight sources.
    energy
        Neutrino energy [MeV].
    cos_two_theta12
        cos 2 theta_12; broadcasts with `energy`.
    parameters
        Gives dm2_21 and theta_13.
    xp
        Array library, numpy or jax.numpy.
    """
    densities, weights = density_nodes(source)
    cos = xp.asarray(cos_two_theta12)[..., None]
    shifted = cos - matter_ratio(xp.asarray(energy)[..., None], densities, parameters)
    return xp.sum(weights * shifted / xp.sqrt(shifted**2 + 1.0 - cos**2), axis=-1)


def mixing_probabilities(
    theta12_deg: ArrayLike, theta13_deg: ArrayLike, theta23_deg: ArrayLike, delta_cp_deg: ArrayLike
) -> Float[Array, "... 3 3"]:
    """|U_alpha i|^2, rows (e, mu, tau), columns (1, 2, 3); angles in degrees, scalars or arrays that broadcast."""
    t12, t13, t23, delta = jnp.broadcast_arrays(
        *(jnp.radians(jnp.asarray(x, dtype=float)) for x in (theta12_deg, theta13_deg, theta23_deg, delta_cp_deg))
    )
    s12, s13, s23 = jnp.sin(t12) ** 2, jnp.sin(t13) ** 2, jnp.sin(t23) ** 2
    c12, c13, c23 = 1.0 - s12, 1.0 - s13, 1.0 - s23
    interference = 0.5 * jnp.sin(2.0 * t12) * jnp.sin(2.0 * t23) * jnp.sin(t13) * jnp.cos(delta)
    rows = (
        (c12 * c13, s12 * c13, s13),
        (s12 * c23 + c12 * s23 * s13 + interference, c12 * c23 + s12 * s23 * s13 - interference, s23 * c13),
        (s12 * s23 + c12 * c23 * s13 - interference, c12 * s23 + s12 * c23 * s13 + interference, c23 * c13),
    )
    return jnp.stack([jnp.stack(row, axis=-1) for row in rows], axis=-2)


def mass_state_weights(
    source: str, energy: ArrayLike, parameters: Oscillation, theta12_deg: ArrayLike | None = None
) -> Float[Array, "... 3"]:
    """p_1, p_2, p_3: the probability that a neutrino born as nu_e arrives as mass state i.

    Parameters
    ----------
    source
        One of the eight sources; decides the densities of its birth.
    energy
        [MeV], any shape.
    parameters
        `oscillation(name)`.
    theta12_deg
        Instead of the set's own; broadcasts with `energy`.
    """
    theta12 = jnp.radians(parameters.theta12_deg if theta12_deg is None else jnp.asarray(theta12_deg, dtype=float))
    cosine = cos_two_theta_matter(source, jnp.asarray(energy, dtype=float), jnp.cos(2.0 * theta12), parameters, jnp)
    s13 = parameters.sin2_theta13
    first, second = 0.5 * (1.0 - s13) * (1.0 + cosine), 0.5 * (1.0 - s13) * (1.0 - cosine)
    return jnp.stack([first, second, jnp.full_like(first, s13)], axis=-1)


def flavour_probabilities(
    source: str,
    energy: ArrayLike,
    parameters: Oscillation | None = None,
    theta12_deg: ArrayLike | None = None,
    theta23_deg: ArrayLike | None = None,
    delta_cp_deg: ArrayLike | None = None,
) -> Float[Array, "... 3"]:
    """P(nu_e -> nu_e, nu_mu, nu_tau) of solar neutrinos by day.

    Parameters
    ----------
    source
        One of the eight sources.
    energy
        [MeV], any shape.
    parameters
        `oscillation(name)`; None for NuFIT 6.1 (IC24).
    theta12_deg, theta23_deg, delta_cp_deg
        Instead of the set's own: scalars, differentiable.

    Returns
    -------
    probabilities
        Shape of `energy` with an axis (e, mu, tau) appended; sums to one. Matter in the Earth (below 1 %) is left out.

    References
    ----------
    S. J. Parke, Phys. Rev. Lett. 57 (1986) 1275; averaged with data/solar/density_nodes.csv.
    """
    parameters = oscillation() if parameters is None else parameters
    theta12 = parameters.theta12_deg if theta12_deg is None else theta12_deg
    mixing = mixing_probabilities(
        theta12,
        parameters.theta13_deg,
        parameters.theta23_deg if theta23_deg is None else theta23_deg,
        parameters.delta_cp_deg if delta_cp_deg is None else delta_cp_deg,
    )
    weights = mass_state_weights(source, energy, parameters, theta12)
    return jnp.einsum("...ai,...i->...a", mixing, weights)
