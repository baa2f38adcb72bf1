"""Neutrino-electron scattering with a hidden photon: Eq. 36 of arXiv:2104.03297 as the SM with shifted couplings.

    dsigma/dE_R = (2 G_F^2 m_e/pi) [g_L^2 + g_R^2 (1 - E_R/E_nu)^2 - g_L g_R m_e E_R/E_nu^2]
    g_L, g_R -> g_L + delta/2, g_R + delta/2,   delta = g_nu g_e/(sqrt(2) G_F (2 m_e E_R + M_A'^2))

with g_nu and g_e the vector couplings of the neutrino and of the electron to the boson (g_x Q_alpha and eps_x e in
Lmu-Ltau, which is Eq. 36). Couplings come in as numbers: nothing here knows the gauge group. All arguments broadcast.
"""

import math

import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from lmtbayes.constants import ELECTRON_MASS, FERMI_CONSTANT

NORMALISATION = 2.0 * FERMI_CONSTANT**2 * ELECTRON_MASS / math.pi
"""2 G_F^2 m_e/pi [MeV^-3]."""


def chiral_couplings(
    sin2_theta_w: ArrayLike, electron_neutrino: bool
) -> tuple[Float[Array, "..."], Float[Array, "..."]]:
    """(g_L, g_R) of the Standard Model; nu_e has the charged current too, g_L -> g_L + 1."""
    sin2 = jnp.asarray(sin2_theta_w, dtype=float)
    return sin2 - 0.5 + float(electron_neutrino), sin2


def hidden_shift(
    neutrino_coupling: ArrayLike, electron_coupling: ArrayLike, recoil_energy: ArrayLike, mediator_mass: ArrayLike
) -> Float[Array, "..."]:
    """Delta of Eq. 36, what the boson adds to the vector coupling g_L + g_R; half of it goes to each. Dimensionless.

    Parameters
    ----------
    neutrino_coupling
        g_x Q_alpha of the neutrino's flavour.
    electron_coupling
        g_x Q_e + eps_x e.
    recoil_energy, mediator_mass
        E_R, M_A' [MeV].
    """
    denominator = 2.0 * ELECTRON_MASS * jnp.asarray(recoil_energy, dtype=float) + jnp.asarray(mediator_mass) ** 2
    return jnp.asarray(neutrino_coupling) * electron_coupling / (math.sqrt(2.0) * FERMI_CONSTANT * denominator)


def minimum_neutrino_energy(recoil_energy: ArrayLike) -> Float[Array, "..."]:
    """Smallest neutrino energy [MeV] that gives a free electron E_R [MeV], (E_R + sqrt(E_R^2 + 2 m_e E_R))/2."""
    recoil = jnp.asarray(recoil_energy, dtype=float)
    return 0.5 * (recoil + jnp.sqrt(recoil**2 + 2.0 * ELECTRON_MASS * recoil))


def maximum_recoil_energy(neutrino_energy: ArrayLike) -> Float[Array, "..."]:
    """End point of the free electron's recoil [MeV], 2 E_nu^2/(m_e + 2 E_nu)."""
    energy = jnp.asarray(neutrino_energy, dtype=float)
    return 2.0 * energy**2 / (ELECTRON_MASS + 2.0 * energy)


def cross_section(
    recoil_energy: ArrayLike,
    neutrino_energy: ArrayLike,
    g_left: ArrayLike,
    g_right: ArrayLike,
    shift: ArrayLike = 0.0,
) -> Float[Array, "..."]:
    """dsigma/dE_R [MeV^-3] of one neutrino flavour on one free electron at rest; zero above the end point.

    Parameters
    ----------
    recoil_energy, neutrino_energy
        E_R, E_nu [MeV].
    g_left, g_right
        Of the Standard Model, `chiral_couplings`.
    shift
        delta of `hidden_shift`; 0 is the Standard Model.

    References
    ----------
    arXiv:2104.03297, Eq. 36.
    """
    recoil, energy = jnp.asarray(recoil_energy, dtype=float), jnp.asarray(neutrino_energy, dtype=float)
    left, right = jnp.asarray(g_left) + 0.5 * jnp.asarray(shift), jnp.asarray(g_right) + 0.5 * jnp.asarray(shift)
    value = NORMALISATION * (
        left**2 + right**2 * (1.0 - recoil / energy) ** 2 - left * right * ELECTRON_MASS * recoil / energy**2
    )
    return jnp.where(recoil <= maximum_recoil_energy(energy), value, 0.0)
